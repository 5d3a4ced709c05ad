"""Which of many distinct strings is this one: front-coded blocks and a hash table of 32-bit slots, 4.8 bytes a string beside them.

Open addressing with linear probing. The high half of a string's hash chooses the first slot (by multiplication and shift instead of a
remainder: Lemire, Fast Random Integer Generation in an Interval, 2019), so tables need no power of two; the low half is a tag that leaves few
strings to be compared. A found string is always compared byte by byte, so a look-up is never wrong.
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

import indexer.bit_packing as bit_packing
import indexer.strings as strings
from indexer.format import PAGE, Corrupt
from indexer.front_coding import BLOCK, BLOCK_BITS, DAMAGED, UNCHECKED, border, decode, equals, num_blocks, open_block, unmarked
from indexer.jit import inlined, kernel
from indexer.pages import Pages
from indexer.strings import Strings
from indexer.swar import prefetch

ITSELF = 0  # bits of numbering where a string's number is its place
_HALF = np.uint64(32)
_AHEAD = 16


def num_slots(n: int) -> int:
    """Number of slots for ``n`` strings: at most five sixths are taken, and one is always empty."""
    return n + n // 5 + 1


def build_slots(found: Strings) -> np.ndarray:
    """The slots of distinct strings: uint32[num_slots(n)]; 0 = empty, else a tag above the string's number + 1."""
    slots = np.zeros(num_slots(len(found)), np.uint32)
    _fill(found.data, found.offsets, len(found).bit_length(), slots)
    return slots


@inlined
def _first_slot(h, slots):
    return np.int64(((h >> _HALF) * np.uint64(len(slots))) >> _HALF)


@inlined
def _tag(h, number_bits):
    return np.uint32((h << np.uint64(number_bits)) & np.uint64(0xFFFFFFFF))


@kernel
def _fill(data, offsets, number_bits, slots):
    hashes = np.empty(_AHEAD, np.uint64)  # of the next strings, whose first slots are read ahead
    last = len(offsets) - 1
    for i in range(-_AHEAD, last):
        h = hashes[i % _AHEAD]
        if i + _AHEAD < last:
            following = strings.hash_bytes(data, offsets[i + _AHEAD], offsets[i + _AHEAD + 1])
            prefetch(slots, _first_slot(following, slots))
            hashes[i % _AHEAD] = following
        if i < 0:
            continue
        at = _first_slot(h, slots)
        while slots[at] != 0:
            at = at + 1 if at + 1 < len(slots) else 0
        slots[at] = _tag(h, number_bits) | np.uint32(i + 1)


