"""Everything that features read, gathered once: a query and its candidates become plain arrays.

Features never touch the index. What they may see - term frequencies, first positions, spans, lengths, columns - is filled here by one
compiled scan per segment, so a new feature costs one numpy expression and offline training computes exactly what serving does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from indexer.schema import Schema
from ranker.field_groups import Group, empty_group, fold_fields
from ranker.matches_kernel import atom_table, scan
from ranker.query_units import HAN1, HAN2, HANWORD, WORD, QueryUnits, query_units

NUMERIC_TYPES = ("integer", "float", "date", "boolean")
_STREAM_OF_KIND = {WORD: "word", HAN1: "han1", HAN2: "han2", HANWORD: "han2"}


@dataclass(frozen=True)
class Matches:
    """One query against ``k`` candidates over ``F`` text fields and ``U`` units."""

    query: QueryUnits
    schema: Schema
    docs: np.ndarray  # int64[k]
    scores: np.ndarray  # float32[k]: what retrieval gave
    num_docs: int
    idf: np.ndarray  # float32[U], 0 for pairs and the phrase
    df: np.ndarray  # int64[U]
    tf: np.ndarray  # float32[k, F, U]
    first: np.ndarray  # int32[k, F, U], -1 absent
    sizes: np.ndarray  # int32[k, F]: tokens, gaps not counted
    span: np.ndarray  # int32[k, F]
    spanned: np.ndarray  # int32[k, F]
    near: np.ndarray  # float32[k, F]
    lengths: np.ndarray  # float32[k, F]: as BM25 counts them
    avg_lengths: np.ndarray  # float64[F]
    columns: dict[str, np.ndarray]  # float32[k] each, NaN where the document has no value
    keys_of: Callable[[np.ndarray], list[str]] = lambda docs: [""] * len(docs)

    @cached_property
    def keys(self) -> list[str]:
        """The callers' ids of the candidates, read when a feature asks for them."""
        return self.keys_of(self.docs)

    def __len__(self) -> int:
        return len(self.docs)

    @cached_property
    def k1(self) -> np.ndarray:
        """float32[U]: k1 of each unit's stream."""
        return np.array([self.schema.k1[_STREAM_OF_KIND.get(int(kind), "word")] for kind in self.query.kinds], np.float32)

    @cached_property
    def stream_weights(self) -> np.ndarray:
        """float32[U]: query weight times the stream's weight."""
        weights = [self.schema.stream_weights[_STREAM_OF_KIND.get(int(kind), "word")] for kind in self.query.kinds]
        return np.array(weights, np.float32) * self.query.weights

    @cached_property
    def title(self) -> Group:
        """The field that names the document: of those with the greatest weight, the first."""
        return self._group([title_field(self.schema)])

    @cached_property
    def rest(self) -> Group:
        """All text fields but the title."""
        title = title_field(self.schema)
        return self._group([f for f in range(self.tf.shape[1]) if f != title])

    @cached_property
    def whole(self) -> Group:
        """All text fields."""
        return self._group(list(range(self.tf.shape[1])))

    @cached_property
    def best_scores(self) -> np.ndarray:
        """float64[10 or fewer]: the best scores that retrieval gave, best first."""
        return np.sort(self.scores)[:-11:-1].astype(np.float64)

    @cached_property
    def norms(self) -> np.ndarray:
        """float32[k, F]: BM25F's length norms, by which tf is divided."""
        b = np.array([f.b for f in self.schema.text_fields], np.float32)
        mean = np.maximum(self.avg_lengths, 1e-9).astype(np.float32)
        return 1 - b + b * self.lengths / mean

    def _group(self, fields: list[int]) -> Group:
        if not fields:
            return empty_group(len(self), len(self.query.units))
        # A field alone is not weighed: weights say what fields are worth beside each other.
        weights = [self.schema.text_fields[f].weight for f in fields] if len(fields) > 1 else [1.0]
        group = empty_group(len(self), len(self.query.units), 0.0)
        given = self.tf, self.first, self.sizes, self.span, self.spanned, self.near
        fold_fields(np.array(fields), np.array(weights, np.float32), self.norms, *given, *group)
        return group


