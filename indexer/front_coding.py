"""Lists of strings as blocks of 16, in which a string is how many bytes it shares with the one before and what it has beyond them.

Front coding (Witten, Moffat & Bell, Managing Gigabytes, 1999, section 4.1) halves sorted terms and keys that were counted up. A string costs a
byte beside its own: 4 bits of shared and 4 of further bytes, 15 meaning that a varint says how many more. The first of a block shares nothing,
so any string is found by passing over up to 15 others. Kernels stop at a page that has no mark yet, for their caller to check it; and they check
every count against the block's end, so that even damage nobody noticed makes wrong bytes, never a read elsewhere.
"""

from typing import NamedTuple

import numpy as np

from indexer.format import PAGE
from indexer.jit import kernel
from indexer.strings import Strings

BLOCK_BITS = 4
BLOCK = 1 << BLOCK_BITS
ESCAPE = 15
DAMAGED, UNCHECKED = -1, -2
PAGE_BITS = PAGE.bit_length() - 1


class FrontCoded(NamedTuple):
    """``data`` uint8 and ``starts`` uint32 or uint64[blocks + 1], the first byte of each block and the end."""

    data: np.ndarray
    starts: np.ndarray


def num_blocks(n: int) -> int:
    """Blocks of ``n`` strings."""
    return (n + BLOCK - 1) >> BLOCK_BITS


def front_code(strings: Strings) -> FrontCoded:
    """Strings in any order -> blocks; the same strings give the same bytes."""
    starts = np.zeros(num_blocks(len(strings)) + 1, np.int64)
    data = np.empty(len(strings) + 2 * len(strings.data) + BLOCK, np.uint8)  # a count's varint is shorter than what it counts
    data = data[: _encode(strings.data, strings.offsets, data, starts)]
    return FrontCoded(data, starts.astype(np.uint32 if len(data) < 1 << 32 else np.uint64))


@kernel
def _encode(strings, offsets, data, starts):
    at = 0
    for i in range(len(offsets) - 1):
        start, stop = np.int64(offsets[i]), np.int64(offsets[i + 1])
        shared = 0
        if i % BLOCK == 0:
            starts[i >> BLOCK_BITS] = at
        else:
            before = np.int64(offsets[i - 1])
            shared = common(strings, before, start, strings, start, stop)
        further = stop - start - shared
        data[at] = min(shared, ESCAPE) << 4 | min(further, ESCAPE)
        at = _put_rest(further, data, _put_rest(shared, data, at + 1))
        for j in range(start + shared, stop):
            data[at] = strings[j]
            at += 1
    starts[-1] = at
    return at


@kernel
def _put_rest(count, data, at):
    """What a count has beyond the escape, as a varint."""
    if count < ESCAPE:
        return at
    count -= ESCAPE
    while count >= 128:
        data[at] = count & 127 | 128
        count >>= 7
        at += 1
    data[at] = count
    return at + 1


@kernel
def common(a, a_start, a_stop, b, b_start, b_stop):
    """How many first bytes two strings share."""
    n = min(a_stop - a_start, b_stop - b_start)
    for i in range(n):
        if a[a_start + i] != b[b_start + i]:
            return i
    return n


@kernel
def unmarked(marks, base, start, stop):
    """The first page without a mark that bytes ``start`` to ``stop`` of a section touch, whose pages are counted from ``base``; or -1."""
    for page in range(base + (start >> PAGE_BITS), base + ((stop + PAGE - 1) >> PAGE_BITS)):
        if marks[page] == 0:
            return page
    return np.int64(-1)


@kernel
def open_block(data, starts, marks, base, block):
    """(first byte, end, -1) of a block, within the data; or (0, 0, page) when a page must be checked first. The pages of the data are counted
    from 0, those of the starts from ``base``."""
    page = unmarked(marks, base, block * starts.itemsize, (block + 2) * starts.itemsize)
    if page >= 0:
        return np.int64(0), np.int64(0), page
    stop = max(0, min(np.int64(starts[block + 1]), len(data)))
    start = max(0, min(np.int64(starts[block]), stop))
    return start, stop, unmarked(marks, 0, start, stop)


