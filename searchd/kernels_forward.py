"""The forward index of a segment for kernels: where rows are, each page being checked before it is read.

The slot FORWARD of a segment's descriptor leads to another descriptor: for each section its items, bytes, checksums and marks.
"""

import numpy as np

import searchd.kernels_layout as layout
from indexer.checksums import Section
from indexer.forward import ForwardSections, checked_range, checked_start
from indexer.jit import inlined, kernel
from searchd.kernels_bits import i64_at, u8_at, u16_at, u32_at, u64_at

DATA, STARTS, BASES, WIDE = range(0, 32, 8)
BYTES, CHECKSUMS, VERIFIED = 2, 4, 6  # further on
WORDS = 32


def describe_forward(sections: ForwardSections) -> np.ndarray:
    """The descriptor, int64[WORDS]; the sections must outlive it."""
    arrays: dict[int, np.ndarray] = {}
    for first, section in zip((DATA, STARTS, BASES, WIDE), sections):
        arrays |= {first + 2 * i: array for i, array in enumerate(section)}
    return layout.describe(WORDS, {}, arrays)


@inlined
def _section(words, slot, items):
    """A Section out of the descriptor."""
    return Section(items, u8_at(words, slot + BYTES), u32_at(words, slot + CHECKSUMS), u8_at(words, slot + VERIFIED))


@inlined
def forward_of(segment):
    """The ForwardSections of a segment."""
    words = i64_at(segment, layout.FORWARD)
    return ForwardSections(
        _section(words, DATA, u8_at(words, DATA)),
        _section(words, STARTS, u16_at(words, STARTS)),
        _section(words, BASES, u64_at(words, BASES)),
        _section(words, WIDE, u64_at(words, WIDE)),
    )


@kernel
def row_bytes(segment, row):
    """(all bytes, first byte of the row, the one after its last), of which the row's may be read; an empty row where it is damaged."""
    start, stop = checked_range(forward_of(segment), row, row + 1)
    return u8_at(i64_at(segment, layout.FORWARD), DATA), start, stop


@kernel
def first_row_byte(segment, row):
    """(all bytes, where the row begins), for fetching ahead: its bytes are not checked."""
    return u8_at(i64_at(segment, layout.FORWARD), DATA), checked_start(forward_of(segment), row)
