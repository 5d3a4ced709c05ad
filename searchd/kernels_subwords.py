"""Which words hold which fragments of four characters, and how much of a word's fragments others hold; see ``searchd/subwords.py``.

The words that hold a fragment are a list of varints: the gaps between their numbers, less 1. Fragments are counted in a table of open addressing, so
that making the lists of millions of words is two passes over them and sorts nothing but the distinct fragments. A row of the table lies inside
one cache line: the fragment + 1 (0 = empty), the last word that held it (-1), the bytes of its list (later: where its next byte goes), and the
documents of its words.
"""

import numpy as np

from indexer.jit import inlined, kernel
from indexer.postings_rare import read_varint, write_varint

GRAM, LAST, SIZE, DF, COLUMNS = range(5)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_LOW = 0xFFFFFFFF
_ASCII = 128
_START, _END = ord("^"), ord("$")


@inlined
def _row_of(table, gram):
    """The row of a fragment, or the empty one where it belongs."""
    # The high half of the product, which all characters of the fragment make a difference to.
    at = np.int64((np.uint64(gram) * _SPREAD) >> np.uint64(32)) & (len(table) - 1)
    while table[at, GRAM] != gram + 1 and table[at, GRAM]:
        at = (at + 1) & (len(table) - 1)
    return at


@inlined
def _takes_part(data, start, stop):
    """Whether a word is of ASCII characters alone."""
    for i in range(start, stop):  # noqa: SIM110 - Numba compiles no generator expressions
        if data[i] >= _ASCII:
            return False
    return True


@inlined
def _next_gram(gram, data, i, stop):
    """The fragment that ends with byte ``i`` of ``word$``, from the one before it."""
    return ((gram << 8) | (data[i] if i < stop else _END)) & _LOW


@inlined
def _varint_size(value):
    size = 1
    while value >= 128:
        value >>= 7
        size += 1
    return size


@kernel
def fill_table(table, rows):
    """Put the rows of a full table into an empty one."""
    for i in range(len(rows)):
        if rows[i, GRAM]:
            table[_row_of(table, rows[i, GRAM] - 1)] = rows[i]


@kernel
def measure_lists(words, offsets, df, first, at, table, count):
    """Measure the lists of words ``at`` and on; word i is number ``first`` + i and takes no part if its ``df`` is 0.

    ``count`` rows of the table are taken, and at most half may be. Returns (the word to go on with once there is more room, rows taken).
    """
    while at < len(df):
        start, stop = np.int64(offsets[at]), np.int64(offsets[at + 1])
        if 2 * (count + stop - start) > len(table):
            break
        if df[at] and _takes_part(words, start, stop):
            gram, owner = _START, first + at
            for i in range(start, stop + 1):
                gram = _next_gram(gram, words, i, stop)
                if i >= start + 2:
                    count += _measured(table[_row_of(table, gram)], gram, owner, df[at])
        at += 1
    return at, count


@inlined
def _measured(row, gram, owner, df):
    """Whether the fragment is new."""
    new = row[GRAM] == 0
    if new:
        row[GRAM], row[LAST] = gram + 1, -1
    if row[LAST] != owner:
        row[SIZE] += _varint_size(owner - row[LAST] - 1)
        row[DF] += df
        row[LAST] = owner
    return new


@kernel
def write_lists(words, offsets, df, first, table, data):
    """Write what ``measure_lists`` measured; in the table the sizes are now where each list begins, and the last words are -1."""
    for k in range(len(df)):
        start, stop = np.int64(offsets[k]), np.int64(offsets[k + 1])
        if not df[k] or not _takes_part(words, start, stop):
            continue
        gram, owner = _START, first + k
        for i in range(start, stop + 1):
            gram = _next_gram(gram, words, i, stop)
            if i >= start + 2:
                row = table[_row_of(table, gram)]
                if row[LAST] != owner:
                    row[SIZE] = write_varint(data, row[SIZE], owner - row[LAST] - 1)
                    row[LAST] = owner


@kernel
def add_gains(data, starts, stops, gains, sums, touched):
    """For every list ``data[starts[i]:stops[i]]`` add ``gains[i]``, more than 0, to the sums of its members, which are 0 before.

    Returns how many sums changed; their places are in ``touched``, which has room for all members.
    """
    count = 0
    for i in range(len(starts)):
        at, owner = starts[i], -1
        while at < stops[i]:
            gap, at = read_varint(data, at)
            owner += gap + 1
            if sums[owner] == 0:
                touched[count] = owner
                count += 1
            sums[owner] += gains[i]
    return count
