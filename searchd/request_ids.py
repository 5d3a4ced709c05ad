"""A name for every request, in its answer and in every log line that it causes; and a line for the request itself, as far as the settings want one.

Whoever calls may bring a name in ``X-Request-Id``, so that a search can be followed through several programs; what is no plain name is replaced.
A line holds route, status and time, never a query, a document or an address.
"""

import re
import secrets
import time

import structlog
from flask import Flask, Response, g, request

HEADER = "X-Request-Id"
_PLAIN = re.compile(r"[A-Za-z0-9._:-]{1,100}")
log = structlog.get_logger("searchd.request")


def register_request_ids(app: Flask, logged: str) -> None:
    """Name every request of ``app``; ``logged`` as the setting ``log_requests``."""

    def name() -> None:
        given = request.headers.get(HEADER, "")
        g.request_id = given if _PLAIN.fullmatch(given) else secrets.token_hex(8)
        g.received = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    def tell(response: Response) -> Response:
        if "request_id" in g:
            response.headers[HEADER] = g.request_id
            if logged == "all" or (logged == "failed" and response.status_code >= 500 and request.path != "/ready"):
                _log(response)
        return response

    app.before_request(name)
    app.after_request(tell)


def _log(response: Response) -> None:
    key = g.get("key")
    log.info(
        "request",
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        milliseconds=round(1000 * (time.perf_counter() - g.received), 2),
        bytes=response.content_length,
        key=key.id if key else None,
    )
