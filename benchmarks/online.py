"""Live and counterfactual evaluation, in worlds where the truth is known: are experiments fair, how soon do they find a better ranking, and how
near do estimates from a log come to what a ranking really earns?

    python benchmarks/online.py                     all, some minutes
    python benchmarks/online.py --experiments 100   fewer simulated experiments

Users follow click models here and sessions are independent, so real experiments need more sessions than these.
"""

import argparse
import json
from collections.abc import Sequence
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

import lightgbm
import numpy as np
from ltr_worlds import SHOWN, TEST, TRAIN, WEAK, Judged, as_click_data, judged, ranked

from ranker.evaluate import values_of
from ranker.interleaving import NOBODY, margins, team_draft
from ranker.metrics import per_query
from ranker.sequential import verdict
from ranker.users import USERS, attractiveness

POOL = 100
"""Drafts that are drawn for each query; sessions take one of them."""
LABELLED = {"15 queries": (15, 30), "20 queries": (20, 30), "60 queries": (60, 40), "250 queries": (250, 60)}

LOGGER = "15 queries"
STEPS = (("lexical", "15 queries"), ("lexical", "20 queries"), ("20 queries", "60 queries"), ("60 queries", "250 queries"))


class Pool(NamedTuple):
    """``rows`` int64[Q, POOL, 10] of the documents shown, ``team`` int8 of their rankers, -1 for nobody, and ``weight`` float32 of clicks on them."""

    rows: np.ndarray
    team: np.ndarray
    weight: np.ndarray


def model_of(train: Judged, queries: int, rounds: int, seed: int = 0) -> Any:
    """A ranker made from so many judged queries."""
    few = train.part(np.random.default_rng(seed).choice(len(train.group), queries, replace=False))
    return lightgbm.train({**WEAK, "num_leaves": 15, "seed": seed}, lightgbm.Dataset(few.x, few.grades, group=few.group), rounds)


def drafts(first: np.ndarray, second: np.ndarray, seed: int = 0) -> Pool:
    """Many drafts of each query between two rankings int64[Q, 10]; of equal ones every document has a team, as in an A/A check."""
    chance, shared = Random(seed), not np.array_equal(first, second)
    # Ten of each: a draft of ten never reaches further down.
    made = [[team_draft(pair, SHOWN, chance, shared=shared) for _ in range(POOL)] for pair in zip(first, second)]
    teams = [[[-1 if team == NOBODY else int(team) for team in draft.teams] for draft in row] for row in made]
    weights = [[draft.weights for draft in row] for row in made]
    return Pool(np.array([[draft.docs for draft in row] for row in made]), np.array(teams, np.int8), np.array(weights))


def margins_of(pool: Pool, grades: np.ndarray, user: str, sessions: int, chance: np.random.Generator) -> np.ndarray:
    """By how much each of ``sessions`` users preferred the second, float64[S]; queries are asked evenly."""
    query, draft = chance.integers(0, len(pool.rows), sessions), chance.integers(0, POOL, sessions)
    found = grades[pool.rows[query, draft]].astype(float)
    clicked = USERS[user](attractiveness(found, 4.0), found / 4, chance)
    team, worth = pool.team[query, draft], clicked * pool.weight[query, draft].astype(float)
    return margins(np.stack([(worth * (team == number)).sum(axis=1) for number in (0, 1)], axis=1))[:, 0]


def outcomes(pool: Pool, grades: np.ndarray, user: str, experiments: int, horizon: int, seed: int = 0) -> tuple[list[str], list[int]]:
    """How each experiment ended, and after how many sessions, when somebody looks every hundred."""
    chance = np.random.default_rng(seed)
    ended = [_ended(margins_of(pool, grades, user, horizon, chance), horizon) for _ in range(experiments)]
    return [outcome for outcome, _ in ended], [sessions for _, sessions in ended]


def _ended(margins_: np.ndarray, horizon: int) -> tuple[str, int]:
    for sessions in range(100, horizon + 1, 100):
        found = verdict(margins_[:sessions], horizon)
        if found.outcome != "running":
            return found.outcome, sessions
    raise AssertionError("the horizon is a look")


def fairness(experiments: int, horizon: int = 2000) -> dict[str, Any]:
    """False verdicts of a ranking against itself, and of two rankings that differ, shown to users who do not care."""
    test = judged().part(TEST)
    first = ranked(test.x[:, -1], test)
    second = ranked(model_of(judged().part(TRAIN), *LABELLED["20 queries"]).predict(test.x), test)
    indifferent = np.ones(len(test.grades))
    report = {}
    for name, pool, grades in (("itself", drafts(first, first), test.grades), ("indifferent users", drafts(first, second), indifferent)):
        for user in ("pbm", "dbn"):
            found, _ = outcomes(pool, grades, user, experiments, horizon)
            report[f"{name}, {user}"] = float(np.mean([outcome != "same" for outcome in found]))
    return report


