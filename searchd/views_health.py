"""``/health``, ``/ready``, ``/metrics``, ``/openapi.json`` and ``/docs``: what machines around the service read."""

from flask import Blueprint, current_app, render_template
from werkzeug.wrappers import Response

from indexer.publish import NoIndex
from searchd.answers import ReadyAnswer, Status, json_response
from searchd.config import describe_settings
from searchd.error_codes import ERROR_CODES
from searchd.metrics import metrics_response
from searchd.openapi import openapi_document
from searchd.readiness import missing_workers
from searchd.routing import Operation, route
from searchd.service import Service, service

blueprint = Blueprint("health", __name__)


@route(blueprint, "/health", ("GET",), Operation("public", "Whether the process answers", None, None, Status, tag="operations"))
def health() -> Response:
    """Alive: nothing is opened or asked."""
    return json_response(Status("ok"))


@route(
    blueprint,
    "/ready",
    ("GET",),
    Operation("public", "Whether searches are answered at full speed", None, None, ReadyAnswer, tag="operations"),
)
def ready() -> Response:
    """200 once the kernels of every worker are warm and an index is open, 503 before."""
    svc = service()
    generation, waiting = _state(svc)
    svc.metrics.ready.set(0 if waiting else 1)
    answer = ReadyAnswer("waiting" if waiting else "ready", generation, waiting)
    response = json_response(answer, 503 if waiting else 200)
    if waiting:
        response.headers["Retry-After"] = "1"
    return response


def _state(svc: Service) -> tuple[str | None, list[str]]:
    waiting = [] if svc.warm else ["kernels"]
    if missing_workers(svc.run_folder):
        waiting.append("workers")
    try:
        svc.engine.reload_if_changed()
        return svc.engine.index.generation, waiting
    except NoIndex:
        return None, [*waiting, "index"]


@route(blueprint, "/metrics", ("GET",), Operation("public", "Counters", None, None, None, "text/plain", tag="operations"))
def metrics() -> Response:
    """Prometheus' text format, of all workers together."""
    svc = service()
    if svc.warm and svc.home.current.exists():
        svc.metrics.documents.set(svc.engine.index.num_docs)
    return metrics_response(svc.metrics)


@route(blueprint, "/openapi.json", ("GET",), Operation("public", "This API in OpenAPI 3.1", None, None, dict, tag="operations"))
def openapi() -> Response:
    """The document that describes every route under ``/v1``."""
    return json_response(openapi_document(current_app))


@route(blueprint, "/docs", ("GET",), Operation("public", "This API for people", None, None, None, "text/html", tag="operations"))
def docs() -> str:
    """The same document as a page, with every error code and setting."""
    return render_template("docs.html", api=openapi_document(current_app), errors=ERROR_CODES, settings=describe_settings())
