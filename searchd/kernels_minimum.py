"""The k best documents that have at least ``minimum`` of the counted terms, exact, ties by document; other terms add to the score.

Of c terms in a superblock, a document with m of them lacks at most c - m, so it has one of any c - m + 1; and it has one of any terms without
which no score can reach the floor. The *drivers* are the shortest lists of the first kind or those left by the greatest bounds of the
second, whichever have fewer postings. They are added into a window of scores and one of numbers of terms, and the documents that may
still have enough of both are completed by looking the other terms up.
"""

import numpy as np

from indexer.jit import kernel
from indexer.postings import BLOCKS, HALF, SUPERBLOCK, SUPERBLOCK_BITS
from indexer.swar import trailing_zeros
from searchd.kernels_bits import f32_at, i32_at, i64_at, u8_at, u16_at, u64_at, word_at, words_of
from searchd.kernels_candidates import expect_nothing, expect_term, locate_term
from searchd.kernels_layout import (
    BEST,
    BLOCK_BOUNDS,
    BOUNDS,
    CLASS,
    COUNTS,
    FIRST_DOC,
    LIVE,
    LOCAL_BOUND,
    LOCAL_END,
    LOCAL_START,
    MATCHES,
    NUM_SUPERBLOCKS,
    OFFSETS,
    ORDER,
    PACKED,
    PHRASE_IDS,
    RARE_DOCS,
    RARE_IMPACTS,
    REQUIRED,
    ROW,
    SCORES,
    STATE,
    WEIGHT,
    WINDOW,
)
from searchd.kernels_postings import accepted, add_row, impact_of_doc
from searchd.kernels_terms import bound_superblocks, gather_terms, promising_level, scale_of, sort_terms
from searchd.kernels_time import ends, goes_on, stops
from searchd.kernels_top import needed, offer, start_top, write_top
from searchd.kernels_wide import bytes_of, is_wide

FIRST_SUPERBLOCKS = 8


@kernel
def top_minimum(segments, scratch_words, mask, num_terms, num_counted, minimum, k):
    """Fill DOCS_OUT and SCORES_OUT with the best k of all segments; how many there are. The first ``num_counted`` query terms count."""
    scratch = words_of(scratch_words)
    start_top(scratch, k)
    scale = scale_of(words_of(segments[0]), scratch, num_terms)
    if scale > 0:
        for s in range(len(segments)):
            if goes_on(scratch):
                _top_of_segment(words_of(segments[s]), scratch, mask, num_terms, num_counted, minimum, scale, k)
                ends(words_of(segments[s]), scratch)
    return write_top(scratch, k, scale)


@kernel
def _top_of_segment(segment, scratch, mask, num_terms, num_counted, minimum, scale, k):
    counted = gather_terms(segment, scratch, mask, num_counted, scale, True)
    if counted < minimum:
        return
    n = gather_terms(segment, scratch, mask, num_terms, scale, True) if num_terms > num_counted else counted
    for i in range(n):
        i64_at(scratch, ORDER)[i] = i
    bound_superblocks(segment, scratch, n)
    bounds, state = i32_at(scratch, BOUNDS), u64_at(scratch, STATE)
    promising = promising_level(segment, scratch, FIRST_SUPERBLOCKS + (k >> 5))
    visited = np.int64(0)
    for least_bound in (promising, np.int64(0)):
        for b in range(word_at(segment, NUM_SUPERBLOCKS)):
            if bounds[b] == 0 or bounds[b] < least_bound:
                continue
            if bounds[b] >= needed(state, word_at(segment, FIRST_DOC) + (b << SUPERBLOCK_BITS)):
                if stops(segment, scratch, visited if least_bound > 0 else max(visited, b)):
                    return
                visited += 1
                _visit(segment, scratch, mask, counted, n, minimum, b, k)
            bounds[b] = 0


