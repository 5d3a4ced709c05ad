"""The candidates of one superblock, run past one term after another: where each has a posting, what that gives, who can still reach the floor.

Candidates stand in OFFSETS and SCORES, in any order. What terms not yet looked at can give at most is kept as BLOCK_BOUNDS, for each
64 documents, and as one number for terms that have no bounds so fine. Every loop over candidates writes each and moves on by 0 or 1
(branch-free compaction): whether one is kept is as good as random, and a mispredicted branch costs more than the work.
"""

import numpy as np

from indexer.bm25 import saturation
from indexer.jit import inlined, kernel
from indexer.postings import BLOCKS, EXCEPTION, SKIPS, SUPERBLOCK, SUPERBLOCK_BITS
from indexer.swar import trailing_zeros
from searchd.kernels_bits import f32_at, find_doc, i32_at, i64_at, reaching, u8_at, u16_at, word_at
from searchd.kernels_layout import (
    BLOCK_BOUNDS,
    BLOCK_STARTS,
    CLASS,
    DOC_NORMS,
    END,
    K1,
    LENGTH_CODES,
    LOCAL_BOUND,
    LOCAL_END,
    LOCAL_START,
    NUM_DENSE,
    NUM_LENGTHS,
    NUM_SUPERBLOCKS,
    NUM_WIDE,
    OFFSETS,
    ORDER,
    PACKED,
    PLACES,
    RARE_DOCS,
    RARE_IMPACTS,
    ROW,
    SCORES,
    SHARES,
    START,
    STRIDE,
    SUPERBLOCK_MAXIMA,
    UNIT,
    WEIGHT,
    WINDOW,
)
from searchd.kernels_postings import CODES, lower_bound, posting_share, rare_range, skip_range, superblock_range
from searchd.kernels_terms import add_block_bounds
from searchd.kernels_wide import impact, is_wide, nibble_impact, wide_nibble


@inlined
def locate_term(segment, scratch, i, superblock):
    """Set range and bound of the i-th term (of ORDER) in a superblock: LOCAL_START, LOCAL_END, LOCAL_BOUND."""
    starts, ends, bounds = i64_at(scratch, LOCAL_START), i64_at(scratch, LOCAL_END), i64_at(scratch, LOCAL_BOUND)
    t = i64_at(scratch, ORDER)[i]
    row, first = i64_at(scratch, ROW)[t], i64_at(scratch, START)[t]
    if row < 0:
        starts[i], ends[i], bounds[i] = rare_range(scratch, first, i64_at(scratch, END)[t], starts[i], superblock)
        return
    start, end = superblock_range(segment, row, superblock)
    starts[i], ends[i] = first + start, first + end
    bounds[i] = np.int64(u8_at(segment, SUPERBLOCK_MAXIMA)[row * word_at(segment, STRIDE) + superblock]) * i64_at(scratch, UNIT)[t]


@inlined
def expect_nothing(scratch):
    i32_at(scratch, BLOCK_BOUNDS)[:BLOCKS] = 0


@inlined
def expect_term(segment, scratch, i, superblock, sign):
    """Add the bounds of a term to those of what is still to come (``sign`` 1) or take them away (-1).

    Returns its bound for the whole superblock, or 0 if BLOCK_BOUNDS has its bounds.
    """
    t = i64_at(scratch, ORDER)[i]
    row = i64_at(scratch, ROW)[t]
    if 0 <= row < word_at(segment, NUM_DENSE):
        add_block_bounds(segment, scratch, row, superblock, i64_at(scratch, UNIT)[t] * sign)
        return np.int64(0)
    return i64_at(scratch, LOCAL_BOUND)[i] * sign


@inlined
def scan_window(scratch, least):
    """Candidates of a full window, in document order, to OFFSETS and SCORES; clears the window.

    Each 64 scores make a bit mask by vector comparison; a loop over its bits costs only as much as there are candidates.
    """
    window, block_bounds = i32_at(scratch, WINDOW), i32_at(scratch, BLOCK_BOUNDS)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    found = np.uint64(0)
    for block in range(BLOCKS):
        first = block << 6
        limit = np.int32(max(1, least - block_bounds[block]))
        reached = reaching(window, first, limit)
        while reached:
            offset = np.uint64(first + trailing_zeros(reached))
            reached &= reached - np.uint64(1)
            offsets[found] = np.int64(offset)
            scores[found] = window[offset]
            found += np.uint64(1)
        part = window[first : first + 64]
        for j in range(64):
            part[j] = 0
    return np.int64(found)


