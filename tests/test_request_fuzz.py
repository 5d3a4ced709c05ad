"""No request, however it was made up, is answered with a 5xx, takes seconds, or has an answer of another shape than the documented ones."""

import json
import os
import random
import time

import pytest
from fuzzed_requests import Requests, environ_of
from web_home import make_home

import searchd.filters
import searchd.query
from searchd.app import create_app
from searchd.error_codes import ERROR_CODES

SLOW_SECONDS = 2.0  # of CPU: no request may take so much, whatever it asks for


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    app = create_app(make_home(tmp_path_factory.mktemp("fuzz")), merge=False, kept_answers_mb=0)  # every request is answered anew
    svc = app.extensions["searchd"]
    svc.warm_up()
    yield app, svc.keys.create("admin")
    svc.close()


def answered(app, sent, key):
    """Status and body of the answer to a request."""
    told = []
    parts = app.wsgi_app(environ_of(sent, key), lambda status, headers, info=None: told.append((int(status[:3]), dict(headers))))
    try:
        body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return *told[0], body


def fault_of(status, headers, body, seconds):
    """What is wrong with an answer, "" for nothing."""
    if status >= 500:
        return f"status {status}: {body[:300]!r}"
    if seconds > SLOW_SECONDS:
        return f"took {seconds:.1f} s"
    if headers.get("X-Content-Type-Options") != "nosniff":
        return "without its security headers"
    if status >= 400 and headers.get("Content-Type", "").startswith("application/json") and body:
        problem = json.loads(body)
        if "refused" not in problem and (set(problem) != {"message", "code", "type", "link"} or problem["code"] not in ERROR_CODES):
            return f"another shape: {body[:300]!r}"
    return ""


def fuzzed(site, seed, number):
    """(seed, index, request, fault) of every request that was answered wrongly, and the statuses that were met."""
    app, key = site
    requests, statuses, faults = Requests(seed), {}, []
    for index in range(number):
        sent = requests.next()
        started = time.process_time()
        try:
            status, headers, body = answered(app, sent, key)
            fault = fault_of(status, headers, body, time.process_time() - started)
        except Exception as error:  # what the server in front would have to answer with a 500
            status, fault = 599, f"{type(error).__name__}: {error}"
        statuses[status] = statuses.get(status, 0) + 1
        if fault:
            faults.append((seed, index, sent, fault))
    return faults, statuses


def test_a_sample_of_made_up_requests(site):
    seed = 20261122
    faults, statuses = fuzzed(site, seed, 1500)
    assert faults == []
    assert statuses[200] > 200 and statuses[400] > 300 and {401, 404, 405, 415, 422} <= set(statuses), statuses


@pytest.mark.slow
def test_a_hundred_thousand_made_up_requests(site):
    """Of a new seed each time; ``FUZZ_SEED`` repeats one."""
    seed = int(os.environ.get("FUZZ_SEED", random.SystemRandom().randrange(1 << 32)))
    for part in range(100):
        faults, _ = fuzzed(site, seed + part, 1000)
        assert faults == [], f"FUZZ_SEED={seed}"


MUTANTS = {
    "parser fails on an open quote": (
        "searchd.answering.parse_query",
        lambda true: lambda q, *a: 1 / (q.count('"') % 2 - 1) and true(q, *a),
    ),
    "filter fails on a comparison": (
        "searchd.answering.filter_mask",
        lambda true: lambda text, *a: true(text, *a) if ">" not in text else 1 / 0,
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_this_test_can_fail(site, monkeypatch, name):
    path, mutant = MUTANTS[name]
    module = {"searchd.answering.parse_query": searchd.query.parse_query, "searchd.answering.filter_mask": searchd.filters.filter_mask}
    monkeypatch.setattr(path, mutant(module[path]))
    monkeypatch.setattr("searchd.errors_http.log.exception", lambda *a, **k: None)
    faults, statuses = fuzzed(site, 7, 500)
    assert statuses.get(500, 0) + statuses.get(599, 0) == len(faults) > 0
