"""Where the kernels find things: the slots of the descriptors of a segment and of a thread's scratch, and how scores are counted.

A descriptor is one int64 array of numbers, addresses and lengths. Passing one instead of forty arrays makes a call cost 0.2 us
instead of 2 us. Python fills it (``describe``), kernels read it (``u16_at(segment, PACKED)``).

Scores are counted in whole units: weights are scaled by a power of two so that all terms of the query together make less than 2^29,
and the impact of a posting is rounded down plus one. Integer sums do not depend on order, so neither pruning, nor segments, nor
vector width can change a score or a tie; every match scores above zero, and bounds are exact.
"""

from collections.abc import Mapping

import numpy as np

FIXED_BITS = 29
MAX_STRETCH = 3.0  # bounds may be so much too high without leaving 31 bits

# A segment: numbers of one word, then arrays of two words, address and length.
NUM_DOCS, FIRST_DOC, NUM_SUPERBLOCKS, STRIDE, NUM_WIDE, NUM_DENSE, NUM_LONG, NUM_LENGTHS, NUM_FIELDS, TABLE_LENGTHS = range(10)
(
    NIBBLES, PACKED, RARE, SUPERBLOCK_MAXIMA, SUPERBLOCK_STARTS, SUPERBLOCK_STARTS_HIGH, BLOCK_MAXIMA, BLOCK_STARTS, THRESHOLDS,
    EXCEPTIONS, EXCEPTION_CODES, WIDE_EXCEPTIONS, WIDE_EXCEPTION_TFS, BOOK_STARTS, BOOK_FIELDS, BOOK_TFS,
    LENGTH_CODES, LONG_LENGTH_CODES, NORM_STARTS, LENGTH_NORMS, DOC_NORMS, SHARES, CODE_FIELDS, K1, FACTORS, LIVE,
    TERM_WEIGHTS, TERM_CLASSES, TERM_IDS, TERM_ROWS, TERM_STARTS, TERM_ENDS,
    FORWARD,
) = range(10, 76, 2)  # fmt: skip
SEGMENT_WORDS = 76
STRETCH, SHRINK = 0, 1  # of FACTORS: what stored maxima and thresholds must be multiplied by

# A thread's scratch: arrays only. First the query; then its terms in the segment at hand; LOCAL_*: the same in a superblock, by rising bound.
(
    QUERY_TERMS, QUERY_WEIGHTS, QUERY_REQUIRED,
    ROW, START, END, WEIGHT, CLASS, BEST, UNIT, REQUIRED, ORDER, RARE_DOCS, RARE_IMPACTS, BOUNDS, LEVELS,
    LOCAL_START, LOCAL_END, LOCAL_BOUND, WINDOW, BLOCK_BOUNDS, OFFSETS, SCORES,
    KEYS, SPARE, STATE, DIGITS, DOCS_OUT, SCORES_OUT,
    PHRASE, PHRASE_IDS, PATTERN,
    PLACES, MATCHES, HISTOGRAM, MARKS, COUNTS, TIME,
) = range(0, 76, 2)  # fmt: skip
SCRATCH_WORDS = 76


def describe(words: int, numbers: Mapping[int, int], arrays: Mapping[int, np.ndarray]) -> np.ndarray:
    """A descriptor int64[words]. The arrays must be contiguous and must outlive it; slots that are not given read as empty arrays."""
    descriptor = np.zeros(words, np.int64)
    for slot, number in numbers.items():
        descriptor[slot] = number
    for slot, array in arrays.items():
        assert array.flags.c_contiguous, slot
        descriptor[slot : slot + 2] = array.ctypes.data, array.size
    return descriptor
