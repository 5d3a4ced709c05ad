"""The k best documents that have any of the terms: superblocks with MaxScore inside, exact, ties by document.

Superblocks whose upper bound cannot reach the floor (the k-th best score so far) are skipped. In each of the others, the terms of
smallest bounds that even together cannot reach the floor are *optional*: no document needs visiting for their sake. The other terms
are added into a window of 4,096 scores, and the few documents that, with the most their block of 64 can still get, reach the floor are
completed by looking the optional terms up, best bound first, dropping out as soon as they cannot reach it.
A few rare terms alone have so few postings that their decoded lists are merged and all offered, without a look at superblocks.
MaxScore: Turtle and Flood, "Query evaluation: strategies and optimizations" (1995); the window: term at a time inside a superblock.
"""

import numpy as np

from indexer.jit import inlined, kernel
from indexer.postings import SUPERBLOCK, SUPERBLOCK_BITS
from searchd.kernels_bits import f32_at, i32_at, i64_at, u8_at, u16_at, u64_at, word_at, words_of
from searchd.kernels_candidates import (
    add_term,
    expect_nothing,
    expect_term,
    locate_term,
    scan_window,
    take_documents,
    take_postings,
    take_rare,
)
from searchd.kernels_layout import (
    BLOCK_BOUNDS,
    CLASS,
    END,
    FIRST_DOC,
    LIVE,
    LOCAL_BOUND,
    LOCAL_END,
    LOCAL_START,
    MATCHES,
    OFFSETS,
    ORDER,
    PACKED,
    PLACES,
    RARE_DOCS,
    RARE_IMPACTS,
    ROW,
    SCORES,
    START,
    STATE,
    WEIGHT,
    WINDOW,
)
from searchd.kernels_postings import accepted, add_row
from searchd.kernels_terms import bound_superblocks, gather_terms, order_by_best, raise_floor_by_terms, scale_of
from searchd.kernels_time import ends, goes_on
from searchd.kernels_top import needed, offer_all, start_top, write_top
from searchd.kernels_visits import next_visit
from searchd.kernels_wide import is_wide

MERGED_TERMS = 8  # up to so many rare terms are merged, which takes time in proportion to the square of their number
SPARSE = SUPERBLOCK // 40  # with fewer postings in the window, walk the postings instead of scanning the window


@kernel
def top_or(segments, scratch_words, mask, num_terms, k):
    """Fill DOCS_OUT and SCORES_OUT with the best k of all segments; how many there are.

    ``segments`` int64[S, SEGMENT_WORDS] in the order of their documents; ``mask`` uint8[max_doc], or empty.
    """
    scratch = words_of(scratch_words)
    start_top(scratch, k)
    scale = scale_of(words_of(segments[0]), scratch, num_terms)
    if scale > 0:
        for s in range(len(segments)):
            if goes_on(scratch):
                _top_of_segment(words_of(segments[s]), scratch, mask, num_terms, scale, k)
                ends(words_of(segments[s]), scratch)
    return write_top(scratch, k, scale)


@inlined
def _top_of_segment(segment, scratch, mask, num_terms, scale, k):
    n = gather_terms(segment, scratch, mask, num_terms, scale, False)
    if n == 0:
        return
    if _all_rare(scratch, n):
        _top_of_rare(segment, scratch, n, k)
        return
    order_by_best(scratch, n)
    raise_floor_by_terms(segment, scratch, mask, n, k)
    bound_superblocks(segment, scratch, n)
    visited, b = 0, next_visit(segment, scratch, 0, np.int64(-1), k)
    while b >= 0:
        _visit(segment, scratch, mask, n, b, k)
        visited += 1
        b = next_visit(segment, scratch, visited, b, k)


@inlined
def _all_rare(scratch, n):
    """Whether all terms are rare, and so few that merging their decoded postings costs less than looking at superblocks."""
    row, start, end = i64_at(scratch, ROW), i64_at(scratch, START), i64_at(scratch, END)
    postings = np.int64(0)
    for i in range(n):
        if row[i] >= 0:
            return False
        postings += end[i] - start[i]
    return n <= MERGED_TERMS and postings <= SUPERBLOCK


@kernel
def _top_of_rare(segment, scratch, n, k):
    """Merge the lists of documents one after another and offer them all; those not accepted are not among the decoded."""
    start, end = i64_at(scratch, START), i64_at(scratch, END)
    found = take_documents(scratch, start[0], end[0])
    for i in range(1, n):
        found = _merge_rare(scratch, start[i], end[i], found)
    offer_all(scratch, k, word_at(segment, FIRST_DOC), found)


@inlined
def _merge_rare(scratch, start, end, found):
    """Merge decoded postings into the candidates, both in the order of documents, adding the scores of equal ones; how many there are."""
    docs, impacts = i32_at(scratch, RARE_DOCS), i32_at(scratch, RARE_IMPACTS)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    old_docs, old_scores = i64_at(scratch, PLACES), i64_at(scratch, MATCHES)
    for c in range(found):
        old_docs[c] = offsets[c]
        old_scores[c] = scores[c]
    c, p, merged = np.int64(0), np.int64(start), np.int64(0)
    while c < found and p < end:
        left, right = old_docs[c], np.int64(docs[p])
        takes_left, takes_right = np.int64(left <= right), np.int64(right <= left)
        offsets[merged] = min(left, right)
        scores[merged] = takes_left * old_scores[c] + takes_right * np.int64(impacts[p])
        c += takes_left
        p += takes_right
        merged += 1
    for rest in range(c, found):
        offsets[merged] = old_docs[rest]
        scores[merged] = old_scores[rest]
        merged += 1
    for rest in range(p, end):
        offsets[merged] = np.int64(docs[rest])
        scores[merged] = np.int64(impacts[rest])
        merged += 1
    return merged


