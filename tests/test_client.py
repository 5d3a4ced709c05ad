"""The Python clients against the real server: every route, errors, retries over broken connections and over a server that was killed."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from both_clients import KINDS, client_of_kind
from breaking_proxy import BREAK, answer, breaking_proxy
from hypothesis import given
from hypothesis import strategies as st
from small_models import model_for
from web_home import make_home
from web_server import free_port, running_server

import searchd.client_calls as calls
from ranker.clicklog import ClickLog
from ranker.registry import Registry
from searchd.app import create_app
from searchd.client import Client
from searchd.client_async import AsyncClient
from searchd.client_errors import (
    ApiError,
    InvalidRequest,
    NoAnswer,
    NotAllowed,
    NotFound,
    ServerFailed,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
    error_of,
)
from searchd.client_events import event_batches
from searchd.client_options import SearchOptions
from searchd.client_retries import Retries, seconds_of
from searchd.client_settings import BadAddress
from searchd.keys import KeyStore
from searchd.openapi import openapi_document
from searchd.params import SearchParams

QUICK = Retries(4, 0.01, 2.0)
OF_THE_DASHBOARD = ("/v1/reports", "/v1/experiments", "/v1/compare", "/v1/generations", "/v1/synonyms", "/v1/models/history")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("client")
    home = make_home(folder)
    key = KeyStore(home.keys).create("admin")
    for seed in (1, 2):
        Registry(home).publish(model_for(home, seed), {}, f"model{seed}")
    with running_server(home.root, folder) as (base, _):
        yield base, home, key


@pytest.fixture(params=KINDS)
def client(request, server):
    base, _, key = server
    with client_of_kind(request.param, base, key=key) as client:
        yield client


@pytest.fixture(params=KINDS)
def broken(request, server):
    """A client behind a proxy, and the proxy."""
    base, _, key = server
    with breaking_proxy(base) as proxy, client_of_kind(request.param, proxy.base, key=key, retries=QUICK) as client:
        yield client, proxy


class TestRoutes:
    def test_searching(self, client):
        found = client.search(
            "list comprehension", limit=3, filter="year >= 2001", facets=["tag", "year"], sort=["year:desc"], explain=True
        )
        assert [hit.document["year"] for hit in found.hits] == [2044, 2043, 2042]
        assert found.total.value == 44 and found.total.relation == "eq" and set(found.facets) == {"tag", "year"}
        assert "<mark>" in found.hits[0].highlights["title"] and found.hits[0].explanation
        assert client.suggest("compr").suggestions[0].text.startswith("compr")
        assert [token.surface for token in client.analyze("two words").tokens] == ["two", "words"]
        why = client.explain("library/re", "regular", than="zh-1")
        assert why.matched and why.score > 0 and why.other.id == "zh-1"
        ranked = client.rank("regular expression", ["zh-1", "library/re", "nowhere"])
        assert ranked.hits[0].id == "library/re" and ranked.unknown == ["nowhere"]

    def test_documents_of_any_id(self, client):
        for key in ("new/../id ?#&%2F", "a+b", "中文 ü"):
            stored = client.put_document(key, {"title": "a quokka"}, refresh=True)
            assert stored.accepted == 1
            assert client.get_document(key) == {"title": "a quokka", "id": key}
            assert key in [hit.id for hit in client.search("quokka").hits]
            assert client.wait_for_task(stored.task_uid).status == "succeeded"
            assert client.delete_document(key, refresh=True).deleted == 1
            with pytest.raises(NotFound):
                client.get_document(key)
        assert client.similar("loop-1", limit=3).hits[0].id == "loop-2"

    def test_streams_of_documents_are_sent_in_batches(self, client):
        told = []
        documents = ({"id": f"numbat-{n}", "title": f"numbat {n}"} for n in range(25))
        done = client.add_documents(documents, batch=10, refresh=True, progress=told.append)
        assert done.accepted == 25 and [one.accepted for one in told] == [10, 20, 25] and done.requests == 3
        assert client.search("numbat").total.value == 25
        with pytest.raises(InvalidRequest) as caught:
            client.add_documents([{"id": "numbat-0", "title": "numbat"}, {"title": "no id"}], batch=1)
        assert caught.value.code == "missing_id" and "1 documents of 1 earlier requests" in caught.value.__notes__[0]
        for n in range(25):
            client.delete_document(f"numbat-{n}")
        assert client.add_documents([]).requests == 0

    def test_events(self, client):
        found = client.search("event loop", limit=2)
        assert client.click(found.query_id, found.hits[0].id, 1, client_id="c1").accepted == 1
        again = client.click(found.query_id, found.hits[0].id, 1, client_id="c1")
        assert again.accepted + again.duplicates >= 1
        assert client.impression(found.query_id, [hit.id for hit in found.hits]).accepted == 2
        shown = client.query(found.query_id)
        assert shown.user_query == "event loop" and shown.events == {"click": 1, "impression": 2}
        mixed = [{"action_name": "click", "query_id": "never issued"}, {"action_name": "view", "query_id": found.query_id}] * 600
        sent = client.send_events(mixed)
        assert sent.accepted == 600 and [one.index for one in sent.refused] == list(range(0, 1200, 2))
        with pytest.raises(InvalidRequest) as caught:
            client.click("never issued", "x", 1)
        assert (caught.value.code, caught.value.status) == ("unknown_query", 422)

    def test_operations(self, client):
        assert client.stats().documents >= 51 and "title" in [field.name for field in client.stats().fields]
        assert {model["name"] for model in client.models().models} == {"model1", "model2"} and client.models().active is None
        assert client.reload().generation == client.stats().generation
        assert client.health().status == "ok" and client.ready().status == "ready"
        assert all(task.status == "succeeded" for task in client.tasks(limit=5, status="succeeded").tasks)
        with pytest.raises(NotFound):
            client.activate("nope", "1")
        assert client.activate("model1", force=True).model.name == "model1" and client.search("event loop").model.name == "model1"
        assert client.activate("model2", force=True).model.name == "model2"
        assert client.rollback().model.name == "model1" and client.rollback().model is None


class TestErrors:
    def test_keep_all_that_was_answered(self, client, server):
        with pytest.raises(InvalidRequest) as caught:
            client.search("x", limit=1000)
        error = caught.value
        assert (error.status, error.code, error.type) == (400, "invalid_parameter", "invalid_request")
        assert error.link == f"{server[0]}/docs#error-invalid_parameter" and len(error.request_id) == 32 and "limit" in error.message

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_missing_key(self, server, kind):
        with client_of_kind(kind, server[0]) as client, pytest.raises(NotAllowed) as caught:
            client.put_document("x", {"title": "x"})
        assert caught.value.status == 401

    def test_of_every_type_and_of_others(self):
        body = b'{"message": "m", "code": "c", "type": "%s", "link": "/docs#error-c"}'
        for kind, status, expected in (
            (b"invalid_request", 400, InvalidRequest),
            (b"invalid_request", 404, NotFound),
            (b"invalid_request", 429, TooManyRequests),
            (b"auth", 403, NotAllowed),
            (b"unavailable", 503, Unavailable),
            (b"internal", 500, ServerFailed),
            (b"of the future", 418, ApiError),
        ):
            assert type(error_of(status, body % kind, "http://h", "r", None)) is expected
        assert type(error_of(502, b"<html>", "http://h", "r", None)) is Unavailable
        assert type(error_of(404, b"<html>\xff", "http://h", "r", None)) is UnexpectedAnswer

    def test_an_address_that_is_none(self):
        for address in ("localhost:8000", "ftp://host", ""):
            with pytest.raises(BadAddress):
                Client(address)

    @pytest.mark.parametrize("kind", KINDS)
    def test_nobody_there(self, kind):
        retries = Retries(2, 0.01, 0.1)
        with client_of_kind(kind, f"http://127.0.0.1:{free_port()}", retries=retries) as client, pytest.raises(NoAnswer) as caught:
            client.search("x")
        assert "after 3 tries" in str(caught.value) and "nothing was sent" in str(caught.value)


class TestRetries:
    def test_a_click_whose_answer_was_lost_counts_once(self, broken, server):
        client, proxy = broken
        found = client.search("coroutines", limit=1)
        sent_before = len(proxy.requests)
        proxy.script = [BREAK, BREAK]
        told = client.click(found.query_id, found.hits[0].id, 1)
        assert told.accepted + told.duplicates >= 1
        assert len({request.partition(b"\r\n\r\n")[2] for request in proxy.requests[sent_before:]}) == 1
        assert len(proxy.requests) - sent_before == 3
        clicks = [one for one in ClickLog(server[1].clicks).events("click") if one.query_id == found.query_id]
        assert len(clicks) == 1

    def test_events_of_every_kind_are_sent_again_as_they_were(self, broken, server):
        client, proxy = broken
        query_id = client.search("coroutines").query_id
        proxy.script = [BREAK]
        client.send_events([{"action_name": "add_to_cart", "query_id": query_id}] * 2)
        assert client.query(query_id).events == {"add_to_cart": 2}

    def test_documents_whose_answer_was_lost(self, broken):
        client, proxy = broken
        proxy.script = [BREAK]
        assert client.add_documents([{"id": "wombat", "title": "a wombat"}], refresh=True).accepted == 1
        assert client.search("wombat").total.value == 1
        proxy.script = [BREAK]
        assert client.delete_document("wombat", refresh=True).deleted == 0  # done by the first try
        with pytest.raises(NotFound):
            client.delete_document("wombat")

    def test_busy_servers_are_asked_again_after_the_time_they_name(self, broken):
        client, proxy = broken
        busy = answer("503 Service Unavailable", b'{"message":"m","code":"click_log_busy","type":"unavailable","link":""}', Retry_After="1")
        proxy.script = [busy, answer("429 Too Many Requests", b"{}")]
        started = time.monotonic()
        assert client.search("coroutines").hits
        assert time.monotonic() - started >= 1.0 and len(proxy.requests) == 3
        assert len({line for request in proxy.requests for line in request.split(b"\r\n") if line.lower().startswith(b"x-request-id")}) == 1

    def test_waits_longer_than_allowed_are_errors_at_once(self, broken):
        client, proxy = broken
        proxy.script = [answer("429 Too Many Requests", b'{"message":"m","code":"c","type":"invalid_request"}', Retry_After="60")]
        with pytest.raises(TooManyRequests) as caught:
            client.search("x")
        assert caught.value.retry_after == 60.0 and len(proxy.requests) == 1

    def test_gives_up_in_the_end(self, broken):
        client, proxy = broken
        proxy.script = [answer("503 Service Unavailable")] * 5
        with pytest.raises(Unavailable):
            client.search("x")
        assert len(proxy.requests) == 5

    def test_what_would_do_harm_twice_is_sent_once(self, broken):
        client, proxy = broken
        proxy.script = [BREAK]
        with pytest.raises(NoAnswer, match="may or may not have been done"):
            client.rollback()  # which the server refuses, since no model serves; the client has not heard so
        proxy.script = [answer("503 Service Unavailable")]
        with pytest.raises(Unavailable):
            client.rollback()
        assert len(proxy.requests) == 2

    def test_a_server_that_was_killed_and_started_again(self, tmp_path):
        home, port = make_home(tmp_path), free_port()
        options = {"key": KeyStore(home.keys).create("documents"), "retries": Retries(200, 0.1, 1.0)}
        with contextlib.ExitStack() as stack:
            clients = {kind: stack.enter_context(client_of_kind(kind, f"http://127.0.0.1:{port}", **options)) for kind in KINDS}
            with running_server(home.root, tmp_path, port=port) as (_, process):
                found = {kind: client.search("coroutines", limit=1) for kind, client in clients.items()}
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            told: dict[str, list[object]] = {kind: [] for kind in clients}

            def tell(kind):
                told[kind].append(clients[kind].click(found[kind].query_id, found[kind].hits[0].id, 1))
                told[kind].append(clients[kind].put_document(kind, {"title": f"koala {kind}"}, refresh=True))

            threads = [threading.Thread(target=tell, args=[kind]) for kind in clients]
            for thread in threads:
                thread.start()
            with running_server(home.root, tmp_path, port=port):
                for thread in threads:
                    thread.join(120)
                for kind, client in clients.items():
                    assert [one.accepted for one in told[kind]] == [1, 1]
                    assert client.search(f'"koala {kind}"').total.value == 1
                clicked = sorted(one.query_id for one in ClickLog(home.clicks).events("click"))
                assert clicked == sorted(one.query_id for one in found.values())

    @given(st.integers(1, 60), st.floats(0, 5))
    def test_waits_are_within_their_bounds(self, tried, asked):
        retries = Retries(60, 0.25, 20.0)
        assert min(20.0, asked) <= retries.wait(tried, asked) <= min(20.0, asked + 0.25 * 2 ** (tried - 1))

    def test_retry_after_is_a_number_or_a_date(self):
        assert seconds_of("7") == 7.0 and seconds_of(None) is None and seconds_of("soon") is None
        assert 50 < seconds_of(format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)) <= 60
        assert seconds_of("Fri, 01 Jan 2021 00:00:00 GMT") == 0.0


class TestNothingIsMissing:
    def test_every_route_of_the_api_has_a_call(self):
        made = [
            calls.search("q", {}), calls.suggest("q", 1), calls.analyze("t", None), calls.explain("K", "q", None, None), calls.rank("q", [], None, False),
            calls.add_documents(b"", False), calls.get_document("K"), calls.put_document("K", {}, False), calls.delete_document("K", False),
            calls.similar("K", 1), calls.events(b""), calls.query("K"), calls.models(), calls.activate("K", None, False), calls.rollback(),
            calls.reload(), calls.stats(), calls.tasks(1, None, None), calls.task(7), calls.health(), calls.ready(),
        ]  # fmt: skip
        known = {(call.method, call.path.replace("/K", "/{}").replace("/7", "/{}")) for call in made}
        paths = openapi_document(create_app("nowhere"))["paths"]
        described = {
            (method.upper(), "/".join("{}" if part.startswith("{") else part for part in path.split("/")))
            for path, methods in paths.items()
            for method in methods
            if path.startswith("/v1/") and not path.startswith(OF_THE_DASHBOARD)
        }
        assert described - known <= {("GET", "/v1/search"), ("GET", "/v1/analyze")}  # their POST is used
        assert {one for one in known if one[1].startswith("/v1")} <= described

    def test_searches_take_what_the_server_reads(self):
        assert set(SearchOptions.__annotations__) | {"q"} == set(SearchParams.__struct_fields__)

    def test_both_clients_have_the_same_methods(self):
        public = [{name for name in vars(kind) if not name.startswith("_")} for kind in (Client, AsyncClient)]
        assert public[0] == public[1] and "wait_for_task" in public[0]

    def test_importing_it_brings_no_engine(self):
        heavy = "{'numba', 'numpy', 'flask', 'lightgbm', 'pyarrow'}"
        program = f"import sys, searchd; assert 'httpx' not in sys.modules; searchd.Client; searchd.AsyncClient; print({heavy} & set(sys.modules))"
        assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "set()"

    def test_batches_of_events_fit_the_servers_limits(self):
        bodies = list(event_batches({"action_name": "view", "message": "x" * 1000} for _ in range(2500)))
        assert all(len(body) <= 256 * 1024 and body.count(b"\n") < 1000 for body in bodies)
        assert sum(body.count(b"\n") + 1 for body in bodies) == 2500
