"""Byte strings -> numbers by first sight, inside kernels and verified: equal numbers are equal bytes, whatever their hashes.

The table is open addressing over rows of four words: the first eight bytes of a name, the next eight (of a longer name a hash of the rest),
its length above its number + 1 (0 = empty), and a word that keeps rows inside cache lines; that of row 0 counts the names in the table. Names of up
to 16 bytes, nearly all, are decided by their row alone; longer ones are compared with the bytes in ``names``. Tables double when half full. Terms of
characters and pairs have a table of their own (``han_numbers.py``): they are numbered here, and are not in these rows.
"""

from typing import NamedTuple

import numpy as np

from indexer.jit import inlined, kernel
from indexer.strings import Strings
from indexer.swar import PADDING, first_bytes, prefetch, put_word, word_at

_FIRST_SIZE = 1 << 12
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_NUMBER = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
# Rows of a table that is doubled whose new slots are read ahead.
_AHEAD = 16


class Names(NamedTuple):
    """A table and what it has numbered: ``rows`` uint64[size, 4], ``data`` uint8 (padded), ``ends`` int64; ``size`` names, of which number i
    is ``data[ends[i]:ends[i + 1]]``. Kernels take these four and return them grown; ``han``: see ``han_numbers.py``."""

    rows: np.ndarray
    data: np.ndarray
    ends: np.ndarray
    size: int
    han: tuple[np.ndarray, np.ndarray, np.ndarray]

    @property
    def table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """What kernels take."""
        return self[:4]

    def grown(self, rows: np.ndarray, data: np.ndarray, ends: np.ndarray, size: int) -> "Names":
        """The same with what a kernel returned."""
        return self._replace(rows=rows, data=data, ends=ends, size=size)

    def strings(self) -> Strings:
        """The names by number."""
        return Strings(self.data[: self.ends[self.size]], self.ends[: self.size + 1])