@inlined
def _visit(segment, scratch, mask, n, superblock, k):
    """Offer every document of a superblock that can enter the best k."""
    state = u64_at(scratch, STATE)
    first_doc = word_at(segment, FIRST_DOC) + (superblock << SUPERBLOCK_BITS)
    least = needed(state, first_doc)
    optional, flat = _split_terms(segment, scratch, n, superblock, least)
    if n - optional == 1 and not is_wide(segment, i64_at(scratch, ROW)[i64_at(scratch, ORDER)[optional]]):
        found = _take_only(segment, scratch, optional, superblock, least - flat)
    elif _add_essential(segment, scratch, n, optional, superblock) > SPARSE:
        found = scan_window(scratch, least - flat)
    else:
        found = _walk_postings(segment, scratch, n, optional, least - flat)
    if len(mask) > 0 or len(u8_at(segment, LIVE)) > 0:
        found = _drop_unaccepted(segment, scratch, mask, superblock, found)
    found = _complete(segment, scratch, optional, superblock, flat, least, found)
    offer_all(scratch, k, first_doc, found)


@inlined
def _split_terms(segment, scratch, n, superblock, least):
    """Ranges and bounds of the terms here, by rising best, and how many of the first are optional.

    Returns (optional, the bounds together of those that have no bounds for blocks of 64); BLOCK_BOUNDS has the others'.
    """
    bounds = i64_at(scratch, LOCAL_BOUND)
    expect_nothing(scratch)
    optional, total, flat = n, np.int64(0), np.int64(0)
    for i in range(n):
        locate_term(segment, scratch, i, superblock)
        if optional < n:
            continue
        if total + bounds[i] >= least:
            optional = i
        elif bounds[i] > 0:
            total += bounds[i]
            flat += expect_term(segment, scratch, i, superblock, 1)
    return optional, flat


@inlined
def _take_only(segment, scratch, i, superblock, least):
    """The candidates of the only term that is not optional: no window is needed."""
    start, end = i64_at(scratch, LOCAL_START)[i], i64_at(scratch, LOCAL_END)[i]
    t = i64_at(scratch, ORDER)[i]
    if i64_at(scratch, ROW)[t] < 0:
        return take_rare(scratch, start, end, least)
    return take_postings(segment, scratch, t, start, end, superblock, least)


@inlined
def _add_essential(segment, scratch, n, optional, superblock):
    """Add the terms that are not optional to the window; the number of their postings, of a wide term that of the documents."""
    order, row = i64_at(scratch, ORDER), i64_at(scratch, ROW)
    starts, ends = i64_at(scratch, LOCAL_START), i64_at(scratch, LOCAL_END)
    window = i32_at(scratch, WINDOW)
    docs, impacts = i32_at(scratch, RARE_DOCS), i32_at(scratch, RARE_IMPACTS)
    postings = 0
    for i in range(optional, n):
        t = order[i]
        postings += SUPERBLOCK if is_wide(segment, row[t]) else ends[i] - starts[i]
        if row[t] >= 0:
            add_row(segment, window, row[t], starts[i], ends[i], superblock, f32_at(scratch, WEIGHT)[t], i64_at(scratch, CLASS)[t])
        else:
            for p in range(starts[i], ends[i]):
                window[docs[p] & (SUPERBLOCK - 1)] += impacts[p]
    return postings


@inlined
def _walk_postings(segment, scratch, n, optional, least):
    """The same for a nearly empty window, by its postings; a document of several terms is taken, and cleared, at the first."""
    order, row = i64_at(scratch, ORDER), i64_at(scratch, ROW)
    starts, ends = i64_at(scratch, LOCAL_START), i64_at(scratch, LOCAL_END)
    window, block_bounds = i32_at(scratch, WINDOW), i32_at(scratch, BLOCK_BOUNDS)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    packed, docs = u16_at(segment, PACKED), i32_at(scratch, RARE_DOCS)
    found = 0
    for i in range(optional, n):
        for p in range(starts[i], ends[i]):
            offset = np.int64(packed[p] & np.uint16(4095)) if row[order[i]] >= 0 else np.int64(docs[p] & (SUPERBLOCK - 1))
            score = np.int64(window[offset])
            window[offset] = 0
            offsets[found] = offset
            scores[found] = score
            found += np.int64(score > 0 and score + block_bounds[offset >> 6] >= least)
    return found


@kernel
def _drop_unaccepted(segment, scratch, mask, superblock, found):
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    kept = 0
    for c in range(found):
        offsets[kept] = offsets[c]
        scores[kept] = scores[c]
        kept += np.int64(accepted(segment, mask, (superblock << SUPERBLOCK_BITS) + offsets[c]))
    return kept


@inlined
def _complete(segment, scratch, optional, superblock, flat, least, found):
    """Add the optional terms to the candidates, best bound first; drop those that cannot reach ``least`` any more."""
    bounds = i64_at(scratch, LOCAL_BOUND)
    for i in range(optional - 1, -1, -1):
        if found > 0 and bounds[i] > 0:
            flat += expect_term(segment, scratch, i, superblock, -1)
            found = add_term(segment, scratch, i, superblock, found, least - flat)
    return found
