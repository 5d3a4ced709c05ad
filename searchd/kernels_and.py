"""The k best documents that have all required terms, exact, ties by document; terms that are not required add to the score.

The required term with the shortest list drives. In each superblock that has all required terms and whose bound reaches the floor, its
documents are the candidates, and every other required term keeps those that it has. If the driver is rare it has at most 255
documents, so superblock bounds are not worth computing.
"""

import numpy as np

from indexer.jit import kernel
from indexer.postings import SUPERBLOCK, SUPERBLOCK_BITS
from searchd.kernels_bits import f32_at, i32_at, i64_at, u8_at, u16_at, u64_at
from searchd.kernels_layout import (
    BEST,
    BOUNDS,
    CLASS,
    END,
    FIRST_DOC,
    KEYS,
    LIVE,
    LOCAL_BOUND,
    LOCAL_END,
    LOCAL_START,
    NUM_DENSE,
    NUM_SUPERBLOCKS,
    OFFSETS,
    ORDER,
    PACKED,
    RARE_DOCS,
    RARE_IMPACTS,
    REQUIRED,
    ROW,
    SCORES,
    START,
    STATE,
    STRIDE,
    SUPERBLOCK_MAXIMA,
    UNIT,
    WEIGHT,
)
from searchd.kernels_postings import accepted, impact_of_doc, packed_impact, rare_range, superblock_range
from searchd.kernels_terms import bound_superblocks, gather_terms, promising_level, scale_of, sort_terms
from searchd.kernels_top import make_key, needed, offer, start_top, write_top

FIRST_SUPERBLOCKS = 8
MERGE_RATIO = 6  # a list up to so many times longer than the candidates is walked beside them, a longer one is probed


@kernel
def top_and(segments, scratch, mask, num_terms, k):
    """Fill DOCS_OUT and SCORES_OUT with the best k of all segments; how many there are. QUERY_REQUIRED says which terms must match."""
    start_top(scratch)
    scale = scale_of(segments[0], scratch, num_terms)
    if scale > 0:
        for s in range(len(segments)):
            _top_of_segment(segments[s], scratch, mask, num_terms, scale, k)
    return write_top(scratch, k, scale)


@kernel
def _top_of_segment(segment, scratch, mask, num_terms, scale, k):
    n = gather_terms(segment, scratch, mask, num_terms, scale, True)
    if n <= 0:
        return
    _order_required_first(scratch, n)
    driver = i64_at(scratch, ORDER)[0]
    if i64_at(scratch, ROW)[driver] < 0:
        _drive_rare(segment, scratch, mask, n, driver, k)
    else:
        _drive_row(segment, scratch, mask, n, k)


@kernel
def _order_required_first(scratch, n):
    """ORDER: required terms by rising length of list, then the others. (BEST is not needed in this mode and lends its place.)"""
    start, end, required = i64_at(scratch, START), i64_at(scratch, END), u8_at(scratch, REQUIRED)
    values = i64_at(scratch, BEST)
    for i in range(n):
        values[i] = end[i] - start[i] + (np.int64(0) if required[i] else np.int64(1) << 40)
    sort_terms(i64_at(scratch, ORDER), values, n)


@kernel
def _drive_rare(segment, scratch, mask, n, driver, k):
    start, end = i64_at(scratch, START)[driver], i64_at(scratch, END)[driver]
    docs, impacts = i32_at(scratch, RARE_DOCS), i32_at(scratch, RARE_IMPACTS)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    p = start
    while p < end:
        superblock = np.int64(docs[p] >> SUPERBLOCK_BITS)
        found = 0
        while p < end and docs[p] >> SUPERBLOCK_BITS == superblock:
            offsets[found] = docs[p] & (SUPERBLOCK - 1)
            scores[found] = impacts[p]
            found += 1
            p += 1
        _match_others(segment, scratch, mask, n, superblock, found, k)


@kernel
def _drive_row(segment, scratch, mask, n, k):
    bound_superblocks(segment, scratch, n)
    _clear_incomplete(segment, scratch, n)
    bounds, state = i32_at(scratch, BOUNDS), u64_at(scratch, STATE)
    promising = promising_level(segment, scratch, FIRST_SUPERBLOCKS + (k >> 5))
    for least_bound in (promising, np.int64(0)):
        for b in range(segment[NUM_SUPERBLOCKS]):
            if bounds[b] == 0 or bounds[b] < least_bound:
                continue
            if bounds[b] >= needed(state, segment[FIRST_DOC] + (b << SUPERBLOCK_BITS)):
                found = _take_driver(segment, scratch, b)
                _match_others(segment, scratch, mask, n, b, found, k)
            bounds[b] = 0


@kernel
def _clear_incomplete(segment, scratch, n):
    """No bound where a required frequent term is missing; the required terms are all frequent when the driver is."""
    bounds = i32_at(scratch, BOUNDS)[: segment[STRIDE]]
    row, required = i64_at(scratch, ROW), u8_at(scratch, REQUIRED)
    stride = segment[STRIDE]
    maxima = u8_at(segment, SUPERBLOCK_MAXIMA)
    for i in range(n):
        if required[i]:
            part = maxima[row[i] * stride : (row[i] + 1) * stride]
            for b in range(len(bounds)):
                bounds[b] = bounds[b] if part[b] > 0 else np.int32(0)


