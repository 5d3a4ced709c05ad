"""Every failure as one JSON shape: ``{"message", "code", "type", "link"}``.

What a client can cause is a 4xx, whichever layer notices it: a SearchdError raised anywhere below keeps its own message and code, and the table
here gives codes that mean something other than 400 their status. Only a fault of ours is a 5xx, and its details go to the log, not to the client.
"""

import errno
import sqlite3
from collections.abc import Mapping
from typing import Annotated

import msgspec
import structlog
from flask import Flask, Response, request
from msgspec import Meta
from werkzeug.exceptions import HTTPException, InternalServerError

from indexer.documents import BadDocument
from indexer.errors import SearchdError
from searchd.error_codes import ERROR_CODES

log = structlog.get_logger("searchd.http")

# Status of the codes of SearchdError that are not simply a bad request.
STATUS_OF_CODE = {
    "document_not_found": 404,
    "no_such_generation": 404,
    "unknown_model": 404,
    "unknown_query": 422,
    "index_locked": 409,
    "harmful_model": 409,
    "no_index": 503,
    "corrupt_index": 503,
    "partial_answer": 503,
    "format_version": 503,
    "analyzer_mismatch": 503,
    "damaged_model": 503,
    "invalid_model": 503,
    "feature_mismatch": 503,
    "bad_secret": 503,
    "keys_unusable": 503,
    "invalid_lexicon": 503,
    "invalid_schema": 503,
    "unknown_analyzer": 503,
    "bad_features": 503,
    "segment_too_large": 503,
    "writer_gone": 503,
    "click_log": 503,
    "click_log_busy": 503,
    "click_log_full": 503,
    "click_log_corrupt": 503,
}
RETRY_SECONDS = 1  # of requests that were too many
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
_CODE_OF_STATUS = {
    400: "bad_request",
    401: "missing_key",
    403: "forbidden",
    404: "route_not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "body_too_large",
    414: "url_too_long",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    429: "too_many_requests",
    431: "headers_too_large",
}


class HttpProblem(Exception):
    """A request that cannot be answered, with the status it deserves."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, dict(headers or {})


class Overloaded(HttpProblem):
    """As many requests as can be answered in time are waiting."""

    def __init__(self) -> None:
        super().__init__(503, "overloaded", ERROR_CODES["overloaded"], {"Retry-After": str(RETRY_SECONDS)})


class Problem(msgspec.Struct):
    """The body of every error."""

    message: Annotated[str, Meta(description="What was expected, what was found, what to do.")]
    code: Annotated[str, Meta(description="Name of the error; never changes.")]
    type: Annotated[str, Meta(description="Whose turn it is: `invalid_request`, `auth`, `unavailable` or `internal`.")]
    link: Annotated[str, Meta(description="Where the code is explained.")]


def status_of(error: SearchdError) -> int:
    """The HTTP status of an error that a layer below raised."""
    return STATUS_OF_CODE.get(error.code, 400)


def public_message(error: SearchdError) -> str:
    """What a client is told. Errors of the installation name its folders: those go to the log, and the client learns the meaning only."""
    if status_of(error) not in (409, 503):
        return str(error)
    log.error("unavailable", code=error.code, message=str(error), path=request.path)
    return ERROR_CODES.get(error.code, "this server cannot answer at the moment; the reason is in its log")


def problem_of(status: int, code: str, message: str) -> Problem:
    """The body for a status; ``type`` tells whose turn it is to act."""
    kind = {401: "auth", 403: "auth"}.get(status, "invalid_request" if status < 500 else "unavailable" if status == 503 else "internal")
    return Problem(message, code, kind, f"/docs#error-{code}")


def error_response(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """The JSON answer of a failed request."""
    body = msgspec.json.encode(problem_of(status, code, _printable(message)))
    response = Response(body, status=status, mimetype="application/json")
    response.headers.update(dict(headers or {}))
    if status == 503:
        response.headers.setdefault("Retry-After", "5")
    return response


def register_errors(app: Flask) -> None:
    """Route every exception of ``app`` through this module."""
    app.register_error_handler(HttpProblem, _from_problem)
    app.register_error_handler(SearchdError, _from_searchd)
    app.register_error_handler(msgspec.ValidationError, _from_validation)
    app.register_error_handler(msgspec.DecodeError, _from_decoding)
    app.register_error_handler(sqlite3.OperationalError, _from_sqlite)
    app.register_error_handler(OSError, _from_system)
    app.register_error_handler(HTTPException, _from_werkzeug)


def _from_problem(error: HttpProblem) -> Response:
    return error_response(error.status, error.code, str(error), error.headers)


def _from_searchd(error: SearchdError) -> Response:
    # What a quarantine tells apart in detail is one code for clients; the message names the field.
    bad = isinstance(error, BadDocument) and error.code != "missing_id"
    return error_response(status_of(error), "invalid_document" if bad else error.code, public_message(error))


def _from_validation(error: msgspec.ValidationError) -> Response:
    """msgspec's ``Expected `int` <= 100 - at `$.limit` `` with the name first."""
    reason, _, place = str(error).partition(" - at `$.")
    return error_response(400, "invalid_parameter", f"{place.rstrip('`')}: {reason}" if place else reason)


def _from_decoding(error: msgspec.DecodeError) -> Response:
    return error_response(400, "malformed_json", f"expected JSON, found something else: {error}")


def _from_sqlite(error: sqlite3.OperationalError) -> Response:
    """A click log that is locked or on a full disk: nothing was written, the client may try again."""
    log.error("database", message=str(error), path=request.path)
    return error_response(503, "log_unavailable", "a database of this server cannot be used at the moment; try again later")


def _from_system(error: OSError) -> Response:
    """A disk that is full or fails is no fault of the program: somebody makes room, and the client sends its change again."""
    if error.errno not in _DISK_ERRORS:
        return _from_werkzeug(InternalServerError(original_exception=error))
    log.error("disk", message=str(error), path=request.path)
    return error_response(503, "disk_unusable", ERROR_CODES["disk_unusable"])


def _from_werkzeug(error: HTTPException) -> Response:
    if isinstance(error, InternalServerError):
        log.exception("internal error", path=request.path, method=request.method, exc_info=error.original_exception)
        return error_response(500, "internal", "the server failed; the reason is in its log")
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    if error.code == 405:
        headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))  # type: ignore[attr-defined]
    code = _CODE_OF_STATUS.get(error.code, "bad_request" if error.code < 500 else "internal")
    return error_response(error.code, code, _message(error), headers)


def _message(error: HTTPException) -> str:
    if error.code == 404:
        return f"no such path: {request.path[:200]}; /docs lists the routes"
    if error.code == 405:
        return f"{request.method} is not allowed here"
    return error.description or error.name


def _printable(message: str) -> str:
    """Text that JSON can carry and a log line can hold: no lone surrogates, not endless."""
    return message.encode("utf-8", "replace").decode("utf-8")[:2000]
