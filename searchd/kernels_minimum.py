"""The k best documents that have at least ``minimum`` of the counted terms, exact, ties by document; other terms add to the score.

Of c terms in a superblock, a document with m of them lacks at most c - m, so it has one of any c - m + 1: the shortest lists of so many
are the *drivers*, and their documents the candidates, less those whose block of 64 cannot reach the floor. Then all terms are looked up, and a
candidate leaves as soon as the terms to come can no longer make up the number or the score.
"""

import numpy as np

from indexer.jit import kernel
from indexer.postings import BLOCKS, SUPERBLOCK, SUPERBLOCK_BITS
from searchd.kernels_all import keep_accepted, list_postings
from searchd.kernels_bits import f32_at, i32_at, i64_at, trailing_zeros, u8_at, u64_at
from searchd.kernels_candidates import expect_nothing, expect_term, locate_term
from searchd.kernels_layout import (
    BEST,
    BLOCK_BOUNDS,
    BOUNDS,
    CLASS,
    END,
    FIRST_DOC,
    LOCAL_END,
    LOCAL_START,
    MARKS,
    MATCHES,
    NUM_SUPERBLOCKS,
    OFFSETS,
    ORDER,
    RARE_DOCS,
    ROW,
    SCORES,
    START,
    STATE,
    WEIGHT,
)
from searchd.kernels_postings import impact_of_doc
from searchd.kernels_terms import bound_superblocks, gather_terms, promising_level, scale_of, sort_terms
from searchd.kernels_top import needed, offer, start_top, write_top

FIRST_SUPERBLOCKS = 8


@kernel
def top_minimum(segments, scratch, mask, num_terms, num_counted, minimum, k):
    """Fill DOCS_OUT and SCORES_OUT with the best k of all segments; how many there are. The first ``num_counted`` query terms count."""
    start_top(scratch, k)
    scale = scale_of(segments[0], scratch, num_terms)
    if scale > 0:
        for s in range(len(segments)):
            _top_of_segment(segments[s], scratch, mask, num_terms, num_counted, minimum, scale, k)
    return write_top(scratch, k, scale)


@kernel
def _top_of_segment(segment, scratch, mask, num_terms, num_counted, minimum, scale, k):
    counted = gather_terms(segment, scratch, mask, num_counted, scale, True)
    if counted < minimum:
        return
    n = gather_terms(segment, scratch, mask, num_terms, scale, True) if num_terms > num_counted else counted
    _order_counted_first(scratch, counted, n)
    bound_superblocks(segment, scratch, n)
    bounds, state = i32_at(scratch, BOUNDS), u64_at(scratch, STATE)
    promising = promising_level(segment, scratch, FIRST_SUPERBLOCKS + (k >> 5))
    for least_bound in (promising, np.int64(0)):
        for b in range(segment[NUM_SUPERBLOCKS]):
            if bounds[b] == 0 or bounds[b] < least_bound:
                continue
            if bounds[b] >= needed(state, segment[FIRST_DOC] + (b << SUPERBLOCK_BITS)):
                _visit(segment, scratch, mask, counted, n, minimum, b, k)
            bounds[b] = 0


@kernel
def _order_counted_first(scratch, counted, n):
    """ORDER: the counted terms by rising length of list, then the others."""
    start, end, values = i64_at(scratch, START), i64_at(scratch, END), i64_at(scratch, BEST)
    for i in range(n):
        values[i] = end[i] - start[i] + (np.int64(0) if i < counted else np.int64(1) << 40)
    sort_terms(i64_at(scratch, ORDER), values, n)