@kernel
def entry(data, at, stop):
    """(shared, further, where the further bytes begin) of the entry at ``at``; the further bytes end at ``stop`` at the latest."""
    if at >= stop:
        return 0, 0, stop
    head = np.int64(data[at])
    shared, at = _rest(head >> 4, data, at + 1, stop)
    further, at = _rest(head & 15, data, at, stop)
    return shared, min(further, stop - at), at


@kernel
def _rest(count, data, at, stop):
    if count < ESCAPE:
        return count, at
    shift = 0
    while at < stop and shift < 35:
        byte = np.int64(data[at])
        at += 1
        count += (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
    return count, at


@kernel
def equals(query, start, stop, data, at, end, i):
    """Whether string ``i`` of the block at ``at`` is query[start:stop]. Nothing is unpacked, only the bytes that the query shares with each
    string are counted."""
    matched, size = 0, 0
    for _ in range(i + 1):
        shared, further, at = entry(data, at, end)
        if shared <= matched:
            matched = shared + common(query, start + shared, stop, data, at, at + further)
        size = shared + further
        at += further
    return matched == size and size == stop - start


@kernel
def decode(data, starts, marks, base, numbers, out, ends):
    """Strings one after the other, each with its end; returns the size of all. When ``out`` may be too short, the size it should have.

    Returns ``DAMAGED`` if a string shares more than there is, ``UNCHECKED`` when pages must be checked first: -2 - page in ``ends``.
    """
    room, unchecked = 0, False
    for k in range(len(numbers)):
        start, stop, page = open_block(data, starts, marks, base, numbers[k] >> BLOCK_BITS)
        ends[k] = -2 - page
        unchecked |= page >= 0
        room += stop - start
    if unchecked:
        return UNCHECKED
    if room > len(out):
        return room
    to = 0
    for k in range(len(numbers)):
        at, stop, _ = open_block(data, starts, marks, base, numbers[k] >> BLOCK_BITS)
        size = _decode_one(data, at, stop, numbers[k] % BLOCK, out, to)
        if size < 0:
            return DAMAGED
        to += size
        ends[k] = to
    return to


@kernel
def _decode_one(data, at, stop, i, out, to):
    """Size of string ``i`` of a block; no string is longer than its block."""
    size = np.int64(0)
    for _ in range(i + 1):
        shared, further, at = entry(data, at, stop)
        if shared > size:
            return np.int64(-1)
        for j in range(further):
            out[to + shared + j] = data[at + j]
        size = shared + further
        at += further
    return size


@kernel
def border(prefix, data, starts, marks, base, size, after):
    """How many of ``size`` sorted strings are less than the prefix, or with ``after`` also those that begin with it: binary search over the
    blocks' first strings, then inside a block. -2 - page when a page must be checked first."""
    low, high = 0, len(starts) - 1
    while low < high:
        middle = (low + high) // 2
        at, stop, page = open_block(data, starts, marks, base, middle)
        if page >= 0:
            return -2 - page
        if _count_before(prefix, data, at, stop, 1, after) == 1:
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return np.int64(0)
    first = (low - 1) << BLOCK_BITS
    at, stop, page = open_block(data, starts, marks, base, low - 1)
    return first + _count_before(prefix, data, at, stop, min(BLOCK, size - first), after)


@kernel
def _count_before(prefix, data, at, stop, limit, after):
    """The same among a block's first ``limit`` strings."""
    matched, order = 0, -1
    for i in range(limit):
        shared, further, at = entry(data, at, stop)
        if shared <= matched:
            matched = shared + common(prefix, shared, len(prefix), data, at, at + further)
            order = _order(prefix, matched, data, at + matched - shared, at + further)
        at += further
        if order > 0 or (order == 0 and not after):
            return i
    return limit


@kernel
def _order(prefix, matched, data, at, stop):
    """-1, 0 or 1: the order of a string and a prefix that share ``matched`` bytes; ``at`` is the string's next byte."""
    if matched == len(prefix):
        return 0
    return -1 if at >= stop or data[at] < prefix[matched] else 1
