"""Which documents have any of some terms: marks in one byte a document, or just their number."""

import numpy as np

from indexer.jit import kernel
from indexer.postings import EXCEPTION, HALF, SUPERBLOCK, SUPERBLOCK_BITS
from searchd.kernels_bits import i32_at, i64_at, u8_at, u16_at, word_at, words_of
from searchd.kernels_layout import (
    END,
    LIVE,
    MARKS,
    NUM_DOCS,
    NUM_SUPERBLOCKS,
    PACKED,
    RARE,
    RARE_DOCS,
    ROW,
    START,
)
from searchd.kernels_postings import full_code, superblock_range
from searchd.kernels_rare import next_posting
from searchd.kernels_terms import gather_terms
from searchd.kernels_time import ends, goes_on, stops
from searchd.kernels_wide import bytes_of, is_wide

NO_MASK = np.zeros(0, np.uint8)


@kernel
def mark_terms(segment, rows, starts, ends, wanted, marks):
    """Set marks[doc] to 1 for the documents of terms, which stand where ``PostingsView.locate`` says, int64[n].

    ``marks`` uint8[num_docs]; ``wanted`` bool[codebook rows]: the frequencies that count as having the term, empty = all.
    """
    for i in range(len(rows)):
        if starts[i] == ends[i]:
            continue
        if rows[i] < 0:
            _mark_rare(segment, starts[i], ends[i], wanted, marks)
            continue
        for superblock in range(word_at(segment, NUM_SUPERBLOCKS)):
            part = marks[superblock << SUPERBLOCK_BITS : min((superblock + 1) << SUPERBLOCK_BITS, len(marks))]
            if is_wide(segment, rows[i]):
                _mark_wide(segment, rows[i], superblock, part)  # there is one field then, so every posting is wanted
            else:
                first, last = superblock_range(segment, rows[i], superblock)
                _mark_packed(segment, starts[i] + first, starts[i] + last, wanted, part)


@kernel
def _mark_rare(segment, start, end, wanted, marks):
    rare = u8_at(segment, RARE)
    p, doc = start, np.int64(-1)
    for _ in range(end - start):
        doc, code, p = next_posting(rare, p, doc + 1)
        if len(wanted) == 0 or wanted[code]:
            marks[doc] = 1


@kernel
def _mark_wide(segment, row, superblock, marks):
    """``marks`` are those of the superblock."""
    nibbles = bytes_of(segment, row, superblock)
    for j in range(min(HALF, len(marks))):
        marks[j] |= np.uint8(nibbles[j] & np.uint8(15) != 0)
    for j in range(len(marks) - HALF):
        marks[HALF + j] |= np.uint8(nibbles[j] > 15)


@kernel
def _mark_packed(segment, start, end, wanted, marks):
    """``marks`` are those of the superblock of packed[start:end]."""
    packed = u16_at(segment, PACKED)
    if len(wanted) == 0:
        for p in range(start, end):
            marks[np.uint64(packed[p] & np.uint16(SUPERBLOCK - 1))] = 1
        return
    for p in range(start, end):
        code = np.int64(packed[p] >> SUPERBLOCK_BITS)
        if wanted[full_code(segment, code, p) if code == EXCEPTION else code]:
            marks[packed[p] & np.uint16(SUPERBLOCK - 1)] = 1


@kernel
def count_any(segments, scratch_words, num_terms, enough):
    """How many documents have any of the query's terms; from ``enough`` on, or when time is up, the count stops at the next superblock.

    A superblock's marks stay in the nearest cache, and are summed by vectors.
    """
    scratch = words_of(scratch_words)
    total = np.int64(0)
    for s in range(len(segments)):
        if total < enough and goes_on(scratch):
            total += _count_in_segment(words_of(segments[s]), scratch, num_terms, enough - total)
            ends(words_of(segments[s]), scratch)
    return total


@kernel
def _count_in_segment(segment, scratch, num_terms, enough):
    n = gather_terms(segment, scratch, NO_MASK, num_terms, 0.0, True)
    marks, live = u8_at(scratch, MARKS), u8_at(segment, LIVE)
    total = np.int64(0)
    superblock = np.int64(0)
    while superblock < word_at(segment, NUM_SUPERBLOCKS) and total < enough and not stops(segment, scratch, superblock):
        first_doc = superblock << SUPERBLOCK_BITS
        part = marks[: min(SUPERBLOCK, word_at(segment, NUM_DOCS) - first_doc)]
        _mark_superblock(segment, scratch, n, superblock, part)
        total += _sum(part) if len(live) == 0 else _sum_both(part, live[first_doc:])
        part[:] = 0
        superblock += 1
    return total


@kernel
def _mark_superblock(segment, scratch, n, superblock, marks):
    row, start, end = i64_at(scratch, ROW), i64_at(scratch, START), i64_at(scratch, END)
    docs = i32_at(scratch, RARE_DOCS)
    for t in range(n):
        if row[t] < 0:
            # Each superblock takes its share of a rare list, and START moves on.
            while start[t] < end[t] and docs[start[t]] >> SUPERBLOCK_BITS == superblock:
                marks[docs[start[t]] & (SUPERBLOCK - 1)] = 1
                start[t] += 1
        elif is_wide(segment, row[t]):
            _mark_wide(segment, row[t], superblock, marks)
        else:
            first, last = superblock_range(segment, row[t], superblock)
            _mark_packed(segment, start[t] + first, start[t] + last, np.zeros(0, np.bool_), marks)


@kernel
def _sum(marks):
    total = np.int64(0)
    for j in range(len(marks)):
        total += np.int64(marks[j])
    return total


@kernel
def _sum_both(marks, live):
    total = np.int64(0)
    for j in range(len(marks)):
        total += np.int64(marks[j] & live[j])
    return total