def new_names() -> Names:
    """An empty table."""
    han = np.zeros(1 << 16, np.int32), np.zeros((_FIRST_SIZE, 4), np.uint32), np.zeros(1, np.int64)
    return Names(np.zeros((_FIRST_SIZE, 4), np.uint64), np.zeros(_FIRST_SIZE, np.uint8), np.zeros(_FIRST_SIZE // 2 + 1, np.int64), 0, han)


@inlined
def _home(head, tail, size):
    """Slot where the search for a name begins."""
    h = (head ^ (tail * _MIX)) * _SPREAD
    return (h ^ (h >> _HALF)) & np.uint64(size - 1)


@kernel
def _hash_rest(data, start, stop):
    """Hash of what follows the first eight bytes of a long name."""
    h = np.uint64(stop - start)
    for at in range(start + 8, stop, 8):
        h = (h ^ first_bytes(word_at(data, at), stop - at)) * _SPREAD
        h ^= h >> _HALF
    return h


@kernel
def _same_bytes(a, a_start, b, b_start, size):
    for i in range(0, size, 8):  # noqa: SIM110 - Numba compiles no generator expressions
        if first_bytes(word_at(a, a_start + i) ^ word_at(b, b_start + i), size - i) != 0:
            return False
    return True


@inlined
def tail_of(data, start, stop):
    """The second word of a name's row."""
    size = stop - start
    if size <= 8:
        return np.uint64(0)
    return first_bytes(word_at(data, start + 8), size - 8) if size <= 16 else _hash_rest(data, start, stop)


@inlined
def slot_of(rows, names, ends, head, tail, data, start, stop):
    """The slot of the name ``data[start:stop]``, or the empty one where it belongs."""
    size = stop - start
    slot = _home(head, tail, len(rows))
    while True:
        entry = rows[slot, 2]
        if entry == 0:
            break
        alike = rows[slot, 0] == head and rows[slot, 1] == tail and entry >> _HALF == np.uint64(size)
        if alike and (size <= 16 or _same_bytes(names, ends[(entry & _NUMBER) - np.uint64(1)], data, start, size)):
            break
        slot = (slot + np.uint64(1)) & np.uint64(len(rows) - 1)
    return slot


@inlined
def await_name(rows, head, tail):
    """Have the slot of a name read into the cache, since it will be asked for soon."""
    prefetch(rows, np.int64(_home(head, tail, len(rows))))


@inlined
def number_at(rows, slot):
    """The number of the name at a slot; -1 when the slot is empty."""
    return np.int64(rows[slot, 2] & _NUMBER) - 1


@inlined
def has_room(rows, names, ends, count, size):
    """Whether a name of ``size`` bytes can be added as it is."""
    return 2 * (rows[0, 3] + np.uint64(1)) < len(rows) and count + 1 < len(ends) and ends[count] + size + PADDING <= len(names)


@kernel
def with_room(rows, names, ends, count, size):
    """(rows, names, ends) grown so that a name of ``size`` bytes can be added."""
    if 2 * (rows[0, 3] + np.uint64(1)) >= len(rows):
        rows = _doubled(rows)
    if count + 1 >= len(ends):
        more = np.zeros(2 * len(ends), np.int64)
        more[: len(ends)] = ends
        ends = more
    if ends[count] + size + PADDING > len(names):
        longer = np.zeros(2 * (ends[count] + size + PADDING), np.uint8)
        longer[: len(names)] = names
        names = longer
    return rows, names, ends


@inlined
def _copy_bytes(names, to, data, start, stop):
    """Copy ``data[start:stop]``, eight bytes at a time: what is written beyond it is padding."""
    for i in range(0, stop - start, 8):
        put_word(names, to + i, word_at(data, start + i))


@kernel
def add_name(rows, names, ends, count, slot, head, tail, data, start, stop):
    """Give number ``count`` to a name that is not in the table; there is room."""
    rows[slot, 0], rows[slot, 1] = head, tail
    rows[slot, 2] = (np.uint64(stop - start) << _HALF) | np.uint64(count + 1)
    rows[0, 3] += np.uint64(1)
    _copy_bytes(names, ends[count], data, start, stop)
    ends[count + 1] = ends[count] + stop - start


@kernel
def _doubled(rows):
    larger = np.zeros((2 * len(rows), 4), np.uint64)
    for i in range(len(rows)):
        if i + _AHEAD < len(rows):
            await_name(larger, rows[i + _AHEAD, 0], rows[i + _AHEAD, 1])
        if rows[i, 2] != 0:
            slot = _home(rows[i, 0], rows[i, 1], len(larger))
            while larger[slot, 2] != 0:
                slot = (slot + np.uint64(1)) & np.uint64(len(larger) - 1)
            larger[slot, 0], larger[slot, 1], larger[slot, 2] = rows[i, 0], rows[i, 1], rows[i, 2]
    larger[0, 3] = rows[0, 3]
    return larger


@inlined
def number_name(rows, names, ends, count, data, start, stop):
    """Number of the name ``data[start:stop]``: ``count`` for a new one, -1 when there is no room for it."""
    head, tail = first_bytes(word_at(data, start), stop - start), tail_of(data, start, stop)
    slot = slot_of(rows, names, ends, head, tail, data, start, stop)
    number = number_at(rows, slot)
    if number < 0 and has_room(rows, names, ends, count, stop - start):
        add_name(rows, names, ends, count, slot, head, tail, data, start, stop)
        number = count
    return number


@inlined
def number_tagged(rows, names, ends, count, data, start, stop, tag):
    """The same for a tag before ``data[start:stop]``; the byte before is lent to it."""
    before = data[start - 1]
    data[start - 1] = tag
    number = number_name(rows, names, ends, count, data, start - 1, stop)
    data[start - 1] = before
    return number


@inlined
def append_tagged(names, ends, count, data, start, stop, tag):
    """Number, ``count``, of a new name that is not looked for in the table: a tag before ``data[start:stop]``; -1 when there is no room for it."""
    at, size = ends[count], stop - start + 1
    if count + 1 >= len(ends) or at + size + PADDING > len(names):
        return -1
    put_word(names, at, word_at(data, start) << np.uint64(8) | np.uint64(tag))
    if size > 8:
        _copy_bytes(names, at + 8, data, start + 7, stop)
    ends[count + 1] = at + size
    return count


@inlined
def await_tagged(rows, data, start, stop, tag):
    """What ``number_tagged`` will read of the table; longer names than 16 bytes are not worth it."""
    size = stop - start + 1
    if size <= 16:
        head = first_bytes(word_at(data, start) << np.uint64(8) | np.uint64(tag), min(size, 8))
        await_name(rows, head, first_bytes(word_at(data, start + 7), size - 8) if size > 8 else np.uint64(0))


def intern(names: Names, strings: Strings) -> tuple[Names, np.ndarray]:
    """Number some strings: (the grown table, int32[n])."""
    data = np.concatenate([strings.data, np.zeros(PADDING, np.uint8)])
    numbers = np.empty(len(strings), np.int32)
    return names.grown(*_intern(*names.table, data, strings.offsets, numbers)), numbers


@kernel
def _intern(rows, names, ends, count, data, offsets, numbers):
    for i in range(len(numbers)):
        start, stop = np.int64(offsets[i]), np.int64(offsets[i + 1])
        if not has_room(rows, names, ends, count, stop - start):
            rows, names, ends = with_room(rows, names, ends, count, stop - start)
        number = number_name(rows, names, ends, count, data, start, stop)
        count += number == count
        numbers[i] = number
    return rows, names, ends, count
