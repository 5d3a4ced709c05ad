"""Entries by keys that several of them may share: those of a key, and the best of all that begin with what was typed.

Keys are pieces of one array of bytes in the order of these, found by bisection; the weights stand in the order of the keys, so the best of a range
come of one pass over numbers that lie side by side.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np

from indexer.jit import kernel
from indexer.string_order import order_of_pieces
from indexer.strings import pack_bytes
from indexer.swar import PADDING

MAX_KEY = 40  # bytes
ARRAYS = ("data", "starts", "sizes", "entries", "weights")


class Pieces(NamedTuple):
    """Byte strings ``data[starts[i]:stops[i]]`` of padded bytes."""

    data: np.ndarray
    starts: np.ndarray
    stops: np.ndarray


class KeyTable:
    """``keys[i]``, of which the first forty bytes count, leads to ``entries[i]``; ``weights`` by entry, the greater the better. Immutable and
    thread-safe."""

    def __init__(self, keys: Sequence[bytes] | Pieces, entries: np.ndarray, weights: np.ndarray) -> None:
        self._data, starts, stops = keys if isinstance(keys, Pieces) else _pieces(keys)
        stops = np.minimum(stops, starts + MAX_KEY)
        order = order_of_pieces(self._data, starts, stops, MAX_KEY)
        self._starts = starts[order].astype(np.uint32 if len(self._data) < 1 << 32 else np.uint64)
        self._sizes = (stops - starts)[order].astype(np.uint8)
        self._entries = np.ascontiguousarray(entries[order], np.int32)
        self._weights = np.asarray(weights)[self._entries].astype(np.int32)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """The table of what ``arrays`` gave; it shares them."""
        found = cls.__new__(cls)
        found._data, found._starts, found._sizes, found._entries, found._weights = (arrays[name] for name in ARRAYS)
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """All there is, by name."""
        return dict(zip(ARRAYS, (self._data, self._starts, self._sizes, self._entries, self._weights)))

    def __len__(self) -> int:
        return len(self._starts)

    def exactly(self, key: bytes) -> np.ndarray:
        """The entries of a key, as they came. Keys beyond the bound are found by their beginning."""
        first, last = self._range(key, True)
        return self._entries[first:last]

    def begun(self, prefixes: Sequence[bytes]) -> list[bool]:
        """Whether any key begins with each of the prefixes."""
        packed, found = pack_bytes([prefix[:MAX_KEY] for prefix in prefixes]), np.zeros(len(prefixes), np.bool_)
        _begun(self._data, self._starts, self._sizes, packed.data, packed.offsets, found)
        return list(found.tolist())

    def beginning(self, prefix: bytes, limit: int) -> np.ndarray:
        """The entries of the ``limit`` best keys that begin with ``prefix``, best first; one with several such keys may stand there twice."""
        first, last = self._range(prefix, False)
        best = np.empty(limit, np.int64)
        return self._entries[best[: best_of(self._weights, first, last, best)]]

    def _range(self, wanted: bytes, whole: bool) -> tuple[int, int]:
        found: tuple[int, int] = range_of(self._data, self._starts, self._sizes, np.frombuffer(wanted[:MAX_KEY], np.uint8), whole)
        return found


def named(name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of one table as some of a larger one's."""
    return {f"{name}.{key}": array for key, array in arrays.items()}


def within(name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of one table out of those of a larger one."""
    return {key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(f"{name}.")}


def _pieces(keys: Sequence[bytes]) -> Pieces:
    packed = pack_bytes(keys)
    return Pieces(np.append(packed.data, np.zeros(PADDING, np.uint8)), packed.offsets[:-1], packed.offsets[1:])


@kernel
def _compare(data, start, size, wanted, whole):
    """-1, 0 or 1: order of a key, or of its beginning, and what is wanted."""
    for i in range(min(size, len(wanted))):
        if data[start + i] != wanted[i]:
            return -1 if data[start + i] < wanted[i] else 1
    if size < len(wanted):
        return -1
    return 1 if whole and size > len(wanted) else 0


@kernel
def _border(data, starts, sizes, wanted, whole, least):
    """How many keys are below what is wanted, or with ``least`` 1 not above it."""
    low, high = 0, len(starts)
    while low < high:
        middle = (low + high) // 2
        if _compare(data, np.int64(starts[middle]), np.int64(sizes[middle]), wanted, whole) < least:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def range_of(data, starts, sizes, wanted, whole):
    """First place and end of the keys that are what is wanted, or (not ``whole``) begin so."""
    return _border(data, starts, sizes, wanted, whole, 0), _border(data, starts, sizes, wanted, whole, 1)


@kernel
def _begun(data, starts, sizes, prefixes, offsets, found):
    for i in range(len(found)):
        first, last = range_of(data, starts, sizes, prefixes[offsets[i] : offsets[i + 1]], False)
        found[i] = first < last


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
