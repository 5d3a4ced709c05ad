"""Inverted lists to the arrays of ``indexer/postings.py``, stretch by stretch of terms."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

import indexer.bm25 as bm25
from indexer.codebook import Codes, number_tuples
from indexer.postings import DENSE_SHARE, EXCEPTION, MAX_DOCS, MAX_POSTINGS, PADDING, ROW_MINIMUM, TooManyPostings
from indexer.postings_rows import allocate_tables, fill_tables, pack, saturations
from indexer.schema import Schema


class Stretch(NamedTuple):
    """The postings of consecutive terms: the i-th owns starts[i]:starts[i + 1]. Terms may have none."""

    starts: np.ndarray  # int64[n + 1], from 0
    docs: np.ndarray  # int32[P], rising inside a term
    tfs: np.ndarray  # uint[P, F], never all zero


class Part(NamedTuple):
    """A large section, which holds the postings of the terms ``first`` to ``last``."""

    name: str  # after "postings."
    dtype: type
    first: int
    last: int


class PostingsEncoder:
    """Encodes a segment stretch by stretch, so that its postings never need to be in memory at once.

        for part in encoder.parts:
            with writer.section(f"postings.{part.name}", part.dtype) as write:
                for piece in encoder.encode(part, stretches(part.first, part.last)):
                    write(piece)
        writer.add_all("postings.", encoder.finish())

    The bytes do not depend on how terms are cut into stretches. A stretch of 2^14 to 2^20 postings is a good size.
    """

    def __init__(self, counts: np.ndarray, codes: Codes, lengths: np.ndarray, streams: np.ndarray, schema: Schema) -> None:
        """``counts`` int64[T]: postings by term, falling, but for terms without any; ``codes``: of all the tuples; ``lengths`` uint32[F, N];
        ``streams`` uint8[T] (``bm25.stream_of``). Raises TooManyPostings beyond 2^28 documents or 2^32 - 65 postings, ValueError for terms
        in another order."""
        self._num_docs, self._num_postings = lengths.shape[1], int(counts.sum())
        self._refuse_too_many()
        if np.any(np.diff(counts[counts > 0]) > 0):
            raise ValueError("terms must come by falling number of postings")
        self._counts, self._codes = counts, codes
        frequent = np.flatnonzero(counts >= ROW_MINIMUM)
        num_early = int(frequent[-1]) + 1 if len(frequent) else 0
        self.parts = (Part("packed", np.uint16, 0, num_early), Part("rare", np.uint32, num_early, len(counts)))
        self._rows = np.full(num_early, -1, np.int32)
        self._rows[frequent] = np.arange(len(frequent))
        self._row_starts = np.concatenate([[0], np.cumsum(counts[frequent], dtype=np.int64)])
        self._tables = allocate_tables(counts[frequent], self._num_docs, self._num_docs / DENSE_SHARE)
        self._set_parameters(lengths, schema)
        self._term_k1 = self._k1[streams]
        self._exceptions: list[np.ndarray] = []
        self._exception_codes: list[np.ndarray] = []
        self._row, self._encoded = 0, 0

    def _refuse_too_many(self) -> None:
        if self._num_docs > MAX_DOCS or self._num_postings >= MAX_POSTINGS:
            raise TooManyPostings(
                f"a segment holds up to {MAX_DOCS} documents and {MAX_POSTINGS - 1} postings, "
                f"found {self._num_docs} and {self._num_postings}; build smaller segments"
            )

    def _set_parameters(self, lengths: np.ndarray, schema: Schema) -> None:
        weights, b = bm25.field_parameters(schema)
        averages = bm25.average_lengths(lengths)
        self._norms = bm25.norms(lengths, weights, b, averages)
        self._k1 = bm25.k1_by_stream(schema)
        self._parameters = np.concatenate([self._k1.astype(np.float64), weights, b, averages])

    def encode(self, part: Part, stretches: Iterable[Stretch]) -> Iterator[np.ndarray]:
        """The pieces of a part's section; ``stretches`` cover its terms in order. Parts come in the order of ``parts``."""
        term = part.first
        for stretch in stretches:
            n = len(stretch.starts) - 1
            if not np.array_equal(np.diff(stretch.starts), self._counts[term : term + n]):
                raise ValueError(f"terms {term} to {term + n} must have as many postings as was said")
            codes = self._codes.number(stretch.tfs)
            self._keep_exceptions(codes)
            yield self._pack_rows(term, stretch, codes) if part.name == "packed" else _pack_rare(stretch.docs, codes)
            self._encoded += len(codes)
            term += n
        if term != part.last:
            raise ValueError(f"terms {term} to {part.last} are missing")
        if part.name == "packed":
            yield np.zeros(PADDING, np.uint16)

    def _keep_exceptions(self, codes: np.ndarray) -> None:
        exceptional = np.flatnonzero(codes >= EXCEPTION)
        self._exceptions.append((exceptional + self._encoded).astype(np.uint32))
        self._exception_codes.append(codes[exceptional])

    def _pack_rows(self, term: int, stretch: Stretch, codes: np.ndarray) -> np.ndarray:
        lists = np.flatnonzero(np.diff(stretch.starts))
        starts = np.append(stretch.starts[lists], stretch.starts[-1])
        shares = np.empty(len(stretch.docs), np.float32)
        saturations(starts, stretch.docs, stretch.tfs, self._norms, self._term_k1[term + lists], shares)
        tables = self._tables.rows(self._row, self._row + len(lists))
        fill_tables(starts, stretch.docs, shares, *tables)
        self._row += len(lists)
        packed = np.empty(len(codes), np.uint16)
        pack(stretch.docs, codes, packed)
        return packed

    def finish(self) -> dict[str, np.ndarray]:
        """The small sections, by name after "postings."; all parts must have been encoded."""
        if self._encoded != self._num_postings:
            raise ValueError(f"{self._encoded} of {self._num_postings} postings were encoded")
        rare_starts = np.concatenate([[0], np.cumsum(np.where(self._counts < ROW_MINIMUM, self._counts, 0))])
        return {
            "header": np.array([self._num_docs, len(self._counts), len(self._norms), len(self._row_starts) - 1], np.int64),
            "parameters": self._parameters,
            "rows": self._rows,
            "row_starts": self._row_starts,
            "rare_starts": rare_starts.astype(np.uint32),
            "codebook": self._codes.ordered,
            "exceptions": np.concatenate([*self._exceptions, np.array([0xFFFFFFFF], np.uint32)]),
            "exception_codes": np.concatenate([*self._exception_codes, np.array([0], np.uint32)]),
            **self._tables._asdict(),
        }


def _pack_rare(docs: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return (docs.astype(np.uint32) << np.uint32(4)) | np.minimum(codes, np.uint32(EXCEPTION))


def encode_postings(
    starts: np.ndarray, docs: np.ndarray, tfs: np.ndarray, lengths: np.ndarray, streams: np.ndarray, schema: Schema
) -> dict[str, np.ndarray]:
    """Sections of the postings of one segment that are in memory as a whole, named ``postings.*``; see PostingsEncoder and Stretch."""
    starts, docs = np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(docs, np.int32)
    encoder = PostingsEncoder(np.diff(starts), number_tuples(tfs), lengths, streams, schema)
    sections: dict[str, np.ndarray] = {}
    for part in encoder.parts:
        first, last = int(starts[part.first]), int(starts[part.last])
        stretch = Stretch(starts[part.first : part.last + 1] - first, docs[first:last], tfs[first:last])
        sections[part.name] = np.concatenate(list(encoder.encode(part, [stretch])))
    sections |= encoder.finish()
    return {f"postings.{name}": array for name, array in sections.items()}
