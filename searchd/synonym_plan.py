"""A query with synonyms -> what scores and what matches.

A synonym matches where all of it stands side by side, and satisfies the words it stands for. Its terms score beside the query's own, so weighted that
all synonyms of a word together give less than the word itself gives at an average occurrence, and at most ``SHARE`` of that at their own: a document
that has a synonym however often is ranked below one of average length that has the word once, in whatever field, for any k1 and b.
"""

from typing import Any, NamedTuple

import numpy as np

import indexer.bm25 as bm25
from searchd.masks import Mask, all_of, occurs, units_of
from searchd.query_terms import MAX_TERMS
from searchd.synonyms import Span

SHARE = 0.4
# What keeps a bound from being reached by rounding.
BELOW = 0.99
# What a synonym is to highlights: less than a typed word, more than a stop word.
SHOWN_WEIGHT = 0.6


class Scored(NamedTuple):
    """What scores; ``further`` are terms that highlights mark beside the query's own, and their weights."""

    terms: list[str]
    weights: list[float]
    further: tuple[tuple[str, float], ...] = ()


def add_synonyms(scored: Scored, text: str, spans: list[Span], snapshot: Any) -> Scored:
    """The terms of a query's synonyms beside its own; a term that it has already keeps its weight."""
    weights = dict(zip(scored.terms, scored.weights))
    further: dict[str, float] = {}
    for span in spans:
        typed = _worths(snapshot.query_terms.analyse(text[span.start : span.end]), snapshot)
        for other in span.others:
            analysed = snapshot.query_terms.analyse(other)
            further.update({term.term: SHOWN_WEIGHT * term.weight for term in analysed})
            worths = _worths(analysed, snapshot)
            share = _most(typed, worths, snapshot) * _share(typed, worths) / len(span.others)
            for term, weight in zip(*snapshot.query_terms.weigh(analysed)) if share > 0 else ():
                weights.setdefault(term, weight * share)
    terms = list(weights)[: max(MAX_TERMS, len(scored.terms))]
    return Scored(terms, [weights[term] for term in terms], tuple(further.items()))


def _worths(analysed: list, snapshot: Any) -> dict[str, float]:
    """What an average occurrence of each term of a text gives; terms that no document has give nothing, unless none has any."""
    terms, weights = snapshot.query_terms.weigh(analysed)
    df = snapshot.index.df(terms)
    worths = np.multiply(weights, bm25.idf(snapshot.index.num_docs, df)) * ((df > 0) | ~np.any(df > 0))
    return dict(zip(terms, worths.tolist()))


def _share(typed: dict[str, float], other: dict[str, float]) -> float:
    """What the weights of a synonym's terms are multiplied by. What both have in common counts in full already: it is only about the rest."""
    lost = sum(worth for term, worth in typed.items() if term not in other)
    gained = sum(worth for term, worth in other.items() if term not in typed)
    return lost / max(lost, gained) if lost > 0 else 0.0


def _most(typed: dict[str, float], other: dict[str, float], snapshot: Any) -> float:
    """The greatest share at which terms that saturate give less than the typed ones do once, in the field that weighs least.

    A term gives (k1 + 1) x / (k1 + x): at most k1 + 1, and for an occurrence in a field of average length x is the field's weight.
    """
    k1 = bm25.k1_by_stream(snapshot.index.schema)
    least = min((field.weight for field in snapshot.index.schema.text_fields if field.weight > 0), default=1.0)
    once = min(((k + 1) * least / (k + least) for k in (float(k1[bm25.stream_of(term)]) for term in typed)), default=1.0)
    saturated = max((float(k1[bm25.stream_of(term)]) + 1 for term in other), default=1.0)
    return min(SHARE, BELOW * once / saturated)


def synonym_mask(text: str, spans: list[Span], snapshot: Any, mode: str, minimum: int | None = None) -> Mask:
    """Where any, all or ``minimum`` of the words are or what stands for them."""
    if mode == "or" if minimum is None else minimum <= 1:
        others = {other for span in spans for other in span.others}
        masks = [mask for other in sorted(others) if (mask := occurs(snapshot, other)) is not None]
        return np.logical_or.reduce([snapshot.retriever.matches(snapshot.query_terms.asked(text)[1].terms), *masks])
    units = [*((mask, 1) for mask in _rest(text, spans, snapshot)), *(_span(text, span, snapshot) for span in spans)]
    if minimum is None:
        return np.logical_and.reduce([mask for mask, _ in units])
    counts = np.sum([mask * np.int32(size) for mask, size in units], axis=0, dtype=np.int32)
    return np.asarray(counts >= min(minimum, sum(size for _, size in units)))


def _rest(text: str, spans: list[Span], snapshot: Any) -> list[Mask]:
    """Where it is for each of the words without synonyms; signs between two words are none."""
    borders = [0, *(place for span in spans for place in (span.start, span.end)), len(text)]
    words = " ".join(text[start:end] for start, end in zip(borders[::2], borders[1::2])).split()
    sequence = snapshot.query_terms.words_analyzer.sequence
    return [unit for word in words if sequence(word) for unit in units_of(snapshot, word)]


def _span(text: str, span: Span, snapshot: Any) -> tuple[Mask, int]:
    """(where the words themselves or a synonym are, what they count): as much as their terms would."""
    typed = text[span.start : span.end]
    units = units_of(snapshot, typed)
    itself = all_of(units)
    found = [mask for mask in (itself, *(occurs(snapshot, other) for other in span.others)) if mask is not None]
    nothing = np.zeros(snapshot.index.max_doc, np.bool_)
    return np.logical_or.reduce([nothing, *found]), max(1, len(units))
