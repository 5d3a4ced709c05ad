"""The features: one function, one column, from what `matches` gathered. Missing is NaN; the displayed position is never among them.

The order of the functions in this file is the order of the columns. To add a feature, write a function here; every model names the
features it was trained with, so older models keep working only while their columns exist.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from ranker.feature_formulas import (
    bm25,
    coverage,
    first_position,
    log_tf_idf,
    matched,
    missing,
    pair_share,
    phrase_count,
    query_likelihood,
    share,
)
from ranker.matches import Matches

Feature = Callable[[Matches], np.ndarray | float]
FEATURES: dict[str, Feature] = {}
VERSION = 1  # raise it when the meaning of an existing feature changes


_registering: ContextVar[dict[str, Feature]] = ContextVar("registering", default=FEATURES)


def feature(function: Feature) -> Feature:
    """Register a function as the column of its name; it returns float[k], or one number for all candidates."""
    _registering.get()[function.__name__] = function
    return function


@contextmanager
def collecting() -> Iterator[dict[str, Feature]]:
    """Gather what is registered meanwhile instead of adding it to FEATURES: features that belong to one home."""
    found: dict[str, Feature] = {}
    token = _registering.set(found)
    try:
        yield found
    finally:
        _registering.reset(token)


# The query, the same for every candidate: lets trees treat long, rare and Chinese queries differently.


@feature
def query_words(m: Matches) -> float:
    """Content words of the query."""
    return len(m.query.words)


@feature
def query_characters(m: Matches) -> float:
    """Characters of the query, without white space."""
    return sum(not c.isspace() for c in m.query.text)


@feature
def query_han_share(m: Matches) -> float:
    """Share of the query's atoms that are Han characters."""
    atoms = m.query.atoms
    return sum(a.startswith("\x01") for a in atoms) / len(atoms) if atoms else np.nan


@feature
def query_digits(m: Matches) -> float:
    """Whether the query holds a digit: codes, versions, years."""
    return float(any(c.isdigit() for c in m.query.text))


@feature
def query_quoted(m: Matches) -> float:
    """Whether the query has a phrase in quotes."""
    return float(m.query.text.count('"') > 1)


@feature
def query_scripts(m: Matches) -> float:
    """Kinds of characters in the query: Han, Latin letters, digits."""
    kinds = {"han" if "\u3400" <= c <= "\u9fff" else "digit" if c.isdigit() else "latin" for c in m.query.text if c.isalnum()}
    return len(kinds)


@feature
def query_idf_sum(m: Matches) -> float:
    """Sum of the content words' idf."""
    return m.idf[m.query.words].sum()


@feature
def query_idf_min(m: Matches) -> float:
    """idf of the commonest content word."""
    return m.idf[m.query.words].min() if len(m.query.words) else np.nan


@feature
def query_hits(m: Matches) -> float:
    """Documents that have the rarest content word, log: no more can have all of them."""
    return np.log1p(m.df[m.query.words].min()) if len(m.query.words) else np.nan


@feature
def query_idf_max(m: Matches) -> float:
    """idf of the rarest content word."""
    return m.idf[m.query.words].max(initial=0.0)


@feature
def query_idf_mean(m: Matches) -> float:
    """Mean idf of the content words."""
    return share(m.idf[m.query.words].sum(), len(m.query.words))


@feature
def query_unknown(m: Matches) -> float:
    """Share of the content words that no document has."""
    return share((m.df[m.query.words] == 0).sum(), len(m.query.words))


# The candidate among the candidates, by retrieval.


@feature
def retrieval_score(m: Matches) -> np.ndarray:
    """What retrieval gave."""
    return m.scores


@feature
def retrieval_reciprocal_rank(m: Matches) -> np.ndarray:
    """1 / rank by retrieval score, ties in the order given."""
    rank = np.empty(len(m), np.float32)
    rank[np.argsort(-m.scores, kind="stable")] = np.arange(1, len(m) + 1)
    return 1 / rank


@feature
def retrieval_share(m: Matches) -> np.ndarray:
    """Score over the best score."""
    return m.scores / max(float(m.scores.max(initial=0.0)), 1e-9)


