"""Which documents have all of the terms, and a phrase if one is asked for: marks or a count, no scores.

The shortest list drives. Superblock by superblock its documents are the candidates, and every other term, by rising length, keeps those it
has: by walking beside them where its postings are about as many, else by looking each candidate up. What is left is looked into for the phrase.
"""

import numpy as np

from indexer.jit import kernel
from indexer.postings import SUPERBLOCK, SUPERBLOCK_BITS
from searchd.kernels_bits import i32_at, i64_at, u8_at, u16_at
from searchd.kernels_layout import (
    BEST,
    END,
    FIRST_DOC,
    LIVE,
    NUM_DENSE,
    NUM_SUPERBLOCKS,
    OFFSETS,
    ORDER,
    PACKED,
    PHRASE,
    RARE_DOCS,
    ROW,
    START,
)
from searchd.kernels_phrase import POSITIONS, keep_phrases, prepare_phrase
from searchd.kernels_postings import accepted, find_posting, lower_bound, superblock_range
from searchd.kernels_terms import gather_terms, sort_terms
from searchd.kernels_wide import is_wide, list_wide, wide_nibble

MERGE_RATIO = 6  # a list up to so many times longer than the candidates is walked beside them, a longer one is probed


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
    phrased = i64_at(scratch, PHRASE)[POSITIONS] > 0
    n = gather_terms(segment, scratch, mask, num_terms, 0.0, True)
    if n <= 0 or (phrased and not prepare_phrase(segment, scratch)):
        return np.int64(0)
    _order_by_length(scratch, n)
    driver = i64_at(scratch, ORDER)[0]
    row, next_rare, end = i64_at(scratch, ROW)[driver], i64_at(scratch, START)[driver], i64_at(scratch, END)[driver]
    total = np.int64(0)
    superblock = np.int64(0)
    while superblock < segment[NUM_SUPERBLOCKS] and total < enough:
        if row >= 0:
            found = take_row(segment, scratch, row, next_rare, superblock)
        else:
            if next_rare == end:
                break
            superblock = np.int64(i32_at(scratch, RARE_DOCS)[next_rare] >> SUPERBLOCK_BITS)
            found = take_rare(scratch, next_rare, end)
            next_rare += found
        for i in range(1, n):
            found = keep_having(segment, scratch, i64_at(scratch, ORDER)[i], superblock, found)
        found = keep_accepted(segment, scratch, mask, superblock, found)
        if phrased:
            found = keep_phrases(segment, scratch, superblock, found)
        if len(marks) > 0:
            _mark(segment, scratch, superblock, found, marks)
        total += found
        superblock += 1
    return total


@kernel
def _order_by_length(scratch, n):
    start, end, lengths = i64_at(scratch, START), i64_at(scratch, END), i64_at(scratch, BEST)
    for i in range(n):
        lengths[i] = end[i] - start[i]
    sort_terms(i64_at(scratch, ORDER), lengths, n)


@kernel
def take_row(segment, scratch, row, first, superblock):
    """A frequent term's documents in a superblock to OFFSETS; how many."""
    packed, offsets = u16_at(segment, PACKED), i64_at(scratch, OFFSETS)
    start, end = superblock_range(segment, row, superblock)
    if is_wide(segment, row):
        return list_wide(segment, row, superblock, offsets)
    for j in range(end - start):
        offsets[j] = packed[first + start + j] & np.uint16(SUPERBLOCK - 1)
    return end - start


@kernel
def take_rare(scratch, start, end):
    """The documents of a rare term from ``start`` on that share a superblock to OFFSETS; how many."""
    docs, offsets = i32_at(scratch, RARE_DOCS), i64_at(scratch, OFFSETS)
    p = start
    while p < end and docs[p] >> SUPERBLOCK_BITS == docs[start] >> SUPERBLOCK_BITS:
        offsets[p - start] = docs[p] & (SUPERBLOCK - 1)
        p += 1
    return p - start


@kernel
def keep_having(segment, scratch, term, superblock, found):
    """Keep the candidates that a term has."""
    if found == 0:
        return found
    row, first = i64_at(scratch, ROW)[term], i64_at(scratch, START)[term]
    if row < 0:
        return _keep_rare(scratch, first, i64_at(scratch, END)[term], superblock, found)
    if is_wide(segment, row):
        return _keep_wide(segment, scratch, row, superblock, found)
    start, end = superblock_range(segment, row, superblock)
    if row >= segment[NUM_DENSE] and end - start < found * MERGE_RATIO:
        return _keep_beside(segment, scratch, first + start, first + end, found)
    offsets = i64_at(scratch, OFFSETS)
    kept = 0
    for c in range(found):
        offset = offsets[c]
        offsets[kept] = offset
        kept += np.int64(find_posting(segment, row, first + start, first + end, superblock, offset) >= 0)
    return kept


@kernel
def _keep_wide(segment, scratch, row, superblock, found):
    offsets = i64_at(scratch, OFFSETS)
    kept = 0
    for c in range(found):
        offset = offsets[c]
        offsets[kept] = offset
        kept += np.int64(wide_nibble(segment, row, superblock, offset) > 0)
    return kept


@kernel
def _keep_rare(scratch, start, end, superblock, found):
    docs, offsets = i32_at(scratch, RARE_DOCS), i64_at(scratch, OFFSETS)
    p, kept = start, 0
    for c in range(found):
        offset = offsets[c]
        doc = (superblock << SUPERBLOCK_BITS) + offset
        p = lower_bound(docs, p, end, doc)
        offsets[kept] = offset
        kept += np.int64(p < end and docs[p] == doc)
    return kept


@kernel
def _keep_beside(segment, scratch, start, end, found):
    packed, offsets = u16_at(segment, PACKED), i64_at(scratch, OFFSETS)
    p, kept = start, 0
    for c in range(found):
        offset = offsets[c]
        while p < end and np.int64(packed[p] & np.uint16(SUPERBLOCK - 1)) < offset:
            p += 1
        offsets[kept] = offset
        kept += np.int64(p < end and np.int64(packed[p] & np.uint16(SUPERBLOCK - 1)) == offset)
    return kept


@kernel
def keep_accepted(segment, scratch, mask, superblock, found):
    if len(mask) == 0 and len(u8_at(segment, LIVE)) == 0:
        return found
    offsets = i64_at(scratch, OFFSETS)
    kept = 0
    for c in range(found):
        offset = offsets[c]
        offsets[kept] = offset
        kept += np.int64(accepted(segment, mask, (superblock << SUPERBLOCK_BITS) + offset))
    return kept


@kernel
def _mark(segment, scratch, superblock, found, marks):
    offsets = i64_at(scratch, OFFSETS)
    first_doc = segment[FIRST_DOC] + (superblock << SUPERBLOCK_BITS)
    for c in range(found):
        marks[first_doc + offsets[c]] = 1