@kernel
def _visit(segment, scratch, mask, counted, n, minimum, superblock, k):
    """Offer every document of a superblock that has enough terms and can enter the best k."""
    starts, ends = i64_at(scratch, LOCAL_START), i64_at(scratch, LOCAL_END)
    first_doc = superblock << SUPERBLOCK_BITS
    least = needed(u64_at(scratch, STATE), segment[FIRST_DOC] + first_doc)
    expect_nothing(scratch)
    flat, present = np.int64(0), np.int64(0)
    for i in range(n):
        locate_term(segment, scratch, i, superblock)
        flat += expect_term(segment, scratch, i, superblock, 1)
        present += np.int64(i < counted and starts[i] < ends[i])
    if present < minimum:
        return
    found = _unite_drivers(segment, scratch, present - minimum + 1, superblock, least - flat)
    found = keep_accepted(segment, scratch, mask, first_doc, found)
    for i in range(n):
        flat += expect_term(segment, scratch, i, superblock, -1)
        if found > 0 and starts[i] < ends[i]:
            present -= np.int64(i < counted)
            found = _add_term(segment, scratch, i, superblock, found, i < counted, minimum - present, least - flat)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    for c in range(found):
        offer(scratch, k, scores[c], segment[FIRST_DOC] + first_doc + offsets[c])


@kernel
def _unite_drivers(segment, scratch, drivers, superblock, least):
    """The documents of the first ``drivers`` terms of ORDER that are here, if their block of 64 can reach ``least``: OFFSETS, SCORES and MATCHES."""
    starts, ends = i64_at(scratch, LOCAL_START), i64_at(scratch, LOCAL_END)
    marks, offsets, docs = u8_at(scratch, MARKS), i64_at(scratch, OFFSETS), i32_at(scratch, RARE_DOCS)
    i = 0
    while drivers > 0:
        row = i64_at(scratch, ROW)[i64_at(scratch, ORDER)[i]]
        drivers -= np.int64(starts[i] < ends[i])
        if row < 0:
            for p in range(starts[i], ends[i]):
                marks[docs[p] & (SUPERBLOCK - 1)] = 1
        elif starts[i] < ends[i]:
            for c in range(list_postings(segment, scratch, row, starts[i], ends[i], superblock)):
                marks[offsets[c]] = 1
        i += 1
    return _take_marks(scratch, least)


@kernel
def _take_marks(scratch, least):
    """Marked documents as candidates; clears the marks."""
    marks, block_bounds = u8_at(scratch, MARKS), i32_at(scratch, BLOCK_BOUNDS)
    offsets, scores, matches = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES), i64_at(scratch, MATCHES)
    found = 0
    for block in range(BLOCKS):
        part = marks[block << 6 : (block << 6) + 64]
        there = np.uint64(0)
        if block_bounds[block] >= least:
            for j in range(64):
                there |= np.uint64(part[j]) << np.uint64(j)
        while there:
            offsets[found] = (block << 6) + trailing_zeros(there)
            scores[found] = 0
            matches[found] = 0
            there &= there - np.uint64(1)
            found += 1
    marks[:SUPERBLOCK] = 0
    return found


@kernel
def _add_term(segment, scratch, i, superblock, found, counts, fewest, least):
    """Add the i-th term to the candidates; keep those with at least ``fewest`` counted terms that can still reach ``least``."""
    t = i64_at(scratch, ORDER)[i]
    row, weight, term_class = i64_at(scratch, ROW)[t], f32_at(scratch, WEIGHT)[t], i64_at(scratch, CLASS)[t]
    start, end = i64_at(scratch, LOCAL_START)[i], i64_at(scratch, LOCAL_END)[i]
    offsets, scores, matches = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES), i64_at(scratch, MATCHES)
    block_bounds = i32_at(scratch, BLOCK_BOUNDS)
    kept = 0
    for c in range(found):
        offset = offsets[c]
        given = impact_of_doc(segment, scratch, row, start, end, superblock, offset, weight, term_class)
        score, matched = scores[c] + given, matches[c] + np.int64(counts and given > 0)
        offsets[kept] = offset
        scores[kept] = score
        matches[kept] = matched
        kept += np.int64(matched >= fewest and score + block_bounds[offset >> 6] >= least)
    return kept
