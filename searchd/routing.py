"""One decorator that declares a route: path, scope, limits and types together.

What is declared here is enforced here (access, body size, media of errors) and described by ``openapi``, so the document cannot drift from the
program. A route without a declaration is refused: access is denied by default.
"""

import functools
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from flask import Blueprint, Flask, make_response, request
from werkzeug.wrappers import Response

from searchd.access import authorize
from searchd.errors_http import HttpProblem
from searchd.params import DOCUMENTS_BODY, SEARCH_BODY, Params, list_fields
from searchd.request_checks import require_address_of, require_no_body, require_utf8_address
from searchd.responses import Plain
from searchd.service import Service

Scope = Literal["public", "search", "events", "documents", "admin"]
MAX_URL = 8 * 1024
MAX_HEADERS = 16 * 1024


class Operation(NamedTuple):
    """Everything the program and its documentation say about one route."""

    scope: Scope
    summary: str
    params: type[Params] | None = None  # in the query string; of a POST with body None, in the body too
    body: Any = None  # the type of the request body, when it is not params
    answer: Any = None  # the type of the answer; None for a page or a text
    media: str = "application/json"  # of the answer
    also: Mapping[str, tuple[Any, ...]] = MappingProxyType({})  # types of answers with other statuses than 200
    max_body: int = SEARCH_BODY
    tag: str = "search"
    many: bool = False  # whether the body may also be one JSON value a line
    example: Any = None  # a body that the route takes
    cached: bool = False  # whether the answer may be kept and asked for again by its ETag
    # Answers a request that is right in every way without Flask (``direct.py``): of the parameters, or of the bytes of a body; None: Flask has to.
    direct: Callable[[Service, Any], Plain | None] | None = None


_OPERATIONS: dict[Callable[..., Any], Operation] = {}


def route(
    blueprint: Blueprint, rule: str, methods: tuple[str, ...], operation: Operation
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a view for ``rule`` under the conditions of ``operation``."""

    def register(view: Callable[..., Any]) -> Callable[..., Any]:
        """Register the view guarded by scope, checks of the request and ETag; returns it as it was, for the next rule."""

        @functools.wraps(view)
        def guarded(**values: Any) -> Any:
            authorize(operation.scope)
            if operation.media != "text/html":
                _check(operation)
            answer = view(**values)
            return _revalidated(make_response(answer)) if operation.cached else answer

        _OPERATIONS[guarded] = operation
        # One endpoint a declaration, so that GET and PUT of one path are declared apart.
        endpoint = re.sub(r"\W+", "_", f"{'_'.join(methods).lower()} {rule}") if rule != "/" else "home"
        blueprint.add_url_rule(rule, endpoint, guarded, methods=list(methods))
        return view

    return register


def _revalidated(response: Response) -> Response:
    """The answer with its ETag; 304 for whoever has it already."""
    response.add_etag()
    response.headers["Cache-Control"] = "private, no-cache"
    return response.make_conditional(request)


def _check(operation: Operation) -> None:
    """Refuse what the declaration has no place for."""
    require_utf8_address()
    if operation.body is None:
        require_no_body()
    params = operation.params
    if params is None and _in_body(operation) and not request.content_length:
        params = operation.body  # what belongs into the body may stand in the address when there is none
    require_address_of(() if params is None else params.__struct_fields__, () if params is None else list_fields(params))


def _in_body(operation: Operation) -> bool:
    return isinstance(operation.body, type) and issubclass(operation.body, Params)


def operation_of(app: Flask, endpoint: str) -> Operation | None:
    """What was declared for an endpoint; None for static files and undeclared views."""
    return _OPERATIONS.get(app.view_functions[endpoint])


def register_limits(app: Flask) -> None:
    """Refuse oversized requests, and undeclared routes, before any view runs."""
    app.config["MAX_CONTENT_LENGTH"] = DOCUMENTS_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = SEARCH_BODY
    app.before_request(functools.partial(_limit, app))


def _limit(app: Flask) -> Response | None:
    if len(request.environ.get("RAW_URI") or "") + len(request.query_string) + len(request.path) > MAX_URL:
        raise HttpProblem(414, "url_too_long", f"expected a URL of at most {MAX_URL} bytes; long queries go into the body of a POST")
    if sum(len(name) + len(value) for name, value in request.headers.items()) > MAX_HEADERS:
        raise HttpProblem(431, "headers_too_large", f"expected headers of at most {MAX_HEADERS} bytes")
    if request.endpoint is None or request.endpoint.endswith("static"):
        return None
    operation = operation_of(app, request.endpoint)
    if operation is None:
        raise HttpProblem(403, "forbidden", "this route is not open")
    request.max_content_length = operation.max_body
    if (request.content_length or 0) > operation.max_body:
        raise HttpProblem(413, "body_too_large", f"expected a body of at most {operation.max_body} bytes, found {request.content_length}")
    return None
