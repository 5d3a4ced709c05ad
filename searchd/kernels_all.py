"""Which documents have all of the terms, and a phrase if one is asked for: marks or a count, no scores.

The shortest list drives. Superblock by superblock its documents are the candidates, and every other term, by rising length, keeps those that it
has; without scores that takes a fraction of the time. What is left is looked into for the phrase.
"""

import numpy as np

from indexer.jit import kernel
from indexer.postings import SUPERBLOCK, SUPERBLOCK_BITS
from searchd.kernels_and import match_documents, match_postings, take_documents
from searchd.kernels_bits import i64_at, u8_at, u16_at
from searchd.kernels_candidates import locate_term
from searchd.kernels_layout import (
    BEST,
    END,
    FIRST_DOC,
    LIVE,
    LOCAL_END,
    LOCAL_START,
    NUM_SUPERBLOCKS,
    OFFSETS,
    ORDER,
    PACKED,
    PHRASE,
    ROW,
    SCORES,
    START,
)
from searchd.kernels_phrase import POSITIONS, keep_phrases, prepare_phrase
from searchd.kernels_postings import accepted
from searchd.kernels_terms import gather_terms, sort_terms
from searchd.kernels_wide import is_wide, list_wide


@kernel
def count_all(segments, scratch, mask, num_terms, marks, enough):
    """How many documents have all the query's terms and its phrase; from ``enough`` on the count stops at the next superblock.

    ``marks`` uint8[max_doc], or empty: set to 1 for these documents. QUERY_REQUIRED must be 1 for all terms; their weights do not matter.
    """
    total = np.int64(0)
    for s in range(len(segments)):
        if total < enough:
            total += _count_in_segment(segments[s], scratch, mask, num_terms, marks, enough - total)
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
        while superblock < segment[NUM_SUPERBLOCKS] and total < enough:
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
    order, row = i64_at(scratch, ORDER), i64_at(scratch, ROW)
    starts, ends = i64_at(scratch, LOCAL_START), i64_at(scratch, LOCAL_END)
    for i in range(n):
        locate_term(segment, scratch, i, superblock)
        if starts[i] == ends[i]:
            return np.int64(0)
    found = list_postings(segment, scratch, row[order[0]], starts[0], ends[0], superblock)
    for i in range(1, n):
        if found > 0:
            found = match_postings(segment, scratch, row[order[i]], starts[i], ends[i], superblock, found)
    return np.int64(found)


@kernel
def list_postings(segment, scratch, row, start, end, superblock):
    """OFFSETS of the documents of a row in a superblock, packed[start:end] if it is not wide; how many."""
    packed, offsets = u16_at(segment, PACKED), i64_at(scratch, OFFSETS)
    if is_wide(segment, row):
        return list_wide(segment, row, superblock, offsets)
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
            marks[segment[FIRST_DOC] + first_doc + offsets[c]] = 1
    return found
