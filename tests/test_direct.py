"""What is answered without Flask: the same as Flask would have said, header by header, and Flask's own answer to every mistake."""

import io
import json

import pytest
from web_home import make_home

from searchd.app import create_app
from searchd.service import EXTENSION

RIGHT = (
    "/health",
    "/v1/search?q=list&limit=3",
    "/v1/search?q=list&limit=2&facets=tag,year&sort=year:desc&fields=title&client_id=&highlight=false",
    "/v1/search?q=%E6%AD%A3%E5%88%99+re&filter=year+%3E%3D+2000&facets=tag&facets=year",
    "/v1/search",
    "/v1/suggest?q=li",
    "/v1/suggest?q=%E6%AD%A3&limit=2",
)
WRONG = (
    "/health?x=1",
    "/v1/search?q=list&limit=1&limit=2",
    "/v1/search?q=list&limit=101",
    "/v1/search?q=list&unknown=1",
    "/v1/search?q=%ff",
    "/v1/search?q=" + "a" * 600,
    "/v1/search?q=" + "a" * 9000,
    "/v1/search?q=list&filter=nothing+%3D%3D",
    "/v1/search?q=list&query_id=forged",
    "/v1/suggest?q=a&limit=x",
    "/v1/search/",
    "/v1/nothing",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_home(tmp_path_factory.mktemp("direct"))


class Side:
    """An application, asked directly and, with ``slow``, by Flask alone."""

    def __init__(self, home, **settings):
        self.app = create_app(home, **settings)
        self.service = self.app.extensions[EXTENSION]
        self.slow = False
        self.flask_calls = 0
        direct = self.app.wsgi_app._app
        flask, ways = direct._flask, direct._ways

        def counted(environ, start_response):
            self.flask_calls += 1
            return flask(environ, start_response)

        direct._flask = counted
        self._ways, self._direct = ways, direct

    def ask(self, method, path, headers=None, body=None, flask=False, **environ):
        self._direct._ways = {} if flask else self._ways
        client = self.app.test_client()
        answer = client.open(path, method=method, headers=headers or {}, data=body, environ_overrides=environ)
        return answer.status_code, _fixed(dict(answer.headers)), _without_chance(answer)


def _fixed(headers):
    if "X-Request-Id" in headers and len(headers["X-Request-Id"]) == 16:
        headers["X-Request-Id"] = "some"
    headers.pop("Content-Length", None)  # times have more or fewer digits
    return headers


def _without_chance(answer):
    found = answer.get_json(silent=True)
    if isinstance(found, dict):
        found.pop("took", None), found.pop("query_id", None)
    return answer.data if found is None else json.dumps(found)


@pytest.mark.parametrize("settings", [{}, {"cors_origins": ("https://a.example",)}, {"log_requests": "all", "rate_limit": 1e6}], ids=str)
@pytest.mark.parametrize("path", RIGHT)
def test_the_answer_is_that_of_flask(home, path, settings):
    side = Side(home, **settings)
    for headers in ({}, {"X-Request-Id": "mine-1", "Origin": "https://a.example"}, {"Origin": "https://b.example"}):
        assert side.ask("GET", path, headers) == side.ask("GET", path, headers, flask=True)
    assert side.flask_calls == 3


@pytest.fixture(scope="module")
def side(home):
    return Side(home)


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path[:40])
def test_mistakes_are_left_to_flask(side, path):
    before = side.flask_calls
    status, headers, body = side.ask("GET", path)
    assert status >= 400 and side.flask_calls == before + 1
    assert (status, headers, body) == side.ask("GET", path, flask=True)


@pytest.mark.parametrize(
    "headers",
    [{"X-API-Key": "a.b"}, {"Authorization": "Bearer a.b"}, {"Content-Length": "3"}, {"X-Long": "a" * 17_000}, {"Host": "a..b"}],
    ids=lambda headers: next(iter(headers)),
)
def test_headers_with_a_meaning_are_left_to_flask(side, headers):
    body = b"abc" if "Content-Length" in headers else None
    before = side.flask_calls
    found = side.ask("GET", "/v1/search?q=list", headers, body)
    assert side.flask_calls == before + 1 and found[0] >= 400
    assert found == side.ask("GET", "/v1/search?q=list", headers, body, flask=True)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT"])
