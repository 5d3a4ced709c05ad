"""The order in which superblocks are visited: the few best ones first, which raises the floor, then the others in document order.

A superblock is worth a visit while its bound reaches the least score with which one of its documents can still enter the best k.
"""

import numpy as np

from indexer.jit import inlined
from indexer.postings import SUPERBLOCK_BITS
from searchd.kernels_bits import i32_at, u64_at, word_at
from searchd.kernels_layout import BOUNDS, FIRST_DOC, NUM_SUPERBLOCKS, STATE
from searchd.kernels_time import stops
from searchd.kernels_top import needed

FIRST_VISITS = 4


@inlined
def next_visit(segment, scratch, visited, last, k):
    """The superblock to visit when ``visited`` have been, ``last`` the latest of them; -1 when none can give anything any more, or time is up.

    More of them come best bound first when k is large.
    """
    first = FIRST_VISITS + (k >> 5)
    if stops(segment, scratch, visited if visited <= first else last + 1):
        return np.int64(-1)
    if visited < first:
        return _take_best(segment, scratch)
    return _take_next(segment, scratch, np.int64(0) if visited == first else last + 1)


@inlined
def _take_best(segment, scratch):
    """The superblock with the highest bound, which loses its bound; -1 when no superblock can give anything any more."""
    bounds, state = i32_at(scratch, BOUNDS)[: word_at(segment, NUM_SUPERBLOCKS)], u64_at(scratch, STATE)
    while True:
        b = _best_superblock(bounds)
        bound = bounds[b]
        if bound < needed(state, 0):
            return np.int64(-1)
        bounds[b] = 0
        if bound >= needed(state, word_at(segment, FIRST_DOC) + (b << SUPERBLOCK_BITS)):
            return b


@inlined
def _best_superblock(bounds):
    """The first of the superblocks with the highest bound."""
    highest = np.int32(0)
    for b in range(len(bounds)):
        highest = max(highest, bounds[b])
    b = np.int64(0)
    while bounds[b] != highest:
        b += 1
    return b


@inlined
def _take_next(segment, scratch, first):
    """The first superblock from ``first`` on that can give something, -1 when there is none."""
    bounds, state = i32_at(scratch, BOUNDS), u64_at(scratch, STATE)
    least = needed(state, 0)
    for b in range(first, word_at(segment, NUM_SUPERBLOCKS)):
        if bounds[b] >= least and bounds[b] >= needed(state, word_at(segment, FIRST_DOC) + (b << SUPERBLOCK_BITS)):
            return b
    return np.int64(-1)
