"""Entries by keys that several of them may share: those of a key, and the best of all that begin with what was typed.

Keys are sorted byte strings of bounded length in one array, found by bisection; the weights stand in the order of the keys, so the best of a range
come of one pass over numbers that lie side by side.
"""

from collections.abc import Sequence

import numpy as np

from indexer.jit import kernel

MAX_KEY = 40  # bytes


class KeyTable:
    """``keys[i]`` leads to ``entries[i]``; ``weights`` by entry, the greater the better. Immutable and thread-safe."""

    def __init__(self, keys: Sequence[bytes], entries: np.ndarray, weights: np.ndarray) -> None:
        given = np.array([key[:MAX_KEY] for key in keys], f"S{MAX_KEY}") if len(keys) else np.zeros(0, f"S{MAX_KEY}")
        # Stable, so that keys that are the same stand in the order they came.
        order = np.argsort(given, kind="stable")
        self._keys, self._entries = given[order], np.ascontiguousarray(entries[order], np.int32)
        self._weights = np.ascontiguousarray(weights[self._entries], np.int32) if len(keys) else np.zeros(0, np.int32)

    def __len__(self) -> int:
        return len(self._keys)

    def exactly(self, key: bytes) -> np.ndarray:
        """The entries of a key, as they came. Keys beyond the bound are found by their beginning."""
        wanted = np.bytes_(key[:MAX_KEY])
        first, last = self._keys.searchsorted(wanted, "left"), self._keys.searchsorted(wanted, "right")
        return self._entries[first:last]

    def begun(self, prefixes: Sequence[bytes]) -> list[bool]:
        """Whether any key begins with each of the prefixes."""
        cut = [prefix[:MAX_KEY] for prefix in prefixes]
        firsts = self._keys.searchsorted(np.array(cut, f"S{MAX_KEY}"), "left")
        lasts = self._keys.searchsorted(np.array([prefix + b"\xff" * (MAX_KEY - len(prefix)) for prefix in cut], f"S{MAX_KEY}"), "right")
        return list((firsts < lasts).tolist())

    def beginning(self, prefix: bytes, limit: int) -> np.ndarray:
        """The entries of the ``limit`` best keys that begin with ``prefix``, best first; one with several such keys may stand there twice."""
        cut = prefix[:MAX_KEY]
        first = int(self._keys.searchsorted(np.bytes_(cut), "left"))
        # No key has the byte 255, which UTF-8 has not.
        last = int(self._keys.searchsorted(np.bytes_(cut + b"\xff" * (MAX_KEY - len(cut))), "right"))
        best = np.empty(limit, np.int64)
        return self._entries[best[: best_of(self._weights, first, last, best)]]


@kernel
def best_of(weights, first, last, best):
    """Fill ``best`` with the places from ``first`` to ``last`` of the greatest weights, the earlier first of equal ones; returns how many."""
    n, limit = 0, len(best)
    least = np.int64(-1) << 62
    for i in range(first, last):
        if n == limit and (limit == 0 or weights[i] <= least):
            continue
        at = n if n < limit else n - 1
        n = min(n + 1, limit)
        while at > 0 and weights[best[at - 1]] < weights[i]:
            best[at] = best[at - 1]
            at -= 1
        best[at] = i
        least = np.int64(weights[best[n - 1]])
    return n
