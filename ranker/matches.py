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
from ranker.field_groups import REST, TITLE, WHOLE, Group, Groups, fold, title_of, title_rest_whole
from ranker.matches_kernel import Found, Patterns, empty_found, scan
from ranker.query_units import HANWORD, QueryUnits, query_units

NUMERIC_TYPES = ("integer", "float", "date", "boolean")
_STREAMS = ("word", "han1", "han2", "han2", "word", "word")  # of each kind of unit; pairs and phrases have none of their own


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
        return _by_kind(self.schema.k1)[self.query.kinds]

    @cached_property
    def stream_weights(self) -> np.ndarray:
        """float32[U]: query weight times the stream's weight."""
        return _by_kind(self.schema.stream_weights)[self.query.kinds] * self.query.weights

    @cached_property
    def folded(self) -> tuple[Groups, int]:
        """The title-like field, all others, and all fields as groups; the greatest number of times that a unit stands in one of them."""
        members = title_rest_whole(tuple(field.weight for field in self.schema.text_fields))
        return fold(members, self.norms, Found(self.tf, self.first, self.sizes, self.span, self.spanned, self.near))

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

    @cached_property
    def norms(self) -> np.ndarray:
        """float32[k, F]: BM25F's length norms, by which tf is divided."""
        b = np.array([field.b for field in self.schema.text_fields], np.float32)
        mean = np.maximum(self.avg_lengths, 1e-9).astype(np.float32)
        return 1 - b + b * self.lengths / mean


def _by_kind(of_streams: dict[str, float]) -> np.ndarray:
    """float32[kinds]: what streams have, by the kinds of units."""
    return np.array([of_streams[stream] for stream in _STREAMS], np.float32)


def title_field(schema: Schema) -> int:
    """Number of the title-like text field: greatest weight, then first."""
    return title_of(tuple(field.weight for field in schema.text_fields))


def gather(index: Any, query_terms: Sequence[Any], query_text: str, docs: np.ndarray, scores: np.ndarray) -> Matches:
    """Read what features need about ``docs`` (global int64[k]) for one query; ``scores`` are retrieval's. Order of docs is kept."""
    docs = np.ascontiguousarray(docs, np.int64)
    query = query_units(query_terms, index.analyzer(None).sequence(query_text), query_text)
    shape = (len(docs), len(index.schema.text_fields))
    found = empty_found(len(docs), shape[1], len(query.units))
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
        lengths=lengths, avg_lengths=np.asarray(index.avg_lengths), columns=columns, keys_of=lambda docs: index.keys(docs), **found._asdict(),
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


def _scan_segment(segment: Any, query: QueryUnits, local: np.ndarray, rows: np.ndarray, found: Found) -> None:
    ids = np.asarray(segment.lookup(query.atoms), np.int32) if query.atoms else np.zeros(0, np.int32)
    scan(segment.forward.sections, local, rows, Patterns(ids, query.content, query.starts, query.order, query.ptr, query.items), found)
    segment.forward.settle()


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