def test_other_methods_are_left_to_flask(side, method):
    assert side.ask(method, "/v1/suggest?q=a") == side.ask(method, "/v1/suggest?q=a", flask=True)


def test_searching_needs_a_key_where_it_does(home):
    side = Side(home, require_keys=True)
    assert side.ask("GET", "/v1/search?q=list")[0] == 401 and side.ask("GET", "/health")[0] == 200
    assert side.flask_calls == 1


def test_a_request_takes_one_token_whoever_answers(home):
    side = Side(home, rate_limit=0.001, rate_burst=3)
    statuses = [
        side.ask("GET", path)[0] for path in ("/v1/suggest?q=a", "/v1/search?q=a&filter=x+%3D%3D", "/v1/suggest?q=a", "/v1/suggest?q=a")
    ]
    assert statuses == [200, 400, 200, 429]


def test_every_request_is_counted_once(home):
    side = Side(home)
    for flask in (False, True):
        side.ask("GET", "/v1/search?q=list", flask=flask)
        side.ask("GET", "/v1/search?q=list&limit=x", flask=flask)
    text = side.service.metrics.text().decode()
    assert 'searchd_requests_total{method="GET",route="/v1/search",status="200"} 2.0' in text
    assert 'searchd_requests_total{method="GET",route="/v1/search",status="400"} 2.0' in text
    assert 'searchd_request_seconds_count{route="/v1/search"} 4.0' in text
    assert "searchd_requests_in_progress 0.0" in text


def _event(side, **more):
    search = side.app.test_client().get("/v1/search?q=list").get_json()
    return {"action_name": "click", "timestamp": "2026-01-01T00:00:00Z", "query_id": search["query_id"], **more}


def test_events_are_stored_once_whoever_answers(home):
    side = Side(home)
    body, media = json.dumps([_event(side, event_id="direct-1"), {"action_name": 1}]), {"Content-Type": "application/json"}
    first = side.ask("POST", "/v1/events", media, body)
    assert first[0] == 200 and side.flask_calls == 0
    assert json.loads(first[2])["accepted"] == 1 and json.loads(first[2])["refused"][0]["index"] == 1
    again = side.ask("POST", "/v1/events", media, body, flask=True)
    assert json.loads(again[2])["duplicates"] == 1 and first[1] == again[1]


@pytest.mark.parametrize(
    "media, body",
    [
        ("application/json", b"{"),
        ("application/json", b'{"action_name": "click"}'),
        ("application/json", b'[{"action_name": 1}, {"action_name": 2}]'),
        ("application/json", b"[" * 40 + b"]" * 40),
        ("application/json", b""),
        ("text/plain", b"{}"),
        ("application/x-ndjson", b"{}\n{}"),
    ],
    ids=["half", "incomplete", "all bad", "deep", "empty", "text", "lines"],
)
def test_bodies_that_are_refused_are_refused_by_flask(side, media, body):
    before = side.flask_calls
    found = side.ask("POST", "/v1/events", {"Content-Type": media}, body)
    assert found[0] >= 400 and side.flask_calls == before + 1
    assert found == side.ask("POST", "/v1/events", {"Content-Type": media}, body, flask=True)


def test_a_body_that_ends_early_is_no_event(side):
    broken = {"wsgi.input": io.BytesIO(b'{"a": 1}'), "CONTENT_LENGTH": "100", "CONTENT_TYPE": "application/json"}
    assert side.ask("POST", "/v1/events", **broken)[0] >= 400


def test_a_failure_is_told_by_flask(side, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(type(side.service.engine), "complete", broken)
    assert side.ask("GET", "/v1/suggest?q=a")[0] == 500
