"""Every mistake a request can have, made on every route that the URL map has: the same 4xx with code, message and what is allowed, and nothing done.

The cases are made from what the routes declare, so a new route or parameter is tried without anybody thinking of it.
"""

import json
from typing import NamedTuple

import msgspec
import pytest
from web_home import make_home

from searchd.app import create_app
from searchd.error_codes import ERROR_CODES
from searchd.params import Params, SearchParams, list_fields
from searchd.request_checks import allowed_values
from searchd.routing import operation_of

ROUTES_APP = create_app("nowhere")
# What paths are filled in with; the path itself is no mistake.
PATH_VALUES = {"key": "d1", "name": "nope", "query_id": "nope", "uid": "nope"}
# A value of each kind that is another kind, as it stands in JSON and in an address.
OTHER_KIND = {
    "string": (7, None),
    "integer": ("many", "many"),
    "boolean": ("perhaps", "perhaps"),
    "array": ({"a": 1}, None),
    "number": ("x", "x"),
}


class Call(NamedTuple):
    """A request to a route, and what it must be answered with."""

    url: str
    method: str
    route: str
    query: str = ""
    body: bytes | None = None
    media: str | None = None
    status: int = 400
    code: str = "invalid_parameter"
    told: tuple[str, ...] = ()
    environ: dict[str, str] | None = None


class Route(NamedTuple):
    url: str
    rule: str
    method: str
    operation: object


