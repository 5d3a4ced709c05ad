"""Which documents have a term: marks in one byte a document, for exact counts, filters by field and the candidates of phrases."""

import numpy as np

from indexer.jit import kernel
from indexer.postings import EXCEPTION, SUPERBLOCK, SUPERBLOCK_BITS
from searchd.kernels_bits import i32_at, i64_at, u8_at, u16_at
from searchd.kernels_layout import NUM_SUPERBLOCKS, PACKED, RARE, TERM_ENDS, TERM_ROWS, TERM_STARTS
from searchd.kernels_postings import full_code, superblock_range
from searchd.kernels_rare import next_posting
from searchd.kernels_wide import is_wide, list_wide


@kernel
def mark_term(segment, term, wanted, marks, before, after):
    """Turn marks[doc] from ``before`` to ``after`` for the documents of a term.

    ``marks`` uint8[num_docs]; ``wanted`` bool[codebook rows]: the frequencies that count as having the term, empty = all.
    """
    start, end = i64_at(segment, TERM_STARTS)[term], i64_at(segment, TERM_ENDS)[term]
    row = i32_at(segment, TERM_ROWS)[term]
    if start == end:
        return
    if row < 0:
        _mark_rare(segment, start, end, wanted, marks, before, after)
    elif is_wide(segment, row):
        _mark_wide(segment, row, marks, before, after)
    else:
        for superblock in range(segment[NUM_SUPERBLOCKS]):
            first, last = superblock_range(segment, row, superblock)
            _mark_superblock(segment, start + first, start + last, superblock << SUPERBLOCK_BITS, wanted, marks, before, after)


@kernel
def _mark_rare(segment, start, end, wanted, marks, before, after):
    rare = u8_at(segment, RARE)
    p, doc = start, np.int64(-1)
    for _ in range(end - start):
        doc, code, p = next_posting(rare, p, doc + 1)
        if marks[doc] == before and (len(wanted) == 0 or wanted[code]):
            marks[doc] = after


@kernel
def _mark_wide(segment, row, marks, before, after):
    """There is one field then, so every posting is wanted."""
    offsets = np.empty(SUPERBLOCK, np.int64)
    for superblock in range(segment[NUM_SUPERBLOCKS]):
        first_doc = superblock << SUPERBLOCK_BITS
        for j in range(list_wide(segment, row, superblock, offsets)):
            doc = first_doc + offsets[j]
            if marks[doc] == before:
                marks[doc] = after


@kernel
def _mark_superblock(segment, start, end, first_doc, wanted, marks, before, after):
    packed = u16_at(segment, PACKED)
    for p in range(start, end):
        posting = np.int64(packed[p])
        doc = first_doc + (posting & 4095)
        if marks[doc] == before:
            code = posting >> SUPERBLOCK_BITS
            if len(wanted) > 0:
                code = full_code(segment, code, p) if code == EXCEPTION else code
                if not wanted[code]:
                    continue
            marks[doc] = after
