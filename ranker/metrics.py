"""Measures of a ranking: plain functions of the grades in ranked order, one query at a time."""

from collections.abc import Callable

import numpy as np


def dcg(grades: np.ndarray, k: int = 10) -> float:
    """Discounted cumulative gain of the first ``k``, gain 2^grade - 1 (Burges et al. 2005)."""
    top = np.asarray(grades, float)[:k]
    return float(((2.0**top - 1) / np.log2(np.arange(2, len(top) + 2))).sum())


def ndcg(grades: np.ndarray, k: int = 10, ideal: np.ndarray | None = None) -> float:
    """dcg over that of the best order; ``ideal`` = all grades of the query where not all are ranked. 0 without a positive grade."""
    best = dcg(np.sort(np.asarray(grades if ideal is None else ideal, float))[::-1], k)
    return dcg(grades, k) / best if best > 0 else 0.0


def average_precision(grades: np.ndarray) -> float:
    """Mean precision at the ranks of the relevant documents (grade > 0)."""
    ranks = np.flatnonzero(np.asarray(grades) > 0) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).mean()) if len(ranks) else 0.0


def reciprocal_rank(grades: np.ndarray) -> float:
    """1 / rank of the first relevant document, 0 without one."""
    ranks = np.flatnonzero(np.asarray(grades) > 0)
    return 1.0 / (ranks[0] + 1) if len(ranks) else 0.0


MEASURES: dict[str, Callable[[np.ndarray], float]] = {
    "nDCG@1": lambda grades: ndcg(grades, 1),
    "nDCG@5": lambda grades: ndcg(grades, 5),
    "nDCG@10": ndcg,
    "AP": average_precision,
    "RR": reciprocal_rank,
}


def bounds_of(group: np.ndarray) -> np.ndarray:
    """int64[Q + 1] row bounds of queries from their numbers of rows."""
    return np.concatenate([[0], np.cumsum(group)]).astype(np.int64)


def per_query(scores: np.ndarray, grades: np.ndarray, group: np.ndarray, measure: str = "nDCG@10") -> np.ndarray:
    """float64[Q]: the measure of each query when its rows are ordered by score, ties in row order; NaN without a positive grade."""
    function, bounds = MEASURES[measure], bounds_of(group)
    values = np.full(len(group), np.nan)
    for q, (start, end) in enumerate(zip(bounds, bounds[1:])):
        mine = grades[start:end]
        if (mine > 0).any():
            values[q] = function(mine[np.argsort(-scores[start:end], kind="stable")])
    return values


def mean_of(values: np.ndarray) -> float:
    """Mean over the queries that have a relevant document; NaN if none has."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def bootstrap_interval(values: np.ndarray, seed: int = 0, rounds: int = 2000) -> tuple[float, float]:
    """95 % interval of the mean by resampling queries; (nan, nan) without values."""
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    means = known[rng.integers(0, len(known), (rounds, len(known)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
