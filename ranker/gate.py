"""The gate that a model passes before it serves: what is known of it and of what serves now, and a refusal when it loses.

Three kinds of evidence, as far as they exist: the check on held-out queries in the model's own card, judgments that the caller gives, and the doubly
robust estimate from the newest part of the click log. A model loses when it is worse by more than one part in a hundred, or by less but certainly.
What cannot be evaluated speaks neither for nor against it: then an experiment is the test (``ranker experiments start``).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from indexer.errors import SearchdError
from indexer.home import Home
from ranker.activations import note
from ranker.clicklog import ClickLog
from ranker.evaluate import estimate, values_of
from ranker.experiments import Experiments
from ranker.featureset import FeatureSet
from ranker.judged import grade_of
from ranker.metrics import bootstrap_interval, ndcg
from ranker.registry import Registry
from ranker.relevance import MIN_SESSIONS
from ranker.sessions import ClickData, of_queries, read_clicks
from ranker.watch import NONE, arm, serving

MARGIN = 0.01
NEWEST_SEARCHES = 20_000
MOST_QUERIES = 300
"""Estimates rank every query once a model; these bound an activation to some seconds."""
Judged = tuple[Mapping[str, str], Mapping[str, Mapping[str, float]]]


class Harmful(SearchdError):
    """A model that did worse than what serves, on queries or clicks that can be named."""

    code = "harmful_model"


class Evidence(NamedTuple):
    """One comparison: ``gain`` of the model over ``base``, with an interval; None where it could not be made, and ``why``."""

    kind: str
    base: str
    value: float | None = None
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""

    @property
    def loses(self) -> bool:
        """Worse by more than the margin, or surely worse."""
        if self.gain is None or self.gain >= 0:
            return False
        before = (self.value or 0.0) - self.gain
        return self.gain < -MARGIN * abs(before) or (self.high is not None and self.high < 0)

    def __str__(self) -> str:
        if self.gain is None:
            return f"{self.kind}: not evaluable ({self.why})"
        interval = "" if self.low is None or self.high is None else f" [{self.low:+.4f}, {self.high:+.4f}]"
        return f"{self.kind}: {self.gain:+.4f}{interval} against {self.base}"


class Admission(NamedTuple):
    """A model that serves now, and what was known of it."""

    name: str
    version: str
    evidence: list[Evidence]


def activate(
    open_engine: Callable[[], Any],
    home: Home,
    name: str,
    version: str | None = None,
    force: bool = False,
    judged: Judged | None = None,
    by: str = "",
) -> Admission:
    """Let a model serve, and watch it from now on; raises Harmful with the figures if it loses, unless ``force``. ``by``: who does it.

    ``open_engine`` is called only when there is something to ask it. While an experiment runs nothing is let in, unless ``force``.
    """
    registry = Registry(home)
    model = registry.load(name, version)
    label, before = f"{model.name}/{model.version}", serving(home)
    evidence = [] if label == before else [_held_out(model.card), *_compared(open_engine, home, label, before, judged)]
    if not force:
        _refuse(home, label, evidence)
    if label != before:
        arm(home, label, before)  # at no time does a model serve that nobody watches, even if this is where the process ends
    registry.activate(model.name, model.version)
    if label != before:
        arm(home, label, before)  # again, for whoever looked in between and found another model serving
        told = [str(one) for one in evidence]
        note(home, action="activate", model=label, before=before, by=by, forced=force, evidence=told)
    return Admission(model.name, model.version, evidence)


def _refuse(home: Home, label: str, evidence: list[Evidence]) -> None:
    running = Experiments(home).running()
    if running is not None:
        raise Harmful(f"experiment {running.name} compares models with what serves now; stop it first, or force {label}")
    lost = [str(one) for one in evidence if one.loses]
    if lost:
        raise Harmful(f"expected {label} to be no worse than what serves, found {'; '.join(lost)}; train on more data, or force it")


def _held_out(card: Mapping[str, Any]) -> Evidence:
    """The card's own check, which is against retrieval's order."""
    found = card.get("heldout") or {}
    if found.get("gain") is None:
        return Evidence("held-out queries", NONE, why="the card has no check")
    low, high = found.get("interval") or (None, None)
    return Evidence("held-out queries", NONE, found.get("nDCG@10"), found["gain"], low, high)


def _compared(open_engine: Callable[[], Any], home: Home, label: str, before: str, judged: Judged | None) -> list[Evidence]:
    evidence = []
    if judged is not None:
        evidence.append(_on_judgments(open_engine(), label, before, *judged))
    if home.clicks.exists():
        evidence.append(_on_clicks(open_engine, home, label, before))
    return evidence


def _on_judgments(
    engine: Any, label: str, before: str, queries: Mapping[str, str], judgments: Mapping[str, Mapping[str, float]]
) -> Evidence:
    """nDCG@10 over the queries that have a relevant document."""
    asked = [qid for qid, grades in judgments.items() if qid in queries and any(grade > 0 for grade in grades.values())]
    if not asked:
        return Evidence("judgments", before, why="no query has a relevant document")
    mine, other = (np.array([_ndcg(engine, queries[qid], judgments[qid], name) for qid in asked]) for name in (label, before))
    return Evidence("judgments, nDCG@10", before, float(mine.mean()), float((mine - other).mean()), *bootstrap_interval(mine - other))


def _ndcg(engine: Any, text: str, grades: Mapping[str, float], model: str) -> float:
    found = engine.rank(text, 10, model).keys
    return ndcg(np.array([grade_of(grades, key) or 0.0 for key in found]), 10, np.array(list(grades.values())))


def _on_clicks(open_engine: Callable[[], Any], home: Home, label: str, before: str) -> Evidence:
    kind = "clicks a search, doubly robust"
    try:
        engine = open_engine()
        data = newest_clicks(home, FeatureSet.default(engine.index.schema))
        if data.num_sessions < MIN_SESSIONS:
            return Evidence(kind, before, why=f"{data.num_sessions} searches with these features in the log, of {MIN_SESSIONS}")
        found = values_of(engine, data, [label, before])
        records = [estimate(found, one, before, "dr", np.ones(len(found.sessions), bool)) for one in (label, before)]
    except SearchdError as error:
        return Evidence(kind, before, why=str(error))
    blind = next((record for record in records if record["value"] is None), None)
    if blind is not None:
        return Evidence(kind, before, why=f"coverage of {blind['model']} is {blind['coverage']}")
    mine = records[0]
    return Evidence(kind, before, mine["value"], mine["gain"], mine["gain_low"], mine["gain_high"])


def newest_clicks(home: Home, features: FeatureSet) -> ClickData:
    """The newest searches of the log, and of those the most frequent queries."""
    with ClickLog(home.clicks) as log:
        sql = "SELECT timestamp FROM impressions ORDER BY timestamp DESC LIMIT 1 OFFSET ?"
        since = next((timestamp for (timestamp,) in log.rows(sql, (NEWEST_SEARCHES,))), None)
        data = read_clicks(log, features.fingerprint, since=since)
    asked = np.bincount(data.row_query, data.shown[:, 0], len(data.queries))
    return data if len(asked) <= MOST_QUERIES else of_queries(data, np.sort(np.argsort(-asked, kind="stable")[:MOST_QUERIES]))
