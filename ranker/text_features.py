"""Features of the text: of the title-like field, of all other fields, and of the whole document.

What is asked of several groups of fields is one formula of (matches, group), whose name follows the group's in that of the column.
"""

import numpy as np

import ranker.feature_formulas as formulas
from ranker.feature_formulas import log_tf_idf, missing, phrase_count, share
from ranker.feature_registry import feature, of_group
from ranker.field_groups import Group
from ranker.matches import Matches


def bm25(m: Matches, group: Group) -> np.ndarray:
    """BM25F {place} over the terms of retrieval."""
    return formulas.bm25(m, group, m.query.retrieval)


def coverage(m: Matches, group: Group) -> np.ndarray:
    """Share of the query's idf whose words stand {place}."""
    return formulas.coverage(m, group)


def matched(m: Matches, group: Group) -> np.ndarray:
    """Number of content words that stand {place}."""
    return formulas.matched(m, group)


def tf_idf(m: Matches, group: Group) -> np.ndarray:
    """Sum of tf x idf of the content words {place}, tf by log."""
    return log_tf_idf(m, group).sum(axis=1)


def lm(m: Matches, group: Group) -> np.ndarray:
    """Dirichlet-smoothed query likelihood {place}."""
    return formulas.query_likelihood(m, group)


def near(m: Matches, group: Group) -> np.ndarray:
    """Nearness of different query words {place}, log."""
    return np.log1p(group.near)


def bigrams(m: Matches, group: Group) -> np.ndarray:
    """Share of the query's neighbouring pairs that are neighbours {place}."""
    return formulas.pair_share(m, group)


def phrase(m: Matches, group: Group) -> np.ndarray:
    """Occurrences of the whole query {place}, word by word, log."""
    return np.log1p(phrase_count(m, group))


def first(m: Matches, group: Group) -> np.ndarray:
    """Position of the first content word {place}, log."""
    return formulas.first_position(m, group)


def density(m: Matches, group: Group) -> np.ndarray:
    """Distinct words over width of the smallest window that holds all matched ones {place}, in the field that matches most of them."""
    return group.spanned / group.span


def length(m: Matches, group: Group) -> np.ndarray:
    """Tokens {place}, log."""
    return np.log1p(group.size)


# The title-like field.


def title(m: Matches) -> Group:
    """The group of that field alone."""
    return m.title


of_group("title", title, "in the title", bm25, coverage, matched, tf_idf, lm, near, bigrams)


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


of_group("title", title, "in the title", first)


@feature
def title_share(m: Matches) -> np.ndarray:
    """Share of the title's tokens that are content words of the query."""
    return m.title.tf[:, m.query.words].sum(axis=1) / np.maximum(m.title.size, 1)


of_group("title", title, "in the title", length)


# All other text fields.


def rest(m: Matches) -> Group:
    """The group of those fields."""
    return m.rest


of_group("rest", rest, "outside the title", bm25, coverage, matched, tf_idf, bigrams, phrase, first, density, near, lm, length)


# The whole document.


def whole(m: Matches) -> Group:
    """The group of all text fields."""
    return m.whole


of_group("whole", whole, "in the document", bm25)


@feature
def whole_words_bm25(m: Matches) -> np.ndarray:
    """BM25F of the words as people count them (jieba's for Chinese)."""
    return formulas.bm25(m, m.whole, m.query.words)


@feature
def whole_han2_bm25(m: Matches) -> np.ndarray:
    """BM25F of the Han bigrams alone; missing for queries without any."""
    return formulas.bm25(m, m.whole, m.query.han2) if len(m.query.han2) else missing(m)


of_group("whole", whole, "in the document", coverage)


@feature
def whole_matched(m: Matches) -> np.ndarray:
    """Share of the query's content words that are in the document."""
    return share((m.whole.tf[:, m.query.words] > 0).sum(axis=1), len(m.query.words))


@feature
def whole_missing_idf(m: Matches) -> np.ndarray:
    """idf of the rarest content word that the document lacks."""
    return np.where(m.whole.tf[:, m.query.words] > 0, 0, m.word_idf).max(axis=1, initial=0.0)


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


of_group("whole", whole, "in the document", bigrams, phrase, density, near, lm, length)