def routes():
    """Every declared JSON route and method."""
    found = []
    for rule in ROUTES_APP.url_map.iter_rules():
        operation = operation_of(ROUTES_APP, rule.endpoint)
        if operation is not None and operation.media != "text/html":
            url = rule.rule
            for name in rule.arguments:
                url = url.replace(f"<path:{name}>", PATH_VALUES[name]).replace(f"<{name}>", PATH_VALUES[name])
            found += [Route(url, rule.rule, method, operation) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return sorted(found, key=lambda route: (route.rule, route.method))


def struct_of(route):
    """The type of a route's JSON body, if that is a set of parameters."""
    body = route.operation.body
    return body if isinstance(body, type) and issubclass(body, Params) else None


def described(kind):
    """The JSON schema of a set of parameters."""
    return msgspec.json.schema_components([kind])[1][kind.__name__]


def properties(kind):
    return described(kind)["properties"]


def bad_values(schema):
    """(what is wrong, in JSON, in an address or None) for one parameter."""
    parts = [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]
    (part,) = parts
    kind = part.get("type", "string")
    yield "wrong type", *OTHER_KIND[kind]
    if "enum" in part:
        yield "no such value", "nonsense", "nonsense"
    if "minimum" in part:
        yield "too small", part["minimum"] - 1, str(part["minimum"] - 1)
    if "maximum" in part:
        yield "too large", part["maximum"] + 1, str(part["maximum"] + 1)
        yield "no number", "9" * 400, "9" * 400
    if "maxLength" in part:
        yield "too long", "x" * (part["maxLength"] + 1), "x" * (part["maxLength"] + 1) if part["maxLength"] < 6000 else None
    if "maxItems" in part:
        yield "too many", ["x"] * (part["maxItems"] + 1), ",".join(["x"] * (part["maxItems"] + 1))


def valid(kind):
    """Parameters without which the request would be bad for another reason."""
    return {name: ["d1"] if name == "ids" else "list" for name in ("q", "ids", "text") if name in kind.__struct_fields__}


def json_call(route, body, **expected):
    return Call(route.url, route.method, route.rule, body=json.dumps(body).encode(), media="application/json", **expected)


def parameter_cases(route):
    query = route.operation.params
    for name, schema in properties(query).items() if query else ():
        for what, _, text in bad_values(schema):
            if text is not None:
                others = "&".join(f"{key}=list" for key in valid(query) if key != name)
                yield f"{name} {what}", Call(route.url, route.method, route.rule, f"{name}={text}&{others}", told=(name, "allowed"))
        if name not in list_fields(query):
            yield f"{name} given twice", Call(route.url, route.method, route.rule, f"{name}=1&{name}=1", told=(name, "once"))
    struct = struct_of(route)
    for name, schema in properties(struct).items() if struct else ():
        for what, value, _ in bad_values(schema):
            yield f"{name} {what} in the body", json_call(route, valid(struct) | {name: value}, told=(name, "allowed"))
        twice = f'{{"{name}": 1, "{name}": 1}}'.encode()
        yield f"{name} twice in the body", Call(route.url, route.method, route.rule, "", twice, "application/json", told=(name, "once"))
    for name in described(query).get("required", ()) if query else ():
        yield f"{name} missing", Call(route.url, route.method, route.rule, told=(name,))
    for name in described(struct).get("required", ()) if struct else ():
        body = {key: value for key, value in valid(struct).items() if key != name}
        yield f"{name} missing in the body", json_call(route, body, told=(name,))


def cases():
    """(name, call) of every mistake on every route."""
    for route in routes():
        call = Call(route.url, route.method, route.rule)
        made = dict(parameter_cases(route))
        made["unknown parameter"] = call._replace(query="colour=red", told=("colour", "allowed"))
        made["broken UTF-8 in the query"] = call._replace(query="q=%ff", code="malformed_url", told=("UTF-8",))
        made["raw bytes in the query"] = call._replace(environ={"QUERY_STRING": "q=\xff"}, code="malformed_url", told=("UTF-8",))
        if "<" in route.rule:
            broken = {"PATH_INFO": route.url.replace("d1", "\xff").replace("nope", "\xff")}
            made["broken UTF-8 in the path"] = call._replace(environ=broken, code="malformed_url")
            made["overlong path"] = call._replace(url=route.url.replace("d1", "x" * 600).replace("nope", "x" * 600), told=("512", "600"))
        made["long address"] = call._replace(query="q=" + "x" * 9000, status=414, code="url_too_long", told=("POST",))
        size = route.operation.max_body + 1
        if size < 1 << 20:
            made["huge body"] = call._replace(
                body=b" " * size, media="application/json", status=413, code="body_too_large", told=(str(size),)
            )
        if route.operation.body is None:
            made["a body that nobody reads"] = call._replace(body=b"{}", media="application/json", code="unexpected_body")
        else:
            made.update(body_cases(route, call))
        for name, one in made.items():
            yield f"{route.method} {route.rule}: {name}", one


def body_cases(route, call):
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        yield (
            f"{media.split(';')[0]}",
            call._replace(body=b"q=list", media=media, status=415, code="unsupported_media_type", told=("application/json",)),
        )
    for name, body in (("broken UTF-8 in the body", b'{"q": "\xff"}'), ("no JSON", b"{nonsense"), ("two values", b"{} {}")):
        yield name, call._replace(body=body, media="application/json", code="malformed_json")
    deep = b'{"q": ' + b"[" * 40 + b"]" * 40 + b"}"
    yield "nested too deep", call._replace(body=deep, media="application/json", code="too_deep")
    if struct_of(route):
        yield "no object", call._replace(body=b"[1]", media="application/json", told=("object",))
        yield "unknown name", call._replace(body=b'{"colour": 1}', media="application/json", told=("colour", "allowed"))


CASES = dict(cases())


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    app = create_app(make_home(tmp_path_factory.mktemp("bad")))
    app.extensions["searchd"].engine  # noqa: B018 - opened
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {app.extensions['searchd'].keys.create('admin')}"
    yield client
    app.extensions["searchd"].close()


@pytest.mark.parametrize("name", list(CASES))
def test_a_mistake_is_refused_with_its_reason(client, name):
    call = CASES[name]
    engine = client.application.extensions["searchd"].engine
    before = engine.index.generation
    sent = {"query_string": call.query, "data": call.body, "content_type": call.media, "environ_overrides": call.environ}
    answer = client.open(call.url, method=call.method, **sent)
    body = answer.get_json()
    assert (answer.status_code, body and body["code"]) == (call.status, call.code), body
    assert set(body) == {"message", "code", "type", "link"} and body["code"] in ERROR_CODES
    for part in call.told:
        assert part in body["message"], body
    engine.reload_if_changed()
    assert engine.index.generation == before


def test_every_route_is_tried():
    assert {call.route for call in CASES.values()} == {route.rule for route in routes()} and len(CASES) > 300


def test_what_is_allowed_is_said_in_words():
    allowed = allowed_values(SearchParams)
    assert allowed["limit"] == "integer, at least 0, at most 100" and allowed["mode"] == "and, or"
    assert allowed["facets"] == "array of string, at most 32 of them" and allowed["num_typos"] == "integer, at least 0, at most 2"
