"""A codebook of tuples of term frequencies: which tuples a segment has, and a small number for each.

A posting's frequencies, one for each text field, are mostly one of very few tuples: (1,) or (0, 1). Numbered by falling count, the
commonest fit into the four bits that a posting has for them.
"""

from typing import NamedTuple

import numpy as np

from indexer.jit import inlined, kernel


class Codes(NamedTuple):
    slots: np.ndarray  # int32[power of two]: open addressing; index of a tuple in ``book``, or -1
    book: np.ndarray  # uint32[C, F]: distinct tuples in the order in which they were met
    rank: np.ndarray  # uint32[C]: code of each, 1 = commonest
    counts: np.ndarray  # int64[C + 1]: postings by code
    ordered: np.ndarray  # uint32[C + 1, F]: the codebook, row = code; row 0 is "not here"


def number_tuples(tfs: np.ndarray) -> Codes:
    """Number the distinct tuples by falling count, then by the tuples themselves."""
    size = 1 << 10
    while True:
        slots, book, counts = np.full(size, -1, np.int32), np.zeros((size >> 1, tfs.shape[1]), np.uint32), np.zeros(size >> 1, np.int64)
        found = _count_tuples(tfs, slots, book, counts)
        if found >= 0:
            break
        size <<= 2
    book, counts = book[:found], counts[:found]
    order = np.lexsort((*book.T[::-1], -counts))
    rank = np.empty(found, np.uint32)
    rank[order] = np.arange(1, found + 1)
    ordered = np.concatenate([np.zeros((1, book.shape[1]), np.uint32), book[order]])
    return Codes(slots, book, rank, np.concatenate([[0], counts[order]]), ordered)


@inlined
def slot_of(tuple_, slots, book):
    """Where a tuple stands, or would stand, in the hash table."""
    h = np.uint64(14695981039346656037)
    for f in range(len(tuple_)):
        h = (h ^ np.uint64(tuple_[f])) * np.uint64(1099511628211)
    h ^= h >> np.uint64(32)
    mask = np.uint64(len(slots) - 1)
    slot = h & mask
    while True:
        i = slots[slot]
        if i < 0:
            return slot
        same = True
        for f in range(len(tuple_)):
            same &= book[i, f] == tuple_[f]
        if same:
            return slot
        slot = (slot + np.uint64(1)) & mask


@kernel
def _count_tuples(tfs, slots, book, counts):
    """Distinct tuples and how often each occurs; their number, or -1 when ``book`` is too small."""
    found = 0
    for p in range(len(tfs)):
        slot = slot_of(tfs[p], slots, book)
        if slots[slot] < 0:
            if found == len(book):
                return -1
            slots[slot] = found
            book[found] = tfs[p]
            found += 1
        counts[slots[slot]] += 1
    return found
