"""What features ask of an index again and again, worked out once for each that is open."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from ranker.field_groups import Members, title_rest_whole

NUMERIC_TYPES = ("integer", "float", "date", "boolean")
STREAMS = ("word", "han1", "han2", "han2", "word", "word")  # of each kind of unit; pairs and phrases have none of their own
REMEMBERED = 1 << 15


class Norms(NamedTuple):
    """BM25F's length norms of a segment: those of field f are ``values[starts[f] + codes[f, doc]]``."""

    codes: np.ndarray  # uint16 or uint32[F, N]
    starts: np.ndarray  # int64[F]
    values: np.ndarray  # float32


class TermCounts(NamedTuple):
    """Of some terms: live documents that have each int64[n], and idf float32[n]."""

    df: np.ndarray
    idf: np.ndarray


class IndexTables:
    """The tables of one index, which never changes; thread-safe. It does not keep the index."""

    def __init__(self, index: Any) -> None:
        schema, fields = index.schema, index.schema.text_fields
        self.num_fields = len(fields)
        self.b = np.array([field.b for field in fields], np.float32)
        self.mean = np.maximum(np.asarray(index.avg_lengths), 1e-9).astype(np.float32)
        self.k1 = np.array([schema.k1[stream] for stream in STREAMS], np.float32)
        self.stream_weights = np.array([schema.stream_weights[stream] for stream in STREAMS], np.float32)
        self.numeric = [field.name for field in schema.columns if field.type in NUMERIC_TYPES]
        self.tokens = max(float(index.num_docs * np.asarray(index.avg_lengths).sum()), 1.0)
        self._weights = tuple(field.weight for field in fields)
        self._norms = [self._segment_norms(segment.lengths) for segment in index.segments]
        self._counts: dict[str, tuple[int, float]] = {}
        self._max_doc = int(index.max_doc)
        self._remembered: WeakKeyDictionary[Any, np.ndarray] = WeakKeyDictionary()

    @cached_property
    def members(self) -> Members:
        """The groups of text fields."""
        return title_rest_whole(self._weights)

    def norms(self, segment: int, lengths: Any) -> Norms:
        """Those of a segment, whose lengths are checked here at their first use."""
        return Norms(lengths.codes, *self._norms[segment])

    def counts(self, index: Any, terms: Sequence[str]) -> TermCounts:
        """How common terms are."""
        known = self._counts
        try:
            found = [known[term] for term in terms]
        except KeyError:
            if len(known) > REMEMBERED:
                known = self._counts = {}
            found = self._count(index, terms, known)
        return TermCounts(np.array([df for df, _ in found], np.int64), np.array([idf for _, idf in found], np.float32))

    def remembered(self, owner: Any) -> np.ndarray:
        """int32[max_doc], zeros at first, for ``owner`` to note what it found out about documents; only what is noted takes memory."""
        found = self._remembered.get(owner)
        return found if found is not None else self._remembered.setdefault(owner, np.zeros(self._max_doc, np.int32))

    def _count(self, index: Any, terms: Sequence[str], known: dict[str, tuple[int, float]]) -> list[tuple[int, float]]:
        df = np.asarray(index.df(terms), np.int64)
        idf = np.log1p((index.num_docs - df + 0.5) / (df + 0.5)).astype(np.float32)
        found = list(zip(df.tolist(), idf.tolist()))
        known.update(zip(terms, found))
        return found

    def _segment_norms(self, lengths: Any) -> tuple[np.ndarray, np.ndarray]:
        values = [self._norms_of(lengths.values(field), field) for field in range(self.num_fields)]
        starts = np.cumsum([0, *map(len, values)])[:-1].astype(np.int64)
        return starts, np.concatenate([np.zeros(0, np.float32), *values])

    def _norms_of(self, lengths: np.ndarray, field: int) -> np.ndarray:
        """1 - b + b length / mean length."""
        b = self.b[field]
        return 1 - b + b * lengths.astype(np.float32) / self.mean[field]


_known: WeakKeyDictionary[Any, IndexTables] = WeakKeyDictionary()


def tables_of(index: Any) -> IndexTables:
    """The tables of an index; two threads may make them at once, of which one is kept."""
    found = _known.get(index)
    return found if found is not None else _known.setdefault(index, IndexTables(index))
