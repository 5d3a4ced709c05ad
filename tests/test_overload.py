"""More requests than a service can answer: those let in are answered in time, the others learn at once when to come again."""

import io
import threading
import time
import urllib.request

import pytest
from memory import MB, pss
from overload import Outcome, finished, started
from web_home import make_home
from web_server import running_server

from searchd.admission import Admission, Arriving
from searchd.app import create_app
from searchd.metrics import Metrics
from searchd.service import EXTENSION

WORDS = (
    "list",
    "comprehension",
    "regular",
    "expression",
    "operations",
    "module",
    "event",
    "loop",
    "coroutines",
    "callbacks",
    "notes",
    "builds",
)
# Different from each other, since what is asked often may be remembered.
HEAVY = [f"/v1/search?limit=100&rerank_depth=200&q={a}+{b}+{c}+x{n}" for n in range(40) for a in WORDS for b in WORDS for c in WORDS]


class Gate:
    """An admission in front of an application that waits until it is let go."""

    def __init__(self, most=2, bodies=1):
        self.go, self.asked, self.read = threading.Event(), [], []
        self.metrics = Metrics()
        self.admission = Admission(self._answer, most, bodies, self.metrics, {"X-Content-Type-Options": "nosniff"}, ("https://a.org",))

    def _answer(self, environ, start_response):
        self.asked.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/wait":
            assert self.go.wait(30)
        if environ["PATH_INFO"] == "/body":
            self.read.append(environ["wsgi.input"].read(4))
        start_response("200 OK", [])
        return [b"good"]

    def ask(self, path, **environ):
        told = []
        body = self.admission({"PATH_INFO": path, **environ}, lambda status, headers, info=None: told.append((status, dict(headers))))
        return *told[0], b"".join(body)

    def waiting(self, count):
        threads = [threading.Thread(target=self.ask, args=("/wait",)) for _ in range(count)]
        for thread in threads:
            thread.start()
        while len(self.asked) < count:
            time.sleep(0.001)
        return threads


def test_who_comes_when_the_queue_is_full_is_refused_before_anything_is_read():
    gate = Gate()
    threads = gate.waiting(2)
    status, headers, body = gate.ask("/v1/search", HTTP_ORIGIN="https://a.org", HTTP_X_REQUEST_ID="mine")
    assert status == "503 Service Unavailable" and b'"code":"overloaded"' in body and b'"type":"unavailable"' in body
    assert headers["Retry-After"] == "1" and headers["Content-Length"] == str(len(body)) and headers["X-Request-Id"] == "mine"
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Access-Control-Allow-Origin"] == "https://a.org"
    assert gate.asked == ["/wait", "/wait"] and "searchd_requests_shed_total 1.0" in gate.metrics.text().decode()
    assert [gate.ask(path)[0] for path in ("/health", "/ready", "/metrics")] == ["200 OK"] * 3
    gate.go.set()
    for thread in threads:
        thread.join()
    assert gate.ask("/v1/search")[0] == "200 OK"


class SlowBody(io.BytesIO):
    """Arrives when it is let go."""

    def __init__(self, data):
        super().__init__(data)
        self.begun, self.go = threading.Event(), threading.Event()

    def read(self, size=-1):
        self.begun.set()
        assert self.go.wait(30)
        return super().read(size)