@kernel
def _visit(segment, scratch, mask, counted, n, minimum, superblock, k):
    """Offer every document of a superblock that has enough terms and can enter the best k."""
    drivers = u8_at(scratch, REQUIRED)
    first_doc = superblock << SUPERBLOCK_BITS
    least = needed(u64_at(scratch, STATE), word_at(segment, FIRST_DOC) + first_doc)
    fewest = minimum - _choose_drivers(segment, scratch, counted, n, minimum, superblock, least)
    if fewest > counted:
        return
    flat = _add_drivers(segment, scratch, counted, n, superblock)
    found = _scan_windows(scratch, least - flat, fewest)
    found = _keep_accepted(segment, scratch, mask, first_doc, found)
    for t in range(n):
        if drivers[t] == 0 and i64_at(scratch, LOCAL_START)[t] < i64_at(scratch, LOCAL_END)[t] and found > 0:
            flat += expect_term(segment, scratch, t, superblock, -1)
            fewest += np.int64(t < counted)
            found = _add_term(segment, scratch, t, superblock, found, t < counted, fewest, least - flat)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    for c in range(found):
        offer(scratch, k, scores[c], word_at(segment, FIRST_DOC) + first_doc + offsets[c])


@kernel
def _choose_drivers(segment, scratch, counted, n, minimum, superblock, least):
    """Locate the terms and set REQUIRED for the drivers; how many counted terms that are here are not drivers.

    If too few are here at all, a number that no document makes up for. BEST and PHRASE_IDS lend their places.
    """
    starts, ends, bounds = i64_at(scratch, LOCAL_START), i64_at(scratch, LOCAL_END), i64_at(scratch, LOCAL_BOUND)
    drivers, lengths, order = u8_at(scratch, REQUIRED), i64_at(scratch, BEST), i64_at(scratch, PHRASE_IDS)
    present = np.int64(0)
    for t in range(n):
        locate_term(segment, scratch, t, superblock)
        lengths[t] = ends[t] - starts[t]
        present += np.int64(t < counted and lengths[t] > 0)
    if present < minimum:
        return minimum - counted - 1
    by_number = _drive_by_number(drivers, lengths, order, counted, n, present - minimum + 1)
    by_score = _essential(drivers, lengths, bounds, order, n, least, by_number)
    if by_score:
        drivers[:n] = 0
        rest = np.int64(0)
        for i in range(n):
            rest += bounds[order[i]]
            drivers[order[i]] = np.uint8(rest >= least)
    others = np.int64(0)
    for t in range(counted):
        others += np.int64(drivers[t] == 0 and lengths[t] > 0)
    return others


@kernel
def _drive_by_number(drivers, lengths, order, counted, n, wanted):
    """Make the ``wanted`` shortest counted terms that are here the drivers; their postings."""
    sort_terms(order, lengths, counted)
    drivers[:n] = 0
    total = np.int64(0)
    for i in range(counted):
        t = order[i]
        if lengths[t] > 0 and wanted > 0:
            drivers[t] = 1
            total += lengths[t]
            wanted -= 1
    return total


@kernel
def _essential(drivers, lengths, bounds, order, n, least, postings):
    """Whether the terms without which no score reaches ``least`` have fewer postings; ``order`` becomes that of all terms by rising bound."""
    sort_terms(order, bounds, n)
    rest, total = np.int64(0), np.int64(0)
    for i in range(n):
        rest += bounds[order[i]]
        total += lengths[order[i]] if rest >= least else np.int64(0)
    return total < postings


