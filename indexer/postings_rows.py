"""The rows of frequent terms: packed or wide postings, and the tables that say where superblocks begin and how good their best posting is.

Everything here works on one stretch of terms, ``starts`` int64[n + 1] into ``docs`` int32[P] and ``codes`` uint32[P], and on the rows of the
tables that are theirs, so that a segment can be encoded in portions.
"""

from typing import NamedTuple

import numpy as np

import indexer.bm25 as bm25
from indexer.jit import inlined, kernel
from indexer.postings import BLOCKS, EXCEPTION, HALF, SKIPS, SUPERBLOCK, SUPERBLOCK_BITS, THRESHOLD_RANKS, Header

LEVELS = 4096


class Tables(NamedTuple):
    """Everything that frequent terms have beside their postings; one row a term, by falling length of list."""

    superblock_maxima: np.ndarray  # uint8[R, superblocks rounded up to 16]; 0 = none here
    superblock_starts: np.ndarray  # uint16[R, superblocks + 1], low half
    superblock_starts_high: np.ndarray  # uint16[rows of 65536 postings or more, superblocks + 1]
    block_maxima: np.ndarray  # uint8[D, superblocks * 64], the first D rows
    block_starts: np.ndarray  # uint16[D - W, superblocks * 16], from the superblock's start; rows W to D
    thresholds: np.ndarray  # uint16[R, 4]: floors of 65535 * the 10th, 100th, 1000th best saturation; ceiling of the best

    def rows(self, first: int, last: int, num_wide: int) -> "Tables":
        """Views of the rows from ``first`` to ``last``, all of them wide or none; tables of the first rows only have fewer of them."""
        views = Tables(*(table[first:last] for table in self))
        return views._replace(block_starts=self.block_starts[max(0, first - num_wide) : max(0, last - num_wide)])


def allocate_tables(header: Header) -> Tables:
    """Tables of zeros."""
    superblocks = header.num_superblocks
    return Tables(
        np.zeros((header.num_rows, (superblocks + 15) // 16 * 16), np.uint8),
        np.zeros((header.num_rows, superblocks + 1), np.uint16),
        np.zeros((header.num_long, superblocks + 1), np.uint16),
        np.zeros((header.num_dense, superblocks * BLOCKS), np.uint8),
        np.zeros((header.num_dense - header.num_wide, superblocks * SKIPS), np.uint16),
        np.zeros((header.num_rows, len(THRESHOLD_RANKS) + 1), np.uint16),
    )


@kernel
def saturations(starts, docs, tfs, norms, k1, out):
    """Saturation of every posting, float32[P]; ``tfs`` uint[P, F], ``norms`` float32[F, N], ``k1`` float32[n]."""
    for t in range(len(starts) - 1):
        for p in range(starts[t], starts[t + 1]):
            x = np.float32(0)
            for f in range(tfs.shape[1]):
                if tfs[p, f] > 0:
                    x += np.float32(tfs[p, f]) * norms[f, docs[p]]
            out[p] = bm25.saturation(x, k1[t])


@kernel
def pack(docs, codes, packed):
    """Four bits of code over twelve bits of document."""
    for p in range(len(docs)):
        code = min(codes[p], np.uint32(EXCEPTION))
        packed[p] = (code << np.uint32(SUPERBLOCK_BITS)) | (np.uint32(docs[p]) & np.uint32(SUPERBLOCK - 1))


@kernel
def pack_wide(starts, docs, tfs, nibbles):
    """The frequencies ``tfs`` uint[P, 1] of each term to its row of zeros in ``nibbles`` uint8[n, superblocks * 2048]."""
    for t in range(len(starts) - 1):
        row = nibbles[t]
        for p in range(starts[t], starts[t + 1]):
            doc = np.int64(docs[p])
            byte = (doc >> SUPERBLOCK_BITS) * HALF + (doc & (HALF - 1))
            tf = min(np.int64(tfs[p, 0]), EXCEPTION)
            row[byte] |= tf << 4 if doc & HALF else tf


@kernel
def fill_tables(starts, docs, shares, maxima, starts_low, starts_high, block_maxima, block_starts, thresholds):
    """Fill the rows of all tables for a stretch of terms, whose saturations are ``shares``."""
    levels = np.zeros(LEVELS + 1, np.int64)
    for r in range(len(starts) - 1):
        first, last = starts[r], starts[r + 1]
        best = _fill_superblocks(docs[first:last], shares[first:last], maxima[r], levels)
        _fill_thresholds(thresholds[r], levels, best)
        _fill_starts(docs[first:last], r, starts_low, starts_high)
        if r < len(block_maxima):
            _fill_block_maxima(block_maxima[r], docs[first:last], shares[first:last])
        if r < len(block_starts):
            _fill_block_starts(block_starts[r], docs[first:last])


@inlined
def _ceiling(share):
    return np.uint8(min(255, max(1, int(np.ceil(share * np.float32(255.0))))))


@kernel
def _fill_superblocks(docs, shares, maxima, levels):
    """Maxima of a row's superblocks, and in ``levels`` a histogram of its saturations; returns the best of them."""
    levels[:] = 0
    best = np.float32(0)
    p = 0
    while p < len(docs):
        superblock = docs[p] >> SUPERBLOCK_BITS
        here = np.float32(0)
        while p < len(docs) and docs[p] >> SUPERBLOCK_BITS == superblock:
            here = max(here, shares[p])
            levels[int(shares[p] * np.float32(LEVELS))] += 1
            p += 1
        maxima[superblock] = _ceiling(here)
        best = max(best, here)
    return best


@kernel
def _fill_starts(docs, row, starts_low, starts_high):
    """Where the postings of each superblock begin."""
    p = 0
    for superblock in range(starts_low.shape[1]):
        while p < len(docs) and docs[p] >> SUPERBLOCK_BITS < superblock:
            p += 1
        starts_low[row, superblock] = p & 0xFFFF
        if row < len(starts_high):
            starts_high[row, superblock] = p >> 16


@kernel
def _fill_block_maxima(block_maxima, docs, shares):
    p = 0
    while p < len(docs):
        block = docs[p] >> 6
        here = np.float32(0)
        while p < len(docs) and docs[p] >> 6 == block:
            here = max(here, shares[p])
            p += 1
        block_maxima[block] = _ceiling(here)


@kernel
def _fill_block_starts(block_starts, docs):
    """For each 256 documents, how many of the term's postings in the same superblock come before them."""
    p = 0
    first = 0
    for skip in range(len(block_starts)):
        if skip % SKIPS == 0:
            first = p
        block_starts[skip] = p - first
        while p < len(docs) and docs[p] >> 8 <= skip:
            p += 1


@kernel
def _fill_thresholds(out, levels, best):
    """Floors of the k-th best saturation from its histogram; 0 where the term has fewer than k documents."""
    above = 0
    j = 0
    for level in range(LEVELS, -1, -1):
        above += levels[level]
        while j < 3 and above >= THRESHOLD_RANKS[j]:
            out[j] = int(level / LEVELS * 65535.0)
            j += 1
    out[3] = min(65535, int(best * 65535.0) + 2)
