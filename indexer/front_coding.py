"""Lists of strings as blocks of 16, in which a string is how many bytes it shares with the one before and what it has beyond them.

Front coding (Witten, Moffat & Bell, Managing Gigabytes, 1999, section 4.1) halves sorted terms, and keys that were counted up. A string costs a
byte beside its own: 4 bits of shared and 4 of further bytes, 15 meaning that a varint says how many more. The first of a block shares nothing,
so any string is found by passing over up to 15 others. Kernels check every count against the block's end: damage makes wrong bytes, never a
read elsewhere.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer.format import Corrupt
from indexer.jit import kernel
from indexer.strings import Strings

BLOCK_BITS = 4
BLOCK = 1 << BLOCK_BITS  # 8 cost 0.6 bytes a term more, 32 save 0.3 and look-ups take a quarter longer
ESCAPE = 15


@dataclass(frozen=True, slots=True)
class FrontCoded:
    """``size`` strings: ``data`` uint8 and ``starts`` uint32 or uint64[blocks + 1], the first byte of each block and the end; ``path`` and
    ``section`` say in errors where they lie."""

    data: np.ndarray
    starts: np.ndarray
    size: int
    path: Path | str = "memory"
    section: str | None = None

    def __len__(self) -> int:
        return self.size

    def text(self, i: int) -> str:
        """String number ``i``, 0 <= i < size; raises Corrupt."""
        return self.texts(np.array([i]))[0]

    def texts(self, numbers: np.ndarray) -> list[str]:
        """The strings with ``numbers``, int[n] within 0 to size - 1; raises Corrupt."""
        numbers = np.ascontiguousarray(numbers, np.int64)
        ends = np.empty(len(numbers), np.int64)
        out = np.empty(_room(self.data, self.starts, numbers), np.uint8)
        if not _decode(self.data, self.starts, numbers, out, ends):
            raise Corrupt(self.path, "a string shares more than there is", self.section)
        data, last = out.tobytes(), ends.tolist()
        try:
            return [data[a:b].decode("utf-8", "surrogatepass") for a, b in zip([0, *last], last)]
        except UnicodeDecodeError as error:
            raise Corrupt(self.path, f"a string that is not UTF-8 ({error})", self.section) from error


def num_blocks(n: int) -> int:
    """Blocks of ``n`` strings."""
    return (n + BLOCK - 1) >> BLOCK_BITS


def front_code(strings: Strings) -> FrontCoded:
    """Strings in any order -> blocks; the same strings give the same bytes."""
    starts = np.zeros(num_blocks(len(strings)) + 1, np.int64)
    data = np.empty(len(strings) + 2 * len(strings.data) + BLOCK, np.uint8)  # a count's varint is shorter than what it counts
    data = data[: _encode(strings.data, strings.offsets, data, starts)]
    return FrontCoded(data, starts.astype(np.uint32 if len(data) < 1 << 32 else np.uint64), len(strings))


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
def block_bounds(data, starts, block):
    """First byte and end of a block, within the data."""
    stop = min(np.int64(starts[block + 1]), len(data))
    start = min(np.int64(starts[block]), stop)
    return max(start, 0), max(stop, 0)


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
def equals(query, start, stop, data, starts, i):
    """Whether string ``i`` is query[start:stop]. Nothing is unpacked: only the bytes that the query shares with each string are counted."""
    at, end = block_bounds(data, starts, i >> BLOCK_BITS)
    matched, size = 0, 0
    for _ in range(i % BLOCK + 1):
        shared, further, at = entry(data, at, end)
        if shared <= matched:
            matched = shared + common(query, start + shared, stop, data, at, at + further)
        size = shared + further
        at += further
    return matched == size and size == stop - start


@kernel
def _room(data, starts, numbers):
    """Bytes that are enough for the strings: none is longer than its block."""
    room = 0
    for i in numbers:
        start, stop = block_bounds(data, starts, i >> BLOCK_BITS)
        room += stop - start
    return room


@kernel
def _decode(data, starts, numbers, out, ends):
    """Strings one after the other, each with its end; False if one shares more than there is."""
    to = 0
    for k in range(len(numbers)):
        at, stop = block_bounds(data, starts, numbers[k] >> BLOCK_BITS)
        size = 0
        for _ in range(numbers[k] % BLOCK + 1):
            shared, further, at = entry(data, at, stop)
            if shared > size:
                return False
            for j in range(further):
                out[to + shared + j] = data[at + j]
            size = shared + further
            at += further
        to += size
        ends[k] = to
    return True


@kernel
def prefix_range(prefix, data, starts, size):
    """Borders of the strings with a prefix among ``size`` sorted ones: binary search over the blocks' first strings, then inside a block."""
    return _border(prefix, data, starts, size, False), _border(prefix, data, starts, size, True)


@kernel
def _border(prefix, data, starts, size, after):
    low, high = 0, len(starts) - 1
    while low < high:
        middle = (low + high) // 2
        if _count_before(prefix, data, starts, middle, 1, after) == 1:
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return 0
    first = (low - 1) << BLOCK_BITS
    return first + _count_before(prefix, data, starts, low - 1, min(BLOCK, size - first), after)


@kernel
def _count_before(prefix, data, starts, block, limit, after):
    """How many of a block's first ``limit`` strings are less than the prefix, or with ``after`` also those that begin with it."""
    at, stop = block_bounds(data, starts, block)
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
