"""The k best documents that have all required terms, exact, ties by document; terms that are not required add to the score.

One term alone is required too: then the driver is all there is.

The required term with the shortest list drives. In each superblock that has all required terms and whose bound reaches the floor, its
documents are the candidates, and every other required term keeps those that it has. If the driver is rare it has at most 255
documents, so superblock bounds are not worth computing.
"""

import numpy as np

from indexer.jit import inlined, kernel
from indexer.postings import SKIPS, SUPERBLOCK, SUPERBLOCK_BITS
from searchd.kernels_bits import f32_at, find_doc, i32_at, i64_at, u8_at, u16_at, u64_at, word_at, words_of
from searchd.kernels_candidates import (
    add_found,
    add_term,
    expect_nothing,
    expect_term,
    find_postings,
    locate_term,
    scan_window,
    take_documents,
    take_postings,
)
from searchd.kernels_layout import (
    BLOCK_STARTS,
    BOUNDS,
    CLASS,
    END,
    FIRST_DOC,
    LIVE,
    LOCAL_BOUND,
    LOCAL_END,
    LOCAL_START,
    MATCHES,
    NUM_DENSE,
    NUM_SUPERBLOCKS,
    NUM_WIDE,
    OFFSETS,
    ORDER,
    PACKED,
    PLACES,
    RARE_DOCS,
    RARE_IMPACTS,
    REQUIRED,
    ROW,
    SCORES,
    START,
    STATE,
    STRIDE,
    SUPERBLOCK_MAXIMA,
    WEIGHT,
    WINDOW,
)
from searchd.kernels_postings import accepted, posting_share, skip_range, superblock_range
from searchd.kernels_terms import bound_superblocks, gather_terms, order_required_first, raise_floor_by_terms, scale_of
from searchd.kernels_time import ends, goes_on
from searchd.kernels_top import needed, offer_all, start_top, write_top
from searchd.kernels_visits import next_visit
from searchd.kernels_wide import add_wide, impact, is_wide, keep_wide, wide_impact

WALK_RATIO = 8  # a list up to so many times longer than the candidates is walked, in a longer one each is looked up


@kernel
def top_and(segments, scratch_words, mask, num_terms, k):
    """Fill DOCS_OUT and SCORES_OUT with the best k of all segments; how many there are. QUERY_REQUIRED says which terms must match."""
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
    n = gather_terms(segment, scratch, mask, num_terms, scale, True)
    if n <= 0:
        return
    order_required_first(scratch, n)
    driver = i64_at(scratch, ORDER)[0]
    if i64_at(scratch, ROW)[driver] < 0:
        _drive_rare(segment, scratch, mask, n, driver, k)
    else:
        if n == 1:
            raise_floor_by_terms(segment, scratch, mask, n, k)
        _drive_row(segment, scratch, mask, n, k)


@inlined
def _drive_rare(segment, scratch, mask, n, driver, k):
    """Term after term over all of the driver's documents, so that look-ups far apart wait for memory together."""
    end = i64_at(scratch, END)[driver]
    for start in range(i64_at(scratch, START)[driver], end, SUPERBLOCK):
        found = take_documents(scratch, start, min(start + SUPERBLOCK, end))
        for i in range(1, n):
            found = match_documents(segment, scratch, i64_at(scratch, ORDER)[i], found)
        _offer_candidates(segment, scratch, mask, 0, found, k)


