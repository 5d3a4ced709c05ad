"""How good a model is: on judged rows of a file, or on the click log of a home, all queries together and slice by slice."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ranker.click_likelihood import click_likelihood
from ranker.counterfactual import METHODS, MIN_COVERAGE, QueryLog, Value, self_normalised, value_of, weighted_estimate
from ranker.fingerprints import base_of
from ranker.metrics import MEASURES, bootstrap_interval, mean_of, per_query
from ranker.model import read_model
from ranker.relevance import choose_theta
from ranker.row_files import read_rows
from ranker.sessions import ClickData
from ranker.training_set import NothingToLearn


def evaluate_letor(folder: Path, file: Path) -> list[dict[str, Any]]:
    """One record a measure: mean over queries with a positive grade, with a 95 % interval; raises SearchdError."""
    model = read_model(folder)
    data = read_rows(file, model.featureset)
    scores = np.zeros(len(data))
    for start, end in zip(data.bounds, data.bounds[1:]):
        scores[start:end] = model.score(data.x[start:end])
    records = []
    for measure in MEASURES:
        values = per_query(scores, data.grades, data.group, measure)
        low, high = bootstrap_interval(values)
        records.append(_record(measure=measure, value=mean_of(values), low=low, high=high, queries=int((~np.isnan(values)).sum())))
    return records


def evaluate_log(engine: Any, data: ClickData, models: Sequence[str], seed: int = 0) -> list[dict[str, Any]]:
    """One record a slice, model and method: clicks a search the model's rankings would have earned, and the gain over no model.

    Raises NothingToLearn for a log without impressions that have the features of this index.
    """
    names = list(dict.fromkeys(["none", *models]))
    found = values_of(engine, data, names, seed)
    return [
        estimate(found, name, "none", method, members, seed) | {"slice": label}
        for label, members in slices(data.queries, found.sessions).items()
        for name in names
        for method in METHODS
    ]


class Values(NamedTuple):
    """``of`` gives what each model's ranking of each query is worth; ``sessions`` float64[Q] counts the searches of the query in the log."""

    of: dict[str, list[Value]]
    sessions: np.ndarray


def values_of(engine: Any, data: ClickData, names: Sequence[str], seed: int = 0) -> Values:
    """Clicks a search that each model would have earned on each query of the log, as deep as lists are usually shown.

    Propensities are those that ``ranker.propensity`` finds in this log. Raises NothingToLearn for a log without impressions that have features.
    """
    if not data.num_sessions or not len(data.row_key):
        raise NothingToLearn("expected logged searches with the features of this index, found none; search with the log on first")
    theta = choose_theta(data)[0][: usual_depth(data)]
    shown = replace(data, shown=data.shown[:, : len(theta)], clicked=data.clicked[:, : len(theta)])
    rankings = {name: [engine.rank(text, len(theta), name) for text in data.texts] for name in dict.fromkeys(["none", *names])}
    relevance, strange = _relevance(shown, theta, _strangers(data, rankings), seed)
    logs = _query_logs(shown, theta, relevance)
    values = {name: [_value(rankings[name][q], q, data, logs, strange, theta) for q in range(len(data.queries))] for name in names}
    sessions = np.array([log.sessions for log in logs])
    return Values({name: self_normalised(found, sessions) for name, found in values.items()}, sessions)


def usual_depth(data: ClickData) -> int:
    """The deepest rank that at least half of the searches show: below, a log says too little of any ranking."""
    by_rank = data.shown.sum(axis=0)
    return int(np.flatnonzero(by_rank * 2 >= by_rank.max())[-1]) + 1


