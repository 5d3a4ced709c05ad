"""A judged collection and a kind of user to clicks on the engine's real rankings: a full click log in seconds.

The engine ranks every query once. Sessions then come with Zipf traffic; one in ten sees the first document swapped with another of the
first ten, chosen evenly, so that documents are seen at several ranks and position bias can be told from relevance. What is written is
marked simulated, and a simulation with the same seed over the same index and model writes the same log: repeated, it adds nothing.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.errors import SearchdError
from ranker.clicklog import ClickLog, Event, Impression
from ranker.clicklog_schema import now_ms
from ranker.judged import grade_of
from ranker.users import USERS, click

ZIPF_EXPONENT = 0.9
EXPLORED_SHARE = 0.1
DEPTH = 20
SWAP_DEPTH = 10
"""How far down the first document may go: swaps spread over more ranks would be too few at each to learn from."""
CHUNK = 5_000
SESSION_MS = 1_000


class SimulationError(SearchdError):
    """There is nothing to simulate with."""

    code = "simulation"


class Ranking(Protocol):
    """What ``engine.rank`` returns: ``keys`` best first, and the vectors float32[n, F] that a model scored or would score.

    For the clicks to be of use in training there must be features for ``model="none"`` too, by the feature set that training will use.
    """

    @property
    def keys(self) -> list[str]: ...
    @property
    def features(self) -> NDArray[np.float32] | None: ...
    @property
    def retrieval_scores(self) -> NDArray[np.float32]: ...
    @property
    def generation(self) -> str: ...
    @property
    def model(self) -> Any: ...
    @property
    def feature_fingerprint(self) -> str: ...


class Engine(Protocol):
    """The part of the engine that is driven."""

    def rank(self, query: str, depth: int, model: str) -> Ranking: ...


class Report(NamedTuple):
    """What a simulation wrote; ``new`` is fewer than ``sessions`` when it had run before."""

    sessions: int
    clicks: int
    clicked_sessions: int
    explored_sessions: int
    queries: int
    new: int


class _Plan(NamedTuple):
    """S sessions: which query, which position is swapped with the first (0 for none), and what is clicked, bool[S, K] by displayed rank."""

    query: NDArray[np.int64]
    swap: NDArray[np.int64]
    clicked: NDArray[np.bool_]


def simulate(
    engine: Engine,
    log: ClickLog,
    queries: Mapping[str, str],
    judgments: Mapping[str, Mapping[str, float]],
    users: str,
    sessions: int,
    seed: int,
    model: str = "active",
    depth: int = DEPTH,
    explored_share: float = EXPLORED_SHARE,
) -> Report:
    """Write ``sessions`` impressions and their clicks to ``log``.

    ``queries`` maps ids to texts, ``judgments`` ids to grades by key; queries without judgments or results get no traffic, and documents
    without a judgment count as grade 0. Raises ``SimulationError`` when that leaves nothing or ``users`` is unknown.
    """
    if users not in USERS:
        raise SimulationError(f"users: expected one of {', '.join(USERS)}, found {users!r}")
    texts = [queries[qid] for qid in judgments if qid in queries]
    graded = [judgments[qid] for qid in judgments if qid in queries]
    served = [(text, engine.rank(text, depth, model), grades) for text, grades in zip(texts, graded)]
    served = [(text, ranking, grades) for text, ranking, grades in served if len(ranking.keys)]
    if not served:
        raise SimulationError(f"expected queries with judgments and results, found none among {len(queries)}; check that the ids agree")
    highest = max(max(grades.values(), default=0.0) for grades in graded)
    grades = _grades([(ranking, grades) for _, ranking, grades in served], depth)
    plan = _plan(grades, highest, users, sessions, explored_share, np.random.default_rng(seed))
    name = _name(served, users, sessions, seed, explored_share)
    new = _write(log, [(text, ranking) for text, ranking, _ in served], plan, name, explored_share)
    clicks = plan.clicked.sum(axis=1)
    return Report(sessions, int(clicks.sum()), int((clicks > 0).sum()), int((plan.swap > 0).sum()), len(served), new)


def _grades(served: list[tuple[Ranking, Mapping[str, float]]], depth: int) -> NDArray[np.float64]:
    """float64[Q, depth] in ranked order, -1 where a ranking has ended."""
    grades = np.full((len(served), depth), -1.0)
    for row, (ranking, judged) in zip(grades, served):
        row[: len(ranking.keys)] = [grade_of(judged, key) or 0.0 for key in ranking.keys[:depth]]
    return grades


def _plan(grades: NDArray[np.float64], highest: float, users: str, sessions: int, explored: float, rng: np.random.Generator) -> _Plan:
    traffic = rng.permutation(np.arange(1, len(grades) + 1) ** -ZIPF_EXPONENT)
    query = rng.choice(len(grades), sessions, p=traffic / traffic.sum())
    lengths = np.minimum((grades >= 0).sum(axis=1), SWAP_DEPTH)[query]
    swap = np.where((rng.random(sessions) < explored) & (lengths > 1), rng.integers(1, np.maximum(lengths, 2)), 0)
    shown = grades[query]
    everyone = np.arange(sessions)
    shown[everyone, swap], shown[:, 0] = shown[:, 0].copy(), shown[everyone, swap].copy()
    return _Plan(query, swap, click(users, shown, highest, rng))


def _name(served: list[tuple[str, Ranking, Any]], users: str, sessions: int, seed: int, explored: float) -> str:
    """A name that is the same for the same simulation only."""
    digest = hashlib.blake2b(repr((users, sessions, seed, explored)).encode(), digest_size=6)
    for text, ranking, _ in served:
        digest.update(repr((text, ranking.keys, ranking.generation, model_label(ranking.model))).encode("utf-8", "replace"))
    return digest.hexdigest()


def model_label(model: Any) -> str:
    """``name/version`` of a ranking's model, which may be None, a text, a pair or an object with both; "" for none."""
    if model is None or isinstance(model, str):
        return model or ""
    name, version = model if isinstance(model, tuple) else (model.name, model.version)
    return f"{name}/{version}"


