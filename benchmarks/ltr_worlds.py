"""Synthetic worlds in which learning from clicks can be marked: judged queries, three rankers that show them, users that click.

The documents follow the grades of MSLR-WEB (half irrelevant, one in a hundred perfect) and have 40 noisy features of hidden factors; the last
feature is a weak lexical score. Ten are shown. Traffic follows Zipf's law and is split over two weak models and that score, which is what tells
position from relevance. Six kinds of users click, each after a click model of the literature, or a mixture of five of them.

What such worlds cannot show: users follow a click model here, the features hold most of what there is to know, and nothing changes with time.
"""

from typing import NamedTuple

import lightgbm
import numpy as np
from numpy.typing import NDArray

from ranker.sessions import ClickData, Sessions, counts_of
from ranker.users import USERS, attractiveness

Floats = NDArray[np.float64]

GRADES = np.array([0.514, 0.325, 0.134, 0.019, 0.008])
SHOWN = 10
TRAIN, TEST = slice(0, 1500), slice(1800, 2400)
LABELLED = 15
TRAFFIC_SHARES = {"harvest": (0.6, 0.3, 0.1), "deterministic": (1.0, 0.0, 0.0)}
KINDS = ("pbm", "trust", "cascade", "dbn", "ubm", "mix")
WEAK = {"objective": "lambdarank", "num_leaves": 7, "learning_rate": 0.1, "min_data_in_leaf": 10, "verbose": -1, "num_threads": 1}


class Judged(NamedTuple):
    """``x`` float32[n, 40] and ``grades`` int[n] in 0..4 of queries whose rows are ``bounds[q]:bounds[q + 1]``."""

    x: NDArray[np.float32]
    grades: NDArray[np.int64]
    bounds: NDArray[np.int64]

    @property
    def group(self) -> NDArray[np.int64]:
        return np.diff(self.bounds)

    def part(self, chosen: slice | NDArray[np.int64]) -> "Judged":
        """Some of the queries, renumbered."""
        queries = np.arange(len(self.group))[chosen]
        rows = np.concatenate([np.arange(self.bounds[q], self.bounds[q + 1]) for q in queries])
        return Judged(self.x[rows], self.grades[rows], np.concatenate([[0], np.cumsum(self.group[queries])]))


class World(NamedTuple):
    """Judged queries to learn from and to test on, the features of what was shown and clicked, and the scores of the production ranker."""

    train: Judged
    test: Judged
    clicks: ClickData
    shown_rows: NDArray[np.int64]  # row of ``train`` for each row of ``clicks``
    production: Floats  # scores of the test rows


def judged(queries: int = 2400, seed: int = 0) -> Judged:
    """Hidden factors to grades, through a relevance that is not linear in them; features are noisy views of the factors."""
    chance = np.random.default_rng(seed)
    parts = [_one_query(chance) for _ in range(queries)]
    relevance = np.concatenate([r for _, r in parts])
    cuts = np.quantile(relevance, np.cumsum(GRADES)[:-1])
    bounds = np.concatenate([[0], np.cumsum([len(r) for _, r in parts])])
    return Judged(np.vstack([x for x, _ in parts]), np.searchsorted(cuts, relevance), bounds)


def _one_query(chance: np.random.Generator) -> tuple[NDArray[np.float32], Floats]:
    """Features and relevance of one query's candidates."""
    n = int(np.clip(chance.normal(30, 12), 12, 100))
    length, navigational, difficulty = chance.integers(1, 8), chance.random() < 0.25, chance.normal()
    fresh = chance.random() < 0.2
    match = chance.normal(0, 1, n) + 0.5 * difficulty
    title = 0.6 * match + 0.8 * chance.normal(0, 1, n)
    meaning = 0.5 * match + 0.85 * chance.normal(0, 1, n)
    quality, spam, age = chance.normal(0, 1, n), chance.random(n) < 0.12, chance.exponential(1, n)
    words, depth = chance.lognormal(6, 1, n), chance.poisson(2, n)
    near = np.where(length > 1, 0.5 * match + 0.8 * chance.normal(0, 1, n), 0)
    relevance = (
        0.9 * np.tanh(match)
        + 0.8 * np.maximum(title, -0.5)
        + (0.7 * (length > 3) + 0.35) * meaning
        + 0.5 * near * (length > 1)
        + (1.6 if navigational else 0.5) * np.maximum(quality, -1) * (match > -0.5)
        - 2.2 * spam
        - (0.9 if fresh else 0.1) * age
        - 0.25 * np.abs(np.log(words) - 6.2)
        - (0.4 if navigational else 0.05) * depth
        + 0.6 * difficulty
        + 2.0 * chance.normal(0, 1, n)
    )
    of_query = [length, navigational * 0.7 + 0.3 * chance.random(), fresh * 0.6 + 0.4 * chance.random(), difficulty + 0.5 * chance.normal()]
    columns = [np.full(n, value) for value in of_query]
    for factor, views, noise in ((match, 6, 0.7), (title, 5, 0.6), (meaning, 4, 0.7), (near, 3, 0.6), (quality, 4, 0.6)):
        columns += [_view(factor + 1.6 * noise * chance.normal(0, 1, n), j) for j in range(views)]
    columns += [spam * 0.5 + 0.7 * chance.random(n), age * np.exp(0.3 * chance.normal(0, 1, n)), words]
    columns += [np.log(words) + 0.1 * chance.normal(0, 1, n), depth]
    columns += [chance.normal(0, 1, n) for _ in range(8)]
    columns.append(5 + 1.2 * match + 0.9 * title + 2.5 * chance.normal(0, 1, n) + 0.4 * np.log(length))
    return np.column_stack(columns).astype(np.float32), relevance