def power(experiments: int, horizon: int = 2000) -> dict[str, Any]:
    """How often a better ranking is found within the horizon, and after how many sessions."""
    train, test = judged().part(TRAIN), judged().part(TEST)
    scores = {"lexical": test.x[:, -1].astype(float)}
    scores |= {name: model_of(train, *size).predict(test.x) for name, size in LABELLED.items()}
    report = {}
    for before, after in STEPS:
        pool = drafts(ranked(scores[before], test), ranked(scores[after], test))
        gain = np.nanmean(per_query(scores[after], test.grades, test.group) - per_query(scores[before], test.grades, test.group))
        for user in ("pbm", "dbn"):
            found, sessions = outcomes(pool, test.grades, user, experiments, horizon)
            report[f"{before} -> {after}, {user}"] = {
                "gain_ndcg10": round(float(gain), 4),
                "found": float(np.mean([outcome == "better" for outcome in found])),
                "wrong": float(np.mean([outcome == "worse" for outcome in found])),
                "median_sessions": int(np.median(sessions)),
            }
    return report


class Logged:
    """Rankings of the training queries in the form of the engine's; ``none`` is the lexical score."""

    def __init__(self, train: Judged, scores: dict[str, np.ndarray]) -> None:
        self.train = train
        self.rankings = {name: ranked(one, train) for name, one in scores.items()}

    def rank(self, text: str, depth: int, name: str) -> Any:
        rows = self.rankings[name][int(text.split()[1])][:depth]
        return SimpleNamespace(keys=[str(row) for row in rows], features=self.train.x[rows], feature_fingerprint="worlds")


def log_of(train: Judged, scores: np.ndarray, sessions: int, seed: int) -> tuple[Any, np.ndarray]:
    """Clicks of position-based users on a ranking that a tenth of sessions sees shuffled (Plackett-Luce, 20 orders a query); and their queries."""
    chance = np.random.default_rng(seed)
    noisy = [scores + 0.6 * scores.std() * chance.gumbel(size=len(scores)) for _ in range(20)]
    orders = np.stack([ranked(one, train) for one in (scores, *noisy)])
    query = chance.integers(0, len(train.group), sessions)
    order = np.where(chance.random(sessions) < 0.1, chance.integers(1, 21, sessions), 0)
    shown = orders[order, query]
    grades = train.grades[shown].astype(float)
    return as_click_data(train, shown, USERS["pbm"](attractiveness(grades, 4.0), grades / 4, chance))[0], query


def estimates(sessions: int, seeds: Sequence[int] = (0, 1, 2)) -> dict[str, Any]:
    """Mean relative error of the value of rankings by each method, and the share of pairs in the right order."""
    train = judged().part(TRAIN)
    scores = {name: model_of(train, *LABELLED[name]).predict(train.x) for name in (LOGGER, "60 queries", "250 queries")}
    scores["none"] = train.x[:, -1].astype(float)
    engine = Logged(train, scores)
    attraction, theta = attractiveness(train.grades.astype(float), 4.0), 1 / np.arange(1, SHOWN + 1)
    errors: dict[str, list[float]] = {}
    right: dict[str, list[float]] = {}
    coverage: dict[str, list[float]] = {}
    for seed in seeds:
        data, query = log_of(train, scores[LOGGER], sessions, seed)
        found = values_of(engine, data, list(scores), seed)
        true = np.array([(attraction[engine.rankings[name][query]] * theta).sum(axis=1).mean() for name in scores])
        for name in scores:
            coverage.setdefault(name, []).append(float(np.average([v.coverage for v in found.of[name]], weights=found.sessions)))
        for method in ("dm", "ips", "snips", "dr"):
            told = np.array([_mean(found, name, method) for name in scores])
            errors.setdefault(method, []).extend(np.abs(told - true) / true)
            i, j = np.triu_indices(len(true), 1)
            right.setdefault(method, []).extend((np.sign(told[i] - told[j]) == np.sign(true[i] - true[j])).astype(float))
    means = lambda found: {name: round(float(np.mean(values)), 4) for name, values in found.items()}  # noqa: E731
    return {"relative_error": means(errors), "pairs_in_order": means(right), "coverage": means(coverage)}


def _mean(found: Any, name: str, method: str) -> float:
    values = np.array([getattr(value, method) for value in found.of[name]])
    known = ~np.isnan(values)
    return float(np.average(values[known], weights=found.sessions[known]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--experiments", type=int, default=1000)
    count = parser.parse_args().experiments
    for name, part in (
        ("false verdicts", lambda: fairness(count)),
        ("better rankings found", lambda: power(max(count // 2, 1))),
        *((f"estimates from {sessions} sessions", lambda sessions=sessions: estimates(sessions)) for sessions in (2_000, 10_000, 100_000)),
    ):
        print(json.dumps({name: part()}, indent=1), flush=True)


if __name__ == "__main__":
    main()