class StringTable:
    """``size`` distinct strings in a file, each with a number: its place, or what ``ids`` (see ``bit_packing.py``) have there.

    Pages of the file are checked before their first use, as far as a look-up needs them; all methods raise Corrupt.
    """

    def __init__(self, size: int, data: Pages, starts: Pages, slots: Pages, ids: Pages | None = None) -> None:
        """Raises Corrupt when a section has not the shape that ``size`` strings need."""
        self._size, self._id_bits = size, bit_packing.bits_for(size) if ids else ITSELF
        expected = [(starts, num_blocks(size) + 1), (slots, num_slots(size)), (ids, bit_packing.num_words(size, self._id_bits))]
        for section, length in expected:
            if section is not None and section.view.shape != (length,):
                raise Corrupt(section.path, f"expected shape {(length,)}, found {section.view.shape}", section.name)
        self._pages = [data, starts, slots] + ([ids] if ids else [])
        # The pages of all sections, one section after the other: one array of marks costs a call less than four.
        self._bases = np.cumsum([0] + [-(-p.view.nbytes // PAGE) for p in self._pages]).tolist()
        self._marks = np.zeros(self._bases[-1], np.uint8)
        self._coded = data.view, starts.view, self._marks, self._bases[1]
        self._table = (*self._coded, slots.view, self._bases[2], ids.view if ids else slots.view[:0], self._bases[3], self._id_bits, size)

    def __len__(self) -> int:
        return self._size

    def find(self, texts: Sequence[str]) -> np.ndarray:
        """Numbers of ``texts``, int32[n], -1 = absent: one kernel call, unless pages must be checked."""
        out = np.empty(len(texts), np.int32)
        joined = "\n".join(texts) + "\n"
        try:
            query = np.frombuffer(joined.encode(), np.uint8)
        except UnicodeEncodeError:
            query = np.frombuffer(strings.encode(joined), np.uint8)
        while unchecked := _find_joined(query, *self._table, out):
            if unchecked < 0:
                return self._find_packed(strings.pack(texts), out)
            self._check(out)
        return out

    def _find_packed(self, texts: Strings, out: np.ndarray) -> np.ndarray:
        """For texts that hold the separator themselves."""
        while _find_packed(texts.data, texts.offsets, *self._table, out):
            self._check(out)
        return out

    def text(self, place: int) -> str:
        """The string at a place from 0 to size - 1."""
        return self.texts(np.array([place]))[0]

    def texts(self, places: np.ndarray) -> list[str]:
        """The strings at places, int[n]."""
        found = self.packed(places)
        data, ends = found.data.tobytes(), found.offsets.tolist()
        return [data[a:b].decode("utf-8", "surrogatepass") for a, b in zip(ends, ends[1:])]

    def packed(self, places: np.ndarray) -> Strings:
        """The strings at places, int[n], as arrays."""
        places = np.ascontiguousarray(places, np.int64)
        ends, out = np.empty(len(places), np.int64), np.empty(256 + 32 * len(places), np.uint8)
        while (size := decode(*self._coded, places, out, ends)) < 0 or size > len(out):
            if size == DAMAGED:
                raise Corrupt(self._pages[0].path, "a string shares more than there is", self._pages[0].name)
            if size == UNCHECKED:
                self._check(ends)
            out = np.empty(max(size, len(out)), np.uint8)
        return Strings(out[:size], np.concatenate([np.zeros(1, np.int64), ends]))

    def numbers(self, first: int, last: int) -> np.ndarray:
        """The numbers of the strings at places ``first`` to ``last`` - 1, uint32."""
        if self._id_bits == ITSELF:
            return np.arange(first, last, dtype=np.uint32)
        ids = self._pages[3]
        ids.require(first * self._id_bits // bit_packing.WORD, bit_packing.num_words(last, self._id_bits))
        return bit_packing.unpack(ids.view, self._id_bits, first, last)

    def prefix_range(self, prefix: str) -> tuple[int, int]:
        """First place and end of the strings that begin with ``prefix``; they must be sorted by their bytes."""
        wanted = np.frombuffer(strings.encode(prefix), np.uint8)
        low, high = self._border(wanted, False), self._border(wanted, True)
        return low, max(low, high)

    def coded(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """The blocks of ``front_coding.py``, data and starts, checked where they hold the places ``first`` to ``last`` - 1."""
        data, starts = self._pages[:2]
        low, high = first >> BLOCK_BITS, max(num_blocks(last), first >> BLOCK_BITS)
        starts.require(low, high + 1)
        data.require(int(starts.view[low]), int(starts.view[high]))
        return data.view, starts.view

    def _border(self, prefix: np.ndarray, after: bool) -> int:
        while (found := border(prefix, *self._coded, self._size, after)) < 0:
            self._check(np.array([found]))
        return int(found)

    def _check(self, found: np.ndarray) -> None:
        """Check and mark the pages that a kernel asked for by -2 - page."""
        for page in np.unique(-2 - found[found < -1].astype(np.int64)).tolist():
            number = bisect_right(self._bases, page) - 1
            section = self._pages[number]
            per_page = PAGE // section.view.itemsize
            first = (page - self._bases[number]) * per_page
            section.require(first, min(first + per_page, len(section)))
            self._marks[page] = 1


@kernel
def _find_joined(query, data, starts, marks, starts_base, slots, slots_base, ids, ids_base, id_bits, size, out):
    """Look up every piece that ends in the separator; returns how many must wait for pages, -1 if there are not ``len(out)`` pieces."""
    n, start, unchecked = 0, 0, 0
    for i in range(len(query)):
        if query[i] == strings.SEPARATOR:
            if n == len(out):
                return -1
            out[n] = _find_one(
                query, start, i, data, starts, marks, starts_base, slots, slots_base, ids, ids_base, id_bits, size,
            )  # fmt: skip
            unchecked += out[n] < -1
            n += 1
            start = i + 1
    return unchecked


@kernel
def _find_packed(query, offsets, data, starts, marks, starts_base, slots, slots_base, ids, ids_base, id_bits, size, out):
    unchecked = 0
    for i in range(len(out)):
        out[i] = _find_one(
            query, offsets[i], offsets[i + 1], data, starts, marks, starts_base, slots, slots_base, ids, ids_base, id_bits, size,
        )  # fmt: skip
        unchecked += out[i] < -1
    return unchecked


@kernel
def _find_one(query, start, stop, data, starts, marks, starts_base, slots, slots_base, ids, ids_base, id_bits, size):
    """A string's number, -1 = absent, or -2 - page. Probes until the string or an empty slot is met, but never longer than the table."""
    h = strings.hash_bytes(query, start, stop)
    number_bits = _bit_length(size)
    tag = _tag(h, number_bits)
    mask = np.uint32((np.uint64(1) << np.uint64(number_bits)) - np.uint64(1))
    at = _first_slot(h, slots)
    for _ in range(len(slots)):
        page = unmarked(marks, slots_base, at * 4, at * 4 + 4)
        if page >= 0:
            return -2 - page
        slot = slots[at]
        if slot == 0:
            break
        i = np.int64(slot & mask) - 1
        if (slot & ~mask) == tag and 0 <= i < size:
            # The number is read before the strings are compared: its cache line comes while theirs do.
            number = i
            if id_bits != ITSELF:
                page = unmarked(marks, ids_base, bit_packing.first_byte(id_bits, i), bit_packing.first_byte(id_bits, i) + 8)
                if page >= 0:
                    return -2 - page
                number = bit_packing.number_at(ids, id_bits, i)
            first, end, page = open_block(data, starts, marks, starts_base, i >> BLOCK_BITS)
            if page >= 0:
                return -2 - page
            if equals(query, start, stop, data, first, end, i % BLOCK):
                return number
        at = at + 1 if at + 1 < len(slots) else 0
    return np.int64(-1)


@kernel
def _bit_length(n):
    bits = 0
    while n > 0:
        n >>= 1
        bits += 1
    return bits
