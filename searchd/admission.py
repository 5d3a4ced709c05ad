"""How many requests a worker has at once: those that it answers and a queue of those that wait. Whoever comes then is refused before he is read.

Without a bound a service that is asked for more than it can do answers everybody late, and nobody any more who has given up; with one, those who are
let in wait for at most the queue, and the others learn at once that they should come back (Welsh and Culler, "Adaptive overload control for busy
Internet servers", 2003). What watches over the service passes by. A body that arrives slowly does not count while it does, or a few slow clients
would fill the queue, but so many bodies may be arriving and no more.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog

from searchd.cors import exposing
from searchd.errors_http import Overloaded, problem_of
from searchd.metrics import Metrics
from searchd.request_ids import HEADER, REQUEST_ID, begin_request
from searchd.responses import json_bytes

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
T = TypeVar("T")
ALWAYS = ("/health", "/ready", "/metrics")
log = structlog.get_logger("searchd.admission")


class Admission:
    """A WSGI application in front of another, which has at most ``most`` requests at once, and so many ``bodies`` arriving. Thread-safe."""

    def __init__(
        self, app: Application, most: int, bodies: int, metrics: Metrics, headers: dict[str, str], origins: tuple[str, ...]
    ) -> None:
        """``headers``: those of every answer; ``origins``: whose pages may read it."""
        self._app, self._most, self._bodies, self._metrics = app, most, bodies, metrics
        self._headers, self._origins = headers, origins
        self._lock = threading.Lock()
        self._inside = self._arriving = 0
        self._since: dict[int, float] = {}  # by the thread that works at a request

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") in ALWAYS:
            return self._app(environ, start_response)
        has_body = environ.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ
        if not self._enter(has_body):
            return self._refused(environ, start_response)
        if has_body:
            environ["wsgi.input"] = Arriving(environ["wsgi.input"], self.outside)
        try:
            return self._app(environ, start_response)
        except Overloaded:
            return self._refused(environ, start_response)
        finally:
            with self._lock:
                self._inside -= 1
                self._since.pop(threading.get_ident(), None)

    def busy(self) -> float:
        """For how many seconds the request that has taken longest is being worked at, waiting for its body not counted."""
        with self._lock:
            return time.monotonic() - min(self._since.values(), default=time.monotonic())

    def _enter(self, has_body: bool) -> bool:
        with self._lock:
            if self._inside >= self._most or (has_body and self._arriving >= self._bodies):
                return False
            self._inside += 1
            self._since[threading.get_ident()] = time.monotonic()
            return True

    @contextmanager
    def outside(self) -> Iterator[None]:
        """A request that was let in waits for its body, and comes back whether or not there is room."""
        with self._lock:
            self._inside -= 1
            self._arriving += 1
            self._since.pop(threading.get_ident(), None)
        try:
            yield
        finally:
            with self._lock:
                self._inside += 1
                self._arriving -= 1
                self._since[threading.get_ident()] = time.monotonic()

    def _refused(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        begin_request(environ)
        self._metrics.shed.inc()
        error = Overloaded()
        body = json_bytes(problem_of(error.status, error.code, str(error)))
        headers = {"Content-Type": "application/json", **self._headers, **error.headers, HEADER: environ[REQUEST_ID]}
        if self._origins and environ.get("PATH_INFO", "").startswith("/v1/"):
            headers |= {"Vary": "Origin", **exposing(self._origins, environ.get("HTTP_ORIGIN", ""))}
        start_response("503 Service Unavailable", [*headers.items(), ("Content-Length", str(len(body)))])
        return [body]


class Arriving:
    """The body of a request, which is let out of the queue while it waits for more of it."""

    def __init__(self, body: Any, outside: Callable[[], Any]) -> None:
        self._body, self._outside = body, outside

    def read(self, size: int = -1) -> bytes:
        """The next ``size`` bytes, fewer at the end; all with -1."""
        return self._waited(lambda: self._body.read(size) if size >= 0 else self._body.read())

    def readline(self, size: int = -1) -> bytes:
        """The next line, or ``size`` bytes of it."""
        return self._waited(lambda: self._body.readline(size) if size >= 0 else self._body.readline())

    def readlines(self, hint: int = -1) -> list[bytes]:
        """All lines; ``hint`` is for those who read less."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def _waited(self, read: Callable[[], T]) -> T:
        with self._outside():
            return read()
