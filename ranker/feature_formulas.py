"""What several features have in common: columns of what is missing, shares, BM25 and the like of a group of fields."""

from typing import Any

import numpy as np

from ranker.field_groups import Group
from ranker.matches import Matches

DIRICHLET_MU = 200.0


def missing(m: Matches) -> np.ndarray:
    """A column of nothing."""
    return np.full(len(m), np.nan, np.float32)


def share(part: Any, of: int) -> Any:
    """A part of a number of things; NaN of none."""
    return part / of if of else part * np.nan


def bm25(m: Matches, group: Group, units: np.ndarray) -> np.ndarray:
    """BM25F of a group over some units."""
    tf = group.pseudo_tf[:, units]
    return (tf / (tf + m.k1[units])) @ term_weights(m)[units]


def term_weights(m: Matches) -> np.ndarray:
    """float32[U]: BM25's weight of each unit."""
    return m.stream_weights * m.idf * (m.k1 + 1)


def coverage(m: Matches, group: Group) -> np.ndarray:
    """Share of the content words' idf that a group has."""
    present = np.where(np.isnan(group.size)[:, None], np.nan, group.tf[:, m.query.words] > 0)
    return (present @ m.word_idf) / max(float(m.idf_sum), 1e-9)


def pair_share(m: Matches, group: Group) -> np.ndarray:
    """Share of the query's neighbouring pairs that a group has; missing without any."""
    if not len(m.query.pairs):
        return missing(m)
    return np.minimum(group.tf[:, m.query.pairs], 1).mean(axis=1)


def phrase_count(m: Matches, group: Group) -> np.ndarray:
    """Occurrences of the whole query; missing without text."""
    return group.tf[:, m.query.phrase] if m.query.phrase >= 0 else missing(m)


def first_position(m: Matches, group: Group) -> np.ndarray:
    """Earliest position of a content word, log; missing without one."""
    first = np.where(np.isnan(group.first[:, m.query.words]), np.inf, group.first[:, m.query.words]).min(axis=1, initial=np.inf)
    return np.log1p(np.where(np.isinf(first), np.nan, first))


def matched(m: Matches, group: Group) -> np.ndarray:
    """Number of content words that a group has; missing without its fields."""
    return np.where(np.isnan(group.size), np.nan, (group.tf[:, m.query.words] > 0).sum(axis=1))


def log_tf_idf(m: Matches, group: Group) -> np.ndarray:
    """float32[k, words]: log(1 + tf) x idf."""
    return np.log1p(group.tf[:, m.query.words]) * m.word_idf


def query_likelihood(m: Matches, group: Group) -> np.ndarray:
    """Zhai and Lafferty 2001, eq. 6, a mean over words; df over all tokens stands for the collection frequency, which no index keeps."""
    words = m.query.words
    seen = np.log1p(group.tf[:, words] / (DIRICHLET_MU * background(m))).sum(axis=1)
    return share(seen, len(words)) + np.log(DIRICHLET_MU / (group.size + DIRICHLET_MU))


def background(m: Matches) -> np.ndarray:
    """float64[words]: how often a token of the collection is each content word, by chance."""
    return np.maximum(m.word_df, 0.5) / m.tables.tokens
