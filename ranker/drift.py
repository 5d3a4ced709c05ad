"""Is what is searched for, and what the model is given, still what it was? The newest days of the click log beside those before them.

Features are compared by the population stability index: over ten bins that hold a tenth of the older rows each (and one for missing values),
the sum of (p - q) ln(p / q). Below 0.1 nothing happened; above 0.2 the model is given something else than it learned from. Two samples of the same
rows have an index of about (bins - 1) (1 / n + 1 / m), so an index counts only where it is well above that.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ranker.clicklog import DAY_MS, ClickLog, Impression
from ranker.fingerprints import base_of, columns_before
from ranker.sessions import normalised

BINS = 10
WATCH, ALARM = 0.1, 0.2
NOISE_TIMES = 3.0  # an index below so many times what chance gives says nothing
FLOOR = 1e-4  # least share of a bin
HEAD = 50  # most frequent older queries whose shares are compared
RANKS = 10
MAX_ROWS = 40_000  # of each window


@dataclass
class Window:
    """A stretch of the log. ``rows``: a sample of what was scored, of which ``width`` columns are no model's own click rates; ``shown`` and
    ``clicked`` int64[RANKS] by rank."""

    impressions: int = 0
    first: int = 0
    last: int = 0
    empty: int = 0
    queries: Counter[str] = field(default_factory=Counter)
    shown: np.ndarray = field(default_factory=lambda: np.zeros(RANKS, np.int64))
    clicked: np.ndarray = field(default_factory=lambda: np.zeros(RANKS, np.int64))
    days: Counter[int] = field(default_factory=Counter)
    rows: list[np.ndarray] = field(default_factory=list)
    num_rows: int = 0
    width: int = 0


class FeatureDrift(NamedTuple):
    """One feature: its index, what chance alone gives, and the verdict: "", "watch" or "alarm"."""

    name: str
    psi: float
    noise: float
    verdict: str


class Drift(NamedTuple):
    """``head``: the index of the most frequent queries' shares; ``new``: share of recent searches whose query was never asked before."""

    older: Window
    recent: Window
    features: list[FeatureDrift]
    head: FeatureDrift
    new: float


def drift(
    log: ClickLog, days: float = 7.0, names: Iterable[str] = (), fingerprint: str | None = None, simulated: bool = True
) -> Drift | None:
    """The last ``days`` of the log beside everything before; None for a log without impressions. ``names`` of the features, in order.

    Vectors of another feature set than ``fingerprint`` (that of the newest impression) are left out.
    """
    newest = next(log.rows("SELECT max(timestamp) FROM impressions"))[0]
    if newest is None:
        return None
    if fingerprint is None:
        sql = "SELECT feature_fingerprint FROM impressions WHERE features IS NOT NULL ORDER BY rowid DESC LIMIT 1"
        fingerprint = next((row[0] for row in log.rows(sql)), "")
    older, recent = windows(log, newest - int(days * DAY_MS), fingerprint, simulated)
    features = _features(older, recent, list(names))
    return Drift(older, recent, features, _head(older, recent), _new(older, recent))


def windows(log: ClickLog, border: int, fingerprint: str, simulated: bool = True) -> tuple[Window, Window]:
    """The log before ``border`` (milliseconds) and from it on."""
    clicks, base = _clicks(log), base_of(fingerprint)[0]
    chance = np.random.default_rng(0)
    pair = Window(), Window()
    for impression in log.impressions():
        if impression.simulated and not simulated:
            continue
        window = pair[impression.timestamp >= border]
        _count(window, impression, clicks.get(impression.query_id, set()))
        if impression.features is not None and base_of(impression.feature_fingerprint)[0] == base:
            window.width = columns_before(impression.features.shape[1], impression.feature_fingerprint)
            _sample(window, impression.features[:RANKS], chance)
    return pair


def _clicks(log: ClickLog) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for query_id, key in log.rows("SELECT query_id, object_id FROM events WHERE action_name = 'click'"):
        found[query_id].add(key)
    return found


