"""How postings are laid out, for the encoder, the view and the retrieval kernels.

Documents come in superblocks of 4,096. A posting of a frequent term (256 documents or more) is one u16: 4 bits of code over 12 bits of
document inside the superblock, so that a superblock's postings need no decoding; tables say where each superblock begins and how good
its best posting is, and the densest terms also have the best of every 64 documents. A posting of a rare term is one u32,
document << 4 | code, and needs no table.

A code stands for a tuple of term frequencies, one for each text field: 1 to 14 are the 14 commonest tuples of the segment, 15 says that
the tuple stands in a sorted list of exceptions, found by the posting's index. With one field that is tf 1 to 14, which leaves
one posting in a thousand to the exceptions. Frequencies and lengths are stored exactly, so scores are those of exact BM25F.

Maxima are ceilings of 255 * saturation under the averages of the segment at build time, which are kept beside them: a reader with other
averages or parameters stretches them by the largest ratio of its norms to those.
"""

from indexer.errors import SearchdError

SUPERBLOCK_BITS = 12
SUPERBLOCK = 1 << SUPERBLOCK_BITS
BLOCKS = SUPERBLOCK >> 6  # blocks of 64 documents in a superblock
SKIPS = SUPERBLOCK >> 8  # a dense term has one start for each 256 documents
ROW_MINIMUM = 256  # documents that earn a term its tables
DENSE_SHARE = 16  # a term in one of so many documents earns maxima of 64 documents; 48 costs 0.15 bytes a posting more and gains nothing
EXCEPTION = 15
PADDING = 64  # postings may be read in vectors past the end
MAX_DOCS = 1 << 28
MAX_POSTINGS = (1 << 32) - PADDING
THRESHOLD_RANKS = (10, 100, 1000)  # the k for which each frequent term stores its k-th best saturation


class TooManyPostings(SearchdError):
    """A segment would exceed what 32-bit posting indices or 28-bit documents can address."""

    code = "segment_too_large"