def title_field(schema: Schema) -> int:
    """Number of the title-like text field: greatest weight, then first."""
    weights = [f.weight for f in schema.text_fields]
    return weights.index(max(weights))


def gather(index: Any, query_terms: Sequence[Any], query_text: str, docs: np.ndarray, scores: np.ndarray) -> Matches:
    """Read what features need about ``docs`` (global int64[k]) for one query; ``scores`` are retrieval's. Order of docs is kept."""
    docs = np.ascontiguousarray(docs, np.int64)
    query = query_units(query_terms, index.analyzer(None).sequence(query_text), query_text)
    shape = (len(docs), len(index.schema.text_fields))
    found = {
        "tf": np.zeros((*shape, len(query.units)), np.float32),
        "first": np.full((*shape, len(query.units)), -1, np.int32),
        "sizes": np.zeros(shape, np.int32),
        "span": np.zeros(shape, np.int32),
        "spanned": np.zeros(shape, np.int32),
        "near": np.zeros(shape, np.float32),
    }
    lengths = np.zeros(shape, np.float32)
    columns = {f.name: np.full(len(docs), np.nan, np.float32) for f in index.schema.columns if f.type in NUMERIC_TYPES}
    for segment, rows, local in _by_segment(index, docs):
        _scan_segment(segment, query, local, rows, found)
        lengths[rows] = segment.lengths[:, local].T
        _read_columns(segment, local, rows, columns)
    df = _dfs(index, query)
    idf = np.where(query.kinds <= HANWORD, np.log1p((index.num_docs - df + 0.5) / (df + 0.5)), 0).astype(np.float32)
    return Matches(
        query, index.schema, docs, np.asarray(scores, np.float32), index.num_docs, idf, df,
        lengths=lengths, avg_lengths=np.asarray(index.avg_lengths), columns=columns, keys_of=lambda docs: index.keys(docs), **found,
    )  # fmt: skip


def _by_segment(index: Any, docs: np.ndarray) -> list[tuple[Any, np.ndarray, np.ndarray]]:
    """(segment, rows of docs inside it, their local numbers) of every segment that holds a candidate."""
    bases = np.asarray(index.bases, np.int64)[: len(index.segments)]
    owner = np.searchsorted(bases, docs, side="right") - 1
    parts = []
    for number in np.unique(owner):
        rows = np.flatnonzero(owner == number)
        parts.append((index.segments[number], rows, docs[rows] - bases[number]))
    return parts


def _scan_segment(segment: Any, query: QueryUnits, local: np.ndarray, rows: np.ndarray, found: dict[str, np.ndarray]) -> None:
    ids = np.asarray(segment.lookup(query.atoms), np.int32) if query.atoms else np.zeros(0, np.int32)
    table_ids, table_atoms = atom_table(ids)
    patterns = (query.content, query.starts, query.order, query.ptr, query.items)
    first_rows = local * found["tf"].shape[1]
    forward_rows, data = segment.forward.require(first_rows, first_rows + found["tf"].shape[1])
    scan(forward_rows, data, local, rows, table_ids, table_atoms, *patterns, *found.values())


def _read_columns(segment: Any, local: np.ndarray, rows: np.ndarray, columns: dict[str, np.ndarray]) -> None:
    for name, values in columns.items():
        column = segment.column(name)
        if column is not None:
            values[rows] = np.where(column.valid[local], column.values[local], np.nan)


def _dfs(index: Any, query: QueryUnits) -> np.ndarray:
    """int64[U]: live documents that hold the unit's term; 0 for pairs and the phrase, which are not terms."""
    df = np.zeros(len(query.units), np.int64)
    at = np.flatnonzero(query.kinds <= HANWORD)
    if len(at):
        df[at] = index.df([query.units[u].term for u in at])
    return df
