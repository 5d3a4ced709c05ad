"""Who may call what: every route of the URL map with every method and every kind of key, against scopes that are written down here once more.

The program's own declarations are not asked, so a route that is opened by mistake, or added without a thought about its scope, fails here.
"""

import itertools
from typing import NamedTuple

import pytest
from web_home import make_home

import searchd.routing as routing
from searchd.access import OPEN_SCOPES
from searchd.app import create_app
from searchd.keys import SCOPES

# From docs/service.md: reading and searching are `search`, events are `events`, changing documents is `documents`, everything else `admin`.
EXPECTED = {
    "search": """
        GET /v1/search, POST /v1/search, GET /v1/explain/<path:key>, POST /v1/rank, GET /v1/suggest, GET /v1/analyze, POST /v1/analyze,
        GET /v1/documents/<path:key>, GET /v1/documents/<path:key>/similar, GET /v1/models, GET /v1/stats,
        GET /, GET /search, GET /why, GET /document/<path:key>, GET /document/, GET /click""",
    "events": "POST /v1/events, GET /v1/queries/<query_id>",
    "documents": "POST /v1/documents, PUT /v1/documents/<path:key>, DELETE /v1/documents/<path:key>",
    "admin": """
        POST /v1/models/<name>/activate, POST /v1/models/rollback, POST /v1/reload, GET /v1/tasks, GET /v1/tasks/<uid>,
        GET /v1/reports/queries, GET /v1/reports/clicks, GET /v1/reports/latency, GET /v1/generations, GET /v1/models/history,
        GET /v1/experiments, POST /v1/experiments/<name>/stop, POST /v1/compare, POST /v1/synonyms,
        GET /admin, GET /admin/queries, GET /admin/ranking, GET /admin/experiments, GET /admin/index,
        POST /admin/synonyms, POST /admin/models/activate, POST /admin/models/rollback, POST /admin/compare, POST /admin/experiments/stop""",
    "public": "GET /health, GET /ready, GET /metrics, GET /openapi.json, GET /docs, GET /box.js, GET /static/<path:filename>",
}  # fmt: skip
SCOPE_OF = {tuple(route.split()): scope for scope, routes in EXPECTED.items() for route in routes.split(",")}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
# What is refused by who asks, and what by how; anything else means that the request reached its view.
REFUSED = {"missing_key": 401, "invalid_key": 401, "wrong_scope": 403, "method_not_allowed": 405, "forbidden": 403}
VALUES = {"key": "nope", "name": "nope", "query_id": "nope", "uid": "nope", "filename": "page.css"}


class Cell(NamedTuple):
    """One request: which route and method, whose key, where the key stands."""

    rule: str
    method: str
    key: str
    place: str = "Bearer"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_home(tmp_path_factory.mktemp("matrix"))


@pytest.fixture(scope="module", params=[False, True], ids=["open", "keys required"])
def site(home, request):
    """An application and a key of each kind."""
    app = create_app(home, require_keys=request.param, merge=False)
    svc = app.extensions["searchd"]
    svc.warm = True  # or /ready is 503, which here would be a fault
    keys = {scope: svc.keys.create(scope) for scope in SCOPES}
    keys["revoked"] = svc.keys.create("admin")
    svc.keys.revoke(keys["revoked"])
    keys["expired"] = svc.keys.create("admin", expires=-1)
    keys |= {"garbage": "x" * 40, "half": keys["admin"][:-1], "none": ""}
    yield app, keys
    svc.close()


def rules(app):
    return sorted({rule.rule for rule in app.url_map.iter_rules()})


def cells(app, thorough=True):
    """Every route, method and kind of key, and the places where a key may stand; a method that a route lacks with two keys only unless ``thorough``."""
    for rule, method in itertools.product(rules(app), METHODS):
        if thorough or (method, rule) in SCOPE_OF:
            yield from (Cell(rule, method, key) for key in (*SCOPES, "none", "garbage", "half", "revoked", "expired"))
            yield from (Cell(rule, method, key, place) for key in ("admin", "search", "garbage") for place in ("X-API-Key", "Basic"))
        else:
            yield from (Cell(rule, method, key) for key in ("none", "admin"))


