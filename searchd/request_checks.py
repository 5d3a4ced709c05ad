"""What every JSON route refuses before its view runs: text that is no UTF-8, parameters that are unknown or given twice, a body that nobody reads.

What a route takes is what it declared, so that one answer to one mistake is the same from all of them. Pages for people are lenient: an odd
address shows something.
"""

import json
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from flask import request

from searchd.errors_http import HttpProblem

MAX_PATH_PART = 512
T = TypeVar("T")
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
    "pattern": "of the form {}",
}


def require_utf8_address() -> None:
    """Raise a 400 for a path or a query string whose bytes are no UTF-8."""
    raw: bytes = request.query_string
    path: str = request.environ.get("PATH_INFO", "")
    try:
        if b"%" in raw or not raw.isascii():
            unquote_to_bytes(raw).decode("utf-8")
        if not path.isascii():
            path.encode("latin-1").decode("utf-8")
    except UnicodeError as error:
        raise HttpProblem(400, "malformed_url", f"the URL: expected percent-encoded UTF-8, found other bytes: {error}") from error


def require_address_of(known: Collection[str], lists: Collection[str]) -> None:
    """Raise a 400 for a parameter in the query string that is not ``known``, or given twice and none of the ``lists``; for an overlong part of
    the path."""
    for name, value in (request.view_args or {}).items():
        if len(str(value)) > MAX_PATH_PART:
            raise _invalid(name, f"expected at most {MAX_PATH_PART} characters, found {len(str(value))}")
    require_names(request.args.lists() if request.query_string else (), known, lists)


def require_names(args: Iterable[tuple[str, list[str]]], known: Collection[str], lists: Collection[str]) -> None:
    """Raise a 400 for a parameter with its values that is not ``known``, or given twice and none of the ``lists``."""
    for name, given in args:
        require_known(name, known)
        if len(given) > 1 and name not in lists:
            raise _invalid(name, f"expected once, found {len(given)} times")


def require_known(name: str, known: Iterable[str]) -> None:
    """Raise a 400 for a name that no parameter has."""
    if name not in known:
        raise _invalid(name[:100], f"unknown parameter; allowed: {', '.join(known) or 'none'}")


def require_no_body() -> None:
    """Raise a 400 for a body where none is read."""
    if request.content_length or request.headers.get("Transfer-Encoding"):
        raise HttpProblem(
            400, "unexpected_body", f"{request.method} {request.path[:100]}: expected no body, found one, which nobody would read"
        )


def require_single_names(data: bytes) -> None:
    """Raise a 400 for JSON, known to be such, with an object that names something twice: which of the two is meant cannot be told."""
    json.loads(data, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _invalid(next(name for name in names if names.count(name) > 1)[:100], "expected once, found several times")
    return found


def converted(values: Any, kind: type[T], strict: bool) -> T:
    """``values`` as ``kind``; raises a 400 that names the parameter and says what is allowed."""
    try:
        return msgspec.convert(values, kind, strict=strict)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        name = place.rstrip("`").partition("[")[0]
        allowed = allowed_values(kind).get(name)  # type: ignore[arg-type]
        if allowed is None:
            raise
        raise _invalid(name, f"{reason}; allowed: {allowed}") from error


@cache
def allowed_values(kind: type) -> dict[str, str]:
    """What every parameter of a type may be, in words."""
    (_,), components = msgspec.json.schema_components([kind])
    return {name: _in_words(schema) for name, schema in components[kind.__name__]["properties"].items()}


def _in_words(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_in_words(part) for part in schema["anyOf"] if part != {"type": "null"})
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    limits = [words.format(schema[name]) for name, words in _LIMITS.items() if name in schema]
    kind = f"{schema['type']} of {_in_words(schema['items'])}" if "items" in schema else str(schema["type"])
    return ", ".join([kind, *limits])


def _invalid(name: str, message: str) -> HttpProblem:
    return HttpProblem(400, "invalid_parameter", f"{name}: {message}")
