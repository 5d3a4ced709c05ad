"""The OpenAPI 3.1 document, generated from what the routes declare and from the msgspec types they read and write."""

import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec
from flask import Flask

from searchd.errors_http import Problem
from searchd.routing import Operation, operation_of


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


# Ids of documents may have slashes but no control characters; other parts of paths are plain names.
_KEY, _NAME = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$", "^[A-Za-z0-9_.-]+$"
_PART = {"type": "string", "minLength": 1, "maxLength": 512}
_PARTS_OF_PATHS = {
    "key": "Id of a document; slashes are part of it.",
    "name": "Name of a published model.",
    "query_id": "What the search answered as its `query_id`.",
    "uid": "Number of a task, which the answer of a change names.",
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
            "content": _body_content(operation, schemas),
        }
    if operation.scope != "public":
        described["security"] = [{name: [operation.scope]} for name in _SECURITY]
        if operation.scope in ("search", "events"):
            described["security"].append({})
    return described


def _body_content(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    described = {"application/json": {"schema": schemas.of(operation.body), "example": operation.example}}
    if operation.many:
        described["application/x-ndjson"] = {"schema": {"type": "string", "description": "One JSON value a line."}}
    return described


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)\}", path)
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARTS_OF_PATHS[name],
            "schema": _PART | {"pattern": _KEY if name == "key" else _NAME},
        }
        for name in names
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.params is None:
        return []
    _, components = msgspec.json.schema_components([operation.params])
    schema = components[operation.params.__name__]
    return [_query_parameter(name, part, name in schema.get("required", ())) for name, part in schema["properties"].items()]


def _query_parameter(name: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    parameter = {"name": name, "in": "query", "required": required, "description": description_of(schema), "schema": schema}
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter


def description_of(schema: dict[str, Any]) -> str:
    """What a type says of itself; of one that may be null, what the other says. Empty when nobody says anything."""
    parts = (schema, *schema.get("anyOf", ()))
    return next((part["description"] for part in parts if "description" in part), "")


def _responses(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    schema = schemas.of(operation.answer) if operation.answer is not None else {"type": "string"}
    problem = _described("What was expected, what was found, what to do.", "application/json", schemas.of(Problem))
    unchanged = {"304": {"description": "What the client has by this ETag."}} if operation.cached else {}
    others = {
        status: _described(operation.summary, operation.media, {"anyOf": list(map(schemas.of, kinds))})
        for status, kinds in operation.also.items()
    }
    return {"200": _described(operation.summary, operation.media, schema), **unchanged, "4XX": problem, "503": problem, **others}


def _described(description: str, media: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {media: {"schema": schema}}}


def _version() -> str:
    try:
        return version("searchd")
    except PackageNotFoundError:  # run from a folder that was not installed
        return "0"
