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


class Table(NamedTuple):
    """Names by number: ``rows`` uint64[size, 4], ``data`` uint8 (padded), ``ends`` int64; name i is ``data[ends[i]:ends[i + 1]]``. ``used`` int64[1]
    counts the names. Kernels add names in place where there is room, and return a grown table where there was none."""

    rows: np.ndarray
    data: np.ndarray
    ends: np.ndarray
    used: np.ndarray


class HanTerms(NamedTuple):
    """Numbers of the terms of Han characters and pairs; see ``han_numbers.py``."""

    singles: np.ndarray
    pairs: np.ndarray
    known: np.ndarray


class Names(NamedTuple):
    """The terms of a batch by number: their names, and the numbers of those that are not looked up by name."""

    table: Table
    han: HanTerms

    @property
    def size(self) -> int:
        """How many there are."""
        return int(self.table.used[0])

    def strings(self) -> Strings:
        """The names by number."""
        return strings_of(self.table)


def strings_of(table: Table) -> Strings:
    """The names of a table by number."""
    size = int(table.used[0])
    return Strings(table.data[: table.ends[size]], table.ends[: size + 1])


def new_table() -> Table:
    """An empty table."""
    rows, data = np.zeros((_FIRST_SIZE, 4), np.uint64), np.zeros(_FIRST_SIZE, np.uint8)
    return Table(rows, data, np.zeros(_FIRST_SIZE // 2 + 1, np.int64), np.zeros(1, np.int64))


def new_names() -> Names:
    """No terms."""
    return Names(new_table(), HanTerms(np.zeros(1 << 16, np.int32), np.zeros((_FIRST_SIZE, 4), np.uint32), np.zeros(1, np.int64)))


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
def _slot_of(table, head, tail, data, start, stop):
    """The slot of the name ``data[start:stop]``, or the empty one where it belongs."""
    rows, size = table.rows, stop - start
    slot = _home(head, tail, len(rows))
    while True:
        entry = rows[slot, 2]
        if entry == 0:
            break
        alike = rows[slot, 0] == head and rows[slot, 1] == tail and entry >> _HALF == np.uint64(size)
        if alike and (size <= 16 or _same_bytes(table.data, table.ends[(entry & _NUMBER) - np.uint64(1)], data, start, size)):
            break
        slot = (slot + np.uint64(1)) & np.uint64(len(rows) - 1)
    return slot


@inlined
def _await_name(rows, head, tail):
    """Have the slot of a name read into the cache, since it will be asked for soon."""
    prefetch(rows, np.int64(_home(head, tail, len(rows))))


@inlined
def has_room(table, rows, names, size):
    """Whether so many names of ``size`` bytes in all, so many of them in rows, can be added as it is."""
    used = table.used[0]
    in_rows = 2 * (table.rows[0, 3] + np.uint64(rows)) < len(table.rows)
    return in_rows and used + names < len(table.ends) and table.ends[used] + size + PADDING <= len(table.data)


@kernel
def with_room(table, rows, names, size):
    """The table, or one grown so that ``has_room``."""
    used, slots, data, ends = table.used[0], table.rows, table.data, table.ends
    while 2 * (slots[0, 3] + np.uint64(rows)) >= len(slots):
        slots = _doubled(slots)
    if used + names >= len(ends):
        ends = np.zeros(2 * (used + names), np.int64)
        ends[: used + 1] = table.ends[: used + 1]
    if ends[used] + size + PADDING > len(data):
        data = np.zeros(2 * (ends[used] + size + PADDING), np.uint8)
        data[: ends[used]] = table.data[: ends[used]]
    return Table(slots, data, ends, table.used)


@inlined
def _copy_bytes(names, to, data, start, stop):
    """Copy ``data[start:stop]``, eight bytes at a time: what is written beyond it is padding."""
    for i in range(0, stop - start, 8):
        put_word(names, to + i, word_at(data, start + i))


@inlined
def _number_next(table, size):
    """Number of a new name of ``size`` bytes, which are to be written where the table's bytes ended."""
    used, ends = table.used, table.ends
    number = used[0]
    ends[number + 1] = ends[number] + size
    used[0] = number + 1
    return number


@kernel
def _add_name(table, slot, head, tail, data, start, stop):
    """Number of a name that is not in the table; there is room."""
    rows, to = table.rows, table.ends[table.used[0]]
    number = _number_next(table, stop - start)
    rows[slot, 0], rows[slot, 1] = head, tail
    rows[slot, 2] = (np.uint64(stop - start) << _HALF) | np.uint64(number + 1)
    rows[0, 3] += np.uint64(1)
    _copy_bytes(table.data, to, data, start, stop)
    return number


@kernel
def _doubled(rows):
    larger = np.zeros((2 * len(rows), 4), np.uint64)
    for i in range(len(rows)):
        if i + _AHEAD < len(rows):
            _await_name(larger, rows[i + _AHEAD, 0], rows[i + _AHEAD, 1])
        if rows[i, 2] != 0:
            slot = _home(rows[i, 0], rows[i, 1], len(larger))
            while larger[slot, 2] != 0:
                slot = (slot + np.uint64(1)) & np.uint64(len(larger) - 1)
            larger[slot, 0], larger[slot, 1], larger[slot, 2] = rows[i, 0], rows[i, 1], rows[i, 2]
    larger[0, 3] = rows[0, 3]
    return larger


@inlined
def number_row(table, head, tail, data, start, stop):
    """Number of the name ``data[start:stop]``, whose row begins with ``head`` and ``tail``; -1 when it is new and there is no room for it."""
    slot = _slot_of(table, head, tail, data, start, stop)
    number = np.int64(table.rows[slot, 2] & _NUMBER) - 1
    if number < 0 and has_room(table, 1, 1, stop - start):
        number = _add_name(table, slot, head, tail, data, start, stop)
    return number


@inlined
def number_name(table, data, start, stop):
    """Number of the name ``data[start:stop]``; -1 when it is new and there is no room for it."""
    return number_row(table, first_bytes(word_at(data, start), stop - start), tail_of(data, start, stop), data, start, stop)


@inlined
def number_tagged(table, data, start, stop, tag):
    """The same for a tag before ``data[start:stop]``; the byte before is lent to it."""
    before = data[start - 1]
    data[start - 1] = tag
    number = number_name(table, data, start - 1, stop)
    data[start - 1] = before
    return number


@inlined
def append_tagged(table, data, start, stop, tag):
    """Number of a new name that is not looked for in the table: a tag before ``data[start:stop]``; there is room."""
    to = table.ends[table.used[0]]
    put_word(table.data, to, word_at(data, start) << np.uint64(8) | np.uint64(tag))
    if stop - start > 7:
        _copy_bytes(table.data, to + 8, data, start + 7, stop)
    return _number_next(table, stop - start + 1)


@inlined
def await_tagged(table, data, start, stop, tag):
    """Have the row read that ``number_tagged`` will ask; longer names than 16 bytes are not worth it."""
    size = stop - start + 1
    if size <= 16:
        head = first_bytes(word_at(data, start) << np.uint64(8) | np.uint64(tag), min(size, 8))
        _await_name(table.rows, head, first_bytes(word_at(data, start + 7), size - 8) if size > 8 else np.uint64(0))


def intern(names: Names, strings: Strings) -> tuple[Names, np.ndarray]:
    """Number some strings: (the names, grown, int32[n])."""
    data = np.concatenate([strings.data, np.zeros(PADDING, np.uint8)])
    numbers = np.empty(len(strings), np.int32)
    return names._replace(table=_intern(names.table, data, strings.offsets, numbers)), numbers


@kernel
def _intern(table, data, offsets, numbers):
    for i in range(len(numbers)):
        start, stop = np.int64(offsets[i]), np.int64(offsets[i + 1])
        if not has_room(table, 1, 1, stop - start):
            table = with_room(table, 1, 1, stop - start)
        numbers[i] = number_name(table, data, start, stop)
    return table
