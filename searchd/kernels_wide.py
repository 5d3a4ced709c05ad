"""Wide rows: a frequency of four bits for every document, added to a window by vectors and looked up in one step.

A superblock is 2,048 bytes: document o in the low half of byte o, document o + 2048 in the high half; 15 stands for a frequency in the sorted
list of exceptions. Vectors compute the same float32 operations in the same order as a table or a look-up would, so impacts are equal to
the bit; Numba is not allowed to reorder or contract them.
"""

import numpy as np

from indexer.bm25 import saturation
from indexer.jit import inlined, kernel
from indexer.postings import EXCEPTION, HALF, SUPERBLOCK, SUPERBLOCK_BITS
from searchd.kernels_bits import f32_at, u8_at, u32_at, u64_at, word_at
from searchd.kernels_layout import DOC_NORMS, K1, NIBBLES, NUM_SUPERBLOCKS, NUM_WIDE, WIDE_EXCEPTION_TFS, WIDE_EXCEPTIONS


@inlined
def impact(weight, share):
    """Units that a posting gives; never 0, so that a match is always a positive score."""
    return np.int32(np.float32(weight) * np.float32(share)) + np.int32(1)


@inlined
def is_wide(segment, row):
    return 0 <= row < word_at(segment, NUM_WIDE)


@inlined
def bytes_of(segment, row, superblock):
    """The bytes of a row's superblock."""
    at = (row * word_at(segment, NUM_SUPERBLOCKS) + superblock) * HALF
    return u8_at(segment, NIBBLES)[at : at + HALF]


@inlined
def add_wide(segment, window, row, superblock, weight, term_class):
    """Add the impacts of a wide row to the window of a superblock."""
    nibbles = bytes_of(segment, row, superblock)
    first_doc = superblock << SUPERBLOCK_BITS
    norms = f32_at(segment, DOC_NORMS)[first_doc : first_doc + SUPERBLOCK]
    k1 = f32_at(segment, K1)[term_class]
    _add_low(window[:HALF], nibbles, norms[:HALF], np.float32(weight), k1)
    _add_high(window[HALF:SUPERBLOCK], nibbles, norms[HALF:], np.float32(weight), k1)
    if _has_exceptions(nibbles):
        _correct_exceptions(segment, window, row, superblock, np.float32(weight), k1)


@inlined
def keep_wide(segment, window, row, superblock):
    """Set the window of a superblock to 0 where a wide row has no posting."""
    nibbles = bytes_of(segment, row, superblock)
    low, high = window[:HALF], window[HALF:SUPERBLOCK]
    for j in range(HALF):
        low[j] = low[j] if nibbles[j] & np.uint8(15) else np.int32(0)
    for j in range(HALF):
        high[j] = high[j] if nibbles[j] >> np.uint8(4) else np.int32(0)


@inlined
def _tf_impact(tf, norm, weight, k1):
    return np.int32(weight * saturation(np.float32(tf) * norm, k1)) + np.int32(tf > 0)


@inlined
def _add_low(window, nibbles, norms, weight, k1):
    for j in range(HALF):
        window[j] += _tf_impact(np.uint8(nibbles[j] & np.uint8(15)), norms[j], weight, k1)


@inlined
def _add_high(window, nibbles, norms, weight, k1):
    for j in range(HALF):
        window[j] += _tf_impact(np.uint8(nibbles[j] >> np.uint8(4)), norms[j], weight, k1)


@inlined
def _has_exceptions(nibbles):
    """Whether any half of a byte has all its bits set."""
    found = np.uint8(0)
    for j in range(HALF):
        pairs = np.uint8(nibbles[j] & np.uint8(nibbles[j] >> np.uint8(1)))
        found = np.uint8(found | np.uint8(pairs & np.uint8(pairs >> np.uint8(2))))
    return (found & np.uint8(0x11)) != 0


@kernel
def _find_exception(segment, key):
    """The place of the first exception from ``key`` = row << 32 | document on; the list ends in the largest key."""
    keys = u64_at(segment, WIDE_EXCEPTIONS)
    low, high = np.int64(0), np.int64(len(keys))
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _correct_exceptions(segment, window, row, superblock, weight, k1):
    """Instead of 15, the frequencies that 15 stands for."""
    keys, tfs = u64_at(segment, WIDE_EXCEPTIONS), u32_at(segment, WIDE_EXCEPTION_TFS)
    norms = f32_at(segment, DOC_NORMS)
    first = (np.uint64(row) << np.uint64(32)) + np.uint64(superblock << SUPERBLOCK_BITS)
    i = _find_exception(segment, first)
    while keys[i] - first < np.uint64(SUPERBLOCK):
        offset = np.int64(keys[i] - first)
        norm = norms[(superblock << SUPERBLOCK_BITS) + offset]
        window[offset] += _tf_impact(tfs[i], norm, weight, k1) - _tf_impact(EXCEPTION, norm, weight, k1)
        i += 1


@inlined
def wide_nibble(segment, row, superblock, offset):
    """The frequency of a wide row in a document of the superblock, 15 for an exception; 0 if it is not there."""
    byte = np.int64(bytes_of(segment, row, superblock)[offset & (HALF - 1)])
    return byte >> 4 if offset & HALF else byte & 15


@kernel
def nibble_impact(segment, row, doc, nibble, weight, term_class):
    """What a wide row gives a document where it has this nibble, 1 to 15."""
    tf = np.int64(nibble)
    if nibble == EXCEPTION:
        tf = np.int64(u32_at(segment, WIDE_EXCEPTION_TFS)[_find_exception(segment, np.uint64(row) << np.uint64(32) | np.uint64(doc))])
    share = saturation(np.float32(tf) * f32_at(segment, DOC_NORMS)[doc], f32_at(segment, K1)[term_class])
    return np.int64(impact(weight, share))


@inlined
def wide_impact(segment, row, superblock, offset, weight, term_class):
    """What a wide row gives a document of the superblock, 0 if it is not there."""
    nibble = wide_nibble(segment, row, superblock, offset)
    if nibble == 0:
        return np.int64(0)
    return nibble_impact(segment, row, (superblock << SUPERBLOCK_BITS) + offset, nibble, weight, term_class)
