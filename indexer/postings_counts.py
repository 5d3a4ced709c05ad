"""How many of some documents each term of a segment has, by one walk over all its postings.

Documents that die take their terms' frequencies with them. A walk is exact whatever they were analysed by, and reads a posting in a nanosecond or
two; a document takes tens of microseconds to analyse again. So the walk is worth its while when enough of a segment's documents die at once. Of
frequent terms it reads those superblocks only in which some do.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from indexer.jit import kernel
from indexer.postings import HALF, SUPERBLOCK, SUPERBLOCK_BITS
from indexer.postings_rare import read_varint
from indexer.postings_view import PostingsView


class Packed(NamedTuple):
    """Where the postings of frequent terms are that are not wide: sections of their names, flat."""

    packed: np.ndarray
    row_starts: np.ndarray
    low: np.ndarray
    high: np.ndarray


def counts_of(view: PostingsView, df: Callable[[np.ndarray], np.ndarray], docs: np.ndarray) -> np.ndarray:
    """For each term of a segment, int64[T], how many of ``docs`` (int64[n], distinct) have it; ``df`` as of ``PostingsView``. Raises Corrupt."""
    header = view.header
    marks = np.zeros(header.num_superblocks * SUPERBLOCK, np.uint8)
    marks[docs] = 1
    counts = np.zeros(header.num_terms, np.int64)
    touched = np.unique(docs >> SUPERBLOCK_BITS)
    if header.num_wide:
        _count_wide(view["nibbles"].reshape(-1), header.num_superblocks, docs, counts[: header.num_wide])
    if header.num_rows > header.num_wide:
        packed = Packed(*(view[name].reshape(-1) for name in ("packed", "row_starts", "superblock_starts", "superblock_starts_high")))
        _count_packed(packed, header, header.num_superblocks, touched, marks, counts)
    rare = np.arange(header.num_rows, header.num_listed)
    if len(rare):
        _count_rare(view["rare"], df(rare), marks, counts[header.num_rows : header.num_listed])
    return counts


@kernel
def _count_wide(nibbles, num_superblocks, docs, counts):
    """A wide term has half a byte for every document: documents 0 to 2047 of a superblock in the low halves, the others in the high ones."""
    for row in range(len(counts)):
        for doc in docs:
            offset = doc & (SUPERBLOCK - 1)
            both = nibbles[(row * num_superblocks + (doc >> SUPERBLOCK_BITS)) * HALF + (offset & (HALF - 1))]
            counts[row] += np.int64((both & 15 if offset < HALF else both >> 4) != 0)


@kernel
def _count_packed(sections, header, num_superblocks, touched, marks, counts):
    """Of each row the postings in superblocks ``touched``, int64[n]."""
    for row in range(header.num_wide, header.num_rows):
        first = np.int64(sections.row_starts[row])
        found = np.int64(0)
        for superblock in touched:
            at = row * (num_superblocks + 1) + superblock
            start, end = np.int64(sections.low[at]), np.int64(sections.low[at + 1])
            if row < header.num_long:
                start |= np.int64(sections.high[at]) << 16
                end |= np.int64(sections.high[at + 1]) << 16
            base = superblock << SUPERBLOCK_BITS
            for p in range(first + start, first + end):
                found += np.int64(marks[base + np.int64(sections.packed[p] & np.uint16(SUPERBLOCK - 1))])
        counts[row] = found


@kernel
def _count_rare(rare, numbers, marks, counts):
    """The lists of rare terms, one after the other; ``numbers`` int64[n]: the postings of each."""
    p = np.int64(0)
    for term in range(len(numbers)):
        next_doc = np.int64(0)
        for _ in range(numbers[term]):
            value, p = read_varint(rare, p)
            counts[term] += np.int64(marks[next_doc + (value >> 1)])
            next_doc += (value >> 1) + 1
            if value & 1:
                _, p = read_varint(rare, p)
