"""The reference of the routes, from the OpenAPI document of the service."""

import tempfile
from collections.abc import Iterator
from typing import Any

from docs_tools.markdown import code, page, table
from searchd.app import create_app
from searchd.openapi import description_of, openapi_document

LEAD = """Written from the OpenAPI document that a running service answers on `/openapi.json`, and shows with a form to try it on `/docs`. What all
routes have in common (keys, errors, ETags, limits) is told in [The service](../service.md)."""
SCOPES = {
    "search": "open, unless `require_keys` is set; then a key of scope `search`",
    "events": "open, unless `require_keys` is set; then a key of scope `events`",
    "documents": "a key of scope `documents`",
    "admin": "a key of scope `admin`",
}


def document() -> dict[str, Any]:
    """The OpenAPI document of a service over an empty home."""
    with tempfile.TemporaryDirectory() as folder:
        return openapi_document(create_app(folder))


def routes_page() -> str:
    """The page of all routes, and of the types they read and write."""
    described = document()
    routes = [_route(method, path, operation) for path, methods in described["paths"].items() for method, operation in methods.items()]
    types = [_type(name, schema) for name, schema in described["components"]["schemas"].items()]
    return page("Routes", LEAD, [*routes, "## Types\n", "Named objects of bodies and answers.\n", *types])


def _route(method: str, path: str, operation: dict[str, Any]) -> str:
    scopes = {scope for one in operation.get("security", ()) for part in one.values() for scope in part}
    who = SCOPES[scopes.pop()] if scopes else "open to all"
    rows = [
        (code(one["name"]), _kind(one["schema"]).removesuffix(" or null"), _default(one), one["description"])
        for one in operation["parameters"]
    ]
    parts = [
        f"## {method.upper()} {path}\n",
        f"{operation['summary']}. Who may: {who}.\n",
        table(("parameter", "type", "default", "meaning"), rows),
    ]
    if "requestBody" in operation:
        parts.append(f"Body: {'; '.join(_media(operation['requestBody']['content']))}.\n")
    return "\n".join([*parts, table(("status", "answer"), _answers(operation)), ""])


def _answers(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for status, answer in operation["responses"].items():
        yield status, "; ".join(_media(answer.get("content", {}))) or answer["description"]


def _media(content: dict[str, Any]) -> list[str]:
    return [f"{_kind(one['schema'])} as {code(media)}" for media, one in content.items()]


def _default(parameter: dict[str, Any]) -> str:
    if parameter["required"]:
        return "required"
    default = parameter["schema"].get("default")
    return "" if default in (None, "", []) else code(str(default).lower() if isinstance(default, bool) else default)


def _type(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (code(field), _kind(part), "always" if field in required else "", description_of(part))
        for field, part in schema.get("properties", {}).items()
    ]
    return "\n".join(
        [f"### {name}\n", f"{schema.get('description', '').replace('``', '`')}\n", table(("field", "type", "given", "meaning"), rows)]
    )


def _kind(schema: dict[str, Any]) -> str:
    """A type in words: its name, its range, its choices."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(code("null" if one is None else one) for one in schema["enum"])
    if schema.get("type") == "array":
        inside = schema.get("items") or {}
        return f"list of {_kind(inside)}" if inside else "list"
    return str(schema.get("type", "any")) + _range(schema)


def _range(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    longest = schema.get("maxLength")
    return f", from {low}" if low is not None else f", at most {longest} characters" if longest is not None else ""
