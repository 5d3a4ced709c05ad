"""Lists of strings as two arrays, and the kernels that hash, merge and copy them without making a Python object.

Strings are UTF-8 (lone surrogates passed through), so the order of bytes is the order of code points. How they lie in a file is the business of
``front_coding.py`` and ``string_table.py``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.jit import inlined, kernel
from indexer.threads import in_order

SEPARATOR = 10  # "\n": never inside a term, since every analyzer splits at white space

_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_HIGH = np.uint64(0xFFFFFFFF00000000)


@dataclass(frozen=True, slots=True)
class Strings:
    """``data`` uint8[bytes] and ``offsets`` int64 or uint64[n + 1]: string i is ``data[offsets[i]:offsets[i + 1]]``."""

    data: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def text(self, i: int) -> str:
        """String number ``i``."""
        return self.data[int(self.offsets[i]) : int(self.offsets[i + 1])].tobytes().decode("utf-8", "surrogatepass")

    def texts(self) -> list[str]:
        """All strings, in order."""
        return [self.text(i) for i in range(len(self))]


def encode(text: str) -> bytes:
    """UTF-8 of any str at all."""
    return text.encode("utf-8", "surrogatepass")


def pack(texts: Iterable[str]) -> Strings:
    """Strings -> arrays."""
    return pack_bytes([encode(text) for text in texts])


def pack_bytes(pieces: Sequence[bytes]) -> Strings:
    """Byte strings -> arrays."""
    offsets = np.zeros(len(pieces) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, pieces), np.int64, len(pieces)), out=offsets[1:])
    return Strings(np.frombuffer(b"".join(pieces) or b"", np.uint8), offsets)


def concatenate(parts: Sequence[Strings]) -> Strings:
    """One list after the other."""
    if not parts:
        return pack([])
    offsets = np.zeros(1 + sum(len(p) for p in parts), np.int64)
    first, base = 1, 0
    for part in parts:
        np.add(part.offsets[1:], base, out=offsets[first : first + len(part)], casting="unsafe")
        first, base = first + len(part), base + len(part.data)
    return Strings(np.concatenate([p.data for p in parts]), offsets)


def take(strings: Strings, chosen: np.ndarray) -> Strings:
    """The strings with numbers ``chosen``, in that order."""
    chosen = np.ascontiguousarray(chosen, np.int64)
    offsets = np.zeros(len(chosen) + 1, np.int64)
    _add_sizes(strings.offsets, chosen, offsets)
    data = np.empty(offsets[-1], np.uint8)
    _copy(strings.data, strings.offsets, chosen, data, offsets)
    return Strings(data, offsets)


@kernel
def _add_sizes(offsets, chosen, out):
    """Without the temporary arrays that NumPy would need: vocabularies are the largest things of a build."""
    for i in range(len(chosen)):
        out[i + 1] = out[i] + np.int64(offsets[chosen[i] + 1]) - np.int64(offsets[chosen[i]])


@kernel
def _copy(data, offsets, chosen, out, out_offsets):
    for i in range(len(chosen)):
        start, to = offsets[chosen[i]], out_offsets[i]
        for j in range(out_offsets[i + 1] - to):
            out[to + j] = data[start + j]


# The hash: FNV-1a over the bytes, then one multiply-xorshift round, so that every bit depends on all of them.


@inlined
def _finish(h):
    h ^= h >> np.uint64(33)
    h *= _MIX
    return h ^ (h >> np.uint64(33))


@kernel
def hash_bytes(data, start, stop):
    """64 bits that depend on all bytes of ``data[start:stop]``."""
    h = _FNV_OFFSET
    for i in range(start, stop):
        h = (h ^ np.uint64(data[i])) * _FNV_PRIME
    return _finish(h)


@kernel
def _same(a, a_start, a_stop, b, b_start, b_stop):
    n = np.int64(a_stop) - np.int64(a_start)
    if np.int64(b_stop) - np.int64(b_start) != n:
        return False
    for i in range(n):  # noqa: SIM110 - Numba compiles no generator expressions
        if a[np.int64(a_start) + i] != b[np.int64(b_start) + i]:
            return False
    return True


@kernel
def compare(a, a_start, a_stop, b, b_start, b_stop):
    """-1, 0 or 1: order of two byte strings."""
    n, m = a_stop - a_start, b_stop - b_start
    for i in range(min(n, m)):
        x, y = a[a_start + i], b[b_start + i]
        if x != y:
            return -1 if x < y else 1
    return 0 if n == m else (-1 if n < m else 1)


def last_occurrences(strings: Strings) -> np.ndarray:
    """bool[n]: True where a string is the last of its equals."""
    last = np.ones(len(strings), np.bool_)
    slots = np.zeros(1 << max(1, 3 * len(strings) // 2).bit_length(), np.uint64)
    _mark_last(strings.data, strings.offsets, slots, last)
    return last


@kernel
def _mark_last(data, offsets, slots, last):
    """Insert every string into a hash table (a tag above its number + 1); one that is met again takes over the slot of its earlier equal."""
    mask = np.uint64(len(slots) - 1)
    for i in range(len(offsets) - 1):
        h = hash_bytes(data, offsets[i], offsets[i + 1])
        at = h & mask
        while slots[at] != 0:
            earlier = np.int64(slots[at] & _LOW) - 1
            if (slots[at] & _HIGH) == (h & _HIGH) and _same(data, offsets[i], offsets[i + 1], data, offsets[earlier], offsets[earlier + 1]):
                last[earlier] = False
                break
            at = (at + np.uint64(1)) & mask
        slots[at] = (h & _HIGH) | np.uint64(i + 1)


def merge_sorted(parts: Sequence[Strings]) -> tuple[Strings, list[np.ndarray]]:
    """The sorted union of sorted lists of distinct strings, and for each list the numbers of its strings in the union (int32).

    Neighbours are merged by twos, then these unions, and so on: a string takes part in as many merges as it would pass levels of a heap, with one
    predictable comparison in each instead of two that are not, and threads can share the work.
    """
    unions, numbers = list(parts) or [pack([])], [[np.arange(len(part), dtype=np.int32)] for part in parts] or [[]]
    while len(unions) > 1:
        merged = list(in_order(_merge_two, zip(unions[::2], unions[1::2])))
        pairs = zip(numbers[::2], numbers[1::2], merged)
        last = len(unions) // 2 * 2  # an odd one waits
        numbers = [_renumbered(a, b, in_a, in_b) for a, b, (_, in_a, in_b) in pairs] + numbers[last:]
        unions = [union for union, _, _ in merged] + unions[last:]
    return unions[0], numbers[0]


def _renumbered(a: list[np.ndarray], b: list[np.ndarray], in_a: np.ndarray, in_b: np.ndarray) -> list[np.ndarray]:
    return [in_a[numbers] for numbers in a] + [in_b[numbers] for numbers in b]


def _merge_two(pair: tuple[Strings, Strings]) -> tuple[Strings, np.ndarray, np.ndarray]:
    """The union of two lists, and the numbers of the strings of each in it."""
    a, b = pair
    in_a, in_b = np.empty(len(a), np.int32), np.empty(len(b), np.int32)
    offsets = np.zeros(len(a) + len(b) + 1, np.int64)
    size = _number_union(a.data, a.offsets, b.data, b.offsets, in_a, in_b, offsets)
    offsets = offsets[: size + 1].copy()
    data = np.empty(offsets[-1], np.uint8)
    for one, numbers in (a, in_a), (b, in_b):
        _place(one.data, one.offsets, numbers, data, offsets)
    return Strings(data, offsets), in_a, in_b


@kernel
def _number_union(a, a_offsets, b, b_offsets, in_a, in_b, offsets):
    """Number the strings of two lists in their union, whose ``offsets`` are filled; returns its size."""
    i, j, n = 0, 0, 0
    while i < len(in_a) or j < len(in_b):
        order = -1 if j == len(in_b) else 1
        if i < len(in_a) and j < len(in_b):
            order = compare(a, np.int64(a_offsets[i]), np.int64(a_offsets[i + 1]), b, np.int64(b_offsets[j]), np.int64(b_offsets[j + 1]))
        if order <= 0:
            in_a[i] = n
            size = np.int64(a_offsets[i + 1]) - np.int64(a_offsets[i])
            i += 1
        if order >= 0:
            in_b[j] = n
            size = np.int64(b_offsets[j + 1]) - np.int64(b_offsets[j])
            j += 1
        offsets[n + 1] = offsets[n] + size
        n += 1
    return n


@kernel
def _place(data, offsets, numbers, out, out_offsets):
    """Copy every string to the place of its number."""
    for i in range(len(numbers)):
        start, to = np.int64(offsets[i]), out_offsets[numbers[i]]
        for j in range(np.int64(offsets[i + 1]) - start):
            out[to + j] = data[start + j]
