"""The busiest requests, answered without Flask: the same checks, the same work and the same headers, for a fifth of the time around it.

What may be answered here says the declaration of its route (``Operation.direct``). A request is, if it is right in every way: any mistake in it, any
header with a meaning of its own (a key, a body where none belongs), a client over its rate and any failure is left to Flask, which looks at the
request as if nobody had seen it. So there is one home for every error, and no check that is made here lets anything through that Flask would not.
"""

import io
import re
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from flask import Flask

from searchd.access import ADMITTED, OPEN_SCOPES
from searchd.cors import exposing
from searchd.errors_http import Overloaded
from searchd.params import JSON, Params, list_fields, params_of
from searchd.rate_limits import client_of
from searchd.request_checks import require_names
from searchd.request_ids import HEADER, REQUEST_ID, begin_request, log_request
from searchd.responses import Plain
from searchd.routing import MAX_HEADERS, MAX_URL, Operation, operation_of
from searchd.service import Service

Environ = dict[str, Any]
# Flask refuses names of hosts that cannot be one; these are beyond doubt.
_HOST = re.compile(r"(?:[A-Za-z0-9-]{1,40}(?:\.[A-Za-z0-9-]{1,40}){0,4}|\[[0-9a-fA-F:]{2,45}\])(?::[0-9]{1,5})?")
_ELSEWHERE = ("HTTP_AUTHORIZATION", "HTTP_X_API_KEY", "HTTP_TRANSFER_ENCODING")


class Way(NamedTuple):
    """A route that may be answered directly, and the headers of its answers."""

    method: str
    rule: str
    operation: Operation
    headers: dict[str, str]


class Direct:
    """A WSGI application in front of Flask's. Thread-safe."""

    def __init__(self, app: Flask, service: Service, headers: dict[str, str]) -> None:
        """``headers``: those of every answer."""
        self._flask, self._service = app.wsgi_app, service
        self._ways = {(way.method, way.rule): way for way in _ways(app, service, headers)}

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        way = self._ways.get((environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")))
        if way is not None and _is_plain(environ):
            started = time.perf_counter()
            begin_request(environ)
            with self._service.metrics.in_progress():
                answer = self._answer(way, environ)
            if answer is not None:
                return self._sent(way, environ, answer, started, start_response)
        return self._flask(environ, start_response)

    def _answer(self, way: Way, environ: Environ) -> Plain | None:
        """The answer; None where Flask has to give it."""
        try:
            asked = _asked(way, environ)
            if asked is None or not self._admitted(way, environ):
                return None
            return way.operation.direct(self._service, asked)  # type: ignore[misc]
        except Overloaded:
            raise
        except Exception:  # told and logged where it happens again
            return None

    def _admitted(self, way: Way, environ: Environ) -> bool:
        limits = self._service.limits
        if not limits.rate or way.operation.scope == "public":
            return True
        environ[ADMITTED] = not limits.wait(client_of(environ.get("REMOTE_ADDR") or ""))
        return bool(environ[ADMITTED])

    def _sent(self, way: Way, environ: Environ, answer: Plain, started: float, start_response: Callable[..., Any]) -> tuple[bytes]:
        settings = self._service.settings
        headers = {**way.headers, **dict(answer.headers), "Content-Length": str(len(answer.body)), HEADER: environ[REQUEST_ID]}
        if settings.cors_origins and way.rule.startswith("/v1/"):
            headers |= {"Vary": "Origin", **exposing(settings.cors_origins, environ.get("HTTP_ORIGIN", ""))}
        seconds = time.perf_counter() - started
        self._service.metrics.count_request(way.rule, way.method, 200, seconds)
        if settings.log_requests == "all":
            log_request(way.method, way.rule, 200, seconds, len(answer.body), None)
        start_response("200 OK", list(headers.items()))
        return (answer.body,)


def _ways(app: Flask, service: Service, headers: dict[str, str]) -> Iterable[Way]:
    for rule in app.url_map.iter_rules():
        operation = operation_of(app, rule.endpoint)
        if operation is None or operation.direct is None:
            continue
        if operation.scope == "public" or (operation.scope in OPEN_SCOPES and not service.settings.require_keys):
            for method in (rule.methods or set()) & {"GET", "POST"}:
                yield Way(method, rule.rule, operation, {"Content-Type": operation.media, **headers})


def _is_plain(environ: Environ) -> bool:
    """Whether there is nothing about a request, its body apart, that only Flask knows what to do with."""
    if any(name in environ for name in _ELSEWHERE) or environ.get("SCRIPT_NAME"):
        return False
    query = environ.get("QUERY_STRING", "")
    if not query.isascii() or len(environ.get("RAW_URI") or "") + len(query) + len(environ["PATH_INFO"]) > MAX_URL:
        return False
    if sum(len(name) + len(value) for name, value in environ.items() if name.startswith("HTTP_")) > MAX_HEADERS:
        return False
    return bool(_HOST.fullmatch(environ.get("HTTP_HOST", "")))


def _asked(way: Way, environ: Environ) -> Any:
    """What the work is given: parameters of the address, or the bytes of a body; None for what Flask will refuse, or may understand."""
    if way.method == "POST":
        return None if environ.get("QUERY_STRING") else _body(environ, way.operation.max_body)
    if environ.get("CONTENT_LENGTH", "") not in ("", "0"):
        return None
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True, errors="strict"):
        given.setdefault(name, []).append(value)
    kind = way.operation.params
    require_names(given.items(), () if kind is None else kind.__struct_fields__, () if kind is None else list_fields(kind))
    return Params() if kind is None else params_of(kind, given.items())


def _body(environ: Environ, most: int) -> bytes | None:
    """The bytes of a body of JSON; whoever comes later finds them where they were."""
    length = environ.get("CONTENT_LENGTH", "")
    media = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media != JSON or not (length.isascii() and length.isdigit() and 0 < int(length) <= most):
        return None
    data: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(data)
    return data if len(data) == int(length) else None