def _count(window: Window, impression: Impression, clicked: set[str]) -> None:
    window.first = min(window.first or impression.timestamp, impression.timestamp)
    window.last = max(window.last, impression.timestamp)
    window.impressions += 1
    window.empty += not impression.keys
    window.queries[normalised(impression.user_query)] += 1
    window.days[impression.timestamp // DAY_MS] += 1
    for rank, key in enumerate(impression.keys, impression.first_rank - 1):
        if rank < RANKS:
            window.shown[rank] += 1
            window.clicked[rank] += key in clicked


def _sample(window: Window, rows: np.ndarray, chance: np.random.Generator) -> None:
    """Keep a bounded, even sample of rankings (Vitter 1985, algorithm R, over whole lists)."""
    window.num_rows += 1
    room = MAX_ROWS // RANKS
    if len(window.rows) < room:
        window.rows.append(rows)
    elif (place := int(chance.integers(window.num_rows))) < room:
        window.rows[place] = rows


def psi(older: np.ndarray, recent: np.ndarray) -> tuple[float, float]:
    """Population stability index of two samples, and what chance alone gives; NaN is a bin of its own."""
    known = older[~np.isnan(older)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.zeros(0)
    shares = [_shares(values, edges) for values in (older, recent)]
    return index_of(*shares), (len(shares[0]) - 1) * (1 / max(len(older), 1) + 1 / max(len(recent), 1))


def index_of(p: np.ndarray, q: np.ndarray) -> float:
    """Sum of (p - q) ln(p / q) over bins, shares being at least 0.0001."""
    p, q = np.maximum(p, FLOOR), np.maximum(q, FLOOR)
    return float(((p - q) * np.log(p / q)).sum())


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    # A value on an edge belongs below it, so that a feature of few values has its own bins.
    place = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
    return np.bincount(place, minlength=len(edges) + 2) / max(len(values), 1)


def _features(older: Window, recent: Window, names: list[str]) -> list[FeatureDrift]:
    """Every feature, worst first; but for click rates, which are others with every model."""
    if not older.rows or not recent.rows:
        return []
    before, after = (np.concatenate([rows[:, : window.width] for rows in window.rows]) for window in (older, recent))
    names = names[: before.shape[1]] if len(names) >= before.shape[1] else [f"f{i + 1}" for i in range(before.shape[1])]
    found = []
    for column, name in enumerate(names):
        index, noise = psi(before[:, column], after[:, column])
        # Rows of one list go together: as far as chance goes there are as many samples as lists.
        found.append(_judged(name, index, noise * RANKS))
    return sorted(found, key=lambda one: -one.psi)


def _judged(name: str, index: float, noise: float) -> FeatureDrift:
    verdict = "" if index < WATCH or index < NOISE_TIMES * noise else "watch" if index < ALARM else "alarm"
    return FeatureDrift(name, index, noise, verdict)


def _head(older: Window, recent: Window) -> FeatureDrift:
    """How far the shares of the most frequent older queries, and of all others together, have moved."""
    head = [query for query, _ in older.queries.most_common(HEAD)]
    shares = []
    for window in (older, recent):
        counts = np.array([window.queries[query] for query in head], float)
        total = max(window.impressions, 1)
        shares.append(np.append(counts / total, 1 - counts.sum() / total))
    noise = len(head) * (1 / max(older.impressions, 1) + 1 / max(recent.impressions, 1))
    return _judged("query mix", index_of(*shares), noise)


def _new(older: Window, recent: Window) -> float:
    fresh = sum(count for query, count in recent.queries.items() if query not in older.queries)
    return fresh / recent.impressions if recent.impressions else math.nan


def click_rates(window: Window) -> Iterator[tuple[int, float, float, float]]:
    """(rank, clicks a showing, low, high) by rank, with Wilson's 95 % interval; ranks that were never shown are left out."""
    for rank, (shown, clicked) in enumerate(zip(window.shown.tolist(), window.clicked.tolist()), 1):
        if shown:
            yield (rank, clicked / shown, *wilson(clicked, shown))


def wilson(hits: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Interval of a share (Wilson 1927)."""
    rate, square = hits / trials, z * z
    middle = rate + square / (2 * trials)
    half = z * math.sqrt(rate * (1 - rate) / trials + square / (4 * trials * trials))
    return (middle - half) / (1 + square / trials), (middle + half) / (1 + square / trials)
