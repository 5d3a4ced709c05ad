"""A name for every request, in its answer and in every log line that it causes; and a line for the request itself, as far as the settings want one.

Whoever calls may bring a name in ``X-Request-Id``, so that a search can be followed through several programs; what is no plain name is replaced.
A line holds route, status and time, never a query, a document or an address.
"""

import re
import secrets
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request

HEADER = "X-Request-Id"
REQUEST_ID = "searchd.request_id"  # in the environment of a request that has its name
_PLAIN = re.compile(r"[A-Za-z0-9._:-]{1,100}")
log = structlog.get_logger("searchd.request")


def register_request_ids(app: Flask, logged: str) -> None:
    """Name every request of ``app``; ``logged`` as the setting ``log_requests``."""

    def name() -> None:
        g.received = time.perf_counter()
        g.request_id = begin_request(request.environ)

    def tell(response: Response) -> Response:
        if "request_id" in g:
            response.headers[HEADER] = g.request_id
            if logged == "all" or (logged == "failed" and response.status_code >= 500 and request.path != "/ready"):
                _log(response)
        return response

    app.before_request(name)
    app.after_request(tell)


def begin_request(environ: dict[str, Any]) -> str:
    """The name of the request of a WSGI environment, which keeps it; from now on this thread's log lines have it."""
    name: str | None = environ.get(REQUEST_ID)
    if name is None:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        name = environ[REQUEST_ID] = given if _PLAIN.fullmatch(given) else secrets.token_hex(8)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=name)
    return name


def _log(response: Response) -> None:
    key, route = g.get("key"), request.url_rule.rule if request.url_rule else None
    seconds = time.perf_counter() - g.received
    log_request(request.method, route, response.status_code, seconds, response.content_length, key.id if key else None)


def log_request(method: str, route: str | None, status: int, seconds: float, size: int | None, key: str | None) -> None:
    """The line of one request; ``size`` of its answer in bytes, ``key`` the id of the key that it brought."""
    log.info("request", method=method, route=route, status=status, milliseconds=round(1000 * seconds, 2), bytes=size, key=key)
