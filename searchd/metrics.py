"""What the service counts about itself, as Prometheus text.

One worker keeps its numbers in memory. Several workers share a folder of memory-mapped files (prometheus_client's multiprocess mode), named by
``PROMETHEUS_MULTIPROC_DIR`` before the library is imported; ``searchd serve`` makes that folder in a temporary place of its own. No label holds a
query, a document or an address.
"""

import os
import time

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The counters of one application; thread-safe."""

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        self.requests = Counter("searchd_requests_total", "Requests answered.", ["route", "method", "status"], registry=self._own)
        self.seconds = Histogram("searchd_request_seconds", "Time to answer a request.", ["route"], buckets=_SECONDS, registry=self._own)
        self.searches = Counter("searchd_searches_total", "Searches, by the model that ordered them.", ["model"], registry=self._own)
        self.search_seconds = Histogram("searchd_search_seconds", "Time inside the engine.", buckets=_SECONDS, registry=self._own)
        self.empty = Counter("searchd_searches_empty_total", "Searches that found nothing.", registry=self._own)
        self.events = Counter("searchd_events_total", "Events received.", ["outcome"], registry=self._own)
        self.unlogged = Counter("searchd_searches_unlogged_total", "Searches the click log had no room for.", registry=self._own)
        mode = {"multiprocess_mode": "mostrecent"}
        self.documents = Gauge("searchd_documents", "Live documents of the served generation.", registry=self._own, **mode)  # type: ignore[arg-type]
        self.ready = Gauge("searchd_ready", "1 when the kernels are warm and an index is open.", registry=self._own, **mode)  # type: ignore[arg-type]

    def text(self) -> bytes:
        """All numbers in Prometheus' text format, of all workers together."""
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return generate_latest(self._own)
        together = CollectorRegistry()
        MultiProcessCollector(together)
        return generate_latest(together)


def register_metrics(app: Flask, metrics: Metrics) -> None:
    """Count and time every request of ``app``."""

    def start() -> None:
        g.started = time.perf_counter()

    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        metrics.requests.labels(route, request.method, str(response.status_code)).inc()
        metrics.seconds.labels(route).observe(time.perf_counter() - g.get("started", time.perf_counter()))
        return response

    app.before_request(start)
    app.after_request(count)


def metrics_response(metrics: Metrics) -> Response:
    """The answer of ``/metrics``."""
    return Response(metrics.text(), content_type=CONTENT_TYPE_LATEST)
