"""``/health``, ``/ready``, ``/metrics``, ``/openapi.json`` and ``/docs``: what machines around the service read."""

from flask import Blueprint, current_app, render_template
from werkzeug.wrappers import Response

from searchd.answers import ReadyAnswer, Status
from searchd.config import describe_settings
from searchd.error_codes import ERROR_CODES
from searchd.metrics import metrics_response
from searchd.openapi import openapi_document
from searchd.responses import Plain, json_bytes, json_response
from searchd.routing import Operation, route
from searchd.service import service

blueprint = Blueprint("health", __name__)


_ALIVE = Plain(json_bytes(Status("ok")))


@route(
    blueprint,
    "/health",
    ("GET",),
    Operation("public", "Whether the process answers", None, None, Status, tag="operations", direct=lambda *_: _ALIVE),
)
def health() -> Response:
    """Alive: nothing is opened or asked."""
    return _ALIVE.response()


@route(
    blueprint,
    "/ready",
    ("GET",),
    Operation(
        "public", "Whether searches are answered at full speed", None, None, ReadyAnswer, tag="operations", also={"503": (ReadyAnswer,)}
    ),
)
def ready() -> Response:
    """200 once the kernels of every worker are warm and an index is open, 503 before."""
    svc = service()
    generation, waiting = svc.state()
    answer = ReadyAnswer("waiting" if waiting else "ready", generation, waiting)
    response = json_response(answer, 503 if waiting else 200)
    if waiting:
        response.headers["Retry-After"] = "1"
    return response


@route(blueprint, "/metrics", ("GET",), Operation("public", "Counters", None, None, None, "text/plain", tag="operations"))
def metrics() -> Response:
    """Prometheus' text format, of all workers together."""
    return metrics_response(service().metrics)


@route(
    blueprint, "/openapi.json", ("GET",), Operation("public", "This API in OpenAPI 3.1", None, None, dict, tag="operations", cached=True)
)
def openapi() -> Response:
    """The document that describes every route under ``/v1``."""
    return json_response(openapi_document(current_app))


@route(
    blueprint, "/docs", ("GET",), Operation("public", "This API for people", None, None, None, "text/html", tag="operations", cached=True)
)
def docs() -> str:
    """The same document as a page, with every error code and setting."""
    return render_template("docs.html", api=openapi_document(current_app), errors=ERROR_CODES, settings=describe_settings())
