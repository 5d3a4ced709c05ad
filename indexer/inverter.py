"""A batch of documents -> a run: the batch's postings, sequences, columns and documents as arrays.

Python touches every token once, to give its term a number (a dictionary look-up); all else is a counting sort in kernels. A run does not
know the other batches: its terms are numbered by their bytes, its documents from 0, and ``merge.py`` makes one segment of many runs.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import indexer.stored as stored
from indexer.analysis import Analyzer, get_analyzer
from indexer.columns import Column, ColumnBuilder, read_column, write_column
from indexer.container import Container, ContainerWriter
from indexer.documents import BadDocument, Document
from indexer.format import Corrupt
from indexer.jit import kernel
from indexer.schema import Schema
from indexer.strings import Strings, pack, pack_bytes
from indexer.values import texts

GAP = -1
WIDE = 1 << 16
_ARRAYS = ("ptr", "docs", "tfs", "tokens", "token_offsets", "lengths")


class Rejected(NamedTuple):
    """A document of the batch that is not in the run, by its place in the batch, and why."""

    position: int
    code: str
    message: str


@dataclass(frozen=True)
class Run:
    """The inverted form of one batch: N documents, T terms sorted by their bytes, P postings, F text fields.

    ``ptr`` int64[T + 1]; ``docs`` int32[P]; ``tfs`` uint16 or uint32[P, F]; ``tokens`` int32 (term, -1 = gap) and ``token_offsets``
    int64[N*F + 1], row = doc * F + field; ``lengths`` uint32[F, N]; ``documents``: the stored form of each document; ``columns`` in the
    schema's order.
    """

    keys: Strings
    terms: Strings
    ptr: np.ndarray
    docs: np.ndarray
    tfs: np.ndarray
    tokens: np.ndarray
    token_offsets: np.ndarray
    lengths: np.ndarray
    documents: Strings
    columns: tuple[Column, ...]
    rejected: tuple[Rejected, ...] = ()

    def save(self, path: Path) -> None:
        """Write to a scratch file; what was rejected is not part of it."""
        with ContainerWriter(path, sync=False) as writer:
            for name in _ARRAYS:
                writer.add(name, getattr(self, name))
            for name in ("keys", "terms", "documents"):
                strings = getattr(self, name)
                writer.add_all(f"{name}.", {"data": strings.data, "offsets": strings.offsets})
            for number, column in enumerate(self.columns):
                write_column(writer, number, column)
            writer.finish()

    @classmethod
    def load(cls, path: Path, schema: Schema) -> "Run":
        """The run as views of the mapped file; ``schema`` is the one it was inverted with."""
        container = Container(path)
        strings = [Strings(container[f"{n}.data"], container[f"{n}.offsets"]) for n in ("keys", "terms", "documents")]
        ptr, docs, tfs, tokens, token_offsets, lengths = (container[name] for name in _ARRAYS)
        if len(lengths) != len(schema.text_fields):
            raise Corrupt(path, f"a run of {len(lengths)} text fields, the schema has {len(schema.text_fields)}", "lengths")
        columns = tuple(read_column(container, i, f.type) for i, f in enumerate(schema.columns))
        return cls(strings[0], strings[1], ptr, docs, tfs, tokens, token_offsets, lengths, strings[2], columns)


class _Vocabulary(dict):
    """term -> number in order of first sight; ``None``, the gap, is -1."""

    def __init__(self) -> None:
        super().__init__({None: GAP})

    def __missing__(self, term: str) -> int:
        number = self[term] = len(self) - 1
        return number


@dataclass
class _Batch:
    """What grows while the documents of a batch are read."""

    analyzers: list[Analyzer]
    builders: list[ColumnBuilder]
    vocabulary: _Vocabulary = field(default_factory=_Vocabulary)
    keys: list[str] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)
    tokens: array = field(default_factory=lambda: array("i"))
    extra: array = field(default_factory=lambda: array("i"))
    token_ends: array = field(default_factory=lambda: array("q", [0]))
    extra_ends: array = field(default_factory=lambda: array("q", [0]))
    lengths: array = field(default_factory=lambda: array("I"))

    def add(self, document: Document, schema: Schema) -> None:
        """Add one document whole, or raise BadDocument and add nothing."""
        values = [builder.read(document.fields.get(builder.field.name)) for builder in self.builders]
        content = stored.encode_document(document.fields)
        for builder, value in zip(self.builders, values):
            builder.append(value)
        self.keys.append(document.key)
        self.documents.append(content)
        for text_field, analyzer in zip(schema.text_fields, self.analyzers):
            self._add_field(document.fields.get(text_field.name), analyzer)

    def _add_field(self, value: Any, analyzer: Analyzer) -> None:
        number = self.vocabulary.__getitem__
        start, length = len(self.tokens), 0
        for text in (value,) if isinstance(value, str) else texts(value):
            terms = analyzer.index_terms(text)
            if terms.sequence and len(self.tokens) > start:
                self.tokens.append(GAP)
            self.tokens.extend(map(number, terms.sequence))
            self.extra.extend(map(number, terms.extra))
            length += terms.length
        self.token_ends.append(len(self.tokens))
        self.extra_ends.append(len(self.extra))
        self.lengths.append(length)


def invert(documents: Sequence[Document], schema: Schema, lexicon: Path | None = None) -> Run:
    """The run of a batch; documents that do not fit the schema are left out and listed in ``rejected``."""
    batch = _Batch([get_analyzer(f.analyzer, lexicon) for f in schema.text_fields], [ColumnBuilder(f) for f in schema.columns])
    rejected = []
    for position, document in enumerate(documents):
        try:
            batch.add(document, schema)
        except BadDocument as error:
            rejected.append(Rejected(position, error.code, str(error)))
    return _to_run(batch, len(schema.text_fields), tuple(rejected))


def _to_run(batch: _Batch, num_fields: int, rejected: tuple[Rejected, ...]) -> Run:
    del batch.vocabulary[None]
    ordered = sorted(batch.vocabulary)
    # Number by bytes of every number by first sight; the last entry is reached by -1, the gap.
    rank = np.empty(len(ordered) + 1, np.int32)
    rank[np.fromiter(map(batch.vocabulary.__getitem__, ordered), np.int64, len(ordered))] = np.arange(len(ordered), dtype=np.int32)
    rank[-1] = GAP
    tokens, extra = rank[np.frombuffer(batch.tokens, np.int32)], rank[np.frombuffer(batch.extra, np.int32)]
    token_ends, extra_ends = np.frombuffer(batch.token_ends, np.int64), np.frombuffer(batch.extra_ends, np.int64)
    ptr, docs, tfs = postings_of(tokens, token_ends, extra, extra_ends, len(ordered), num_fields)
    lengths = np.frombuffer(batch.lengths, np.uint32).reshape(-1, num_fields).T if num_fields else np.zeros((0, len(batch.keys)), np.uint32)
    columns = tuple(builder.build() for builder in batch.builders)
    documents = pack_bytes(batch.documents)
    return Run(
        pack(batch.keys), pack(ordered), ptr, docs, tfs, tokens, token_ends, np.ascontiguousarray(lengths), documents, columns, rejected
    )


def postings_of(
    tokens: np.ndarray, token_ends: np.ndarray, extra: np.ndarray, extra_ends: np.ndarray, num_terms: int, num_fields: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of terms -> (ptr int64[T + 1], docs int32[P], tfs uint16 or uint32[P, F]), by term, then document."""
    fields = max(1, num_fields)
    df = np.zeros(num_terms, np.int64)
    _count_documents(tokens, token_ends, extra, extra_ends, fields, df)
    ptr = np.zeros(num_terms + 1, np.int64)
    np.cumsum(df, out=ptr[1:])
    docs = np.empty(ptr[-1], np.int32)
    tfs = np.zeros((ptr[-1], num_fields), np.uint32)
    _fill_postings(tokens, token_ends, extra, extra_ends, fields, ptr[:-1].copy(), docs, tfs)
    narrow = not tfs.size or tfs.max() < WIDE
    return ptr, docs, tfs.astype(np.uint16) if narrow else tfs


@kernel
def _count_documents(tokens, token_ends, extra, extra_ends, fields, df):
    last = np.full(len(df), -1, np.int32)
    for row in range(len(token_ends) - 1):
        doc = row // fields
        for terms, ends in ((tokens, token_ends), (extra, extra_ends)):
            for i in range(ends[row], ends[row + 1]):
                term = terms[i]
                if term >= 0 and last[term] != doc:
                    last[term] = doc
                    df[term] += 1


@kernel
def _fill_postings(tokens, token_ends, extra, extra_ends, fields, at, docs, tfs):
    """``at``: where each term's next posting goes; documents come in order, so every list is sorted when it is full."""
    last = np.full(len(at), -1, np.int32)
    for row in range(len(token_ends) - 1):
        doc, text_field = row // fields, row % fields
        for terms, ends in ((tokens, token_ends), (extra, extra_ends)):
            for i in range(ends[row], ends[row + 1]):
                term = terms[i]
                if term < 0:
                    continue
                if last[term] != doc:
                    last[term] = doc
                    docs[at[term]] = doc
                    at[term] += 1
                tfs[at[term] - 1, text_field] += 1
