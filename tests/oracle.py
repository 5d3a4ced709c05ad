"""The answers of retrieval computed so plainly that they cannot be wrong: dictionaries and loops over documents that are lists of terms."""

import math
from collections.abc import Sequence

from indexer.schema import STREAMS, Schema

Values = list[str | None]  # the terms of a field in order; None = a gap between two values


class Oracle:
    """``documents[d][f]``: the terms of a field in order; ``extra[d][f]``: terms without a place (pairs of Han characters)."""

    def __init__(
        self, documents: Sequence[Sequence[Values]], schema: Schema, deleted: set[int] | None = None, extra: Sequence | None = None
    ) -> None:
        self.documents, self.schema, self.deleted = documents, schema, deleted or set()
        self.extra = extra or [[[] for _ in fields] for fields in documents]
        self._df: dict[str, int] = {}
        self.live = [d for d in range(len(documents)) if d not in self.deleted]
        self.tfs = [[_count([*values, *more]) for values, more in zip(*pair)] for pair in zip(documents, self.extra)]
        self.lengths = [[self._length(tf) for tf in fields] for fields in self.tfs]
        self.averages = [self._average(f) for f in range(len(schema.text_fields))]

    @staticmethod
    def _length(tf: dict[str, int]) -> int:
        return sum(n for term, n in tf.items() if _stream(term) in (0, 2))

    def _average(self, field: int) -> float:
        having = [self.lengths[d][field] for d in self.live if self.lengths[d][field] > 0]
        return sum(having) / len(having) if having else 0.0

    def df(self, term: str) -> int:
        if term not in self._df:
            self._df[term] = sum(any(term in tf for tf in fields) for fields in self.tfs)
        return self._df[term]

    def term_score(self, doc: int, term: str) -> float:
        """BM25F of one term in one document, as the formula stands in the books."""
        x = 0.0
        for f, field in enumerate(self.schema.text_fields):
            tf = self.tfs[doc][f].get(term, 0)
            if tf:
                relative = 1.0 - field.b + field.b * self.lengths[doc][f] / (self.averages[f] or 1.0)
                x += field.weight * tf / max(relative, 1e-6)
        return self.weight(term) * x / (self.k1(term) + x)

    def k1(self, term: str) -> float:
        return max(self.schema.k1[STREAMS[_stream(term)]], 1e-6)

    def weight(self, term: str) -> float:
        """The most that a term can give: idf * (k1 + 1)."""
        df = self.df(term)
        return math.log(1.0 + (max(len(self.live) - df, 0) + 0.5) / (df + 0.5)) * (self.k1(term) + 1.0)

    def score(self, doc: int, terms: Sequence[str], weights: Sequence[float]) -> float:
        return sum(w * self.term_score(doc, t) for t, w in zip(terms, weights))

    def has(self, doc: int, term: str, field: int | None = None) -> bool:
        fields = self.tfs[doc] if field is None else [self.tfs[doc][field]]
        return any(term in tf for tf in fields)

    def candidates(self, terms: Sequence[str], weights: Sequence[float], mode: str, required: Sequence[str] | None) -> list[int]:
        if mode == "or":
            wanted = [t for t, w in zip(terms, weights) if w > 0]
            return [d for d in self.live if any(self.has(d, t) for t in wanted)]
        wanted = terms if required is None else required
        return [d for d in self.live if all(self.has(d, t) for t in wanted) and any(self.has(d, t) for t in terms)]

    def matches(self, terms: Sequence[str], field: int | None = None) -> set[int]:
        return {d for d in self.live if any(self.has(d, t, field) for t in terms)}

    def phrase(self, sequence: Values, field: int | None = None, slop: int = 0) -> set[int]:
        """Documents where some choice of rising places fits the phrase: every choice is tried."""
        while sequence and sequence[0] is None:
            sequence = sequence[1:]
        while sequence and sequence[-1] is None:
            sequence = sequence[:-1]
        if not sequence:
            return set()
        fields = range(len(self.schema.text_fields)) if field is None else [field]
        return {d for d in self.live if any(_fits_anywhere(sequence, self.documents[d][f], slop) for f in fields)}


def _fits_anywhere(phrase: Values, values: Values, slop: int) -> bool:
    return any(_fits(phrase, values, start, slop) for start in range(len(values)))


def _fits(phrase: Values, values: Values, at: int, slop: int) -> bool:
    """Whether the phrase fits with its first term at ``at``, trying every split of the slop."""
    if at >= len(values) or values[at] is None or (phrase[0] is not None and values[at] != phrase[0]):
        return False
    if len(phrase) == 1:
        return True
    for extra in range(slop + 1):
        if any(v is None for v in values[at + 1 : at + 1 + extra]):
            return False
        if _fits(phrase[1:], values, at + 1 + extra, slop - extra):
            return True
    return False


def _count(terms: Values) -> dict[str, int]:
    tf: dict[str, int] = {}
    for term in terms:
        if term is not None:
            tf[term] = tf.get(term, 0) + 1
    return tf


def _stream(term: str) -> int:
    return {"\x01": 1, "\x02": 2, "\x03": 3}.get(term[:1], 0)