def expected(cell, open_scopes):
    """The code of the refusal, or "" where the request must reach its view."""
    method = "GET" if cell.method == "HEAD" else cell.method
    # An id may end in "/similar": what that route does not take, the one of documents does.
    scope = SCOPE_OF.get((method, cell.rule)) or SCOPE_OF.get((method, cell.rule.removesuffix("/similar")))
    if scope is None:
        return "" if method == "OPTIONS" else "method_not_allowed"
    form = method == "POST" and cell.rule.startswith("/admin/")
    read = cell.key != "none" and (cell.place != "Basic" or method == "GET" or form or cell.rule == "/v1/events")
    if scope == "public":
        return ""
    if read and cell.key not in SCOPES:
        return "invalid_key"
    if scope in open_scopes:
        return ""
    if not read:
        return "missing_key"
    return "" if cell.key in (scope, "admin") else "wrong_scope"


def code_of(client, cell, keys, address):
    """How a request was refused, or "" when it was not for who asked or how."""
    url = cell.rule
    for name, value in VALUES.items():
        url = url.replace(f"<path:{name}>", value).replace(f"<{name}>", value)
    secret = keys[cell.key]
    sent = {"headers": {}, "auth": None}
    if secret and cell.place == "Basic":
        sent["auth"] = ("anyone", secret)
    elif secret:
        sent["headers"] = {"X-API-Key": secret} if cell.place == "X-API-Key" else {"Authorization": f"Bearer {secret}"}
    answer = client.open(url, method=cell.method, environ_overrides={"REMOTE_ADDR": address}, **sent)
    if cell.method == "HEAD":  # no body: told by the status alone
        return next((code for code, status in REFUSED.items() if status == answer.status_code and code != "forbidden"), "")
    code = (answer.get_json(silent=True) or {}).get("code", "") if answer.is_json else ""
    assert code not in REFUSED or REFUSED[code] == answer.status_code
    return code if code in REFUSED else "" if answer.status_code < 500 else f"failed: {answer.text[:200]}"


def wrong_cells(app, keys, some):
    """Cells whose answer is another than the expected one."""
    open_scopes = () if app.extensions["searchd"].settings.require_keys else OPEN_SCOPES
    client, wrong = app.test_client(), {}
    for number, cell in enumerate(some):
        # Each from its own address: twenty wrong keys close the door to one.
        found, wanted = code_of(client, cell, keys, f"10.0.{number >> 8}.{number & 255}"), expected(cell, open_scopes)
        if found != wanted and not (cell.method == "HEAD" and REFUSED.get(found) == REFUSED.get(wanted)):
            wrong[cell] = (found, wanted)
    return wrong


@pytest.mark.parametrize("thorough", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_cell_of_the_matrix(site, thorough):
    some = list(cells(site[0], thorough))
    assert len(some) > (5500 if thorough else 1400)
    assert wrong_cells(*site, some) == {}


def test_the_table_names_every_route_and_no_other(site):
    app, _ = site
    found = {(method, rule.rule) for rule in app.url_map.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}}
    assert found == set(SCOPE_OF)


def test_a_route_that_nobody_declared_is_closed(home):
    app = create_app(home)
    app.add_url_rule("/v1/forgotten", "forgotten", lambda: "open")
    answer = app.test_client().get("/v1/forgotten", headers={"Authorization": f"Bearer {app.extensions['searchd'].keys.create('admin')}"})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")


MUTANTS = {
    "documents open to who searches": lambda true: lambda scope: true("search" if scope == "documents" else scope),
    "admin open to who loads documents": lambda true: lambda scope: true("documents" if scope == "admin" else scope),
    "public asks for a key": lambda true: lambda scope: true("admin" if scope == "public" else scope),
    "nothing is asked": lambda true: lambda scope: None,
}


@pytest.mark.parametrize("name", MUTANTS)
def test_this_test_can_fail(home, monkeypatch, name):
    monkeypatch.setattr(routing, "authorize", MUTANTS[name](routing.authorize))
    app = create_app(home, merge=False)
    app.extensions["searchd"].warm = True
    keys = {scope: app.extensions["searchd"].keys.create(scope) for scope in SCOPES} | {"none": ""}
    some = [cell for cell in cells(app) if cell.place == "Bearer" and cell.key in keys and SCOPE_OF.get(cell[1::-1])]
    assert wrong_cells(app, keys, some[::7])
    app.extensions["searchd"].close()