@feature
def retrieval_margin(m: Matches) -> np.ndarray:
    """Score over the mean of the best ten, which unlike the mean of all does not depend on how many candidates were asked for."""
    return m.scores / max(float(m.best_scores.mean()), 1e-9) if len(m) else m.scores


@feature
def retrieval_below_top(m: Matches) -> np.ndarray:
    """Score minus the best score."""
    return m.scores - m.scores.max(initial=0.0)


@feature
def retrieval_z(m: Matches) -> np.ndarray:
    """Score minus the mean of the best ten, over their standard deviation."""
    return (m.scores - m.best_scores.mean()) / max(float(m.best_scores.std()), 1e-6) if len(m) else m.scores


# The title-like field.


@feature
def title_bm25(m: Matches) -> np.ndarray:
    """BM25 of the title over the terms of retrieval."""
    return bm25(m, m.title, m.query.retrieval)


@feature
def title_coverage(m: Matches) -> np.ndarray:
    """Share of the query's idf whose words are in the title."""
    return coverage(m, m.title)


@feature
def title_matched(m: Matches) -> np.ndarray:
    """Number of content words that are in the title."""
    return matched(m, m.title)


@feature
def title_tf_idf(m: Matches) -> np.ndarray:
    """Sum of tf x idf of the content words in the title, tf by log."""
    return log_tf_idf(m, m.title).sum(axis=1)


@feature
def title_lm(m: Matches) -> np.ndarray:
    """Dirichlet-smoothed query likelihood of the title."""
    return query_likelihood(m, m.title)


@feature
def title_near(m: Matches) -> np.ndarray:
    """Nearness of different query words in the title, log."""
    return np.log1p(m.title.near)


@feature
def title_bigrams(m: Matches) -> np.ndarray:
    """Share of the query's neighbouring pairs that are neighbours in the title."""
    return pair_share(m, m.title)


@feature
def title_phrase(m: Matches) -> np.ndarray:
    """Whether the whole query stands in the title, word by word."""
    return np.minimum(phrase_count(m, m.title), 1)


@feature
def title_equals(m: Matches) -> np.ndarray:
    """Whether the title is the query, word by word."""
    return np.where(m.title.size == len(m.query.units[m.query.phrase].atoms), title_phrase(m), 0) if m.query.phrase >= 0 else missing(m)


@feature
def title_starts(m: Matches) -> np.ndarray:
    """Whether the title begins with the query."""
    return (m.title.first[:, m.query.phrase] == 0).astype(np.float32) if m.query.phrase >= 0 else missing(m)


@feature
def title_first(m: Matches) -> np.ndarray:
    """Position of the first content word in the title, log."""
    return first_position(m, m.title)


@feature
def title_share(m: Matches) -> np.ndarray:
    """Share of the title's tokens that are content words of the query."""
    return m.title.tf[:, m.query.words].sum(axis=1) / np.maximum(m.title.size, 1)


@feature
def title_length(m: Matches) -> np.ndarray:
    """Tokens of the title, log."""
    return np.log1p(m.title.size)


# All other text fields.


@feature
def rest_bm25(m: Matches) -> np.ndarray:
    """BM25F of the fields outside the title."""
    return bm25(m, m.rest, m.query.retrieval)


@feature
def rest_coverage(m: Matches) -> np.ndarray:
    """Share of the query's idf whose words stand outside the title."""
    return coverage(m, m.rest)


@feature
def rest_matched(m: Matches) -> np.ndarray:
    """Number of content words that stand outside the title."""
    return matched(m, m.rest)


@feature
def rest_tf_idf(m: Matches) -> np.ndarray:
    """Sum of tf x idf of the content words outside the title, tf by log."""
    return log_tf_idf(m, m.rest).sum(axis=1)


@feature
def rest_bigrams(m: Matches) -> np.ndarray:
    """Share of the query's neighbouring pairs found outside the title."""
    return pair_share(m, m.rest)


