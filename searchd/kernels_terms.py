"""A query's terms in one segment: which are there, with what weight, and how much each superblock can give at most.

Upper bounds of superblocks are sums over the terms of ``unit`` * stored maximum, a stored maximum being 1 to 255. ``unit`` is a 255th of the
term's weight, rounded up and stretched where the statistics of the index differ from those of the segment when it was built.
"""

import numpy as np

from indexer.jit import inlined
from indexer.postings import BLOCKS, SUPERBLOCK_BITS, THRESHOLD_RANKS
from searchd.kernels_bits import f32_at, f64_at, i32_at, i64_at, u8_at, u16_at, u64_at, word_at
from searchd.kernels_layout import (
    BEST,
    BLOCK_BOUNDS,
    BLOCK_MAXIMA,
    BOUNDS,
    CLASS,
    DIGITS,
    END,
    FACTORS,
    FIXED_BITS,
    LEVELS,
    LIVE,
    NUM_SUPERBLOCKS,
    ORDER,
    QUERY_REQUIRED,
    QUERY_TERMS,
    QUERY_WEIGHTS,
    RARE_DOCS,
    RARE_IMPACTS,
    REQUIRED,
    ROW,
    SHRINK,
    START,
    STATE,
    STRETCH,
    STRIDE,
    SUPERBLOCK_MAXIMA,
    TERM_CLASSES,
    TERM_ENDS,
    TERM_ROWS,
    TERM_STARTS,
    TERM_WEIGHTS,
    THRESHOLDS,
    UNIT,
    WEIGHT,
)
from searchd.kernels_rare import decode_rare
from searchd.kernels_top import raise_floor

RARE_RANKS = 16  # up to this k the k-th best of a rare term's documents is worth finding


@inlined
def scale_of(segment, scratch, num_terms):
    """The power of two that scales the query's weights to at most 2^FIXED_BITS in all; 0 if they are not finite or all tiny.

    Weights that are all 0 are fine: then every match scores a few units, next to nothing.
    """
    terms, weights = i64_at(scratch, QUERY_TERMS), f64_at(scratch, QUERY_WEIGHTS)
    term_weights = f64_at(segment, TERM_WEIGHTS)
    total = 0.0
    for i in range(num_terms):
        total += max(0.0, weights[i]) * term_weights[terms[i]]
    if total == 0.0:
        return 2.0**FIXED_BITS
    if not 1e-30 < total < 1e30:
        return 0.0
    return 2.0 ** np.floor(FIXED_BITS - np.log2(total))


@inlined
def gather_terms(segment, scratch, mask, num_terms, scale, conjunctive):
    """Fill the term arrays of the scratch with the query's terms that this segment has; their number, or -1 if a required one is missing.

    ``conjunctive``: heed QUERY_REQUIRED and keep terms without weight.

    Rare terms are decoded here, once, so that START:END of a rare term (ROW < 0) are positions in RARE_DOCS and RARE_IMPACTS.
    """
    query_terms, query_weights = i64_at(scratch, QUERY_TERMS), f64_at(scratch, QUERY_WEIGHTS)
    query_required = u8_at(scratch, QUERY_REQUIRED)
    row, start, end = i64_at(scratch, ROW), i64_at(scratch, START), i64_at(scratch, END)
    weight, term_class = f32_at(scratch, WEIGHT), i64_at(scratch, CLASS)
    best, unit, required = i64_at(scratch, BEST), i64_at(scratch, UNIT), u8_at(scratch, REQUIRED)
    stretch = np.float64(f32_at(segment, FACTORS)[STRETCH])
    n = 0
    decoded = 0
    for i in range(num_terms):
        term = query_terms[i]
        row[n] = i32_at(segment, TERM_ROWS)[term]
        start[n], end[n] = i64_at(segment, TERM_STARTS)[term], i64_at(segment, TERM_ENDS)[term]
        scaled = max(0.0, query_weights[i]) * f64_at(segment, TERM_WEIGHTS)[term] * scale
        weight[n] = scaled
        term_class[n] = i64_at(segment, TERM_CLASSES)[term]
        unit[n] = np.int64(np.float64(weight[n]) * stretch / 255.0 * (1.0 + 1e-6)) + 2
        required[n] = conjunctive and query_required[i] != 0
        if start[n] < end[n] and row[n] < 0:
            first = decoded
            decoded = decode_rare(segment, scratch, mask, start[n], end[n], weight[n], term_class[n], decoded)
            start[n], end[n] = first, decoded
        if start[n] == end[n] and required[n]:
            return -1
        if start[n] < end[n] and (scaled > 0 or conjunctive):
            best[n] = 0 if conjunctive else _best_impact(segment, scratch, row[n], start[n], end[n], weight[n])
            n += 1
    return n


@inlined
def _best_impact(segment, scratch, row, start, end, weight):
    """About the best impact of a term in this segment; it decides the order of terms, so it need not be a bound."""
    if row >= 0:
        return np.int64(weight * np.float32(u16_at(segment, THRESHOLDS)[row * 4 + 3]) / np.float32(65535.0))
    impacts = i32_at(scratch, RARE_IMPACTS)
    best = np.int32(0)
    for p in range(start, end):
        best = max(best, impacts[p])
    return np.int64(best)


@inlined
def sort_terms(order, values, n):
    """Order 0..n-1 by rising value (insertion sort: queries are short), the earlier first among equals."""
    for i in range(n):
        j = i - 1
        while j >= 0 and values[order[j]] > values[i]:
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = i