@inlined
def take_rare(scratch, start, end, least):
    """The documents of decoded postings of one superblock as candidates if they can reach ``least``, counting BLOCK_BOUNDS."""
    docs, impacts, block_bounds = i32_at(scratch, RARE_DOCS), i32_at(scratch, RARE_IMPACTS), i32_at(scratch, BLOCK_BOUNDS)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    kept = np.uint64(0)
    for p in range(start, end):
        offset, score = np.uint64(docs[p] & (SUPERBLOCK - 1)), np.int64(impacts[p])
        offsets[kept] = np.int64(offset)
        scores[kept] = score
        kept += np.uint64(score + block_bounds[offset >> np.uint64(6)] >= least)
    return np.int64(kept)


@inlined
def take_documents(scratch, start, end):
    """Decoded postings as candidates whose OFFSETS count from the segment's first document."""
    docs, impacts = i32_at(scratch, RARE_DOCS), i32_at(scratch, RARE_IMPACTS)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    for j in range(end - start):
        offsets[j] = docs[start + j]
        scores[j] = impacts[start + j]
    return end - start


@inlined
def take_postings(segment, scratch, t, start, end, superblock, least):
    """The documents of packed[start:end], a term in a superblock, as candidates if they can reach ``least``, counting BLOCK_BOUNDS."""
    weight, term_class = f32_at(scratch, WEIGHT)[t], i64_at(scratch, CLASS)[t]
    if word_at(segment, NUM_LENGTHS) > 0:
        return _take_by_table(segment, scratch, start, end, superblock, weight, term_class, least)
    packed = u16_at(segment, PACKED)
    offsets, scores, places = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES), i64_at(scratch, PLACES)
    for j in range(end - start):
        offsets[j] = packed[start + j] & np.uint16(4095)
        scores[j] = 0
        places[j] = start + j
    return _add_found_by_formula(segment, scratch, superblock, end - start, weight, term_class, least)


@inlined
def _take_by_table(segment, scratch, start, end, superblock, weight, term_class, least):
    packed, lengths = u16_at(segment, PACKED), np.uint64(word_at(segment, NUM_LENGTHS))
    shares = f32_at(segment, SHARES)[term_class * CODES * word_at(segment, NUM_LENGTHS) :]
    codes = u16_at(segment, LENGTH_CODES)[superblock << SUPERBLOCK_BITS :]
    offsets, scores, block_bounds = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES), i32_at(scratch, BLOCK_BOUNDS)
    kept = np.uint64(0)
    for p in range(start, end):
        posting = np.uint64(packed[np.uint64(p)])
        offset, code = posting & np.uint64(4095), posting >> np.uint64(SUPERBLOCK_BITS)
        share = shares[code * lengths + np.uint64(codes[offset])]
        if code == EXCEPTION:
            share = posting_share(segment, np.int64(code), p, (superblock << SUPERBLOCK_BITS) + np.int64(offset), term_class)
        score = np.int64(impact(weight, share))
        offsets[kept] = np.int64(offset)
        scores[kept] = score
        kept += np.uint64(score + block_bounds[offset >> np.uint64(6)] >= least)
    return np.int64(kept)


@inlined
def add_term(segment, scratch, i, superblock, found, least):
    """Add a term to the candidates that have it; how many can still reach ``least``, counting BLOCK_BOUNDS."""
    t = i64_at(scratch, ORDER)[i]
    row, start, end = i64_at(scratch, ROW)[t], i64_at(scratch, LOCAL_START)[i], i64_at(scratch, LOCAL_END)[i]
    if row < 0:
        return _add_rare(scratch, start, end, superblock, found, least)
    find_postings(segment, scratch, row, start, end, superblock, found)
    return add_found(segment, scratch, t, superblock, found, least)


@inlined
def find_postings(segment, scratch, row, start, end, superblock, found):
    """PLACES of the candidates' postings among packed[start:end], all of a row in a superblock; -1 where there is none.

    The place of a posting of a wide row is its nibble.
    """
    packed, block_starts = u16_at(segment, PACKED), u16_at(segment, BLOCK_STARTS)
    offsets, places = i64_at(scratch, OFFSETS), i64_at(scratch, PLACES)
    if is_wide(segment, row):
        for c in range(found):
            nibble = wide_nibble(segment, row, superblock, offsets[c])
            places[c] = nibble if nibble > 0 else np.int64(-1)
        return
    if row >= word_at(segment, NUM_DENSE):
        for c in range(found):
            places[c] = find_doc(packed, start, end, offsets[c])
        return
    at = ((row - word_at(segment, NUM_WIDE)) * word_at(segment, NUM_SUPERBLOCKS) + superblock) * SKIPS
    for c in range(found):
        low, high = skip_range(block_starts, at, start, end, offsets[c])
        places[c] = find_doc(packed, low, high, offsets[c])