@feature
def rest_phrase(m: Matches) -> np.ndarray:
    """Occurrences of the whole query outside the title, log."""
    return np.log1p(phrase_count(m, m.rest))


@feature
def rest_first(m: Matches) -> np.ndarray:
    """Position of the first content word outside the title, log."""
    return first_position(m, m.rest)


@feature
def rest_density(m: Matches) -> np.ndarray:
    """Distinct words of the smallest window that holds all matched ones, over its width."""
    return m.rest.spanned / m.rest.span


@feature
def rest_near(m: Matches) -> np.ndarray:
    """Nearness of different query words outside the title, log."""
    return np.log1p(m.rest.near)


@feature
def rest_lm(m: Matches) -> np.ndarray:
    """Dirichlet-smoothed query likelihood of the fields outside the title."""
    return query_likelihood(m, m.rest)


@feature
def rest_length(m: Matches) -> np.ndarray:
    """Tokens outside the title, log."""
    return np.log1p(m.rest.size)


# The whole document.


@feature
def whole_bm25(m: Matches) -> np.ndarray:
    """BM25F over all text fields."""
    return bm25(m, m.whole, m.query.retrieval)


@feature
def whole_words_bm25(m: Matches) -> np.ndarray:
    """BM25F of the words as people count them (jieba's for Chinese)."""
    return bm25(m, m.whole, m.query.words)


@feature
def whole_han2_bm25(m: Matches) -> np.ndarray:
    """BM25F of the Han bigrams alone; missing for queries without any."""
    return bm25(m, m.whole, m.query.han2) if len(m.query.han2) else missing(m)


@feature
def whole_coverage(m: Matches) -> np.ndarray:
    """Share of the query's idf whose words are in the document."""
    return coverage(m, m.whole)


@feature
def whole_matched(m: Matches) -> np.ndarray:
    """Share of the query's content words that are in the document."""
    return share((m.whole.tf[:, m.query.words] > 0).sum(axis=1), len(m.query.words))


@feature
def whole_missing_idf(m: Matches) -> np.ndarray:
    """idf of the rarest content word that the document lacks."""
    return np.where(m.whole.tf[:, m.query.words] > 0, 0, m.idf[m.query.words]).max(axis=1, initial=0.0)


@feature
def whole_best_word(m: Matches) -> np.ndarray:
    """Greatest tf x idf of a content word, tf by log."""
    return log_tf_idf(m, m.whole).max(axis=1, initial=0.0)


@feature
def whole_mean_word(m: Matches) -> np.ndarray:
    """Mean tf x idf of the content words, tf by log."""
    return share(log_tf_idf(m, m.whole).sum(axis=1), len(m.query.words))


@feature
def whole_worst_word(m: Matches) -> np.ndarray:
    """Least tf of a content word, log: 0 when one is missing."""
    least = m.whole.tf[:, m.query.words].min(axis=1, initial=np.inf)
    return np.log1p(np.where(np.isinf(least), 0, least))


@feature
def whole_bigrams(m: Matches) -> np.ndarray:
    """Share of the query's neighbouring pairs found in the document."""
    return pair_share(m, m.whole)


@feature
def whole_phrase(m: Matches) -> np.ndarray:
    """Occurrences of the whole query in the document, log."""
    return np.log1p(phrase_count(m, m.whole))


@feature
def whole_density(m: Matches) -> np.ndarray:
    """Distinct words over width of the smallest window, in the field that matches most words."""
    return m.whole.spanned / m.whole.span


@feature
def whole_near(m: Matches) -> np.ndarray:
    """Nearness of different query words in any field, log."""
    return np.log1p(m.whole.near)


@feature
def whole_lm(m: Matches) -> np.ndarray:
    """Dirichlet-smoothed query likelihood of the document."""
    return query_likelihood(m, m.whole)


@feature
def whole_length(m: Matches) -> np.ndarray:
    """Tokens of the document, log."""
    return np.log1p(m.whole.size)


def column_feature(name: str) -> Feature:
    """The feature that passes a numeric column of the schema through."""

    def column(m: Matches) -> np.ndarray:
        return m.columns.get(name, missing(m))

    return column
