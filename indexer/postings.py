"""Postings: inverted lists to the arrays that the retrieval kernels read.

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

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

import indexer.bm25 as bm25
from indexer.codebook import number_tuples, slot_of
from indexer.errors import SearchdError
from indexer.jit import inlined, kernel
from indexer.schema import Schema

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


class Tables(NamedTuple):
    """Everything that frequent terms have beside their postings; one row a term, by falling length of list."""

    superblock_maxima: np.ndarray  # uint8[R, superblocks rounded up to 16]; 0 = none here
    superblock_starts: np.ndarray  # uint16[R, superblocks + 1], low half
    superblock_starts_high: np.ndarray  # uint16[rows of 65536 postings or more, superblocks + 1]
    block_maxima: np.ndarray  # uint8[D, superblocks * 64], the first D rows
    block_starts: np.ndarray  # uint16[D, superblocks * 16], from the superblock's start
    thresholds: np.ndarray  # uint16[R, 4]: floors of 65535 * the 10th, 100th, 1000th best saturation; ceiling of the best


def encode_postings(
    starts: np.ndarray, docs: np.ndarray, tfs: np.ndarray, lengths: np.ndarray, streams: np.ndarray, schema: Schema
) -> dict[str, np.ndarray]:
    """Sections of the postings of one segment, named ``postings.*``.

    ``starts`` int64[T + 1], term t owns postings starts[t]:starts[t + 1]; ``docs`` int32[P] rising inside a term; ``tfs`` uint[P, F],
    never all zero; ``lengths`` uint32[F, N]; ``streams`` uint8[T] (``bm25.stream_of``). Terms may have no postings. The same input gives
    the same bytes. Raises TooManyPostings beyond 2^28 documents or 2^32 - 65 postings.
    """
    num_docs = lengths.shape[1]
    if num_docs > MAX_DOCS or len(docs) >= MAX_POSTINGS:
        raise TooManyPostings(
            f"a segment holds up to {MAX_DOCS} documents and {MAX_POSTINGS - 1} postings, "
            f"found {num_docs} and {len(docs)}; build smaller segments"
        )
    starts, docs, tfs = np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(docs, np.int32), np.ascontiguousarray(tfs, np.uint32)
    counts = np.diff(starts)
    by_length = np.argsort(-counts, kind="stable")
    frequent = by_length[: np.count_nonzero(counts >= ROW_MINIMUM)]
    rows, row_starts = _number_rows(frequent, counts)
    rare_starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(np.where(counts < ROW_MINIMUM, counts, 0), out=rare_starts[1:])

    weights, b = bm25.field_parameters(schema)
    averages = bm25.average_lengths(lengths)
    doc_norms = bm25.norms(lengths, weights, b, averages)
    k1 = bm25.k1_by_stream(schema)
    codes = number_tuples(tfs)

    packed = np.zeros(row_starts[-1] + PADDING, np.uint16)
    rare = np.zeros(rare_starts[-1], np.uint32)
    num_exceptions = int(codes.counts[EXCEPTION:].sum())
    exceptions = np.full(num_exceptions + 1, 0xFFFFFFFF, np.uint32)
    exception_codes = np.zeros(num_exceptions + 1, np.uint32)
    tables = _allocate_tables(counts[frequent], num_docs)
    found = _fill_rows(
        frequent, starts, docs, tfs, doc_norms, k1[streams[frequent]], codes.slots, codes.book, codes.rank,
        packed, exceptions, exception_codes, *tables,
    )  # fmt: skip
    _fill_rare(
        counts, starts, docs, tfs, codes.slots, codes.book, codes.rank,
        rare, int(row_starts[-1]), exceptions, exception_codes, found,
    )  # fmt: skip
    sections = {
        "header": np.array([num_docs, len(counts), len(lengths), len(frequent)], np.int64),
        "parameters": np.concatenate([k1.astype(np.float64), weights, b, averages]),
        "rows": rows,
        "row_starts": row_starts,
        "packed": packed,
        "rare_starts": rare_starts.astype(np.uint32),
        "rare": rare,
        "codebook": codes.ordered,
        "exceptions": exceptions,
        "exception_codes": exception_codes,
        **tables._asdict(),
    }
    return {f"postings.{name}": array for name, array in sections.items()}


def _number_rows(frequent: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row of each term up to the last frequent one (-1: none), and where each row's postings begin."""
    rows = np.full(int(frequent.max(initial=-1)) + 1, -1, np.int32)
    rows[frequent] = np.arange(len(frequent))
    row_starts = np.zeros(len(frequent) + 1, np.int64)
    np.cumsum(counts[frequent], out=row_starts[1:])
    return rows, row_starts


