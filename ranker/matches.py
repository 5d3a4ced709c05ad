"""Everything that features read, gathered once: a query and its candidates become plain arrays.

Features never touch the index. What they may see - term frequencies, first positions, spans, lengths, columns - is filled here by one
compiled scan per segment, so a new feature costs one numpy expression and offline training computes exactly what serving does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from indexer.schema import Schema
from ranker.field_groups import REST, TITLE, WHOLE, Group, Groups, fold, title_of
from ranker.index_tables import NUMERIC_TYPES, IndexTables, Norms, tables_of
from ranker.matches_kernel import Found, Patterns, empty_found, scan
from ranker.query_units import HANWORD, QueryUnits, query_units

__all__ = ["NUMERIC_TYPES", "Matches", "gather", "title_field"]


class Best(NamedTuple):
    """Retrieval's scores of one query: the best one, 0 or more, and of the best ten mean and standard deviation."""

    top: np.float32
    mean: np.float64
    deviation: np.float64


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
    norms: np.ndarray  # float32[k, F]: BM25F's length norms, by which tf is divided
    avg_lengths: np.ndarray  # float64[F]
    columns: dict[str, np.ndarray]  # float32[k] each, NaN where the document has no value
    tables: IndexTables
    keys_of: Callable[[np.ndarray], list[str]]
    lengths_of: Callable[[np.ndarray], np.ndarray]

    @cached_property
    def keys(self) -> list[str]:
        """The callers' ids of the candidates, read when a feature asks for them."""
        return self.keys_of(self.docs)

    @cached_property
    def shared(self) -> dict[Any, Any]:
        """What several features have worked out together, by whom."""
        return {}

    @cached_property
    def lengths(self) -> np.ndarray:
        """float32[k, F]: as BM25 counts them; read when a feature asks for them."""
        return self.lengths_of(self.docs)

    @cached_property
    def word_idf(self) -> np.ndarray:
        """float32[words]: of the content words."""
        return self.idf[self.query.words]

    @cached_property
    def word_df(self) -> np.ndarray:
        """int64[words]: of the content words."""
        return self.df[self.query.words]

    @cached_property
    def idf_sum(self) -> Any:
        """float32: sum of the content words' idf."""
        return self.word_idf.sum()

    def __len__(self) -> int:
        return len(self.docs)

    @cached_property
    def k1(self) -> np.ndarray:
        """float32[U]: k1 of each unit's stream."""
        return self.tables.k1[self.query.kinds]

    @cached_property
    def stream_weights(self) -> np.ndarray:
        """float32[U]: query weight times the stream's weight."""
        return self.tables.stream_weights[self.query.kinds] * self.query.weights

    @cached_property
    def folded(self) -> tuple[Groups, int]:
        """The title-like field, all others, and all fields as groups; the greatest number of times that a unit stands in one of them."""
        found = Found(self.tf, self.first, self.sizes, self.span, self.spanned, self.near, self.norms)
        return fold(self.tables.members, found)

    @cached_property
    def title(self) -> Group:
        """The field that names the document: of those with the greatest weight, the first."""
        return self.folded[0].one(TITLE)

    @cached_property
    def rest(self) -> Group:
        """All text fields but the title."""
        return self.folded[0].one(REST)

    @cached_property
    def whole(self) -> Group:
        """All text fields."""
        return self.folded[0].one(WHOLE)

    @cached_property
    def best_scores(self) -> np.ndarray:
        """float64[10 or fewer]: the best scores that retrieval gave, best first."""
        return np.sort(self.scores)[:-11:-1].astype(np.float64)

    @cached_property
    def best(self) -> Best:
        """What retrieval gave the best."""
        ten = self.best_scores
        return Best(self.scores.max(initial=0.0), ten.mean(), ten.std()) if len(ten) else Best(np.float32(0), np.float64(0), np.float64(0))


def title_field(schema: Schema) -> int:
    """Number of the title-like text field: greatest weight, then first."""
    return title_of(tuple(field.weight for field in schema.text_fields))


def gather(index: Any, query_terms: Sequence[Any], query_text: str, docs: np.ndarray, scores: np.ndarray) -> Matches:
    """Read what features need about ``docs`` (global int64[k]) for one query; ``scores`` are retrieval's. Order of docs is kept."""
    docs, tables = np.ascontiguousarray(docs, np.int64), tables_of(index)
    query = query_units(query_terms, index.analyzer(None).sequence(query_text), query_text)
    found = empty_found(len(docs), tables.num_fields, len(query.units))
    columns = {name: np.full(len(docs), np.nan, np.float32) for name in tables.numeric}
    for number, rows, local in _by_segment(index, docs):
        segment = index.segments[number]
        _scan_segment(segment, query, local, rows, tables.norms(number, segment.lengths), found)
        _read_columns(segment, local, rows, columns)
    idf, df = _counted(index, tables, query)
    return Matches(
        query, index.schema, docs, np.asarray(scores, np.float32), index.num_docs, idf, df, *found, np.asarray(index.avg_lengths),
        columns, tables, lambda docs: index.keys(docs), lambda docs: _lengths(index, docs),
    )  # fmt: skip


def _by_segment(index: Any, docs: np.ndarray) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """(number of a segment, rows of docs inside it, their local numbers) of every segment that holds a candidate."""
    bases = np.asarray(index.bases, np.int64)[: len(index.segments)]
    if len(bases) == 1:
        return [(0, np.arange(len(docs)), docs - bases[0])]
    owner = np.searchsorted(bases, docs, side="right") - 1
    parts = []
    for number in np.unique(owner).tolist():
        rows = np.flatnonzero(owner == number)
        parts.append((number, rows, docs[rows] - bases[number]))
    return parts


def _scan_segment(segment: Any, query: QueryUnits, local: np.ndarray, rows: np.ndarray, norms: Norms, found: Found) -> None:
    ids = np.asarray(segment.lookup(query.atoms), np.int32) if query.atoms else np.zeros(0, np.int32)
    patterns = Patterns(ids, query.content, query.starts, query.order, query.ptr, query.items)
    scan(segment.forward.sections, norms, local, rows, patterns, found)
    segment.forward.settle()


def _read_columns(segment: Any, local: np.ndarray, rows: np.ndarray, columns: dict[str, np.ndarray]) -> None:
    for name, values in columns.items():
        column = segment.column(name)
        if column is not None:
            values[rows] = np.where(column.valid[local], column.values[local], np.nan)


def _lengths(index: Any, docs: np.ndarray) -> np.ndarray:
    lengths = np.zeros((len(docs), len(index.schema.text_fields)), np.float32)
    for number, rows, local in _by_segment(index, docs):
        lengths[rows] = index.segments[number].lengths[:, local].T
    return lengths


def _counted(index: Any, tables: IndexTables, query: QueryUnits) -> tuple[np.ndarray, np.ndarray]:
    """float32[U] idf and int64[U] df: live documents that hold the unit's term; 0 for pairs and the phrase, which are not terms."""
    idf, df = np.zeros(len(query.units), np.float32), np.zeros(len(query.units), np.int64)
    terms = [unit.term for unit in query.units if unit.kind <= HANWORD]
    if terms:
        # Units that are terms come before those that are not.
        df[: len(terms)], idf[: len(terms)] = tables.counts(index, terms)
    return idf, df
