"""Which documents have all of the terms, and a phrase if one is asked for: marks or a count, no scores.

The shortest list drives. Superblock by superblock its documents are the candidates, and every other term, by rising length, keeps those that it
has; without scores that takes a fraction of the time. What is left is looked into for the phrase.
"""

import numpy as np

from indexer.jit import kernel
from indexer.postings import BLOCKS, SKIPS, SUPERBLOCK, SUPERBLOCK_BITS
from indexer.swar import trailing_zeros
from searchd.kernels_and import match_documents, take_documents
from searchd.kernels_bits import find_doc, i64_at, u8_at, u16_at, word_at, words_of
from searchd.kernels_layout import (
    BEST,
    BLOCK_STARTS,
    END,
    FIRST_DOC,
    LIVE,
    MARKS,
    NUM_DENSE,
    NUM_SUPERBLOCKS,
    NUM_WIDE,
    OFFSETS,
    ORDER,
    PACKED,
    PHRASE,
    PLACES,
    ROW,
    SCORES,
    START,
)
from searchd.kernels_phrase import POSITIONS, keep_phrases, prepare_phrase
from searchd.kernels_postings import accepted, skip_range, superblock_range
from searchd.kernels_terms import gather_terms, sort_terms
from searchd.kernels_time import ends, goes_on, stops
from searchd.kernels_wide import is_wide, keep_wide, wide_nibble

WALK_RATIO = 4  # a list up to so many times longer than the candidates is walked, in a longer one each is looked up


@kernel
def count_all(segments, scratch_words, mask, num_terms, marks, enough):
    """How many documents have all the query's terms and its phrase; from ``enough`` on, or when time is up, the count stops at the next superblock.

    ``marks`` uint8[max_doc], or empty: set to 1 for these documents. QUERY_REQUIRED must be 1 for all terms; their weights do not matter.
    """
    scratch = words_of(scratch_words)
    total = np.int64(0)
    for s in range(len(segments)):
        if total < enough and goes_on(scratch):
            total += _count_in_segment(words_of(segments[s]), scratch, mask, num_terms, marks, enough - total)
            ends(words_of(segments[s]), scratch)
    return total


@kernel
def _count_in_segment(segment, scratch, mask, num_terms, marks, enough):
    n = gather_terms(segment, scratch, mask, num_terms, 0.0, True)
    if n <= 0 or (i64_at(scratch, PHRASE)[POSITIONS] > 0 and not prepare_phrase(segment, scratch)):
        return np.int64(0)
    _order_by_length(scratch, n)
    driver = i64_at(scratch, ORDER)[0]
    total = np.int64(0)
    if i64_at(scratch, ROW)[driver] >= 0:
        superblock = np.int64(0)
        while superblock < word_at(segment, NUM_SUPERBLOCKS) and total < enough and not stops(segment, scratch, superblock):
            found = intersect(segment, scratch, n, superblock)
            total += _count_candidates(segment, scratch, mask, superblock << SUPERBLOCK_BITS, found, marks)
            superblock += 1
        return total
    end = i64_at(scratch, END)[driver]
    for start in range(i64_at(scratch, START)[driver], end, SUPERBLOCK):
        found = take_documents(scratch, start, min(start + SUPERBLOCK, end))
        for i in range(1, n):
            found = match_documents(segment, scratch, i64_at(scratch, ORDER)[i], found)
        total += _count_candidates(segment, scratch, mask, np.int64(0), found, marks)
    return total


@kernel
def _order_by_length(scratch, n):
    start, end, lengths = i64_at(scratch, START), i64_at(scratch, END), i64_at(scratch, BEST)
    for i in range(n):
        lengths[i] = end[i] - start[i]
    sort_terms(i64_at(scratch, ORDER), lengths, n)


@kernel
def intersect(segment, scratch, n, superblock):
    """OFFSETS of the documents of a superblock that have the first n terms of ORDER, all of them rows; how many."""
    order, row, first = i64_at(scratch, ORDER), i64_at(scratch, ROW), i64_at(scratch, START)
    if is_wide(segment, row[order[0]]):
        return _intersect_wide(segment, scratch, n, superblock)
    found = np.int64(SUPERBLOCK)
    i = 0
    while i < n and found > 0:
        t = order[i]
        start, end = superblock_range(segment, row[t], superblock)
        start, end = first[t] + start, first[t] + end
        if start == end:
            found = np.int64(0)
        elif i == 0:
            found = _list_postings(segment, scratch, start, end)
        else:
            found = _keep_having(segment, scratch, row[t], start, end, superblock, found)
        i += 1
    return found