@inlined
def add_found(segment, scratch, t, superblock, found, least):
    """Add what the postings at PLACES give (-1: nothing); how many candidates can still reach ``least``, counting BLOCK_BOUNDS."""
    weight, term_class = f32_at(scratch, WEIGHT)[t], i64_at(scratch, CLASS)[t]
    row = i64_at(scratch, ROW)[t]
    if is_wide(segment, row):
        return _add_found_wide(segment, scratch, row, superblock, found, weight, term_class, least)
    if word_at(segment, NUM_LENGTHS) > 0:
        return _add_found_by_table(segment, scratch, superblock, found, weight, term_class, least)
    return _add_found_by_formula(segment, scratch, superblock, found, weight, term_class, least)


@inlined
def _add_found_wide(segment, scratch, row, superblock, found, weight, term_class, least):
    offsets, scores, places = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES), i64_at(scratch, PLACES)
    block_bounds = i32_at(scratch, BLOCK_BOUNDS)
    norms, k1 = f32_at(segment, DOC_NORMS)[superblock << SUPERBLOCK_BITS :], f32_at(segment, K1)[term_class]
    kept = 0
    for c in range(found):
        offset, nibble = np.uint64(offsets[c]), places[c]
        given = np.int64(impact(weight, saturation(np.float32(nibble) * norms[offset], k1)))
        if nibble == EXCEPTION:
            doc = (superblock << SUPERBLOCK_BITS) + np.int64(offset)
            given = nibble_impact(segment, row, doc, nibble, weight, term_class)
        score = scores[c] + (given if nibble >= 0 else np.int64(0))
        offsets[kept] = np.int64(offset)
        scores[kept] = score
        kept += np.int64(score + block_bounds[offset >> np.uint64(6)] >= least)
    return kept


@inlined
def _add_found_by_table(segment, scratch, superblock, found, weight, term_class, least):
    packed, lengths = u16_at(segment, PACKED), np.uint64(word_at(segment, NUM_LENGTHS))
    shares = f32_at(segment, SHARES)[term_class * CODES * word_at(segment, NUM_LENGTHS) :]
    codes = u16_at(segment, LENGTH_CODES)[superblock << SUPERBLOCK_BITS :]
    offsets, scores, places = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES), i64_at(scratch, PLACES)
    block_bounds = i32_at(scratch, BLOCK_BOUNDS)
    kept = 0
    for c in range(found):
        offset, place = np.uint64(offsets[c]), places[c]
        code = np.uint64(packed[np.uint64(max(place, np.int64(0)))]) >> np.uint64(SUPERBLOCK_BITS)
        share = shares[code * lengths + np.uint64(codes[offset])]
        if code == EXCEPTION and place >= 0:
            doc = (superblock << SUPERBLOCK_BITS) + np.int64(offset)
            share = posting_share(segment, np.int64(code), place, doc, term_class)
        score = scores[c] + (np.int64(impact(weight, share)) if place >= 0 else np.int64(0))
        offsets[kept] = np.int64(offset)
        scores[kept] = score
        kept += np.int64(score + block_bounds[offset >> np.uint64(6)] >= least)
    return kept


@kernel
def _add_found_by_formula(segment, scratch, superblock, found, weight, term_class, least):
    packed, first_doc = u16_at(segment, PACKED), superblock << SUPERBLOCK_BITS
    offsets, scores, places = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES), i64_at(scratch, PLACES)
    block_bounds = i32_at(scratch, BLOCK_BOUNDS)
    kept = 0
    for c in range(found):
        offset, place, score = offsets[c], places[c], scores[c]
        if place >= 0:
            code = np.int64(packed[place]) >> SUPERBLOCK_BITS
            score += np.int64(impact(weight, posting_share(segment, code, place, first_doc + offset, term_class)))
        offsets[kept] = offset
        scores[kept] = score
        kept += np.int64(score + block_bounds[offset >> 6] >= least)
    return kept


@inlined
def _add_rare(scratch, start, end, superblock, found, least):
    """The same for the decoded postings start:end of a rare term."""
    docs, impacts, block_bounds = i32_at(scratch, RARE_DOCS), i32_at(scratch, RARE_IMPACTS), i32_at(scratch, BLOCK_BOUNDS)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    kept = 0
    for c in range(found):
        offset, score = offsets[c], scores[c]
        doc = (superblock << SUPERBLOCK_BITS) + offset
        p = lower_bound(docs, start, end, doc)
        if p < end and docs[p] == doc:
            score += impacts[p]
        offsets[kept] = offset
        scores[kept] = score
        kept += np.int64(score + block_bounds[offset >> 6] >= least)
    return kept
