"""Small synthetic worlds with known relevance: documents with features, rankers that show them, users that click, as ``ClickData``."""

from typing import NamedTuple

import numpy as np

from ranker.sessions import NUM_RANKS, ClickData, Sessions, counts_of
from ranker.users import click


class World(NamedTuple):
    """``grades`` float64[Q, D] and ``X`` float32[Q, D, F] of every document; row q * D + d of the data is document d of query q."""

    grades: np.ndarray
    X: np.ndarray
    data: ClickData


def make_world(user="pbm", sessions=20_000, queries=150, docs=15, length=10, rankers=3, seed=0, session_grades=None) -> World:
    """Zipf traffic over the queries; each session is served by one of ``rankers`` noisy rankings of its query."""
    rng = np.random.default_rng(seed)
    grades = rng.choice(5, (queries, docs), p=[0.5, 0.3, 0.13, 0.05, 0.02]).astype(float)
    X = np.stack([grades + rng.normal(0, s, grades.shape) for s in (1.0, 1.5, 2.0)] + [rng.normal(size=grades.shape) for _ in range(3)], 2)
    rankings = np.stack([np.argsort(-(grades + rng.normal(0, 2.5, grades.shape)), 1)[:, :length] for _ in range(rankers)])
    traffic = np.arange(1, queries + 1) ** -0.9
    query = rng.choice(queries, sessions, p=traffic / traffic.sum())
    shown = rankings[rng.integers(rankers, size=sessions), query]
    clicked = click(user, grades[query[:, None], shown], 4.0, rng)
    rows = query[:, None] * docs + shown
    return World(grades, X.astype(np.float32), as_click_data(X.reshape(-1, X.shape[2]), rows, clicked, docs))


def as_click_data(X, rows, clicked, docs) -> ClickData:
    """Sessions of equal length, rows int[S, L] and clicked bool[S, L], as the reader would give them."""
    count, length = rows.shape
    ranks = np.tile(np.arange(length, dtype=np.int32), count)
    sessions = Sessions(np.arange(0, count * length + 1, length), rows.ravel().astype(np.int32), ranks, clicked.ravel())
    shown, clicks = counts_of(sessions, len(X))
    queries = [f"query {q}" for q in range(len(X) // docs)]
    row_query = (np.arange(len(X)) // docs).astype(np.int32)
    assert shown.shape[1] == NUM_RANKS
    return ClickData(queries, row_query, [f"d{r}" for r in range(len(X))], X.astype(np.float32), shown, clicks, sessions, "f")


def ndcg10(scores: np.ndarray, grades: np.ndarray) -> float:
    """Mean nDCG@10 of scores float[Q, D] under grades float[Q, D]; queries without a relevant document are left out."""
    discount = 1 / np.log2(np.arange(2, 12))
    gains = 2.0**grades - 1
    got = (np.take_along_axis(gains, np.argsort(-scores, 1, kind="stable"), 1)[:, :10] * discount).sum(1)
    best = (-np.sort(-gains, 1)[:, :10] * discount).sum(1)
    return float((got[best > 0] / best[best > 0]).mean())
