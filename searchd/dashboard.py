"""The numbers of one service, for the dashboard's pages and the reports of the API; counted behind the request where that takes long."""

from collections.abc import Sequence
from typing import Any

from flask import current_app

from indexer.publish import NoIndex, Version, versions
from ranker.clicklog import ClickLog
from searchd.dashboard_cache import Found, Latest
from searchd.dashboard_compare import Comparison, Judged, compare, home_judgments, judged_texts
from searchd.dashboard_latency import Latency, latency
from searchd.dashboard_log import Counts, count_log
from searchd.dashboard_models import experiment_reports
from searchd.dashboard_queries import frequent_texts
from searchd.page import field_text, plain, title_field
from searchd.service import Service, service

EXTENSION = "searchd.dashboard"
DAYS = (1, 7, 30, 90)


class Dashboard:
    """The numbers of one service; thread-safe."""

    def __init__(self, svc: Service) -> None:
        self.svc, self.latest = svc, Latest()

    def log(self) -> ClickLog | None:
        """The click log, None where nothing was ever logged: looking must not make one."""
        return self.svc.click_log if self.svc.home.clicks.exists() else None

    def counts(self, days: int, simulated: bool | None = None, wait: float = 3.0) -> Found:
        """``Counts`` of the last days, not older than half a minute; its value is None without a log, and while it is being counted."""
        log = self.log()
        if log is None:
            return Found(None, 0.0)
        return self.latest.get(("counts", days, simulated), lambda: count_log(log, days, simulated), wait)

    def experiments(self, wait: float = 3.0) -> Found:
        """The experiments of the home with their figures."""
        return self.latest.get("experiments", lambda: experiment_reports(self.svc.home, self.log), wait)

    def latency(self) -> Latency:
        """Times of searches, stages and routes since the server started."""
        return latency(self.svc.metrics.families())

    def generations(self) -> list[Version]:
        """Generations on disk, newest first; none without an index."""
        try:
            return versions(self.svc.home)
        except NoIndex:
            return []

    def query_set(self, counts: Counts | None, kind: str, top: int) -> list[str]:
        """Queries to compare on: "judged" ones of the home, else those asked most."""
        if kind == "judged":
            judged = self.judgments()
            return judged_texts(judged, top) if judged else []
        return frequent_texts(counts, self.svc.settings.dashboard_min_clients, top) if counts else []

    def judgments(self) -> Judged | None:
        """The home's own judgments."""
        return home_judgments(self.svc.home)

    def compare(self, first: str, second: str, queries: Sequence[str], judged: Judged | None = None) -> Comparison:
        """Two rankers on ``queries``; raises UnknownModel and what else keeps a model from ranking."""
        engine, depth = self.svc.engine, self.svc.settings.rerank_depth
        engine.reload_if_changed()
        return compare(lambda query, model: engine.rank(query, 10, model, False, depth).keys, first, second, queries, judged)

    def titles(self, comparison: Comparison) -> dict[str, str]:
        """What the documents of a comparison are called, by key; documents that are gone by now are called by their key."""
        index: Any = self.svc.engine.index
        keys = {place.key for row in comparison.queries for place in (*row.first, *row.second)}
        return {key: _title(index, key) for key in keys}


def _title(index: Any, key: str) -> str:
    doc = int(index.doc(key))
    stored = index.stored(doc) if doc >= 0 else {}
    name = title_field(index.schema, stored)
    return plain(field_text(stored[name]), 120) if name else plain(key, 120)


def dashboard() -> Dashboard:
    """The dashboard of the current application."""
    found: Dashboard | None = current_app.extensions.get(EXTENSION)
    if found is None:
        found = current_app.extensions.setdefault(EXTENSION, Dashboard(service()))
    return found