@inlined
def match_documents(segment, scratch, t, found):
    """Add a term to such candidates; keep those that have it, or all if it is not required."""
    row, required = i64_at(scratch, ROW)[t], u8_at(scratch, REQUIRED)[t]
    start, end = i64_at(scratch, START)[t], i64_at(scratch, END)[t]
    if row < 0:
        return _match_rare(scratch, start, end, required, found)
    weight, term_class = f32_at(scratch, WEIGHT)[t], i64_at(scratch, CLASS)[t]
    if is_wide(segment, row):
        return _match_wide(segment, scratch, row, weight, term_class, required, found)
    packed, block_starts = u16_at(segment, PACKED), u16_at(segment, BLOCK_STARTS)
    dense = row < word_at(segment, NUM_DENSE)
    offsets, scores, places = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES), i64_at(scratch, PLACES)
    kept = 0
    for c in range(found):
        superblock, offset = offsets[c] >> SUPERBLOCK_BITS, offsets[c] & (SUPERBLOCK - 1)
        first, last = superblock_range(segment, row, superblock)
        first, last = start + first, start + last
        if dense:
            at = ((row - word_at(segment, NUM_WIDE)) * word_at(segment, NUM_SUPERBLOCKS) + superblock) * SKIPS
            first, last = skip_range(block_starts, at, first, last, offset)
        place = find_doc(packed, first, last, offset)
        offsets[kept] = offsets[c]
        scores[kept] = scores[c]
        places[kept] = place
        kept += np.int64(place >= 0 or not required)
    for c in range(kept):
        if places[c] >= 0:
            code = np.int64(packed[places[c]] >> np.uint16(SUPERBLOCK_BITS))
            scores[c] += np.int64(impact(weight, posting_share(segment, code, places[c], offsets[c], term_class)))
    return kept


@inlined
def _match_wide(segment, scratch, row, weight, term_class, required, found):
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    kept = 0
    for c in range(found):
        doc = offsets[c]
        given = wide_impact(segment, row, doc >> SUPERBLOCK_BITS, doc & (SUPERBLOCK - 1), weight, term_class)
        offsets[kept] = doc
        scores[kept] = scores[c] + given
        kept += np.int64(given > 0 or not required)
    return kept


@inlined
def _match_rare(scratch, start, end, required, found):
    docs, impacts = i32_at(scratch, RARE_DOCS), i32_at(scratch, RARE_IMPACTS)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    kept = 0
    p = start
    for c in range(found):
        doc, score = offsets[c], scores[c]
        while p < end and docs[p] < doc:
            p += 1
        matches = p < end and docs[p] == doc
        if matches:
            score += impacts[p]
        offsets[kept] = doc
        scores[kept] = score
        kept += np.int64(matches or not required)
    return kept


@inlined
def _drive_row(segment, scratch, mask, n, k):
    bound_superblocks(segment, scratch, n)
    clear_incomplete(segment, scratch, n)
    visited, b = 0, next_visit(segment, scratch, 0, np.int64(-1), k)
    while b >= 0:
        _visit(segment, scratch, mask, n, b, k)
        visited += 1
        b = next_visit(segment, scratch, visited, b, k)


@inlined
def clear_incomplete(segment, scratch, n):
    """No bound where a required frequent term is missing; the required terms are all frequent when the driver is."""
    bounds = i32_at(scratch, BOUNDS)[: word_at(segment, STRIDE)]
    row, required = i64_at(scratch, ROW), u8_at(scratch, REQUIRED)
    stride = word_at(segment, STRIDE)
    maxima = u8_at(segment, SUPERBLOCK_MAXIMA)
    for i in range(n):
        if required[i]:
            part = maxima[row[i] * stride : (row[i] + 1) * stride]
            for b in range(len(bounds)):
                bounds[b] = bounds[b] if part[b] > 0 else np.int32(0)


@inlined
def _visit(segment, scratch, mask, n, superblock, k):
    """Offer every document of a superblock that has all required terms and can enter the best k."""
    found = match_superblock(segment, scratch, n, superblock)
    _offer_candidates(segment, scratch, mask, superblock << SUPERBLOCK_BITS, found, k)


