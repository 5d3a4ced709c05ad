"""The forward index of a segment for kernels: where rows are, each page being checked before it is read.

The slot FORWARD of a segment's descriptor leads to another descriptor: for each section its items, bytes, checksums and marks; and a byte for each
row, which becomes 1 when the row's pages were found good, so that a row that is read again costs one look more.
"""

import numpy as np

from indexer.checksums import Section
from indexer.forward import Forward, ForwardSections, Rows, check_rows, row_range, row_start
from indexer.jit import inlined, kernel
from searchd.kernels_bits import i64_at, u8_at, u16_at, u32_at, u64_at
from searchd.kernels_layout import FORWARD, describe

DATA, STARTS, BASES, WIDE = range(0, 32, 8)
BYTES, CHECKSUMS, VERIFIED = 2, 4, 6  # further on
CHECKED = 32
WORDS = 34


def describe_forward(forward: Forward) -> np.ndarray:
    """The descriptor, int64[WORDS]; the forward index must outlive it."""
    arrays = {CHECKED: forward.checked_rows}
    for first, section in zip((DATA, STARTS, BASES, WIDE), forward.sections):
        arrays |= {first + 2 * i: array for i, array in enumerate(section)}
    return describe(WORDS, {}, arrays)


@inlined
def _section(words, slot, items):
    """A Section out of the descriptor."""
    return Section(items, u8_at(words, slot + BYTES), u32_at(words, slot + CHECKSUMS), u8_at(words, slot + VERIFIED))


@kernel
def _check_row(words, row):
    """Whether a row's pages are good: the long way."""
    forward = ForwardSections(
        _section(words, DATA, u8_at(words, DATA)),
        _section(words, STARTS, u16_at(words, STARTS)),
        _section(words, BASES, u64_at(words, BASES)),
        _section(words, WIDE, u64_at(words, WIDE)),
    )
    good = check_rows(forward, row, row + 1)
    if good:
        u8_at(words, CHECKED)[row] = 1
    return good


@inlined
def row_bytes(segment, row):
    """(all bytes, first byte of the row, the one after its last), of which the row's may be read; an empty row where it is damaged."""
    words = i64_at(segment, FORWARD)
    start, end = np.int64(0), np.int64(0)
    if u8_at(words, CHECKED)[row] != 0 or _check_row(words, row):
        start, end = row_range(Rows(u16_at(words, STARTS), u64_at(words, BASES), u64_at(words, WIDE)), row)
    return u8_at(words, DATA), start, end


@inlined
def first_row_byte(segment, row):
    """(all bytes, where the row begins, if it was read before), for fetching ahead."""
    words = i64_at(segment, FORWARD)
    start = np.int64(0)
    if u8_at(words, CHECKED)[row] != 0:
        start = row_start(Rows(u16_at(words, STARTS), u64_at(words, BASES), u64_at(words, WIDE)), row)
    return u8_at(words, DATA), start