@kernel
def _take_driver(segment, scratch, superblock):
    """The driver's documents in a superblock as candidates, with its impacts; how many."""
    driver = i64_at(scratch, ORDER)[0]
    row, first = i64_at(scratch, ROW)[driver], i64_at(scratch, START)[driver]
    weight, term_class = f32_at(scratch, WEIGHT)[driver], i64_at(scratch, CLASS)[driver]
    packed = u16_at(segment, PACKED)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    start, end = superblock_range(segment, row, superblock)
    for j in range(end - start):
        offsets[j] = packed[first + start + j] & np.uint16(4095)
        scores[j] = packed_impact(segment, first + start + j, superblock, weight, term_class)
    return end - start


@kernel
def _match_others(segment, scratch, mask, n, superblock, found, k):
    """Run the candidates past the other terms, then offer those that are left."""
    order, row, required = i64_at(scratch, ORDER), i64_at(scratch, ROW), u8_at(scratch, REQUIRED)
    weights, classes = f32_at(scratch, WEIGHT), i64_at(scratch, CLASS)
    starts, ends, bounds = i64_at(scratch, LOCAL_START), i64_at(scratch, LOCAL_END), i64_at(scratch, LOCAL_BOUND)
    rest = _locate_terms(segment, scratch, n, superblock)
    least = needed(u64_at(scratch, STATE), segment[FIRST_DOC] + (superblock << SUPERBLOCK_BITS))
    found = _drop_hopeless(scratch, found, least - rest)
    for i in range(1, n):
        if found == 0:
            return
        t = order[i]
        rest -= bounds[i]
        if row[t] >= segment[NUM_DENSE] and ends[i] - starts[i] < found * MERGE_RATIO:
            found = _merge(segment, scratch, superblock, found, starts[i], ends[i], weights[t], classes[t], required[t])
        else:
            found = _probe(segment, scratch, superblock, found, row[t], starts[i], ends[i], weights[t], classes[t], required[t])
        found = _drop_hopeless(scratch, found, least - rest)
    _offer_candidates(segment, scratch, mask, superblock, found, k)


@kernel
def _locate_terms(segment, scratch, n, superblock):
    """Ranges and bounds of all terms but the driver in a superblock; returns the bounds' sum."""
    order, row, unit = i64_at(scratch, ORDER), i64_at(scratch, ROW), i64_at(scratch, UNIT)
    starts, ends, bounds = i64_at(scratch, LOCAL_START), i64_at(scratch, LOCAL_END), i64_at(scratch, LOCAL_BOUND)
    maxima = u8_at(segment, SUPERBLOCK_MAXIMA)
    total = np.int64(0)
    for i in range(1, n):
        t = order[i]
        first = i64_at(scratch, START)[t]
        if row[t] < 0:
            starts[i], ends[i], bounds[i] = rare_range(scratch, first, i64_at(scratch, END)[t], superblock)
        else:
            start, end = superblock_range(segment, row[t], superblock)
            starts[i], ends[i] = first + start, first + end
            bounds[i] = np.int64(maxima[row[t] * segment[STRIDE] + superblock]) * unit[t]
        total += bounds[i]
    return total


@kernel
def _drop_hopeless(scratch, found, least):
    """Keep the candidates that have at least this score."""
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    kept = 0
    for c in range(found):
        offsets[kept] = offsets[c]
        scores[kept] = scores[c]
        kept += np.int64(scores[c] >= least)
    return kept


@kernel
def _merge(segment, scratch, superblock, found, start, end, weight, term_class, required):
    """Walk a frequent term's postings beside the candidates."""
    packed = u16_at(segment, PACKED)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    kept = 0
    p = start
    for c in range(found):
        offset, score = offsets[c], scores[c]
        while p < end and np.int64(packed[p] & np.uint16(4095)) < offset:
            p += 1
        matches = p < end and np.int64(packed[p] & np.uint16(4095)) == offset
        if matches:
            score += packed_impact(segment, p, superblock, weight, term_class)
        offsets[kept] = offset
        scores[kept] = score
        kept += np.int64(matches or not required)
    return kept


@kernel
def _probe(segment, scratch, superblock, found, row, start, end, weight, term_class, required):
    """Look every candidate up in a term."""
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    kept = 0
    for c in range(found):
        given = impact_of_doc(segment, scratch, row, start, end, superblock, offsets[c], weight, term_class)
        offsets[kept] = offsets[c]
        scores[kept] = scores[c] + given
        kept += np.int64(given > 0 or not required)
    return kept


@kernel
def _offer_candidates(segment, scratch, mask, superblock, found, k):
    state, keys = u64_at(scratch, STATE), u64_at(scratch, KEYS)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    first_doc = superblock << SUPERBLOCK_BITS
    least = needed(state, segment[FIRST_DOC] + first_doc)
    all_accepted = len(mask) == 0 and len(u8_at(segment, LIVE)) == 0
    for c in range(found):
        if scores[c] >= least and (all_accepted or accepted(segment, mask, first_doc + offsets[c])):
            offer(keys, state, k, make_key(scores[c], segment[FIRST_DOC] + first_doc + offsets[c]))