@inlined
def order_by_best(scratch, n):
    sort_terms(i64_at(scratch, ORDER), i64_at(scratch, BEST), n)


@inlined
def order_required_first(scratch, n):
    """ORDER: required terms by rising length of list, then the others; how many are required. (BEST is not needed then and lends its place.)"""
    start, end, required = i64_at(scratch, START), i64_at(scratch, END), u8_at(scratch, REQUIRED)
    values = i64_at(scratch, BEST)
    count = 0
    for i in range(n):
        count += np.int64(required[i] != 0)
        values[i] = end[i] - start[i] + (np.int64(0) if required[i] else np.int64(1) << 40)
    sort_terms(i64_at(scratch, ORDER), values, n)
    return count


@inlined
def raise_floor_by_terms(segment, scratch, mask, n, k):
    """Start with the best score that k documents are sure to reach with one term alone."""
    row, start, end = i64_at(scratch, ROW), i64_at(scratch, START), i64_at(scratch, END)
    weight = f32_at(scratch, WEIGHT)
    shrink = np.float64(f32_at(segment, FACTORS)[SHRINK])
    all_accepted = len(mask) == 0 and len(u8_at(segment, LIVE)) == 0
    column = 0
    while column < len(THRESHOLD_RANKS) and THRESHOLD_RANKS[column] < k:
        column += 1
    sure = np.int64(0)
    for i in range(n):
        if row[i] < 0:
            sure = max(sure, _kth_rare(scratch, start[i], end[i], k))
        elif all_accepted and column < len(THRESHOLD_RANKS):
            stored = np.float64(u16_at(segment, THRESHOLDS)[row[i] * 4 + column])
            sure = max(sure, np.int64(np.float64(weight[i]) * shrink * stored / 65535.0 * (1.0 - 1e-6)))
    raise_floor(u64_at(scratch, STATE), np.float32(np.float64(sure) * (1.0 - 1e-6)))


@inlined
def _kth_rare(scratch, start, end, k):
    """The k-th best impact of a rare term, 0 if it has fewer documents or k is large."""
    impacts = i32_at(scratch, RARE_IMPACTS)
    if k > RARE_RANKS or end - start < k:
        return np.int64(0)
    best = i64_at(scratch, DIGITS)
    best[:k] = 0
    for p in range(start, end):
        value = np.int64(impacts[p])
        j = k - 1
        if value <= best[j]:
            continue
        while j > 0 and best[j - 1] < value:
            best[j] = best[j - 1]
            j -= 1
        best[j] = value
    return best[k - 1]


@inlined
def bound_superblocks(segment, scratch, n):
    """BOUNDS: the most that a document of each superblock can score; 0 where there is no term."""
    bounds = i32_at(scratch, BOUNDS)[: word_at(segment, STRIDE)]
    row, start, end, unit = i64_at(scratch, ROW), i64_at(scratch, START), i64_at(scratch, END), i64_at(scratch, UNIT)
    maxima = u8_at(segment, SUPERBLOCK_MAXIMA)
    stride = word_at(segment, STRIDE)
    bounds[:] = 0
    for i in range(n):
        if row[i] >= 0:
            add_maxima(bounds, maxima[row[i] * stride : (row[i] + 1) * stride], unit[i])
        else:
            _bound_rare(scratch, bounds, start[i], end[i])


@inlined
def add_maxima(bounds, maxima, unit):
    """bounds += unit * maxima, vectorised."""
    unit_ = np.int32(unit)
    for j in range(len(bounds)):
        bounds[j] += np.int32(maxima[j]) * unit_


@inlined
def _bound_rare(scratch, bounds, start, end):
    docs, impacts = i32_at(scratch, RARE_DOCS), i32_at(scratch, RARE_IMPACTS)
    p = start
    while p < end:
        superblock = docs[p] >> SUPERBLOCK_BITS
        best = np.int32(0)
        while p < end and docs[p] >> SUPERBLOCK_BITS == superblock:
            best = max(best, impacts[p])
            p += 1
        bounds[superblock] += best


@inlined
def promising_level(segment, scratch, wanted):
    """A bound that about ``wanted`` superblocks reach: visiting those first raises the floor early."""
    bounds, levels = i32_at(scratch, BOUNDS)[: word_at(segment, NUM_SUPERBLOCKS)], i64_at(scratch, LEVELS)
    highest = np.int32(0)
    for b in range(len(bounds)):
        highest |= bounds[b]  # a maximum would not be vectorised
    bits = np.int32(0)
    while highest >> bits >= len(levels):
        bits += np.int32(1)
    levels[:] = 0
    for b in range(len(bounds)):
        levels[bounds[b] >> bits] += 1
    above = 0
    level = np.int64(highest >> bits)
    while level > 0 and above + levels[level] < wanted:
        above += levels[level]
        level -= 1
    return level << bits


@inlined
def add_block_bounds(segment, scratch, row, superblock, unit):
    """Add a dense row's bounds to BLOCK_BOUNDS, the most that each 64 documents can get from terms not yet looked at."""
    at = (row * word_at(segment, NUM_SUPERBLOCKS) + superblock) * BLOCKS
    add_maxima(i32_at(scratch, BLOCK_BOUNDS)[:BLOCKS], u8_at(segment, BLOCK_MAXIMA)[at : at + BLOCKS], unit)
