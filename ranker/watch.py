"""A model that was just let in, watched on live searches: if it does harm, what served before serves again.

The first click of a session's searches is compared with that of the sessions before the change, at any time and as often as one likes. A week
is not like the next, so the loss has to be far beyond chance and large as well; interleaving is the test that compares like with like.
"""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import orjson

from indexer.durable import write_file
from indexer.home import Home
from ranker.activations import label, rollback
from ranker.clicklog import ClickLog
from ranker.clicklog_schema import now_ms
from ranker.registry import Registry, UnknownModel
from ranker.sequential import Means, always_valid_difference_p, means_of

DAY_MS = 86_400_000
WINDOW_DAYS = 14
MIN_SESSIONS = 200
ALPHA = 0.01
LEAST_LOSS = 0.05
"""Losses below 5 % of what was are no reason to roll back: weekdays differ by as much."""
EFFECT = 0.1
NONE = "none"

SEARCHES = """
SELECT query_id, CASE WHEN session_id <> '' THEN session_id WHEN client_id <> '' THEN client_id ELSE query_id END, keys FROM impressions
WHERE model = ? AND coalesce(experiment, '') = '' AND first_rank = 1 AND simulated = ? AND received >= ? AND received < ? ORDER BY rowid
"""
CLICKS = """
SELECT DISTINCT events.query_id, events.object_id FROM impressions JOIN events ON events.query_id = impressions.query_id
WHERE impressions.model = ? AND impressions.received >= ? AND impressions.received < ? AND events.action_name = 'click'
"""


class Watched(msgspec.Struct, frozen=True):
    """What ``models/WATCH.json`` holds: the model that was let in, what served before, when, and how it ended."""

    model: str
    before: str
    since: int
    status: str = "watching"
    figures: dict[str, Any] = {}


def watch_file(home: Home) -> Path:
    """Where the watch of a home is kept."""
    return home.models / "WATCH.json"


def arm(home: Home, model: str, before: str) -> None:
    """Watch ``model``, which serves from now on in the place of ``before`` (``name/version``, or "none")."""
    _save(home, Watched(model, before, now_ms()))


def watched(home: Home) -> Watched | None:
    """What is, or was last, watched."""
    try:
        return msgspec.json.decode(watch_file(home).read_bytes(), type=Watched)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def watch(home: Home, log: ClickLog, simulated: bool = False) -> dict[str, Any] | None:
    """Look at the model that is watched; when it does harm, roll back and return the figures, else None.

    Only the activation that is watched is undone, and only once: after a rollback, by this or by hand, nothing is watched.
    """
    now = watched(home)
    if now is None or now.status != "watching":
        return None
    if serving(home) != now.model:
        _end(home, now, status="replaced")
        return None
    if now_ms() - now.since > WINDOW_DAYS * DAY_MS:
        _end(home, now, status="passed")
        return None
    figures = comparison(log, now, simulated)
    if not figures["harm"]:
        return None
    try:
        rollback(home, "the watch over live searches", _pair(now.model))
    except UnknownModel:  # while the log was read somebody let another one in, or took this one back
        return None
    _end(home, now, status="rolled back", figures=figures)
    return {"model": now.model, "serving": serving(home), **figures}


def _pair(model: str) -> tuple[str, str]:
    name, _, version = model.partition("/")
    return name, version


def comparison(log: ClickLog, now: Watched, simulated: bool = False) -> dict[str, Any]:
    """Sessions, and for the share of searches with a click and the reciprocal rank of the first one: means before and now, and p."""
    since, end = now.since - WINDOW_DAYS * DAY_MS, 2**62
    before = _sessions(log, now.before, since, now.since, simulated)
    after = _sessions(log, now.model, now.since, end, simulated)
    figures: dict[str, Any] = {"sessions_before": len(before), "sessions": len(after), "harm": False}
    for column, name in enumerate(("searches_with_click", "reciprocal_rank")):
        old, new = means_of(before[:, column]), means_of(after[:, column])
        p = always_valid_difference_p(old, new, EFFECT * old.mean)
        figures[name] = {"before": round(old.mean, 4), "now": round(new.mean, 4), "p": float(f"{p:.3g}")}
        figures["harm"] |= _harmful(old, new, p)
    return figures


def _harmful(before: Means, now: Means, p: float) -> bool:
    """Half of alpha for each of the two measures."""
    enough = min(before.sessions, now.sessions) >= MIN_SESSIONS
    return enough and now.mean < (1 - LEAST_LOSS) * before.mean and p <= ALPHA / 2


def _sessions(log: ClickLog, model: str, start: int, end: int, simulated: bool) -> np.ndarray:
    """float64[S, 2]: each session's mean over its searches of "a click" and of the reciprocal rank of the first click."""
    logged = "" if model == NONE else model
    clicked: dict[str, set[str]] = {}
    for query_id, key in log.rows(CLICKS, (logged, start, end)):
        clicked.setdefault(query_id, set()).add(key)
    sums: dict[str, np.ndarray] = {}
    for query_id, unit, keys in log.rows(SEARCHES, (logged, int(simulated), start, end)):
        found = sums.setdefault(unit, np.zeros(3))
        hits = clicked.get(query_id, set())
        first = next((rank for rank, key in enumerate(orjson.loads(keys), 1) if key in hits), 0) if hits else 0
        found += (first > 0, 1 / first if first else 0.0, 1)
    rows = np.array(list(sums.values())).reshape(-1, 3)
    means: np.ndarray = rows[:, :2] / rows[:, 2:]
    return means


def serving(home: Home) -> str:
    """``name/version`` of the active model, "none" without one."""
    return label(Registry(home).active())


def _end(home: Home, record: Watched, **changes: Any) -> None:
    """Write down how a watch ended, unless another model is watched by now."""
    if watched(home) == record:
        _save(home, msgspec.structs.replace(record, **changes))


def _save(home: Home, record: Watched) -> None:
    write_file(watch_file(home), msgspec.json.encode(record) + b"\n")