class _Shown(NamedTuple):
    """One ranking with one swap, as it is logged."""

    keys: list[str]
    features: NDArray[np.float32] | None
    scores: NDArray[np.float32]
    propensities: NDArray[np.float32]


def _shown(ranking: Ranking, depth: int, swap: int, explored: float) -> _Shown:
    order = np.arange(min(len(ranking.keys), depth))
    order[[0, swap]] = order[[swap, 0]]
    features = None if ranking.features is None else ranking.features[order]
    return _Shown([ranking.keys[i] for i in order], features, ranking.retrieval_scores[order], swap_propensities(order, explored))


def swap_propensities(order: NDArray[np.int64], explored: float) -> NDArray[np.float32]:
    """P(this document at this rank) when a share ``explored`` of sessions swaps the first document with another of the first ten.

    ``order`` int64[n] gives, by displayed rank, the place of the document in the ranking.
    """
    n, reach = len(order), min(len(order), SWAP_DEPTH)
    if n == 1:
        return np.ones(1, np.float32)
    one_swap = explored / (reach - 1)
    place = np.arange(n)
    stays = np.select([place == 0, place < reach], [1 - explored, 1 - one_swap], 1.0)
    return np.where(order == place, stays, one_swap).astype(np.float32)


def _write(log: ClickLog, served: list[tuple[str, Ranking]], plan: _Plan, name: str, explored: float) -> int:
    """Write the plan in a few large transactions; returns how many impressions were new."""
    sessions, depth = plan.clicked.shape
    start = now_ms() - sessions * SESSION_MS
    cache: dict[tuple[int, int], _Shown] = {}
    new = 0
    for first in range(0, sessions, CHUNK):
        impressions, events = [], []
        for s in range(first, min(first + CHUNK, sessions)):
            query, swap = int(plan.query[s]), int(plan.swap[s])
            text, ranking = served[query]
            if (query, swap) not in cache:
                cache[query, swap] = _shown(ranking, depth, swap, explored)
            impression = _impression(f"{name}-{s}", start + s * SESSION_MS, text, ranking, cache[query, swap])
            impressions.append(impression)
            events += [_click(impression, int(rank)) for rank in np.flatnonzero(plan.clicked[s])]
        new += log.write(impressions, events).impressions
    return new


def _impression(name: str, timestamp: int, text: str, ranking: Ranking, shown: _Shown) -> Impression:
    return Impression(
        query_id=f"sim-{name}",
        timestamp=timestamp,
        user_query=text,
        keys=shown.keys,
        application="simulator",
        client_id=f"sim-{name}",
        session_id=f"sim-{name}",
        generation=ranking.generation,
        model=model_label(ranking.model),
        feature_fingerprint=ranking.feature_fingerprint if shown.features is not None else "",
        features=shown.features,
        scores=shown.scores,
        simulated=True,
        propensities=shown.propensities,
    )


def _click(impression: Impression, rank: int) -> Event:
    key = impression.keys[rank]
    return Event(
        event_id=f"{impression.query_id}-{rank + 1}",
        query_id=impression.query_id,
        action_name="click",
        timestamp=impression.timestamp + 100 * (rank + 1),
        object_id=key,
        position=rank + 1,
        application=impression.application,
        client_id=impression.client_id,
        session_id=impression.session_id,
        user_query=impression.user_query,
        attributes={"object": {"object_id": key}, "position": {"ordinal": rank + 1}},
        simulated=True,
    )
