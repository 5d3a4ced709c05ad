"""Counts of a click log to what the dashboard says of queries: those asked most, those that find nothing, those whose results nobody clicks on.

A query is shown as text only when enough clients asked it, as suggestions do: what one person typed is nobody else's business. Low clicks are
judged by shrunk rates (``searchd.dashboard_rates``): a query is in that list when even the upper end of its interval lies below the rate of all.
"""

from collections.abc import Iterable

import msgspec
import numpy as np

from searchd.dashboard_log import Counts, QueryCounts
from searchd.dashboard_rates import Shrunk, prior_of, shrunk
from searchd.dashboard_reformulations import Proposal

MIN_LOOKS = 10
SHOWN = 25


class QueryRow(msgspec.Struct, frozen=True):
    """A query as the dashboard shows it: counts, and the shrunk share of its looks that were followed by a click, with its interval.

    ``lost``: clicks that it lacks against the rate of all queries.
    """

    query: str
    searches: int
    clients: int
    empty: int
    looks: int
    clicked: int
    rate: float | None
    low: float | None
    high: float | None
    lost: float
    proposals: list[Proposal] = []


class QueriesReport(msgspec.Struct, frozen=True):
    """The three lists. ``hidden`` counts queries of too few clients, ``hidden_searches`` what was asked with them; ``rate`` is the share of
    all looks that were followed by a click."""

    top: list[QueryRow]
    empty: list[QueryRow]
    low: list[QueryRow]
    queries: int
    hidden: int
    hidden_searches: int
    rate: float | None
    min_clients: int


def queries_report(counts: Counts, min_clients: int, limit: int = SHOWN) -> QueriesReport:
    """Each list with at most ``limit`` queries of at least ``min_clients`` clients."""
    rated = _rated(counts)
    public = [(name, query) for name, query in counts.queries.items() if query.clients >= min_clients]
    rows = [_row(name, query, rated.get(name), rated.rate) for name, query in public]
    looks = sum(query.looks for query in counts.queries.values())
    shown = sum(query.searches for _, query in public)
    failing = sorted((row for row in rows if row.empty), key=lambda row: (-row.empty, row.query))
    lowest = sorted((row for row in rows if _is_low(row, rated.rate)), key=lambda row: (-row.lost, row.query))
    return QueriesReport(
        top=sorted(rows, key=lambda row: (-row.searches, row.query))[:limit],
        empty=[_with_proposals(row, counts, min_clients) for row in failing[:limit]],
        low=[_with_proposals(row, counts, min_clients) for row in lowest[:limit]],
        queries=len(counts.queries),
        hidden=len(counts.queries) - len(public),
        hidden_searches=counts.searches - shown,
        rate=rated.rate if looks else None,
        min_clients=min_clients,
    )


def frequent_texts(counts: Counts, min_clients: int, limit: int) -> list[str]:
    """The texts asked most that found something, as they were last typed; of at least ``min_clients`` clients."""
    found = [query for query in counts.queries.values() if query.looks and query.clients >= min_clients]
    return [query.text for query in sorted(found, key=lambda query: (-query.searches, query.text))[:limit]]


class _Rated:
    """Shrunk rates by the name of the query."""

    def __init__(self, names: Iterable[str], rates: Shrunk | None, rate: float) -> None:
        self.rate = rate
        columns = () if rates is None else zip(rates.rate.tolist(), rates.low.tolist(), rates.high.tolist())
        self._of = dict(zip(names, columns))

    def get(self, name: str) -> tuple[float, float, float] | None:
        return self._of.get(name)


def _rated(counts: Counts) -> _Rated:
    seen = [(name, query.clicked, query.looks) for name, query in counts.queries.items() if query.looks]
    if not seen:
        return _Rated((), None, 0.0)
    names, clicked, looks = zip(*seen)
    hits, trials = np.array(clicked, np.int64), np.array(looks, np.int64)
    prior = prior_of(hits, trials)
    return _Rated(names, shrunk(hits, trials, prior), prior.rate)


def _row(name: str, query: QueryCounts, rates: tuple[float, float, float] | None, rate: float) -> QueryRow:
    own, low, high = rates or (None, None, None)
    lost = 0.0 if own is None else max(0.0, (rate - own) * query.looks)
    return QueryRow(name, query.searches, query.clients, query.empty, query.looks, query.clicked, own, low, high, lost)


def _is_low(row: QueryRow, rate: float) -> bool:
    return row.looks >= MIN_LOOKS and row.high is not None and row.high < rate


def _with_proposals(row: QueryRow, counts: Counts, min_clients: int) -> QueryRow:
    return msgspec.structs.replace(row, proposals=counts.reformulations.proposals(row.query, min_clients))