def _allocate_tables(row_counts: np.ndarray, num_docs: int) -> Tables:
    superblocks = (num_docs + SUPERBLOCK - 1) >> SUPERBLOCK_BITS
    num_rows = len(row_counts)
    num_long = np.count_nonzero(row_counts > 0xFFFF)
    num_dense = np.count_nonzero(row_counts >= num_docs / DENSE_SHARE)
    return Tables(
        np.zeros((num_rows, (superblocks + 15) // 16 * 16), np.uint8),
        np.zeros((num_rows, superblocks + 1), np.uint16),
        np.zeros((num_long, superblocks + 1), np.uint16),
        np.zeros((num_dense, superblocks * BLOCKS), np.uint8),
        np.zeros((num_dense, superblocks * SKIPS), np.uint16),
        np.zeros((num_rows, len(THRESHOLD_RANKS) + 1), np.uint16),
    )


@kernel
def _fill_rows(
    frequent, starts, docs, tfs, norms, k1, slots, book, rank, packed, exceptions, exception_codes,
    maxima, starts_low, starts_high, block_maxima, block_starts, thresholds,
):  # fmt: skip
    """Pack the postings of frequent terms and fill their tables; returns the number of exceptions."""
    found = 0
    q = 0
    levels = np.zeros(4097, np.int64)
    for r in range(len(frequent)):
        t = frequent[r]
        first = q
        superblock = -1
        best = np.float32(0)
        levels[:] = 0
        for p in range(starts[t], starts[t + 1]):
            doc = np.int64(docs[p])
            code = np.int64(rank[slots[slot_of(tfs[p], slots, book)]])
            x = np.float32(0)
            for f in range(tfs.shape[1]):
                if tfs[p, f] > 0:
                    x += np.float32(tfs[p, f]) * norms[f, doc]
            share = bm25.saturation(x, k1[r])
            best = max(best, share)
            levels[int(share * np.float32(4096))] += 1
            while superblock < doc >> SUPERBLOCK_BITS:
                superblock += 1
                _start_superblock(r, superblock, q - first, starts_low, starts_high)
            ceiling = np.uint8(min(255, max(1, int(np.ceil(share * np.float32(255.0))))))
            maxima[r, superblock] = max(maxima[r, superblock], ceiling)
            if r < len(block_maxima):
                block_maxima[r, doc >> 6] = max(block_maxima[r, doc >> 6], ceiling)
            if code >= EXCEPTION:
                exceptions[found] = q
                exception_codes[found] = code
                found += 1
                code = EXCEPTION
            packed[q] = (code << SUPERBLOCK_BITS) | (doc & (SUPERBLOCK - 1))
            q += 1
        while superblock < starts_low.shape[1] - 1:
            superblock += 1
            _start_superblock(r, superblock, q - first, starts_low, starts_high)
        if r < len(block_starts):
            _fill_block_starts(block_starts[r], docs[starts[t] : starts[t + 1]])
        _fill_thresholds(thresholds[r], levels, best)
    return found


@inlined
def _start_superblock(r, superblock, start, starts_low, starts_high):
    starts_low[r, superblock] = start & 0xFFFF
    if r < len(starts_high):
        starts_high[r, superblock] = start >> 16


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
    """Floors of the k-th best saturation from its histogram in 4,096 levels; 0 where the term has fewer than k documents."""
    above = 0
    j = 0
    for level in range(len(levels) - 1, -1, -1):
        above += levels[level]
        while j < 3 and above >= THRESHOLD_RANKS[j]:
            out[j] = int(level / 4096.0 * 65535.0)
            j += 1
    out[3] = min(65535, int(best * 65535.0) + 2)


@kernel
def _fill_rare(counts, starts, docs, tfs, slots, book, rank, rare, base, exceptions, exception_codes, found):
    """Pack the postings of rare terms; an exception's index counts on from the ``base`` postings of frequent terms."""
    q = 0
    for t in range(len(counts)):
        if counts[t] >= ROW_MINIMUM:
            continue
        for p in range(starts[t], starts[t + 1]):
            code = np.int64(rank[slots[slot_of(tfs[p], slots, book)]])
            if code >= EXCEPTION:
                exceptions[found] = base + q
                exception_codes[found] = code
                found += 1
                code = EXCEPTION
            rare[q] = (np.int64(docs[p]) << 4) | code
            q += 1


class PostingsView:
    """The sections of one segment's postings by name, and where each term's are. Holds references, copies nothing."""

    def __init__(self, sections: Mapping[str, np.ndarray]) -> None:
        self.sections = {name.removeprefix("postings."): array for name, array in sections.items()}
        self.num_docs, self.num_terms, self.num_fields, self.num_rows = (int(n) for n in self["header"])
        self.num_superblocks = (self.num_docs + SUPERBLOCK - 1) >> SUPERBLOCK_BITS
        self.num_packed = int(self["row_starts"][-1])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.sections[name]

    @property
    def parameters(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What maxima and thresholds were computed with: k1 by stream float64[4]; weights, b and average lengths, float64[F]."""
        k1, rest = self["parameters"][:4], self["parameters"][4:]
        weights, b, averages = np.split(rest, 3)
        return k1, weights, b, averages

    def locate(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, starts and ends of terms by id: a row and positions in ``packed``, or -1 and positions in ``rare``; empty for id -1."""
        rows = np.full(len(ids), -1, np.int32)
        early = (ids >= 0) & (ids < len(self["rows"]))
        rows[early] = self["rows"][ids[early]]
        frequent, rare = rows >= 0, (rows < 0) & (ids >= 0)
        starts, ends = np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64)
        starts[frequent], ends[frequent] = self["row_starts"][rows[frequent]], self["row_starts"][rows[frequent] + 1]
        starts[rare], ends[rare] = self["rare_starts"][ids[rare]], self["rare_starts"][ids[rare] + 1]
        return rows, starts, ends

    def postings(self, term: int) -> tuple[np.ndarray, np.ndarray]:
        """A term's documents int64[n], rising, and frequencies uint32[n, F]: the inverse of encoding."""
        (row,), (start,), (end,) = self.locate(np.array([term]))
        if row < 0:
            values = self["rare"][start:end].astype(np.int64)
            docs, codes, first = values >> 4, values & 15, self.num_packed + start
        else:
            values = self["packed"][start:end].astype(np.int64)
            superblock_starts = self["superblock_starts"][row].astype(np.int64)
            if row < len(self["superblock_starts_high"]):
                superblock_starts |= self["superblock_starts_high"][row].astype(np.int64) << 16
            superblocks = np.repeat(np.arange(self.num_superblocks), np.diff(superblock_starts))
            docs, codes, first = (superblocks << SUPERBLOCK_BITS) | (values & (SUPERBLOCK - 1)), values >> SUPERBLOCK_BITS, start
        exceptional = np.flatnonzero(codes == EXCEPTION)
        codes[exceptional] = self["exception_codes"][np.searchsorted(self["exceptions"], exceptional + first)]
        return docs, self["codebook"][codes]