@inlined
def match_superblock(segment, scratch, n, superblock):
    """OFFSETS and SCORES of the documents of a superblock that have all required terms and may enter the best k; how many. The first is a row."""
    order, row, required = i64_at(scratch, ORDER), i64_at(scratch, ROW), u8_at(scratch, REQUIRED)
    starts, ends, bounds = i64_at(scratch, LOCAL_START), i64_at(scratch, LOCAL_END), i64_at(scratch, LOCAL_BOUND)
    least = needed(u64_at(scratch, STATE), word_at(segment, FIRST_DOC) + (superblock << SUPERBLOCK_BITS))
    least -= _locate_terms(segment, scratch, n, superblock)
    first = 1
    if is_wide(segment, row[order[0]]):
        while first < n and required[order[first]]:
            least -= expect_term(segment, scratch, first, superblock, -1)
            first += 1
        found = _take_wide(segment, scratch, first, superblock, least)
    else:
        found = take_postings(segment, scratch, order[0], starts[0], ends[0], superblock, least)
    for i in range(first, n):
        if found == 0:
            return found
        t = order[i]
        least -= expect_term(segment, scratch, i, superblock, -1)
        if required[t]:
            found = _match(segment, scratch, row[t], starts[i], ends[i], superblock, found)
            found = add_found(segment, scratch, t, superblock, found, least)
        elif bounds[i] > 0:
            found = add_term(segment, scratch, i, superblock, found, least)
    return found


@inlined
def _take_wide(segment, scratch, num_required, superblock, least):
    """The candidates of a superblock where all required terms are wide, since the shortest is: all in a window, by vectors."""
    order, row = i64_at(scratch, ORDER), i64_at(scratch, ROW)
    window = i32_at(scratch, WINDOW)
    for i in range(num_required):
        t = order[i]
        add_wide(segment, window, row[t], superblock, f32_at(scratch, WEIGHT)[t], i64_at(scratch, CLASS)[t])
    if num_required > 1:
        for i in range(num_required):
            keep_wide(segment, window, row[order[i]], superblock)
    return scan_window(scratch, least)


@inlined
def _locate_terms(segment, scratch, n, superblock):
    """Ranges and bounds of all terms in a superblock; what the terms after the driver give at most goes to BLOCK_BOUNDS, the rest is returned."""
    expect_nothing(scratch)
    flat = np.int64(0)
    for i in range(n):
        locate_term(segment, scratch, i, superblock)
        if i > 0:
            flat += expect_term(segment, scratch, i, superblock, 1)
    return flat


@inlined
def _match(segment, scratch, row, start, end, superblock, found):
    """Keep the candidates that have a posting among packed[start:end], and its place in PLACES."""
    if not is_wide(segment, row) and end - start < found * WALK_RATIO:
        return _walk(segment, scratch, start, end, found)
    find_postings(segment, scratch, row, start, end, superblock, found)
    offsets, scores, places = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES), i64_at(scratch, PLACES)
    kept = 0
    for c in range(found):
        place = places[c]
        offsets[kept] = offsets[c]
        scores[kept] = scores[c]
        places[kept] = place
        kept += np.int64(place >= 0)
    return kept


@inlined
def _walk(segment, scratch, start, end, found):
    """The same for many candidates: their numbers stand in the window, and the postings are walked past it."""
    packed, window = u16_at(segment, PACKED), i32_at(scratch, WINDOW)
    offsets, scores, places = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES), i64_at(scratch, PLACES)
    matches = i64_at(scratch, MATCHES)
    for c in range(found):
        window[np.uint64(offsets[c])] = c + 1
    kept = 0
    for p in range(start, end):
        candidate = np.int64(window[np.uint64(packed[np.uint64(p)] & np.uint16(4095))])
        matches[kept] = candidate - 1
        places[kept] = p
        kept += np.int64(candidate > 0)
    for c in range(found):
        window[np.uint64(offsets[c])] = 0
    for j in range(kept):
        offsets[j] = offsets[np.uint64(matches[j])]
        scores[j] = scores[np.uint64(matches[j])]
    return kept


@inlined
def _offer_candidates(segment, scratch, mask, first_doc, found, k):
    """Offer candidates whose OFFSETS count from a document of the segment, if they are accepted."""
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    if len(mask) > 0 or len(u8_at(segment, LIVE)) > 0:
        kept = 0
        for c in range(found):
            offsets[kept] = offsets[c]
            scores[kept] = scores[c]
            kept += np.int64(accepted(segment, mask, first_doc + offsets[c]))
        found = kept
    offer_all(scratch, k, word_at(segment, FIRST_DOC) + first_doc, found)