def test_a_body_that_arrives_slowly_takes_no_place_in_the_queue_but_bodies_are_bounded_too():
    gate, body = Gate(most=1), SlowBody(b"12345")
    thread = threading.Thread(target=gate.ask, args=("/body",), kwargs={"CONTENT_LENGTH": "5", "wsgi.input": body})
    thread.start()
    assert body.begun.wait(30)
    assert gate.ask("/v1/search")[0] == "200 OK"
    assert gate.ask("/body", CONTENT_LENGTH="5", **{"wsgi.input": io.BytesIO(b"12345")})[0].startswith("503")
    body.go.set()
    thread.join()
    assert gate.read == [b"1234"]
    assert gate.ask("/body", HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input": io.BytesIO(b"98765")})[0] == "200 OK"


def test_bodies_read_as_they_would_without_a_queue():
    gate = Gate()
    with gate.admission.outside():
        pass
    for read in (lambda b: b.read(), lambda b: b.read(3), lambda b: b.readline(), lambda b: b.readline(1), lambda b: b.readlines(), list):
        assert read(Arriving(io.BytesIO(b"ab\ncd\n"), gate.admission.outside)) == read(io.BytesIO(b"ab\ncd\n"))


def test_a_search_that_gets_no_turn_in_its_time_is_refused(tmp_path):
    app = create_app(make_home(tmp_path), merge=False)
    service, client = app.extensions[EXTENSION], app.test_client()
    for _ in range(service.at_once):
        service.turns.acquire()
    for path in ("/v1/search?q=list&timeout_ms=20", "/v1/search?q=list&timeout_ms=20&num_typos=1"):
        answer = client.get(path)
        assert answer.status_code == 503 and answer.get_json()["code"] == "overloaded" and answer.headers["Retry-After"] == "1"
    service.warm = True
    assert service.limit_ms(None) == 1500 and service.limit_ms(70) == 70
    for _ in range(service.at_once):
        service.turns.release()
    assert client.get("/v1/search?q=list&timeout_ms=5000").status_code == 200
    service.close()


def health_times(base, until):
    """Milliseconds of ``/health``, asked twenty times a second."""
    found = []
    while time.monotonic() < until:
        started_at = time.perf_counter()
        with urllib.request.urlopen(f"{base}/health", timeout=10) as answer:
            assert answer.status == 200
        found.append(1000 * (time.perf_counter() - started_at))
        time.sleep(0.05)
    return sorted(found)


def overloaded(base, seconds):
    """The service's capacity, and what it does at five times as much."""
    capacity = finished(started(base, HEAVY, 0, min(5.0, seconds), connections=8)).rate
    generator = started(base, HEAVY, 5 * capacity, seconds)
    times = health_times(base, time.monotonic() + seconds)
    return capacity, finished(generator), times


def test_at_five_times_what_can_be_done_nothing_is_refused_without_advice(tmp_path, monkeypatch):
    monkeypatch.setenv("SEARCHD_QUEUE", "8")
    with running_server(make_home(tmp_path).root, tmp_path) as (base, _):
        capacity, outcome, times = overloaded(base, 1.5)
    assert set(outcome.statuses) == {200, 503} and outcome.failed == 0 and outcome.without_advice == 0
    assert capacity and outcome.statuses[200] and times


@pytest.mark.slow
def test_at_five_times_what_can_be_done_for_a_minute(tmp_path, monkeypatch):
    monkeypatch.setenv("SEARCHD_KEPT_ANSWERS_MB", "0")
    with running_server(make_home(tmp_path).root, tmp_path, workers=2) as (base, process):
        finished(started(base, HEAVY, 0, 5.0, connections=8))
        usual = pss(process.pid) / MB
        capacity, outcome, times = overloaded(base, 60.0)
        used = pss(process.pid) / MB
        time.sleep(5)
        after = finished(started(base, HEAVY, 0.3 * capacity, 5.0))
    health = times[int(0.99 * len(times))]
    print(
        f"capacity {capacity:.0f}/s; at five times {outcome.rate:.0f}/s good, p50 {outcome.percentile(0.5):.0f} p99 {outcome.percentile(0.99):.0f} ms"
    )
    print(
        f"statuses {outcome.statuses}; /health p99 {health:.0f} ms; PSS {usual:.0f} -> {used:.0f} MB; afterwards p99 {after.percentile(0.99):.0f} ms"
    )
    assert set(outcome.statuses) <= {200, 429, 503} and outcome.failed == 0 and outcome.without_advice == 0
    assert outcome.rate >= 0.65 * capacity and outcome.percentile(0.99) <= 1600 and used <= usual + 300
    assert set(after.statuses) == {200} and after.percentile(0.99) <= outcome.percentile(0.99)


def test_refusals_without_advice_are_found():
    """A test of the test."""
    found = Outcome([[1.0, 200, False], [2.0, 503, True], [3.0, 503, False]], 1, 2.0)
    assert (found.without_advice, found.failed, found.statuses, found.good, found.rate) == (1, 1, {200: 1, 503: 2}, [1.0], 0.5)


@pytest.mark.slow
def test_a_queue_without_a_bound_is_found(tmp_path, monkeypatch):
    """The same: those who are let in wait for all who came before them."""
    monkeypatch.setenv("SEARCHD_QUEUE", "1024")
    monkeypatch.setenv("SEARCHD_TIMEOUT_MS", "0")
    with running_server(make_home(tmp_path).root, tmp_path) as (base, _):
        _, outcome, _ = overloaded(base, 10.0)
    assert outcome.percentile(0.99) > 1600
