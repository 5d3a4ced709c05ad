"""A query with synonyms -> what scores and what matches.

A synonym matches where all of it stands side by side, and satisfies the words it stands for. Its terms score beside the query's own, so weighted that
all synonyms of a word together give at most ``SHARE`` of what the word itself gives at an average occurrence: a document that has a synonym however
often is ranked below one of average length that has the word once.
"""

from typing import Any, NamedTuple

import numpy as np

from indexer.bm25 import idf
from searchd.masks import Mask, all_of, occurs
from searchd.query_terms import MAX_TERMS
from searchd.synonyms import Span

# A term saturates at k1 + 1 = 2.2 times what an average occurrence gives.
SHARE = 0.4
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
            share = _share(typed, _worths(analysed, snapshot)) / len(span.others)
            for term, weight in zip(*snapshot.query_terms.weigh(analysed)) if share > 0 else ():
                weights.setdefault(term, weight * share)
    terms = list(weights)[: max(MAX_TERMS, len(scored.terms))]
    return Scored(terms, [weights[term] for term in terms], tuple(further.items()))


def _worths(analysed: list, snapshot: Any) -> dict[str, float]:
    """What an average occurrence of each term of a text gives; terms that no document has give nothing, unless none has any."""
    terms, weights = snapshot.query_terms.weigh(analysed)
    df = snapshot.index.df(terms)
    worths = np.multiply(weights, idf(snapshot.index.num_docs, df)) * ((df > 0) | ~np.any(df > 0))
    return dict(zip(terms, worths.tolist()))


def _share(typed: dict[str, float], other: dict[str, float]) -> float:
    """What the weights of a synonym's terms are multiplied by. What both have in common counts in full already: it is only about the rest."""
    lost = sum(worth for term, worth in typed.items() if term not in other)
    gained = sum(worth for term, worth in other.items() if term not in typed)
    return SHARE * lost / max(lost, gained) if lost > 0 else 0.0


def synonym_mask(text: str, spans: list[Span], snapshot: Any, mode: str, minimum: int | None = None) -> Mask:
    """Where any, all or ``minimum`` of the words are or what stands for them."""
    if mode == "or" if minimum is None else minimum <= 1:
        others = {other for span in spans for other in span.others}
        masks = [mask for other in sorted(others) if (mask := occurs(snapshot, other)) is not None]
        return np.logical_or.reduce([snapshot.retriever.matches(snapshot.query_terms.asked(text)[1].terms), *masks])
    units = [*_rest(text, spans, snapshot), *(_span(text, span, snapshot) for span in spans)]
    if minimum is None:
        return np.logical_and.reduce([mask for mask, _ in units])
    counts = np.sum([mask * np.int32(size) for mask, size in units], axis=0, dtype=np.int32)
    return np.asarray(counts >= min(minimum, sum(size for _, size in units)))


def _rest(text: str, spans: list[Span], snapshot: Any) -> list[tuple[Mask, int]]:
    """(where it is, what it counts) for each of the words without synonyms; signs between two words are none."""
    borders = [0, *(place for span in spans for place in (span.start, span.end)), len(text)]
    words = " ".join(text[start:end] for start, end in zip(borders[::2], borders[1::2])).split()
    sequence = snapshot.query_terms.words_analyzer.sequence
    return [unit for word in words if sequence(word) for unit in _words(word, snapshot)]


def _words(word: str, snapshot: Any) -> list[tuple[Mask, int]]:
    """A mask for each of the word's terms that must be there; one for all of them where there are several analysers."""
    matches, alternatives = snapshot.retriever.matches, snapshot.query_terms.alternatives(word)
    if len(snapshot.query_terms.analyzers) == 1:
        return [(matches([term]), 1) for terms in alternatives for term in terms]
    masks = [snapshot.retriever.matches_all(terms) for terms in alternatives]
    return [(np.logical_or.reduce(masks), 1)] if masks else []


def _span(text: str, span: Span, snapshot: Any) -> tuple[Mask, int]:
    """(where the words themselves or a synonym are, what they count): as much as their terms would."""
    typed = text[span.start : span.end]
    units = _words(typed, snapshot)
    itself = all_of([mask for mask, _ in units])
    found = [mask for mask in (itself, *(occurs(snapshot, other) for other in span.others)) if mask is not None]
    nothing = np.zeros(snapshot.index.max_doc, np.bool_)
    return np.logical_or.reduce([nothing, *found]), max(1, sum(size for _, size in units))
