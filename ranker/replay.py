"""Searches of the click log, done again over the generation and by the model that served them: the same vectors and scores, bit for bit?

What is learned from the log is true only if the features that serving computed are those that the program computes. A replay proves it, and finds
what breaks it: a feature that depends on the clock, a changed analyser, a library whose results changed.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from indexer.errors import SearchdError
from ranker.clicklog import ClickLog, Impression
from ranker.clicklog_schema import IMPRESSION_SELECT, impression_of
from ranker.requests import Request

OpenGeneration = Callable[[str], Any]
"""Opens a generation: an object whose ``ranking(text, request, offset, model)`` does a search as it was done."""

NO_REQUEST = "logged without its request (by an earlier version, or simulated)"
NO_FEATURES = "logged without features"
DRAFTED = "drafted by an experiment from several models"
SORTED = "sorted by columns"
PARTIAL = "cut short by a time limit"


class Difference(NamedTuple):
    """A search that came out otherwise, and how; ``cells``: features that differ, at most 5 of them, as (document, feature number, logged, now)."""

    query_id: str
    user_query: str
    generation: str
    model: str
    what: str
    cells: list[tuple[str, int, float, float]]


class Replay(NamedTuple):
    """What a replay found; ``left_out`` counts by reason what could not be done again."""

    replayed: int
    identical: int
    cells: int
    equal_cells: int
    different: list[Difference]
    left_out: dict[str, int]


def replay(log: ClickLog, open_generation: OpenGeneration, newest: int = 1000) -> Replay:
    """Do the newest searches of the log again, and compare documents, features, retrieval scores and served scores."""
    left_out: Counter[str] = Counter()
    opened: dict[str, Any] = {}
    different: list[Difference] = []
    replayed = cells = unequal = 0
    for impression in _newest(log, newest):
        reason = _unsuited(impression)
        ranking = None
        if reason is None:
            ranking, reason = _again(impression, opened, open_generation)
        if ranking is None:
            left_out[str(reason)] += 1
            continue
        replayed += 1
        found, wrong = compared(impression, ranking)
        cells += 0 if impression.features is None else impression.features.size
        unequal += wrong
        different += [found] if found else []
    return Replay(replayed, replayed - len(different), cells, cells - unequal, different, dict(left_out))


def _newest(log: ClickLog, count: int) -> Iterator[Impression]:
    return map(impression_of, log.rows(f"{IMPRESSION_SELECT} ORDER BY impressions.rowid DESC LIMIT ?", (count,)))


def _unsuited(impression: Impression) -> str | None:
    """Why an impression says nothing about parity; None if it does."""
    if not impression.request:
        return NO_REQUEST
    if impression.experiment:
        return DRAFTED
    try:
        request = Request.decoded(impression.request)
        if request.sorted or request.partial:
            return SORTED if request.sorted else PARTIAL
    except ValueError:
        return NO_REQUEST
    return NO_FEATURES if impression.features is None and impression.keys else None


def _again(impression: Impression, opened: dict[str, Any], open_generation: OpenGeneration) -> tuple[Any, str | None]:
    """The ranking of now, or None and the reason."""
    request = Request.decoded(impression.request)
    try:
        if impression.generation not in opened:
            opened[impression.generation] = open_generation(impression.generation)
        engine = opened[impression.generation]
        if isinstance(engine, SearchdError):
            raise engine
        text = request.instead or impression.user_query
        return engine.ranking(text, request, impression.first_rank - 1, impression.model or None), None
    except SearchdError as error:
        if impression.generation not in opened:
            opened[impression.generation] = error
        return None, f"{impression.generation} {impression.model}".strip() + f": {error.code}"


def compared(impression: Impression, ranking: Any) -> tuple[Difference | None, int]:
    """How a search of now differs from the logged one (None: not at all), and the number of features that do."""
    rows = _rows_of(impression, ranking.keys)
    if rows is None:
        return _difference(impression, f"expected documents {_some(impression.keys)}, found {_some(ranking.keys)}", []), _size(impression)
    logged, now = impression.features, ranking.features
    if logged is not None and (now is None or now[rows].shape != logged.shape):
        found = "none" if now is None else str(now.shape[1])
        return _difference(impression, f"expected {logged.shape[1]} features, found {found}", []), _size(impression)
    cells = _unequal_cells(impression, now[rows]) if logged is not None else []
    parts = [f"{len(cells)} features differ"] if cells else []
    if impression.scores is not None and not np.array_equal(impression.scores, ranking.retrieval_scores[rows]):
        parts.append("retrieval scores differ")
    if impression.served is not None and not np.array_equal(impression.served, np.asarray(ranking.scores, np.float32)):
        parts.append("served scores differ")
    return (_difference(impression, ", ".join(parts), cells[:5]) if parts else None), len(cells)


def _rows_of(impression: Impression, keys: list[str]) -> list[int] | None:
    """Where the logged documents stand now; None where they are others, or in another order although nothing was explored."""
    if impression.propensities is None:
        return list(range(len(keys))) if keys == impression.keys else None
    place = {key: row for row, key in enumerate(keys)}
    return [place[key] for key in impression.keys] if place.keys() == set(impression.keys) else None


def _unequal_cells(impression: Impression, now: np.ndarray) -> list[tuple[str, int, float, float]]:
    logged = impression.features
    assert logged is not None
    wrong = np.argwhere(~((logged == now) | (np.isnan(logged) & np.isnan(now))))
    return [(impression.keys[row], int(column), float(logged[row, column]), float(now[row, column])) for row, column in wrong]


def _difference(impression: Impression, what: str, cells: list[tuple[str, int, float, float]]) -> Difference:
    return Difference(impression.query_id, impression.user_query, impression.generation, impression.model, what, cells)


def _size(impression: Impression) -> int:
    return 0 if impression.features is None else impression.features.size


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "") if keys else "none"