@kernel
def _add_drivers(segment, scratch, counted, n, superblock):
    """Add the drivers to WINDOW and COUNTS; BLOCK_BOUNDS gets the bounds of the others, and those that it does not hold are returned."""
    starts, ends, drivers = i64_at(scratch, LOCAL_START), i64_at(scratch, LOCAL_END), u8_at(scratch, REQUIRED)
    window, counts, docs, impacts = (
        i32_at(scratch, WINDOW),
        u16_at(scratch, COUNTS),
        i32_at(scratch, RARE_DOCS),
        i32_at(scratch, RARE_IMPACTS),
    )
    expect_nothing(scratch)
    flat = np.int64(0)
    for t in range(n):
        row = i64_at(scratch, ROW)[t]
        if starts[t] == ends[t]:
            continue
        if drivers[t] == 0:
            flat += expect_term(segment, scratch, t, superblock, 1)
        elif row < 0:
            for p in range(starts[t], ends[t]):
                window[docs[p] & (SUPERBLOCK - 1)] += impacts[p]
                counts[docs[p] & (SUPERBLOCK - 1)] += np.uint16(t < counted)
        else:
            add_row(segment, window, row, starts[t], ends[t], superblock, f32_at(scratch, WEIGHT)[t], i64_at(scratch, CLASS)[t])
            if t < counted:
                _count_row(segment, counts, row, starts[t], ends[t], superblock)
    return flat


@kernel
def _count_row(segment, counts, row, start, end, superblock):
    """Add 1 to the counts of a row's documents in a superblock."""
    if is_wide(segment, row):
        nibbles = bytes_of(segment, row, superblock)
        low, high = counts[:HALF], counts[HALF:SUPERBLOCK]
        for j in range(HALF):
            low[j] += np.uint16(nibbles[j] & np.uint8(15) != 0)
            high[j] += np.uint16(nibbles[j] > 15)
        return
    packed = u16_at(segment, PACKED)
    for p in range(start, end):
        counts[np.uint64(packed[np.uint64(p)] & np.uint16(SUPERBLOCK - 1))] += np.uint16(1)


@kernel
def _scan_windows(scratch, least, fewest):
    """Candidates with at least ``fewest`` drivers that can reach ``least``, to OFFSETS, SCORES and MATCHES; clears the windows."""
    window, counts, block_bounds = i32_at(scratch, WINDOW), u16_at(scratch, COUNTS), i32_at(scratch, BLOCK_BOUNDS)
    offsets, scores, matches = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES), i64_at(scratch, MATCHES)
    enough = np.uint16(max(np.int64(0), fewest))
    found = 0
    for block in range(BLOCKS):
        part, numbers = window[block << 6 : (block << 6) + 64], counts[block << 6 : (block << 6) + 64]
        limit = np.int32(max(1, least - block_bounds[block]))
        reached, having = np.uint64(0), np.uint64(0)
        for j in range(64):
            reached |= np.uint64(part[j] >= limit) << np.uint64(j)
        for j in range(64):
            having |= np.uint64(numbers[j] >= enough) << np.uint64(j)
        reached &= having
        while reached:
            j = trailing_zeros(reached)
            reached &= reached - np.uint64(1)
            offsets[found] = (block << 6) + j
            scores[found] = part[j]
            matches[found] = numbers[j]
            found += 1
    window[:SUPERBLOCK] = 0
    counts[:SUPERBLOCK] = 0
    return found


@kernel
def _keep_accepted(segment, scratch, mask, first_doc, found):
    if len(mask) == 0 and len(u8_at(segment, LIVE)) == 0:
        return found
    offsets, scores, matches = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES), i64_at(scratch, MATCHES)
    kept = 0
    for c in range(found):
        offset = offsets[c]
        offsets[kept] = offset
        scores[kept] = scores[c]
        matches[kept] = matches[c]
        kept += np.int64(accepted(segment, mask, first_doc + offset))
    return kept


@kernel
def _add_term(segment, scratch, t, superblock, found, counts, fewest, least):
    """Add a term to the candidates; keep those with at least ``fewest`` counted terms so far that can still reach ``least``."""
    row, weight, term_class = i64_at(scratch, ROW)[t], f32_at(scratch, WEIGHT)[t], i64_at(scratch, CLASS)[t]
    start, end = i64_at(scratch, LOCAL_START)[t], i64_at(scratch, LOCAL_END)[t]
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
