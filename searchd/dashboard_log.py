"""The newest part of a click log to counts: how much is searched and clicked, what is asked, and what is asked next.

One pass over at most ``MOST_SEARCHES`` rows, found by their row numbers and never by sorting, so that the answer takes about as long for ten million
searches as for a hundred thousand; ``Counts.since`` says how far back that reached. One client counts at most ``LOOKS_OF_CLIENT`` looks at a query,
so that a program that asks on and on makes no query look bad.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import orjson

from ranker.clicklog import DAY_MS, ClickLog
from ranker.clicklog_schema import now_ms
from ranker.hygiene import Rules
from ranker.sessions import normalised
from searchd.dashboard_reformulations import Reformulations

MOST_SEARCHES = 100_000
EVENTS_A_SEARCH = 5
RANKS = 20
ROWS_AT_ONCE = 20
LOOKS_OF_CLIENT = Rules().per_client_query
HOUR_MS = 3_600_000

# The plus keeps SQLite from using the index of that column, which would sort all of the window first.
SEARCHES = """
SELECT query_id, received, timestamp, user_query, client_id, CASE WHEN session_id <> '' THEN session_id ELSE client_id END, first_rank,
       json_array_length(keys), keys FROM impressions
WHERE rowid > ? AND +received >= ? AND simulated = ? ORDER BY rowid
"""
CLICKS = "SELECT query_id, object_id FROM events WHERE rowid > ? AND +received >= ? AND +action_name = 'click' AND simulated = ?"


class Part(NamedTuple):
    """Which rows are read: those after these row numbers that arrived at ``since`` or later, in milliseconds; ``cut``: the log has older ones
    that belong to the days asked for."""

    impressions_after: int
    events_after: int
    since: int
    until: int
    cut: bool
    simulated: bool


@dataclass(slots=True)
class QueryCounts:
    """One query: how often it was searched and found nothing, how often its results were looked at and clicked, and by how many clients."""

    text: str
    searches: int = 0
    empty: int = 0
    looks: int = 0
    clicked: int = 0
    clients: int = 0


@dataclass
class Counts:
    """What a part of the log holds. ``shown`` and ``clicks`` int64[RANKS] by rank; ``moments``: (searches, clicked searches) by the number of
    the day, or of the hour where ``hours``, since 1970."""

    part: Part
    hours: bool
    searches: int = 0
    empty: int = 0
    clicked: int = 0
    clients: int = 0
    shown: np.ndarray = field(default_factory=lambda: np.zeros(RANKS, np.int64))
    clicks: np.ndarray = field(default_factory=lambda: np.zeros(RANKS, np.int64))
    moments: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    queries: dict[str, QueryCounts] = field(default_factory=dict)
    reformulations: Reformulations = field(default_factory=Reformulations)

    @property
    def since(self) -> int:
        return self.part.since


class _Search(NamedTuple):
    """A row of ``SEARCHES``."""

    query_id: str
    received: int
    timestamp: int
    text: str
    client: str
    session: str
    first_rank: int
    length: int
    keys: str


def count_log(log: ClickLog, days: int, simulated: bool | None = None, now: int | None = None, most: int = MOST_SEARCHES) -> Counts:
    """What the log holds of the last ``days``; ``simulated``: only (True) or none (False) of what no person saw, or none if there is any other."""
    now = now_ms() if now is None else now
    if simulated is None:
        found = count_log(log, days, False, now, most)
        return found if found.searches else count_log(log, days, True, now, most)
    part = part_of(log, days, now, simulated, most)
    counts = Counts(part, hours=days <= 2)
    clicked = _clicked(log, part)
    looks: Counter[tuple[str, str]] = Counter()
    for search in _searches(log, part):
        mine = clicked.get(search.query_id)
        _count_ranks(counts, search, mine)
        if search.first_rank == 1:
            _count_search(counts, search, bool(mine), looks)
    for _, name in looks:
        counts.queries[name].clients += 1
    counts.clients = len({client for client, _ in looks})
    counts.reformulations.finish()
    return counts


def part_of(log: ClickLog, days: int, now: int, simulated: bool, most: int = MOST_SEARCHES) -> Part:
    """The newest ``most`` searches and five times as many events, no older than ``days``.

    Where either reaches less far back than asked, the part begins where both are whole, so that no search lacks its clicks.
    """
    asked = now - days * DAY_MS
    impressions, events = (_newest(log, "impressions", most), _newest(log, "events", most * EVENTS_A_SEARCH))
    since = max(asked, *(received for _, received in (impressions, events)))
    return Part(impressions[0], events[0], since, now, since > asked, simulated)


def _newest(log: ClickLog, table: str, most: int) -> tuple[int, int]:
    """The row number after which at most ``most`` rows follow, and the millisecond from which on they are whole: 0 when no rows are before them."""
    last = next(log.rows(f"SELECT coalesce(max(rowid), 0) FROM {table}"))[0]
    if last <= most:
        return 0, 0
    after = last - most
    first = next(log.rows(f"SELECT received FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT 1", (after,)), (0,))[0]
    older = next(log.rows(f"SELECT 1 FROM {table} WHERE rowid <= ? LIMIT 1", (after,)), None)
    return after, first + 1 if older else 0  # of that millisecond itself some rows may lie before


def _searches(log: ClickLog, part: Part) -> Iterator[_Search]:
    """The rows. Every few of them other threads go first: a thread that wakes up beside this waits 3 ms for Python's lock at the 99th percentile
    instead of 12."""
    for number, row in enumerate(log.rows(SEARCHES, (part.impressions_after, part.since, int(part.simulated)))):
        if number % ROWS_AT_ONCE == 0:
            time.sleep(0)
        yield _Search._make(row)


def _clicked(log: ClickLog, part: Part) -> dict[str, set[str]]:
    """Documents clicked, by query id."""
    found: dict[str, set[str]] = {}
    for query_id, key in log.rows(CLICKS, (part.events_after, part.since, int(part.simulated))):
        found.setdefault(query_id, set()).add(key)
    return found


def _count_ranks(counts: Counts, search: _Search, clicked: set[str] | None) -> None:
    """What was shown at each rank, and whether it was clicked; the list that was shown tells the rank, not the event."""
    first = search.first_rank - 1
    counts.shown[first : first + search.length] += 1
    if clicked:
        for rank, key in enumerate(orjson.loads(search.keys), first):
            if rank < RANKS and key in clicked:
                counts.clicks[rank] += 1


def _count_search(counts: Counts, search: _Search, clicked: bool, looks: "Counter[tuple[str, str]]") -> None:
    counts.searches += 1
    counts.empty += not search.length
    counts.clicked += clicked
    moment = counts.moments[_moment(search, counts.part) // (HOUR_MS if counts.hours else DAY_MS)]
    moment[0] += 1
    moment[1] += clicked
    name = normalised(search.text)
    query = counts.queries.setdefault(name, QueryCounts(search.text))
    query.text = search.text
    query.searches += 1
    query.empty += not search.length
    if search.client:
        looks[search.client, name] += 1
    if search.length and looks[search.client, name] <= LOOKS_OF_CLIENT:
        query.looks += 1
        query.clicked += clicked
    counts.reformulations.add(search.session, search.client, name, search.received, bool(search.length), clicked)


def _moment(search: _Search, part: Part) -> int:
    """When a search was made; of what was imported or made up for another time, when it arrived."""
    return search.timestamp if part.since <= search.timestamp <= part.until else search.received


def days_of(counts: Counts) -> list[tuple[int, int, int]]:
    """(milliseconds, searches, clicked searches) of every day or hour from the first with a search to the last, also of empty ones."""
    if not counts.moments:
        return []
    length = HOUR_MS if counts.hours else DAY_MS
    first, last = min(counts.moments), max(counts.moments)
    nothing: Any = (0, 0)
    return [(number * length, *counts.moments.get(number, nothing)) for number in range(first, last + 1)]