def _view(noisy: Floats, number: int) -> Floats:
    """Features come plain, skewed, or counted."""
    return (noisy, np.exp(0.5 * noisy), np.floor(np.maximum(noisy, 0) * 4))[0 if number % 3 == 0 else 1 if number % 3 == 1 else 2]


def world(user: str, sessions: int, seed: int = 0, logging: str = "harvest") -> World:
    """``logging``: "harvest" (three rankers), "deterministic" (one), "swap" (one, and in a tenth of sessions its first is swapped)."""
    everything = judged(seed=seed)
    train, test = everything.part(TRAIN), everything.part(TEST)
    chance = np.random.default_rng(1000 + seed)
    models = [_weak_model(train, chance, number) for number in range(2)]
    rankings = np.stack([ranked(score, train) for score in (*(m.predict(train.x) for m in models), train.x[:, -1])])
    traffic = chance.permutation(1 / np.arange(1, len(train.group) + 1) ** 0.9)
    query = chance.choice(len(train.group), sessions, p=traffic / traffic.sum())
    shown = _shown(rankings, query, logging, chance)
    clicked = _clicked(user, train, shown, chance)
    clicks, rows = as_click_data(train, shown, clicked)
    return World(train, test, clicks, rows, np.asarray(models[0].predict(test.x)))


def _weak_model(train: Judged, chance: np.random.Generator, number: int) -> lightgbm.Booster:
    """A ranker made from fifteen judged queries: what a young site might run."""
    few = train.part(chance.choice(len(train.group), LABELLED, replace=False))
    return lightgbm.train({**WEAK, "seed": number}, lightgbm.Dataset(few.x, few.grades, group=few.group), 30)


def ranked(scores: NDArray[np.floating], train: Judged) -> NDArray[np.int64]:
    """Rows of the first ten of each query, int64[Q, 10]; every query has twelve or more."""
    starts = train.bounds[:-1]
    return np.stack([start + np.argsort(-scores[start : start + n], kind="stable")[:SHOWN] for start, n in zip(starts, train.group)])


def _shown(rankings: NDArray[np.int64], query: NDArray[np.int64], logging: str, chance: np.random.Generator) -> NDArray[np.int64]:
    if logging in TRAFFIC_SHARES:
        return rankings[chance.choice(3, len(query), p=TRAFFIC_SHARES[logging]), query]
    shown = rankings[0, query]
    everyone = np.arange(len(query))
    swap = np.where(chance.random(len(query)) < 0.1, chance.integers(1, SHOWN, len(query)), 0)
    shown[everyone, swap], shown[:, 0] = shown[:, 0].copy(), shown[everyone, swap].copy()
    return shown


def _clicked(user: str, train: Judged, shown: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.bool_]:
    grades = train.grades[shown].astype(np.float64)
    if user != "mix":
        return _clicks_of(user, grades, chance)
    clicked = np.zeros(shown.shape, bool)
    kind = chance.integers(0, 5, len(shown))
    for number, name in enumerate(KINDS[:5]):
        clicked[kind == number] = _clicks_of(name, grades[kind == number], chance)
    return clicked


def _clicks_of(user: str, grades: Floats, chance: np.random.Generator) -> NDArray[np.bool_]:
    if user == "trust":
        return trusting(0.02 + 0.98 * (2.0**grades - 1) / 15, chance)
    return USERS[user](attractiveness(grades, 4.0), grades / 4, chance)


def trusting(attraction: Floats, chance: np.random.Generator) -> NDArray[np.bool_]:
    """Position-based, and the higher a document stands, the more it is trusted: what repels is clicked there too (Agarwal et al., WWW 2019)."""
    k = np.arange(1, attraction.shape[1] + 1)
    return chance.random(attraction.shape) < ((1 - k / 100) * attraction + 0.65 / k * (1 - attraction)) / k


def as_click_data(train: Judged, shown: NDArray[np.int64], clicked: NDArray[np.bool_]) -> tuple[ClickData, NDArray[np.int64]]:
    """The log as the reader would give it: only rows that were shown."""
    seen, rows = np.unique(shown, return_inverse=True)
    count, length = shown.shape
    ranks = np.tile(np.arange(length, dtype=np.int32), count)
    sessions = Sessions(np.arange(0, count * length + 1, length), rows.ravel().astype(np.int32), ranks, clicked.ravel())
    query = np.searchsorted(train.bounds, seen, side="right") - 1
    names, row_query = np.unique(query, return_inverse=True)
    texts = [f"query {q}" for q in names]
    cells = counts_of(sessions, len(seen))
    data = ClickData(texts, row_query.astype(np.int32), [str(row) for row in seen], train.x[seen], *cells, sessions, "worlds", {}, texts)
    return data, seen
