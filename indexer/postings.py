"""How postings are laid out, for the encoder, the view and the retrieval kernels.

Terms come by falling number of postings, so that a term's number tells its tier. Documents come in superblocks of 4,096.

*Frequent* terms have a row of tables: where the postings of each superblock begin, and how good the best of them is; the *dense* ones among
them also know the best of every 64 documents. A posting is one u16: 4 bits of code over 12 bits of document inside the superblock, so that a
superblock's postings need no decoding. *Wide* terms, the densest of a segment with one text field, have 4 bits for every document instead: its
frequency, where 15 points to a list of exceptions. A *rare* term is a list of varints and needs no table.

A code stands for a tuple of term frequencies, one for each text field: 1 to 14 are the 14 commonest tuples of the segment, 15 says that
the tuple stands in a sorted list of exceptions, found by the posting's index. With one field that is tf 1 to 14, which leaves
one posting in a thousand to the exceptions. Frequencies and lengths are stored exactly, so scores are those of exact BM25F.

Maxima are ceilings of 255 * saturation under the averages of the segment at build time, which are kept beside them: a reader with other
averages or parameters stretches them by the largest ratio of its norms to those.
"""

from typing import NamedTuple

import numpy as np

from indexer.errors import SearchdError

SUPERBLOCK_BITS = 12
SUPERBLOCK = 1 << SUPERBLOCK_BITS
BLOCKS = SUPERBLOCK >> 6  # blocks of 64 documents in a superblock
SKIPS = SUPERBLOCK >> 8  # a dense term has one start for each 256 documents
HALF = SUPERBLOCK >> 1  # bytes of a superblock of a wide term: documents 0 to 2047 in the low halves, the others in the high ones
EXCEPTION = 15
RARE_GROUP = 8  # one rare term in so many says where its list begins
PADDING = 64  # zero bytes or postings that may be read in vectors past the end
MAX_DOCS = 1 << 28
MAX_POSTINGS = (1 << 32) - PADDING
THRESHOLD_RANKS = (10, 100, 1000)  # the k for which each frequent term stores its k-th best saturation


class TooManyPostings(SearchdError):
    """A segment would exceed what 32-bit posting indices or 28-bit documents can address."""

    code = "segment_too_large"


class Tiers(NamedTuple):
    """From how many postings on a term is frequent, dense, wide."""

    row_minimum: int = 256  # or twice as many as there are superblocks: a row has so many maxima and starts
    dense_share: float = 16  # one in so many documents; 48 costs 0.15 bytes a posting more and gains nothing
    wide_share: float = 6  # 8 costs 0.05 to 0.12 bytes a posting more and is 2 % faster, 4 saves 0.03 and is 3 % slower


class Header(NamedTuple):
    """The numbers of the section ``postings.header``, in its order."""

    num_docs: int
    num_terms: int
    num_fields: int
    num_rows: int  # frequent terms: the first ones, so that row and term number are the same
    num_wide: int  # the first rows
    num_dense: int  # the first rows, wide ones included
    num_long: int  # the first rows: those of 2^16 postings or more
    row_minimum: int
    num_listed: int  # terms with postings: the first ones

    @property
    def num_superblocks(self) -> int:
        return superblocks_of(self.num_docs)


def superblocks_of(num_docs: int) -> int:
    """How many superblocks so many documents take."""
    return (num_docs + SUPERBLOCK - 1) >> SUPERBLOCK_BITS


def make_header(counts: np.ndarray, num_docs: int, num_fields: int, tiers: Tiers) -> Header:
    """Which terms belong to which tier; ``counts`` int64[T]: postings by term, falling."""
    row_minimum = max(tiers.row_minimum, 1 << max(0, 2 * superblocks_of(num_docs) - 1).bit_length())
    row_counts = counts[counts >= row_minimum]
    num_wide = int(np.count_nonzero(row_counts >= num_docs / tiers.wide_share)) if num_fields == 1 else 0
    num_dense = max(num_wide, int(np.count_nonzero(row_counts >= num_docs / tiers.dense_share)))
    num_long = int(np.count_nonzero(row_counts > 0xFFFF))
    num_listed = int(np.count_nonzero(counts))
    return Header(num_docs, len(counts), num_fields, len(row_counts), num_wide, num_dense, num_long, row_minimum, num_listed)
