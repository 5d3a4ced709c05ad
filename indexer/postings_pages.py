"""Which pages of a segment's postings a term needs: checked when a query first uses the term, so that kernels need not ask.

A wide or packed term owns its postings and a row of each table; the exceptions are searched, so they are needed whole as soon as one term may
have some. A rare term is found by passing over the lists before it in its group, so the group is checked.
"""

from typing import NamedTuple

import numpy as np

from indexer.checksums import Section, ready
from indexer.jit import inlined, kernel
from indexer.pages import Family
from indexer.postings import HALF, RARE_GROUP, Header


class TermSections(NamedTuple):
    """Sections ``postings.*`` of which a term needs a part; tables of several columns are flat."""

    nibbles: Section
    packed: Section
    rare: Section
    row_starts: Section
    rare_starts: Section
    exceptions: Section
    exception_codes: Section
    wide_exceptions: Section
    wide_exception_tfs: Section
    superblock_maxima: Section
    superblock_starts: Section
    superblock_starts_high: Section
    block_maxima: Section
    block_starts: Section
    thresholds: Section


class PostingsPages:
    """Checks what terms need of the sections ``postings.*``."""

    def __init__(self, sections: Family, header: Header) -> None:
        self._pages = [sections.pages(name) for name in TermSections._fields]
        self._header = header

    def require(self, ids: np.ndarray) -> None:
        """Make sure of all that kernels read of terms: ids int64[n], -1 for none. Raises Corrupt."""
        _check_terms(TermSections(*(pages.section for pages in self._pages)), self._header, self._header.num_superblocks, ids)
        for pages in self._pages:
            pages.settle()


@inlined
def _check_row(table, num_rows, row):
    """Check row ``row`` of a table of ``num_rows``, if it has that many. All here is inlined: passing sections on would cost microseconds."""
    if row < num_rows:
        columns = len(table.items) // num_rows
        ready(table, row * columns, (row + 1) * columns)


@inlined
def _check_tables(sections, header, row):
    _check_row(sections.superblock_maxima, header.num_rows, row)
    _check_row(sections.superblock_starts, header.num_rows, row)
    _check_row(sections.superblock_starts_high, header.num_long, row)
    _check_row(sections.thresholds, header.num_rows, row)
    _check_row(sections.block_maxima, header.num_dense, row)
    if row >= header.num_wide:
        _check_row(sections.block_starts, header.num_dense - header.num_wide, row - header.num_wide)


@inlined
def _check_packed(sections, row):
    if ready(sections.row_starts, row, row + 2):
        ready(sections.packed, sections.row_starts.items[row], sections.row_starts.items[row + 1])
    ready(sections.exceptions, 0, len(sections.exceptions.items))
    ready(sections.exception_codes, 0, len(sections.exception_codes.items))


@inlined
def _check_group(sections, group):
    starts, last = sections.rare_starts, group + 2 > len(sections.rare_starts.items)
    if ready(starts, group, group + 1 if last else group + 2):
        end = len(sections.rare.items) if last else np.int64(starts.items[group + 1])
        ready(sections.rare, np.int64(starts.items[group]), end)


@kernel
def _check_terms(sections, header, num_superblocks, ids):
    """Damage stays in the sections' marks; what depends on a damaged page is passed over."""
    for term in ids:
        if 0 <= term < header.num_rows:
            _check_tables(sections, header, term)
            if term < header.num_wide:
                ready(sections.nibbles, term * num_superblocks * HALF, (term + 1) * num_superblocks * HALF)
                ready(sections.wide_exceptions, 0, len(sections.wide_exceptions.items))
                ready(sections.wide_exception_tfs, 0, len(sections.wide_exception_tfs.items))
            else:
                _check_packed(sections, term)
        elif header.num_rows <= term < header.num_listed:
            _check_group(sections, (term - header.num_rows) // RARE_GROUP)
