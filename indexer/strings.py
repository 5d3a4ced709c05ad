"""Lists of strings as two arrays, and the kernels that find, merge and copy them without making a Python object.

Strings are UTF-8 (lone surrogates passed through), so the order of bytes is the order of code points. A *table* finds a string's number in
O(1): open addressing with linear probing over 64-bit slots, high half a tag from the hash, low half number + 1, 0 = empty.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.jit import inlined, kernel

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
    bases = np.cumsum([0] + [len(p.data) for p in parts])
    shifted = [p.offsets[1:].astype(np.int64) + base for p, base in zip(parts, bases)]
    return Strings(np.concatenate([p.data for p in parts]), np.concatenate([np.zeros(1, np.int64), *shifted]))


def take(strings: Strings, chosen: np.ndarray) -> Strings:
    """The strings with numbers ``chosen``, in that order."""
    chosen = np.ascontiguousarray(chosen, np.int64)
    offsets = np.zeros(len(chosen) + 1, np.int64)
    sizes = strings.offsets[chosen + 1].astype(np.int64) - strings.offsets[chosen].astype(np.int64)
    np.cumsum(sizes, out=offsets[1:])
    data = np.empty(offsets[-1], np.uint8)
    _copy(strings.data, strings.offsets, chosen, data, offsets)
    return Strings(data, offsets)


@kernel
def _copy(data, offsets, chosen, out, out_offsets):
    for i in range(len(chosen)):
        start, to = offsets[chosen[i]], out_offsets[i]
        for j in range(out_offsets[i + 1] - to):
            out[to + j] = data[start + j]


# The hash: FNV-1a over the bytes, then one multiply-xorshift round so that the low bits, which choose the slot, depend on all of them.


@inlined
def _finish(h):
    h ^= h >> np.uint64(33)
    h *= _MIX
    return h ^ (h >> np.uint64(33))


@kernel
def _hash(data, start, stop):
    h = _FNV_OFFSET
    for i in range(start, stop):
        h = (h ^ np.uint64(data[i])) * _FNV_PRIME
    return _finish(h)


def table_slots(n: int) -> int:
    """Number of slots for ``n`` strings: the power of two that keeps the table at most two thirds full."""
    return 1 << max(1, int(3 * n // 2)).bit_length()


def build_table(strings: Strings) -> np.ndarray:
    """The table of distinct strings: uint64[table_slots(n)]."""
    slots = np.zeros(table_slots(len(strings)), np.uint64)
    _fill_table(strings.data, strings.offsets, slots)
    return slots


@kernel
def _fill_table(data, offsets, slots):
    mask = np.uint64(len(slots) - 1)
    for i in range(len(offsets) - 1):
        h = _hash(data, offsets[i], offsets[i + 1])
        at = h & mask
        while slots[at] != 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = (h & _HIGH) | np.uint64(i + 1)


def find(strings: Strings, slots: np.ndarray, texts: Sequence[str]) -> np.ndarray:
    """Numbers of ``texts``, int32[n]; -1 where a text is not in the table. One kernel call for all."""
    out = np.empty(len(texts), np.int32)
    joined = "\n".join(texts) + "\n"
    try:
        query = joined.encode()
    except UnicodeEncodeError:
        query = encode(joined)
    if _find_joined(np.frombuffer(query, np.uint8), strings.data, strings.offsets, slots, out) != len(texts):
        return _find_singly(strings, slots, texts)
    return out


def _find_singly(strings: Strings, slots: np.ndarray, texts: Sequence[str]) -> np.ndarray:
    """For texts that hold the separator themselves."""
    packed = pack(texts)
    out = np.empty(len(texts), np.int32)
    for i in range(len(texts)):
        start, stop = packed.offsets[i], packed.offsets[i + 1]
        out[i] = _find_one(packed.data, start, stop, strings.data, strings.offsets, slots)
    return out


@kernel
def _find_joined(query, data, offsets, slots, out):
    """Look up every piece that ends in the separator; returns their number, which may exceed ``len(out)``."""
    n, start = 0, 0
    for i in range(len(query)):
        if query[i] == SEPARATOR:
            if n < len(out):
                out[n] = _find_one(query, start, i, data, offsets, slots)
            n += 1
            start = i + 1
    return n


@kernel
def _find_one(query, start, stop, data, offsets, slots):
    h = _hash(query, start, stop)
    mask = np.uint64(len(slots) - 1)
    at = h & mask
    while slots[at] != 0:
        slot = slots[at]
        if (slot & _HIGH) == (h & _HIGH):
            i = np.int64(slot & _LOW) - 1
            if i < len(offsets) - 1 and _same(query, start, stop, data, offsets[i], offsets[i + 1]):
                return i
        at = (at + np.uint64(1)) & mask
    return np.int64(-1)


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
    _mark_last(strings.data, strings.offsets, np.zeros(table_slots(len(strings)), np.uint64), last)
    return last


@kernel
def _mark_last(data, offsets, slots, last):
    """Insert every string; one that is met again takes over the slot of its earlier equal."""
    mask = np.uint64(len(slots) - 1)
    for i in range(len(offsets) - 1):
        h = _hash(data, offsets[i], offsets[i + 1])
        at = h & mask
        while slots[at] != 0:
            earlier = np.int64(slots[at] & _LOW) - 1
            if (slots[at] & _HIGH) == (h & _HIGH) and _same(data, offsets[i], offsets[i + 1], data, offsets[earlier], offsets[earlier + 1]):
                last[earlier] = False
                break
            at = (at + np.uint64(1)) & mask
        slots[at] = (h & _HIGH) | np.uint64(i + 1)


def merge_sorted(parts: Sequence[Strings]) -> tuple[Strings, list[np.ndarray]]:
    """The sorted union of sorted lists of distinct strings, and for each list the numbers of its strings in the union (int32)."""
    joined = concatenate(parts)
    starts = np.cumsum([0] + [len(p) for p in parts]).astype(np.int64)
    number = np.empty(len(joined), np.int32)
    first = np.empty(len(joined), np.int64)
    size = _merge(joined.data, joined.offsets, starts, number, first)
    return take(joined, first[:size]), [number[starts[i] : starts[i + 1]] for i in range(len(parts))]


@kernel
def _merge(data, offsets, starts, number, first):
    """k-way merge with a heap of the lists' heads; equal strings meet in succession and share a number."""
    heads = starts[:-1].copy()
    heap = np.empty(len(heads), np.int64)
    size = 0
    for part in range(len(heads)):
        if heads[part] < starts[part + 1]:
            heap[size] = part
            size += 1
            _sift_up(data, offsets, heads, heap, size - 1)
    distinct = 0
    while size > 0:
        part = heap[0]
        i = heads[part]
        if distinct == 0 or not _same(
            data, offsets[i], offsets[i + 1], data, offsets[first[distinct - 1]], offsets[first[distinct - 1] + 1]
        ):
            first[distinct] = i
            distinct += 1
        number[i] = distinct - 1
        heads[part] += 1
        if heads[part] == starts[part + 1]:
            size -= 1
            heap[0] = heap[size]
        _sift_down(data, offsets, heads, heap, size)
    return distinct


@kernel
def _before(data, offsets, heads, a, b):
    i, j = heads[a], heads[b]
    order = compare(data, offsets[i], offsets[i + 1], data, offsets[j], offsets[j + 1])
    return order < 0 or (order == 0 and a < b)


@kernel
def _sift_up(data, offsets, heads, heap, at):
    while at > 0 and _before(data, offsets, heads, heap[at], heap[(at - 1) // 2]):
        parent = (at - 1) // 2
        heap[at], heap[parent] = heap[parent], heap[at]
        at = parent


@kernel
def _sift_down(data, offsets, heads, heap, size):
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and _before(data, offsets, heads, heap[child + 1], heap[child]):
            child += 1
        if not _before(data, offsets, heads, heap[child], heap[at]):
            return
        heap[at], heap[child] = heap[child], heap[at]
        at = child