def estimate(found: Values, name: str, base: str, method: str, members: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """The value of a model over some queries (bool[Q]) by one method, and its gain over ``base``, with intervals.

    Where less than .8 of what people would look at has been logged, there is no value: such a model is for interleaving.
    """
    mine, other = (np.array([getattr(v, method) for v in found.of[n]])[members] for n in (name, base))
    weights = found.sessions[members]
    coverage = weighted_estimate(np.array([v.coverage for v in found.of[name]])[members], weights, rounds=1).value
    record = _record(slice="all", queries=int(members.sum()), model=name, method=method, coverage=coverage)
    if not coverage >= MIN_COVERAGE:
        return record | {"value": None, "low": None, "high": None, "gain": None, "why": "not evaluable: coverage below 0.8, interleave"}
    value, gain = weighted_estimate(mine, weights, seed), weighted_estimate(mine - other, weights, seed)
    measured = {"value": value.value, "low": value.low, "high": value.high}
    return record | _record(**measured, gain=gain.value, gain_low=gain.low, gain_high=gain.high)


def slices(queries: Sequence[str], sessions: np.ndarray) -> dict[str, np.ndarray]:
    """bool[Q] by label: all, then by how frequent a query is, by script and by length; empty slices are left out."""
    order = np.argsort(-sessions, kind="stable")
    cumulated = np.empty(len(order))
    cumulated[order] = np.cumsum(sessions[order]) - sessions[order]
    share = cumulated / max(float(sessions.sum()), 1.0)
    han = np.array([any("\u3400" <= c <= "\u9fff" for c in text) for text in queries])
    latin = np.array([any(c.isascii() and c.isalpha() for c in text) for text in queries])
    words = np.array([len(text.split()) for text in queries])
    found = {
        "all": np.ones(len(queries), bool),
        "head": share < 1 / 3,
        "torso": (share >= 1 / 3) & (share < 2 / 3),
        "tail": share >= 2 / 3,
        "chinese": han & ~latin,
        "latin": latin & ~han,
        "mixed": han & latin,
        "one word": words == 1,
        "many words": words >= 4,
    }
    return {label: members for label, members in found.items() if members.any()}


Strangers = dict[tuple[int, str], np.ndarray]


def _strangers(data: ClickData, rankings: dict[str, list[Any]]) -> Strangers:
    """Features of ranked documents that the log never showed, by query and key; a document whose vector is not known is worth the mean."""
    logged = {(int(q), key) for q, key in zip(data.row_query, data.row_key)}
    found: Strangers = {}
    for q, ranking in ((q, one) for ranked in rankings.values() for q, one in enumerate(ranked)):
        if ranking.features is not None and base_of(ranking.feature_fingerprint)[0] == data.feature_fingerprint:
            found.update({(q, key): ranking.features[i, : data.X.shape[1]] for i, key in enumerate(ranking.keys) if (q, key) not in logged})
    return found


def _relevance(data: ClickData, theta: np.ndarray, strangers: Strangers, seed: int) -> tuple[np.ndarray, dict[tuple[int, str], float]]:
    """Relevance of the rows of the log, and of the strangers, by one model of the clicks."""
    rows, ranks = np.nonzero(data.shown)
    known = {key: x for key, x in strangers.items() if len(x) == data.X.shape[1]}
    x = np.concatenate([data.X, np.array(list(known.values()), np.float32).reshape(len(known), data.X.shape[1])])
    predicted = click_likelihood(x, rows, theta[ranks], data.shown[rows, ranks], data.clicked[rows, ranks], seed)
    return predicted[: len(data.X)], dict(zip(known, predicted[len(data.X) :].tolist()))


def _query_logs(data: ClickData, theta: np.ndarray, relevance: np.ndarray) -> list[QueryLog]:
    exposure, clicks = data.shown @ theta, data.clicked.sum(axis=1).astype(np.float64)
    logs = []
    for q in range(len(data.queries)):
        rows = np.flatnonzero(data.row_query == q)
        # The first rank is shown in every session, so it counts them.
        sessions = float(data.shown[rows, 0].sum()) or float(data.shown[rows].sum(axis=0).max(initial=0)) or 1.0
        logs.append(QueryLog(sessions, exposure[rows], clicks[rows], relevance[rows]))
    return logs


def _value(ranking: Any, q: int, data: ClickData, logs: list[QueryLog], strange: dict[tuple[int, str], float], theta: np.ndarray) -> Value:
    rows = np.flatnonzero(data.row_query == q)
    place = {data.row_key[row]: i for i, row in enumerate(rows)}
    mean = float(logs[q].relevance.mean()) if len(rows) else 0.0
    logged = np.array([place.get(key, -1) for key in ranking.keys[: len(theta)]], np.int64)
    unknown = np.array([strange.get((q, key), mean) for key in ranking.keys[: len(theta)]])
    return value_of(logs[q], logged, unknown, theta)


def _record(**fields: Any) -> dict[str, Any]:
    return {k: (None if np.isnan(v) else round(float(v), 4)) if isinstance(v, float) else v for k, v in fields.items()}
