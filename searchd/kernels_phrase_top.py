"""The k best documents that have a phrase, exact, ties by document; other terms add to the score.

Superblocks whose bound cannot reach the floor are skipped. In the others the documents with all required terms are found without scores,
which is several times faster than with them, and few are left. Until k are found every one of them must be looked into, so scores can wait
for those that have the phrase; afterwards scores come first, and only what can still enter is looked into.
"""

import numpy as np

from indexer.jit import kernel
from indexer.postings import SUPERBLOCK_BITS
from searchd.kernels_all import keep_accepted, keep_having, take_rare, take_row
from searchd.kernels_bits import f32_at, i32_at, i64_at, u8_at, u64_at
from searchd.kernels_layout import (
    BEST,
    BOUNDS,
    CLASS,
    END,
    FIRST_DOC,
    NUM_SUPERBLOCKS,
    OFFSETS,
    ORDER,
    PHRASE,
    RARE_DOCS,
    REQUIRED,
    ROW,
    SCORES,
    START,
    STATE,
    STRIDE,
    SUPERBLOCK_MAXIMA,
    WEIGHT,
)
from searchd.kernels_phrase import POSITIONS, fetch_row, has_phrase, keep_phrases, prepare_phrase
from searchd.kernels_postings import impact_of_doc, superblock_range
from searchd.kernels_terms import bound_superblocks, gather_terms, promising_level, scale_of, sort_terms
from searchd.kernels_top import FLOOR, make_key, needed, offer, start_top, write_top

FIRST_SUPERBLOCKS = 8
AHEAD = 4


@kernel
def top_phrase(segments, scratch, mask, num_terms, k):
    """Fill DOCS_OUT and SCORES_OUT with the best k of all segments; how many there are.

    QUERY_REQUIRED says which terms must match, PHRASE which phrase must stand there, if it has positions.
    """
    start_top(scratch, k)
    scale = scale_of(segments[0], scratch, num_terms)
    if scale > 0:
        for s in range(len(segments)):
            _top_of_segment(segments[s], scratch, mask, num_terms, scale, k)
    return write_top(scratch, k, scale)


@kernel
def _top_of_segment(segment, scratch, mask, num_terms, scale, k):
    n = gather_terms(segment, scratch, mask, num_terms, scale, True)
    if n <= 0 or (i64_at(scratch, PHRASE)[POSITIONS] > 0 and not prepare_phrase(segment, scratch)):
        return
    required = _order_required_first(scratch, n)
    if i64_at(scratch, ROW)[i64_at(scratch, ORDER)[0]] < 0:
        _drive_rare(segment, scratch, mask, n, required, k)
    else:
        _drive_row(segment, scratch, mask, n, required, k)


@kernel
def _order_required_first(scratch, n):
    """ORDER: required terms by rising length of list, then the others; how many are required. (BEST lends its place.)"""
    start, end, required = i64_at(scratch, START), i64_at(scratch, END), u8_at(scratch, REQUIRED)
    values = i64_at(scratch, BEST)
    count = 0
    for i in range(n):
        values[i] = end[i] - start[i] + (np.int64(0) if required[i] else np.int64(1) << 40)
        count += np.int64(required[i] != 0)
    sort_terms(i64_at(scratch, ORDER), values, n)
    return count


@kernel
def _drive_rare(segment, scratch, mask, n, required, k):
    driver = i64_at(scratch, ORDER)[0]
    p, end = i64_at(scratch, START)[driver], i64_at(scratch, END)[driver]
    while p < end:
        superblock = np.int64(i32_at(scratch, RARE_DOCS)[p] >> SUPERBLOCK_BITS)
        found = take_rare(scratch, p, end)
        p += found
        _visit(segment, scratch, mask, n, required, superblock, found, k)


@kernel
def _drive_row(segment, scratch, mask, n, required, k):
    bound_superblocks(segment, scratch, n)
    _clear_incomplete(segment, scratch, required)
    driver = i64_at(scratch, ORDER)[0]
    row, first = i64_at(scratch, ROW)[driver], i64_at(scratch, START)[driver]
    bounds, state = i32_at(scratch, BOUNDS), u64_at(scratch, STATE)
    promising = promising_level(segment, scratch, FIRST_SUPERBLOCKS + (k >> 5))
    for least_bound in (promising, np.int64(0)):
        for b in range(segment[NUM_SUPERBLOCKS]):
            if bounds[b] == 0 or bounds[b] < least_bound:
                continue
            if bounds[b] >= needed(state, segment[FIRST_DOC] + (b << SUPERBLOCK_BITS)):
                found = take_row(segment, scratch, row, first, b)
                _visit(segment, scratch, mask, n, required, b, found, k)
            bounds[b] = 0


@kernel
def _clear_incomplete(segment, scratch, required):
    """No bound where a required term is missing; the required terms are all frequent when the driver is."""
    bounds = i32_at(scratch, BOUNDS)[: segment[STRIDE]]
    order, row, stride = i64_at(scratch, ORDER), i64_at(scratch, ROW), segment[STRIDE]
    maxima = u8_at(segment, SUPERBLOCK_MAXIMA)
    for i in range(required):
        part = maxima[row[order[i]] * stride : (row[order[i]] + 1) * stride]
        for b in range(len(bounds)):
            bounds[b] = bounds[b] if part[b] > 0 else np.int32(0)


@kernel
def _visit(segment, scratch, mask, n, required, superblock, found, k):
    """Offer those of the driver's documents in OFFSETS that have the other required terms and the phrase."""
    phrased = i64_at(scratch, PHRASE)[POSITIONS] > 0
    for i in range(1, required):
        found = keep_having(segment, scratch, i64_at(scratch, ORDER)[i], superblock, found)
    found = keep_accepted(segment, scratch, mask, superblock, found)
    if phrased and u64_at(scratch, STATE)[FLOOR] == 0:
        found = keep_phrases(segment, scratch, superblock, found)
        phrased = False
    if found > 0:
        _score(segment, scratch, n, superblock, found)
        _offer(segment, scratch, superblock, found, phrased, k)


@kernel
def _score(segment, scratch, n, superblock, found):
    """SCORES of the documents in OFFSETS."""
    row, weights, classes = i64_at(scratch, ROW), f32_at(scratch, WEIGHT), i64_at(scratch, CLASS)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    scores[:found] = 0
    for t in range(n):
        start, end = i64_at(scratch, START)[t], i64_at(scratch, END)[t]
        if row[t] >= 0:
            first, last = superblock_range(segment, row[t], superblock)
            start, end = start + first, start + last
        for c in range(found):
            scores[c] += impact_of_doc(segment, scratch, row[t], start, end, superblock, offsets[c], weights[t], classes[t])


@kernel
def _offer(segment, scratch, superblock, found, phrased, k):
    """Offer the documents in OFFSETS; ``phrased``: only those with the phrase, looking only into those that can enter."""
    state = u64_at(scratch, STATE)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    first_doc = superblock << SUPERBLOCK_BITS
    for c in range(found):
        if phrased and c + AHEAD < found:
            fetch_row(segment, first_doc + offsets[c + AHEAD])
        doc = segment[FIRST_DOC] + first_doc + offsets[c]
        if make_key(scores[c], doc) > state[FLOOR] and (not phrased or has_phrase(segment, scratch, first_doc + offsets[c])):
            offer(scratch, k, scores[c], doc)