@kernel
def _intersect_wide(segment, scratch, n, superblock):
    """The same where the shortest is wide, and so all are: a mark for each document that every row has, by vectors."""
    marks = u8_at(scratch, MARKS)
    marks[:SUPERBLOCK] = 1
    for i in range(n):
        keep_wide(segment, marks, i64_at(scratch, ROW)[i64_at(scratch, ORDER)[i]], superblock)
    offsets = i64_at(scratch, OFFSETS)
    found = np.int64(0)
    for block in range(BLOCKS):
        part = marks[block << 6 : (block << 6) + 64]
        there = np.uint64(0)
        for j in range(64):
            there |= np.uint64(part[j]) << np.uint64(j)
        while there:
            offsets[found] = (block << 6) + trailing_zeros(there)
            there &= there - np.uint64(1)
            found += 1
    marks[:SUPERBLOCK] = 0
    return found


@kernel
def _keep_having(segment, scratch, row, start, end, superblock, found):
    """Keep the candidates that have a posting of a row in a superblock, packed[start:end] if it is not wide."""
    packed, offsets = u16_at(segment, PACKED), i64_at(scratch, OFFSETS)
    if not is_wide(segment, row) and end - start < found * WALK_RATIO:
        return _walk(scratch, packed, start, end, found)
    kept = 0
    if is_wide(segment, row):
        for c in range(found):
            offset = offsets[c]
            offsets[kept] = offset
            kept += np.int64(wide_nibble(segment, row, superblock, offset) > 0)
    elif row >= word_at(segment, NUM_DENSE):
        for c in range(found):
            offset = offsets[c]
            offsets[kept] = offset
            kept += np.int64(find_doc(packed, start, end, offset) >= 0)
    else:
        block_starts = u16_at(segment, BLOCK_STARTS)
        at = ((row - word_at(segment, NUM_WIDE)) * word_at(segment, NUM_SUPERBLOCKS) + superblock) * SKIPS
        for c in range(found):
            offset = offsets[c]
            low, high = skip_range(block_starts, at, start, end, offset)
            offsets[kept] = offset
            kept += np.int64(find_doc(packed, low, high, offset) >= 0)
    return np.int64(kept)


@kernel
def _walk(scratch, packed, start, end, found):
    """The same for many candidates: they are marked, and the postings walked past the marks."""
    marks, offsets, places = u8_at(scratch, MARKS), i64_at(scratch, OFFSETS), i64_at(scratch, PLACES)
    for c in range(found):
        marks[np.uint64(offsets[c])] = 1
    kept = np.uint64(0)
    for p in range(start, end):
        offset = np.uint64(packed[np.uint64(p)] & np.uint16(SUPERBLOCK - 1))
        places[kept] = np.int64(offset)
        kept += np.uint64(marks[offset])
    for c in range(found):
        marks[np.uint64(offsets[c])] = 0
    for c in range(np.int64(kept)):
        offsets[c] = places[c]
    return np.int64(kept)


@kernel
def _list_postings(segment, scratch, start, end):
    """OFFSETS of packed[start:end], a row in a superblock; how many."""
    packed, offsets = u16_at(segment, PACKED), i64_at(scratch, OFFSETS)
    for j in range(end - start):
        offsets[j] = packed[start + j] & np.uint16(SUPERBLOCK - 1)
    return end - start


@kernel
def keep_accepted(segment, scratch, mask, first_doc, found):
    """Keep the candidates (OFFSETS, which count from ``first_doc``, and SCORES) that are neither deleted nor masked out."""
    if len(mask) == 0 and len(u8_at(segment, LIVE)) == 0:
        return found
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    kept = 0
    for c in range(found):
        offset = offsets[c]
        offsets[kept] = offset
        scores[kept] = scores[c]
        kept += np.int64(accepted(segment, mask, first_doc + offset))
    return kept


@kernel
def _count_candidates(segment, scratch, mask, first_doc, found, marks):
    found = keep_accepted(segment, scratch, mask, first_doc, found)
    if i64_at(scratch, PHRASE)[POSITIONS] > 0:
        found = keep_phrases(segment, scratch, first_doc, found)
    if len(marks) > 0:
        offsets = i64_at(scratch, OFFSETS)
        for c in range(found):
            marks[word_at(segment, FIRST_DOC) + first_doc + offsets[c]] = 1
    return found
