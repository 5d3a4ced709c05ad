"""Judgments or clicks to a training set, with the features that serving computes.

Both ask the engine for the candidates of a query in retrieval's own order, features included: what a model learns from is what it will be given.
Documents nobody judged, or nobody was shown, are candidates too when the model serves, so some of them join as negatives; a model that has
only ever seen the first page would otherwise lift strangers from rank 90 to the top.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from itertools import chain
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np

from ranker.featureset import FeatureSet
from ranker.rankers import More
from ranker.relevance import Targets
from ranker.sessions import ClickData
from ranker.training_set import NothingToLearn, TrainingSet

DEPTH = 100  # candidates that serving reranks
UNJUDGED = 40  # of them at most so many unjudged ones join as grade 0
UNSHOWN = 30  # unshown candidates that join each query of a click log ...
UNSHOWN_GRADE = 0.5  # ... with this share of the grade that features foretell, but no more than half of the shown ones have ...
UNSHOWN_WEIGHT = 0.25  # ... and of the weight of a document that was shown ...
UNSHOWN_LOOKS = 2.0  # ... as if nobody had clicked in so many looks, where the loss is about those
MAX_SESSIONS = 15_000  # that LightGBM's own correction by position is given
MAX_QUERIES = 5_000  # of a click log, ask the engine for the unshown of the most frequent only


class Engine(Protocol):
    """What training needs of an engine: candidates with features, and the index they come from."""

    index: Any

    def rank(self, q: str, depth: int, model: str) -> Any: ...


def from_judgments(
    engine: Engine, queries: Mapping[str, str], judgments: Mapping[str, Mapping[str, float]], depth: int = DEPTH, seed: int = 0
) -> TrainingSet:
    """Grades of people over the candidates of each judged query; unjudged candidates are grade 0, at most 40 of them, chosen evenly."""
    features = FeatureSet.default(engine.index.schema)
    parts, qids = [], []
    for qid, grades in judgments.items():
        ranking = engine.rank(queries[qid], depth, "none") if qid in queries else None
        if ranking is None or not len(ranking.keys):
            continue
        rows = _judged_rows(ranking.keys, grades, qid, seed)
        found = np.array([_grade(grades, ranking.keys[row]) or 0.0 for row in rows], np.float32)
        parts.append((_features(ranking, features)[rows], found, [ranking.keys[row] for row in rows]))
        qids.append(qid)
    if not parts:
        raise NothingToLearn(
            f"expected judged queries with results, found none in {len(judgments)}; check that qids and document ids agree"
        )
    x, found_grades, keys = zip(*parts)
    group = np.array([len(k) for k in keys], np.int64)
    weights = np.ones(int(group.sum()), np.float32)
    return TrainingSet(np.concatenate(x), np.concatenate(found_grades), weights, group, qids, sum(keys, []), features, soft=False)


def _judged_rows(keys: list[str], grades: Mapping[str, float], qid: str, seed: int) -> np.ndarray:
    """Candidates to learn from, in order: all judged ones and a sample of the others that depends on the query alone."""
    judged = np.array([_grade(grades, key) is not None for key in keys])
    others = np.flatnonzero(~judged)
    chosen = _generator(qid, seed).permutation(others)[:UNJUDGED]
    return np.sort(np.concatenate([np.flatnonzero(judged), chosen]))


def _grade(grades: Mapping[str, float], key: str) -> float | None:
    """A judgment by key; TREC files hold keys with their white space percent-encoded."""
    found = grades.get(key)
    return grades.get(quote(key, safe="")) if found is None and any(c.isspace() for c in key) else found


def from_clicks(data: ClickData, targets: Targets, engine: Engine | None, depth: int = DEPTH, seed: int = 0) -> TrainingSet:
    """Soft grades over what was shown, with the logged features, and unshown candidates of the engine as weak negatives."""
    if not len(data.row_key):
        raise NothingToLearn(
            "expected impressions with the features of this index, found none; log searches first, or rebuild their features"
        )
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row, query in enumerate(data.row_query):
        rows_of[int(query)].append(row)
    frequent = set(sorted(rows_of, key=lambda q: (-int(data.shown[rows_of[q]].sum()), q))[:MAX_QUERIES])
    features = FeatureSet.default(engine.index.schema) if engine else FeatureSet.plain([f"f{i + 1}" for i in range(data.X.shape[1])])
    rates = targets.grades if targets.rates is None else targets.rates
    parts = []
    for query, rows in rows_of.items():
        columns = targets.grades[rows], np.ones(len(rows)), rates[rows], targets.weights[rows]
        shown = (data.X[rows], np.array(columns, np.float32), [data.row_key[row] for row in rows])
        extra = _unshown(engine, data.texts[query], shown, targets, features, depth, seed) if engine and query in frequent else None
        parts.append(_joined(shown, extra) if extra else shown)
    x, columns, keys = zip(*parts)
    grades, weights, rate, looks = np.concatenate(columns, axis=1)
    return TrainingSet(
        np.concatenate(x), grades, weights, np.array([len(k) for k in keys], np.int64), [data.queries[q] for q in rows_of],
        list(chain.from_iterable(keys)), features, True, More(rates=rate, looks=looks),
    )  # fmt: skip


def from_sessions(data: ClickData, features: FeatureSet) -> TrainingSet:
    """The newest sessions with a click one by one, each a list of its own with 1 for what was clicked, and the ranks of its rows."""
    sessions = data.sessions
    lengths = np.diff(sessions.offsets)
    clicks = np.add.reduceat(sessions.clicked, sessions.offsets[:-1], dtype=np.int64) if len(sessions) else lengths
    chosen = np.flatnonzero(clicks > 0)[-MAX_SESSIONS:]
    if not len(chosen):
        raise NothingToLearn("expected sessions with clicks, found none; wait for more, or train from judgments")
    places = np.flatnonzero(np.isin(np.repeat(np.arange(len(sessions)), lengths), chosen))
    rows = sessions.rows[places]
    firsts = sessions.rows[sessions.offsets[chosen]]
    return TrainingSet(
        data.X[rows], sessions.clicked[places].astype(np.float32), np.ones(len(rows), np.float32), lengths[chosen],
        [data.queries[data.row_query[row]] for row in firsts], [], features, False, More(positions=sessions.ranks[places]),
    )  # fmt: skip


def _unshown(
    engine: Engine, text: str, shown: tuple, targets: Targets, features: FeatureSet, depth: int, seed: int
) -> tuple | None:  # fmt: skip
    """Candidates that no session of this query showed: (features, their grades, weights, rates and looks, keys), or None where all were shown."""
    ranking = engine.rank(text, depth, "none")
    known = set(shown[-1])
    others = np.array([i for i, key in enumerate(ranking.keys) if key not in known], np.int64)
    rows = np.sort(_generator(text, seed).permutation(others)[:UNSHOWN])
    if not len(rows):
        return None
    x = _features(ranking, features)[rows]
    likely = targets.foretell(x) if targets.foretell else np.full(len(rows), np.quantile(shown[1][0], 0.25))
    low = np.minimum(UNSHOWN_GRADE * likely, np.median(shown[1][0]))
    columns = low, np.full(len(rows), UNSHOWN_WEIGHT), low, np.full(len(rows), UNSHOWN_LOOKS)
    return x, np.array(columns, np.float32), [ranking.keys[r] for r in rows]


def _joined(first: tuple, second: tuple) -> tuple:
    return np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]], axis=1), first[2] + second[2]


def _features(ranking: Any, features: FeatureSet) -> np.ndarray:
    table = ranking.features
    if table is None or table.shape[1] != len(features.names):
        found = "none" if table is None else f"{table.shape[1]}"
        raise NothingToLearn(
            f"expected {len(features.names)} features for each candidate, found {found}; rebuild the index with this version"
        )
    return table


def _generator(name: str, seed: int) -> np.random.Generator:
    """Random numbers that depend on a query's name and the seed, not on which other queries there are."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest, "little")])
