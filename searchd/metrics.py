"""What the service counts about itself, as Prometheus text.

One worker keeps its numbers in memory. Several workers share a folder of memory-mapped files (prometheus_client's multiprocess mode), named by
``PROMETHEUS_MULTIPROC_DIR`` before the library is imported; ``searchd serve`` makes that folder in a temporary place of its own. What is a state and
no count (generation, model, documents) is looked up when it is asked for, since workers' files would keep labels of models that are gone. No label
holds a query, a document or an address.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from searchd.readiness import alive
from searchd.stages import STAGES

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_STAGE_SECONDS = (0.0001, 0.00025, 0.0005, *_SECONDS)
_RESULTS = (0, 1, 10, 100, 1_000, 10_000, 100_000)
State = Callable[[], Iterable[tuple[str, str, Mapping[str, str], float]]]


class Metrics:
    """The counters of one application; thread-safe. ``state`` gives name, meaning, labels and value of what is looked up."""

    def __init__(self, state: State = tuple) -> None:
        self._own, self._state = CollectorRegistry(), CollectorRegistry()
        self._state.register(_States(state))
        self.requests = self._counter("searchd_requests_total", "Requests answered.", "route", "method", "status")
        self.seconds = self._histogram("searchd_request_seconds", "Time to answer a request.", _SECONDS, "route")
        self.waiting = self._queue("searchd_requests_in_progress", "Requests that are being answered.")
        self.searches = self._counter("searchd_searches_total", "Searches, by the model that ordered them.", "model")
        self.search_seconds = self._histogram("searchd_search_seconds", "Time inside the engine.", _SECONDS)
        stages = self._histogram("searchd_stage_seconds", "Time of one stage of a search.", _STAGE_SECONDS, "stage")
        self.stages = {stage: stages.labels(stage) for stage in (*STAGES, "serialise")}
        self.results = self._histogram("searchd_search_results", "Documents that matched a search, as far as they were counted.", _RESULTS)
        self.empty = self._counter("searchd_searches_empty_total", "Searches that found nothing.")
        self.partial = self._counter(
            "searchd_searches_partial_total", "Searches cut short by their time limit, or without a damaged part of the index."
        )
        self.corrected = self._counter("searchd_searches_corrected_total", "Searches answered by the results of a corrected query.")
        self.events = self._counter("searchd_events_total", "Events received.", "outcome")
        self.unlogged = self._counter("searchd_searches_unlogged_total", "Searches the click log had no room for.")
        self.log_waiting = self._queue("searchd_log_waiting", "Writes that wait for the click log.")
        self.limited = self._counter("searchd_requests_limited_total", "Requests refused because their client sent too many.")
        self.shed = self._counter("searchd_requests_shed_total", "Requests refused because as many as may wait were waiting.")
        self.slow_clients = self._counter("searchd_slow_clients_ended_total", "Connections ended since next to nothing moved over them.")
        self.changes = self._queue("searchd_changes_waiting", "Changes of documents that wait to be published.")
        self.documents_changed = self._counter("searchd_documents_changed_total", "Documents added, replaced or deleted.")
        # The library's own way to a labelled counter takes a lock and builds strings.
        self._counted: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    @contextmanager
    def in_progress(self) -> Iterator[None]:
        """A request is being answered inside."""
        self.waiting.inc()
        try:
            yield
        finally:
            self.waiting.dec()

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered."""
        counted = self._counted.get((route, method, status))
        if counted is None:
            counted = self._counted[route, method, status] = (
                self.requests.labels(route, method, str(status)),
                self.seconds.labels(route),
            )
        counted[0].inc()
        counted[1].observe(seconds)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self._own)

    def _histogram(self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, meaning, labels, buckets=buckets, registry=self._own)

    def _queue(self, name: str, meaning: str) -> Gauge:
        return Gauge(name, meaning, registry=self._own, multiprocess_mode="livesum")

    def text(self) -> bytes:
        """All numbers in Prometheus' text format, of all workers together."""
        return generate_latest(self._together()) + generate_latest(self._state)

    def families(self) -> Iterable[Metric]:
        """What is counted, of all workers together; without what is looked up."""
        return self._together().collect()

    def _together(self) -> CollectorRegistry:
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return self._own
        _forget_dead_workers(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
        together = CollectorRegistry()
        MultiProcessCollector(together)
        return together


def _forget_dead_workers(folder: Path) -> None:
    """What is in progress in a worker that is gone is in progress no more; its counts stay."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not alive(pid):
            mark_process_dead(pid, str(folder))


class _States:
    """A collector for the library, of what is looked up."""

    def __init__(self, state: State) -> None:
        self._look = state

    def collect(self) -> Iterable[Metric]:
        for name, meaning, labels, value in self._look():
            family = GaugeMetricFamily(name, meaning, labels=tuple(labels))
            family.add_metric(tuple(labels.values()), value)
            yield family

    def describe(self) -> Iterable[Metric]:
        return ()


def register_metrics(app: Flask, metrics: Metrics) -> None:
    """Count and time every request of ``app``."""

    def start() -> None:
        g.started = time.perf_counter()
        metrics.waiting.inc()

    def count(response: Response) -> Response:
        now = time.perf_counter()
        route = request.url_rule.rule if request.url_rule else "none"
        metrics.count_request(route, request.method, response.status_code, now - g.get("started", now))
        return response

    def end(error: BaseException | None) -> None:
        if g.pop("started", None) is not None:
            metrics.waiting.dec()

    app.before_request(start)
    app.after_request(count)
    app.teardown_request(end)


def metrics_response(metrics: Metrics) -> Response:
    """The answer of ``/metrics``."""
    return Response(metrics.text(), content_type=CONTENT_TYPE_LATEST)
