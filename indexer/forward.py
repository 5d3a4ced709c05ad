"""Sequences of term ids -> bytes: the forward index, which phrases, features and similar documents read.

Every document and text field is a row, row = doc * F + field; each position is a varint (7 bits a byte, low first, high bit = more follow)
of the term id + 1, and 0 is a gap that phrases do not cross. Frequent terms have small ids, so most positions take one or two bytes.

Where a row begins is two bytes, counted from the first of its 32 rows; the few groups that reach further than that have a table of their own.

(s, c)-dense codes (Brisaboa and others 2003) with the best s would save 2.6 % of the bytes of English abstracts and 6 % of those of Chinese
poems, too little to give up that a byte says by itself whether it ends a position, and by a constant.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from indexer.checksums import Section, ready
from indexer.container import ContainerWriter
from indexer.jit import inlined, kernel
from indexer.pages import Family
from indexer.threads import in_order

MAX_VARINT = 5
POSITIONS_AT_ONCE = 1 << 20
GROUP_BITS = 5
GROUP = 1 << GROUP_BITS
WIDE = np.uint64(1 << 63)


class Rows(NamedTuple):
    """Where rows begin in ``data``: R of them, and the end of the last one as another. Row r of group g = r // 32 begins at
    ``bases[g] + starts[r]``; if the top bit of ``bases[g]`` is set, at ``wide[w + r % 32]``, w being the other bits."""

    starts: np.ndarray  # uint16[R + 1]
    bases: np.ndarray  # uint64[R // 32 + 1]
    wide: np.ndarray  # uint64, 32 for each group of more than 65,535 bytes


@inlined
def row_start(rows, row):
    """Where a row begins; ``row`` up to R."""
    base = rows.bases[row >> GROUP_BITS]
    if base & WIDE:
        return np.int64(rows.wide[np.int64(base & ~WIDE) + (row & (GROUP - 1))])
    return np.int64(base) + np.int64(rows.starts[row])


@inlined
def row_range(rows, row):
    """First byte of a row, and the one after its last."""
    return row_start(rows, row), row_start(rows, row + 1)


def locate_rows(sizes: np.ndarray) -> Rows:
    """The Rows of rows of so many bytes each, int64[R]."""
    begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    bases = begins[::GROUP].astype(np.uint64)
    starts = begins - np.repeat(begins[::GROUP], GROUP)[: len(begins)]
    far = np.unique(np.flatnonzero(starts > 0xFFFF) >> GROUP_BITS)
    padded = np.concatenate([begins, np.zeros(-len(begins) % GROUP, np.int64)]).reshape(-1, GROUP)
    bases[far] = WIDE | (GROUP * np.arange(len(far), dtype=np.uint64))
    starts[np.isin(np.arange(len(starts)) >> GROUP_BITS, far)] = 0
    return Rows(starts.astype(np.uint16), bases, padded[far].astype(np.uint64).ravel())


class ForwardSections(NamedTuple):
    """For kernels that check what they read: ``data``, and the three of ``Rows``."""

    data: Section
    starts: Section
    bases: Section
    wide: Section


@inlined
def _check_start(forward, row):
    """Whether it can be told where a row begins."""
    group = row >> GROUP_BITS
    good = ready(forward.starts, row, row + 1) and ready(forward.bases, group, group + 1)
    base = forward.bases.items[group] if good else np.uint64(0)
    if base & WIDE:
        first = np.int64(base & ~WIDE)
        good = ready(forward.wide, first, first + GROUP)
    return good


@inlined
def check_rows(forward, row, stop_row):
    """Whether rows ``row`` to ``stop_row`` - 1 of ForwardSections may be read; damage is remembered."""
    good = _check_start(forward, row) and _check_start(forward, stop_row)
    if good:
        rows = Rows(forward.starts.items, forward.bases.items, forward.wide.items)
        good = ready(forward.data, row_start(rows, row), row_start(rows, stop_row))
    return good


class Forward:
    """The sections ``forward.*``, checked as far as rows are required."""

    SECTIONS = ("data", *Rows._fields)

    def __init__(self, sections: Family) -> None:
        self._pages = [sections.pages(name) for name in self.SECTIONS]

    @classmethod
    def in_memory(cls, data: np.ndarray, rows: Rows) -> "Forward":
        """Rows of this process."""
        return cls(Family.in_memory({"data": data, **rows._asdict()}))

    @property
    def data(self) -> np.ndarray:
        """The bytes of all rows, uint8; all are checked."""
        return self._pages[0].all()

    @property
    def rows(self) -> Rows:
        """Where they are; all is checked."""
        return Rows(*(pages.all() for pages in self._pages[1:]))

    @property
    def sections(self) -> ForwardSections:
        """For kernels that check what they read; ``settle`` after they ran."""
        return ForwardSections(*(pages.section for pages in self._pages))

    @cached_property
    def checked_rows(self) -> np.ndarray:
        """For kernels to note which rows they checked: uint8[R], zeros at first."""
        return np.zeros(len(self._pages[1].view) - 1, np.uint8)

    def settle(self) -> None:
        """Raise Corrupt if a kernel met damage."""
        for pages in self._pages:
            pages.settle()

    def require(self, firsts: np.ndarray, stops: np.ndarray) -> tuple[Rows, np.ndarray]:
        """Check rows ``firsts[i]`` to ``stops[i]`` - 1, int64[n]: where rows are, and their bytes, of which only those may be read. Raises
        Corrupt."""
        _check_ranges(self.sections, firsts, stops)
        self.settle()
        data, *rows = (pages.view for pages in self._pages)
        return Rows(*rows), data

    def row(self, row: int) -> np.ndarray:
        """Term ids of a row, int32; -1 = gap. Raises Corrupt."""
        rows, data = self.require(np.array([row]), np.array([row + 1]))
        start, stop = _row_range(rows, row)
        ids = np.empty(stop - start, np.int32)
        return ids[: decode_row(data, start, stop, ids)]


@kernel
def _row_range(rows, row):
    return row_range(rows, row)


@kernel
def _check_ranges(forward, firsts, stops):
    for i in range(len(firsts)):
        check_rows(forward, firsts[i], stops[i])


class Sequences(NamedTuple):
    """Rows of one run: ``tokens`` uint16 or uint32, which end at ``ends`` int64; those that are ``kept`` (int64), and the value of every token
    uint32: its new id + 1, or 0 for that of a gap."""

    tokens: np.ndarray
    ends: np.ndarray
    kept: np.ndarray
    values: np.ndarray


def write_forward(writer: ContainerWriter, parts: Sequence[Sequences]) -> None:
    """Write the sections ``forward.*``: the kept rows of all parts, in order."""
    sizes = [np.zeros(0, np.int64)]
    with writer.section("forward.data", "|u1") as write:
        for data, row_sizes in in_order(encode_rows, _pieces(parts)):
            write(data)
            sizes.append(row_sizes)
    writer.add_all("forward.", locate_rows(np.concatenate(sizes))._asdict())


def _pieces(parts: Sequence[Sequences]) -> Iterator[Sequences]:
    """The parts cut into pieces of about 2^20 positions, so that memory is bounded."""
    for part in parts:
        positions = np.cumsum(part.ends[part.kept + 1] - part.ends[part.kept])
        total = int(positions[-1]) if len(positions) else 0
        borders = np.searchsorted(positions, np.arange(POSITIONS_AT_ONCE, total, POSITIONS_AT_ONCE))
        for kept in np.split(part.kept, np.unique(borders)):
            yield part._replace(kept=kept)


def encode_rows(part: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """The kept rows: (bytes, bytes per row int64)."""
    sizes = np.empty(len(part.kept), np.int64)
    positions = int((part.ends[part.kept + 1] - part.ends[part.kept]).sum())
    out = np.empty(positions * MAX_VARINT, np.uint8)
    return out[: _encode(*part, out, sizes)], sizes


@kernel
def _encode(tokens, ends, kept, values, out, sizes):
    at = 0
    for i in range(len(kept)):
        start = at
        for j in range(ends[kept[i]], ends[kept[i] + 1]):
            value = values[tokens[j]]
            if value < 1 << 21:
                # Three bytes are written whatever the length: sequences leave nothing for a predictor of branches to learn.
                more, most = value >= 128, value >= 1 << 14
                out[at] = np.uint8((value & np.uint32(127)) | (np.uint32(more) << np.uint32(7)))
                out[at + 1] = np.uint8(((value >> np.uint32(7)) & np.uint32(127)) | (np.uint32(most) << np.uint32(7)))
                out[at + 2] = np.uint8(value >> np.uint32(14))
                at += 1 + more + most
                continue
            while value >= 128:
                out[at] = np.uint8((value & np.uint32(127)) | np.uint32(128))
                value >>= np.uint32(7)
                at += 1
            out[at] = np.uint8(value)
            at += 1
        sizes[i] = at - start
    return at


@kernel
def decode_row(data, start, stop, ids):
    """Decode ``data[start:stop]`` into ``ids`` (int32, -1 = gap); returns the number of positions."""
    n = 0
    value, shift = np.uint32(0), np.uint32(0)
    for i in range(start, stop):
        byte = np.uint32(data[i])
        value |= (byte & np.uint32(127)) << shift
        shift += np.uint32(7)
        if byte < 128:
            ids[n] = np.int32(value) - np.int32(1)
            n += 1
            value, shift = np.uint32(0), np.uint32(0)
    return n
