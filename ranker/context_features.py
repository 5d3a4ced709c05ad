"""Features of the query, and of the candidate among the candidates."""

import numpy as np

from ranker.feature_formulas import share
from ranker.feature_registry import feature
from ranker.matches import Matches

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
    return m.idf_sum


@feature
def query_idf_min(m: Matches) -> float:
    """idf of the commonest content word."""
    return m.word_idf.min() if len(m.query.words) else np.nan


@feature
def query_hits(m: Matches) -> float:
    """Documents that have the rarest content word, log: no more can have all of them."""
    return np.log1p(m.word_df.min()) if len(m.query.words) else np.nan


@feature
def query_idf_max(m: Matches) -> float:
    """idf of the rarest content word."""
    return m.word_idf.max(initial=0.0)


@feature
def query_idf_mean(m: Matches) -> float:
    """Mean idf of the content words."""
    return share(m.idf_sum, len(m.query.words))


@feature
def query_unknown(m: Matches) -> float:
    """Share of the content words that no document has."""
    return share((m.word_df == 0).sum(), len(m.query.words))


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
    return m.scores / max(float(m.best.top), 1e-9)


@feature
def retrieval_margin(m: Matches) -> np.ndarray:
    """Score over the mean of the best ten, which unlike the mean of all does not depend on how many candidates were asked for."""
    return m.scores / max(float(m.best.mean), 1e-9) if len(m) else m.scores


@feature
def retrieval_below_top(m: Matches) -> np.ndarray:
    """Score minus the best score."""
    return m.scores - m.best.top


@feature
def retrieval_z(m: Matches) -> np.ndarray:
    """Score minus the mean of the best ten, over their standard deviation."""
    return (m.scores - m.best.mean) / max(float(m.best.deviation), 1e-6) if len(m) else m.scores
