"""Inverted lists to the arrays of ``indexer/postings.py``, stretch by stretch of terms."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

import indexer.bm25 as bm25
from indexer.codebook import Codes, number_tuples
from indexer.postings import EXCEPTION, HALF, MAX_DOCS, MAX_POSTINGS, PADDING, RARE_GROUP, Tiers, TooManyPostings, make_header
from indexer.postings_rare import LONGEST, encode_lists
from indexer.postings_rows import allocate_tables, fill_tables, pack, pack_wide, saturations
from indexer.schema import Schema
from indexer.threads import in_order

TIERS = Tiers()


class Stretch(NamedTuple):
    """The postings of consecutive terms: the i-th owns starts[i]:starts[i + 1]. Terms may have none."""

    starts: np.ndarray  # int64[n + 1], from 0
    docs: np.ndarray  # int32[P], rising inside a term
    tfs: np.ndarray  # uint[P, F], never all zero


class Part(NamedTuple):
    """A large section, which holds the postings of the terms ``first`` to ``last``."""

    name: str  # after "postings."
    dtype: type
    row_shape: tuple[int, ...]
    first: int
    last: int


class _Numbered(NamedTuple):
    """The stretch of the terms ``first`` to ``last`` - 1."""

    first: int
    last: int
    stretch: Stretch


class _Encoded(NamedTuple):
    """A piece of a section, and what counts from its beginning: exceptions with their values, or where lists begin."""

    piece: np.ndarray
    places: np.ndarray
    values: np.ndarray


class PostingsEncoder:
    """Encodes a segment stretch by stretch, so that its postings never need to be in memory at once.

        for part in encoder.parts:
            with writer.section(f"postings.{part.name}", part.dtype, part.row_shape) as write:
                for piece in encoder.encode(part, stretches(part.first, part.last)):
                    write(piece)
        writer.add_all("postings.", encoder.finish())

    The bytes do not depend on how terms are cut into stretches. A stretch of 2^14 to 2^20 postings is a good size.
    """

    def __init__(
        self, counts: np.ndarray, codes: Codes, lengths: np.ndarray, streams: np.ndarray, schema: Schema, tiers: Tiers = TIERS
    ) -> None:
        """``counts`` int64[T]: postings by term, falling; ``codes``: of all the tuples; ``lengths`` uint32[F, N]; ``streams`` uint8[T]
        (``bm25.stream_of``). Raises TooManyPostings beyond 2^28 documents or 2^32 - 65 postings, ValueError for terms in another order."""
        _refuse_too_many(lengths.shape[1], int(counts.sum()))
        if np.any(np.diff(counts) > 0):
            raise ValueError("terms must come by falling number of postings")
        self._counts, self._codes = counts, codes
        self._header = header = make_header(counts, lengths.shape[1], len(lengths), tiers)
        self.parts = (
            Part("nibbles", np.uint8, (header.num_superblocks * HALF,), 0, header.num_wide),
            Part("packed", np.uint16, (), header.num_wide, header.num_rows),
            Part("rare", np.uint8, (), header.num_rows, header.num_listed),
        )
        self._encoders = {
            "nibbles": (self._encode_wide, self._accept_wide),
            "packed": (self._encode_packed, self._accept_packed),
            "rare": (self._encode_rare, self._accept_rare),
        }
        self._tables = allocate_tables(header)
        self._set_parameters(lengths, schema)
        self._term_k1 = self._k1[streams[: header.num_rows]]
        self._exceptions, self._exception_codes = _Pieces(np.uint32), _Pieces(np.uint32)
        self._wide_exceptions, self._wide_exception_tfs = _Pieces(np.uint64), _Pieces(np.uint32)
        self._rare_starts = _Pieces(np.int64)
        self._term = self._packed = self._rare_bytes = 0

    def _set_parameters(self, lengths: np.ndarray, schema: Schema) -> None:
        weights, b = bm25.field_parameters(schema)
        averages = bm25.average_lengths(lengths)
        self._norms = bm25.norms(lengths, weights, b, averages)
        self._k1 = bm25.k1_by_stream(schema)
        self._parameters = np.concatenate([self._k1.astype(np.float64), weights, b, averages])

    def encode(self, part: Part, stretches: Iterable[Stretch]) -> Iterator[np.ndarray]:
        """The pieces of a part's section; ``stretches`` cover its terms in order. Parts come in the order of ``parts``. Stretches are encoded on
        threads; only where exceptions and lists begin is counted up here."""
        encode, accept = self._encoders[part.name]
        for encoded in in_order(encode, self._numbered(part, stretches)):
            accept(encoded)
            yield encoded.piece
        if self._term != part.last:
            raise ValueError(f"terms {self._term} to {part.last} are missing")
        if not part.row_shape:
            yield np.zeros(PADDING, part.dtype)

    def _numbered(self, part: Part, stretches: Iterable[Stretch]) -> Iterator[_Numbered]:
        for stretch in stretches:
            first, last = self._term, self._term + len(stretch.starts) - 1
            if last > part.last or not np.array_equal(np.diff(stretch.starts), self._counts[first:last]):
                raise ValueError(f"terms {first} to {last} must be in {part.name} and have as many postings as was said")
            self._term = last
            yield _Numbered(first, last, stretch)

    def _encode_wide(self, some: _Numbered) -> _Encoded:
        stretch = some.stretch
        self._fill_tables(some)
        nibbles = np.zeros((some.last - some.first, *self.parts[0].row_shape), np.uint8)
        pack_wide(*stretch, nibbles)
        exceptional = np.flatnonzero(stretch.tfs[:, 0] >= EXCEPTION)
        rows = some.first + np.searchsorted(stretch.starts, exceptional, side="right") - 1
        return _Encoded(nibbles, rows << 32 | stretch.docs[exceptional], stretch.tfs[exceptional, 0])

    def _accept_wide(self, encoded: _Encoded) -> None:
        self._wide_exceptions.add(encoded.places)
        self._wide_exception_tfs.add(encoded.values)

    def _encode_packed(self, some: _Numbered) -> _Encoded:
        self._fill_tables(some)
        codes = self._codes.number(some.stretch.tfs)
        exceptional = np.flatnonzero(codes >= EXCEPTION)
        packed = np.empty(len(codes), np.uint16)
        pack(some.stretch.docs, codes, packed)
        return _Encoded(packed, exceptional, codes[exceptional])

    def _accept_packed(self, encoded: _Encoded) -> None:
        self._exceptions.add(encoded.places + self._packed)
        self._exception_codes.add(encoded.values)
        self._packed += len(encoded.piece)

    def _encode_rare(self, some: _Numbered) -> _Encoded:
        stretch = some.stretch
        codes = self._codes.number(stretch.tfs)
        out, list_starts = np.empty(len(codes) * LONGEST, np.uint8), np.empty(some.last - some.first, np.int64)
        size = encode_lists(stretch.starts, stretch.docs, codes, out, list_starts)
        first = (self._header.num_rows - some.first) % RARE_GROUP
        return _Encoded(out[:size], list_starts[first::RARE_GROUP], codes[:0])

    def _accept_rare(self, encoded: _Encoded) -> None:
        self._rare_starts.add(encoded.places + self._rare_bytes)
        self._rare_bytes += len(encoded.piece)

    def _fill_tables(self, some: _Numbered) -> None:
        stretch = some.stretch
        shares = np.empty(len(stretch.docs), np.float32)
        saturations(*stretch, self._norms, self._term_k1[some.first : some.last], shares)
        fill_tables(stretch.starts, stretch.docs, shares, *self._tables.rows(some.first, some.last, self._header.num_wide))

    def finish(self) -> dict[str, np.ndarray]:
        """The small sections, by name after "postings."; all parts must have been encoded."""
        header = self._header
        if self._term != header.num_listed:
            raise ValueError(f"{self._term} of {header.num_listed} terms with postings were encoded")
        packed_counts = self._counts[: header.num_rows].copy()
        packed_counts[: header.num_wide] = 0
        return {
            "header": np.array(header, np.int64),
            "parameters": self._parameters,
            "row_starts": np.concatenate([[0], np.cumsum(packed_counts, dtype=np.int64)]),
            "rare_starts": self._rare_starts.join().astype(np.uint32 if self._rare_bytes < 1 << 32 else np.uint64),
            "codebook": self._codes.ordered,
            "exceptions": self._exceptions.join(0xFFFFFFFF),
            "exception_codes": self._exception_codes.join(0),
            "wide_exceptions": self._wide_exceptions.join(0xFFFFFFFFFFFFFFFF),
            "wide_exception_tfs": self._wide_exception_tfs.join(0),
            **self._tables._asdict(),
        }


class _Pieces:
    """An array that grows by pieces."""

    def __init__(self, dtype: type) -> None:
        self._dtype = dtype
        self._pieces: list[np.ndarray] = []

    def add(self, piece: np.ndarray) -> None:
        self._pieces.append(piece.astype(self._dtype))

    def join(self, *last: int) -> np.ndarray:
        return np.concatenate([*self._pieces, np.array(last, self._dtype)])


def _refuse_too_many(num_docs: int, num_postings: int) -> None:
    if num_docs > MAX_DOCS or num_postings >= MAX_POSTINGS:
        raise TooManyPostings(
            f"a segment holds up to {MAX_DOCS} documents and {MAX_POSTINGS - 1} postings, "
            f"found {num_docs} and {num_postings}; build smaller segments"
        )


def encode_postings(
    starts: np.ndarray,
    docs: np.ndarray,
    tfs: np.ndarray,
    lengths: np.ndarray,
    streams: np.ndarray,
    schema: Schema,
    tiers: Tiers = TIERS,
) -> dict[str, np.ndarray]:
    """Sections of the postings of one segment that are in memory as a whole, named ``postings.*``; see PostingsEncoder and Stretch."""
    starts, docs = np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(docs, np.int32)
    encoder = PostingsEncoder(np.diff(starts), number_tuples(tfs), lengths, streams, schema, tiers)
    sections: dict[str, np.ndarray] = {}
    for part in encoder.parts:
        first, last = int(starts[part.first]), int(starts[part.last])
        stretch = Stretch(starts[part.first : part.last + 1] - first, docs[first:last], tfs[first:last])
        pieces = encoder.encode(part, [stretch] if part.first < part.last else [])
        sections[part.name] = np.concatenate([np.zeros((0, *part.row_shape), part.dtype), *pieces])
    sections |= encoder.finish()
    return {f"postings.{name}": array for name, array in sections.items()}
