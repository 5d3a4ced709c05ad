"""The OpenAPI 3.1 document, generated from what the routes declare and from the msgspec types they read and write."""

import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec
from flask import Flask

from searchd.errors_http import Problem
from searchd.routing import Operation, operation_of

# Every code a client may meet, and what to do about it; /docs shows them and the `link` of an error points there.
ERROR_CODES = {
    "analyzer_mismatch": "The index was made by another analysis than this program's; build it anew.",
    "bad_events": "The body is neither a UBI event nor a batch of them.",
    "bad_filter": "The filter cannot be parsed, or compares a field with what it cannot hold.",
    "bad_request": "The request cannot be read.",
    "bad_secret": "The file that signs query ids is damaged.",
    "bad_sort": "The sort key is no column, or its direction is neither asc nor desc.",
    "body_too_large": "The body is over the limit of its route: 16 KiB for searches, 256 KiB for events, 64 MiB for documents.",
    "click_log": "The click log cannot be used; nothing was stored.",
    "click_log_busy": "Too many writes are waiting; nothing was stored, try again.",
    "click_log_corrupt": "The click log is damaged; nothing was stored.",
    "click_log_full": "The disk is full; nothing was stored.",
    "corrupt_index": "A file of the index is damaged; `indexer verify` names it, `indexer rollback` returns to the generation before.",
    "damaged_model": "The files of the model are not those that were published.",
    "document_not_found": "No document has this id.",
    "feature_mismatch": "The model was trained on other features than this collection has.",
    "forbidden": "This is not open to anyone.",
    "format_version": "The index was written by another version of the program; build it anew.",
    "headers_too_large": "The headers are over 16 KiB.",
    "index_locked": "Another program is writing to this index; try again.",
    "internal": "A fault of the server; its log has the reason.",
    "invalid_document": "A document is no JSON object, or its id is not that of the path; nothing of the request was stored.",
    "invalid_event": "An event is not UBI 1.3; the message names the part.",
    "invalid_key": "The key is unknown, has expired or was revoked.",
    "invalid_model": "The model file cannot be read.",
    "invalid_parameter": "A parameter is unknown, of the wrong type or out of its range; the message names it.",
    "malformed_json": "The body is not JSON in UTF-8.",
    "method_not_allowed": "The path exists for other methods, named by the Allow header.",
    "missing_id": "A document has no id; nothing of the request was stored.",
    "missing_key": "The route needs a key: Authorization: Bearer KEY, or X-API-Key: KEY.",
    "no_index": "Nothing has been published yet; build an index first.",
    "query_not_found": "The query id is genuine, but its search was not logged.",
    "query_too_long": "A query has at most 512 characters after NFKC.",
    "route_not_found": "No such path.",
    "too_deep": "JSON may be nested 32 deep.",
    "too_many_requests": "Twenty wrong keys a minute and address; wait a minute.",
    "unknown_field": "The collection has no such field, or not of a type that can do this.",
    "unknown_model": "No model of this name or version has been published.",
    "unknown_query": "The query id was never issued here, or has expired; nothing was counted.",
    "unsupported_media_type": "Send JSON as application/json, or one value a line as application/x-ndjson.",
    "url_too_long": "The URL is over 8 KiB; send the search as a POST.",
    "wrong_scope": "The key is valid but does not open this route.",
}


def openapi_document(app: Flask) -> dict[str, Any]:
    """The description of every declared route of ``app``."""
    schemas = _Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = operation_of(app, rule.endpoint)
        if operation is None:
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(path, {})[method.lower()] = _operation(rule.endpoint, path, operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "searchd", "version": _version(), "description": "Search that learns from clicks.", "license": _LICENSE},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas.components(), "securitySchemes": _SECURITY},
    }


_LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key made by `searchd keys create`."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


class _Schemas:
    """Types met so far; each is described once, under its own name."""

    def __init__(self) -> None:
        self._types: list[Any] = [Problem]

    def of(self, kind: Any) -> dict[str, Any]:
        if kind is dict:
            return {"type": "object"}
        if kind not in self._types:
            self._types.append(kind)
        (schema,), _ = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
        return dict(schema)

    def components(self) -> dict[str, Any]:
        _, components = msgspec.json.schema_components(self._types, ref_template="#/components/schemas/{name}")
        return dict(sorted(components.items()))


def _operation(endpoint: str, path: str, operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": endpoint.replace(".", "_"),
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": _path_parameters(path) + _query_parameters(operation),
        "responses": _responses(operation, schemas),
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {media: {"schema": schemas.of(operation.body)} for media in _body_media(operation)},
        }
    if operation.scope != "public":
        described["security"] = [{name: [operation.scope]} for name in _SECURITY]
        if operation.scope in ("search", "events"):
            described["security"].append({})
    return described


def _body_media(operation: Operation) -> list[str]:
    return ["application/json", "application/x-ndjson"] if operation.many else ["application/json"]


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)\}", path)
    schema = {"type": "string", "minLength": 1, "maxLength": 512}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.params is None:
        return []
    _, components = msgspec.json.schema_components([operation.params])
    schema = components[operation.params.__name__]
    return [_query_parameter(name, part, name in schema.get("required", ())) for name, part in schema["properties"].items()]


def _query_parameter(name: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    schema = dict(schema)
    parameter = {"name": name, "in": "query", "required": required, "description": schema.pop("description", name), "schema": schema}
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter


def _responses(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    schema = schemas.of(operation.answer) if operation.answer is not None else {"type": "string"}
    problem = {
        "description": "What was expected, what was found, what to do.",
        "content": {"application/json": {"schema": schemas.of(Problem)}},
    }
    return {
        "200": {"description": operation.summary, "content": {operation.media: {"schema": schema}}},
        "4XX": problem,
        "503": problem,
    }


def _version() -> str:
    try:
        return version("searchd")
    except PackageNotFoundError:  # run from a folder that was not installed
        return "0"
