"""The k best documents that have a phrase, exact, ties by document; other terms add to the score.

Superblocks whose bound cannot reach the floor are skipped. In the others the documents with all required terms are found without scores,
which is several times faster than with them, and few are left. Until k are found every one of them must be looked into, so scores can wait
for those that have the phrase; afterwards scores come first, and only what can still enter is looked into.
"""

import numpy as np

from indexer.jit import kernel
from indexer.postings import SUPERBLOCK, SUPERBLOCK_BITS
from searchd.kernels_all import intersect, keep_accepted
from searchd.kernels_and import clear_incomplete, match_documents, match_superblock, take_documents
from searchd.kernels_bits import f32_at, i32_at, i64_at, u64_at, word_at, words_of
from searchd.kernels_layout import (
    BOUNDS,
    CLASS,
    END,
    FIRST_DOC,
    NUM_SUPERBLOCKS,
    OFFSETS,
    ORDER,
    PHRASE,
    ROW,
    SCORES,
    START,
    STATE,
    WEIGHT,
)
from searchd.kernels_phrase import POSITIONS, fetch_row, has_phrase, keep_phrases, prepare_phrase
from searchd.kernels_postings import accepted, impact_of_doc, superblock_range
from searchd.kernels_terms import bound_superblocks, gather_terms, order_required_first, promising_level, scale_of
from searchd.kernels_time import ends, goes_on, stops
from searchd.kernels_top import FLOOR, make_key, needed, offer, start_top, write_top

FIRST_SUPERBLOCKS = 8
AHEAD = 4


@kernel
def top_phrase(segments, scratch_words, mask, num_terms, k):
    """Fill DOCS_OUT and SCORES_OUT with the best k of all segments; how many there are.

    QUERY_REQUIRED says which terms must match, PHRASE which phrase must stand there, if it has positions.
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


@kernel
def _top_of_segment(segment, scratch, mask, num_terms, scale, k):
    n = gather_terms(segment, scratch, mask, num_terms, scale, True)
    if n <= 0 or (i64_at(scratch, PHRASE)[POSITIONS] > 0 and not prepare_phrase(segment, scratch)):
        return
    required = order_required_first(scratch, n)
    if i64_at(scratch, ROW)[i64_at(scratch, ORDER)[0]] < 0:
        _drive_rare(segment, scratch, mask, n, k)
    else:
        _drive_row(segment, scratch, mask, n, required, k)


@kernel
def _drive_rare(segment, scratch, mask, n, k):
    """Term after term over all of the driver's documents, whose OFFSETS count from the segment's first."""
    driver = i64_at(scratch, ORDER)[0]
    end = i64_at(scratch, END)[driver]
    for start in range(i64_at(scratch, START)[driver], end, SUPERBLOCK):
        found = take_documents(scratch, start, min(start + SUPERBLOCK, end))
        for i in range(1, n):
            found = match_documents(segment, scratch, i64_at(scratch, ORDER)[i], found)
        _offer(segment, scratch, mask, np.int64(0), found, k, i64_at(scratch, PHRASE)[POSITIONS] > 0)


@kernel
def _drive_row(segment, scratch, mask, n, required, k):
    bound_superblocks(segment, scratch, n)
    clear_incomplete(segment, scratch, n)
    bounds, state = i32_at(scratch, BOUNDS), u64_at(scratch, STATE)
    phrased = i64_at(scratch, PHRASE)[POSITIONS] > 0
    promising = promising_level(segment, scratch, FIRST_SUPERBLOCKS + (k >> 5))
    visited = np.int64(0)
    for least_bound in (promising, np.int64(0)):
        for b in range(word_at(segment, NUM_SUPERBLOCKS)):
            if bounds[b] == 0 or bounds[b] < least_bound:
                continue
            first_doc = np.int64(b << SUPERBLOCK_BITS)
            if bounds[b] >= needed(state, word_at(segment, FIRST_DOC) + first_doc):
                if stops(segment, scratch, visited if least_bound > 0 else max(visited, b)):
                    return
                visited += 1
                if phrased and state[FLOOR] == 0:
                    found = _find_before_scores(segment, scratch, mask, n, required, b)
                    _offer(segment, scratch, mask, first_doc, found, k, False)
                else:
                    found = match_superblock(segment, scratch, n, b)
                    _offer(segment, scratch, mask, first_doc, found, k, phrased)
            bounds[b] = 0


@kernel
def _find_before_scores(segment, scratch, mask, n, required, superblock):
    """OFFSETS and SCORES of the documents of a superblock that have the required terms and the phrase; how many."""
    found = intersect(segment, scratch, required, superblock)
    found = keep_accepted(segment, scratch, mask, superblock << SUPERBLOCK_BITS, found)
    found = keep_phrases(segment, scratch, superblock << SUPERBLOCK_BITS, found)
    if found > 0:
        _score(segment, scratch, n, superblock, found)
    return found


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
def _offer(segment, scratch, mask, first_doc, found, k, phrased):
    """Offer the candidates; ``phrased``: only those with the phrase, looking only into those that can enter."""
    state = u64_at(scratch, STATE)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    for c in range(found):
        if phrased and c + AHEAD < found:
            fetch_row(segment, first_doc + offsets[c + AHEAD])
        doc = first_doc + offsets[c]
        key = make_key(scores[c], word_at(segment, FIRST_DOC) + doc)
        if key > state[FLOOR] and accepted(segment, mask, doc) and (not phrased or has_phrase(segment, scratch, doc)):
            offer(scratch, k, scores[c], word_at(segment, FIRST_DOC) + doc)
