"""What an operator counts on beside the answers: request ids, rate limits, other origins, ETags, tasks, metrics."""

import io
import json
import re
import sys

import pytest
import structlog
from web_home import make_home

from searchd.app import create_app
from searchd.logs import log_to_stderr
from searchd.rate_limits import MOST, RateLimits, client_of


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_home(tmp_path_factory.mktemp("habits"))


def client_with(home, **settings):
    return create_app(home, **settings).test_client()


def key_of(client, scope="admin"):
    return {"X-API-Key": client.application.extensions["searchd"].keys.create(scope)}


class TestRequestIds:
    def test_every_answer_has_one_also_of_errors(self, home):
        client = client_with(home)
        names = {
            client.get(url).headers["X-Request-Id"]
            for url in ("/health", "/v1/search?q=list", "/v1/search?limit=x", "/nope", "/search?q=list")
        }
        assert len(names) == 5

    def test_the_callers_own_is_kept_if_it_is_a_plain_name(self, home):
        client = client_with(home)
        assert client.get("/health", headers={"X-Request-Id": "abc-1.2:3"}).headers["X-Request-Id"] == "abc-1.2:3"
        for odd in ("a b", "x" * 101, "a\u00e9", '"'):
            assert re.fullmatch("[0-9a-f]{16}", client.get("/health", headers={"X-Request-Id": odd}).headers["X-Request-Id"])

    @pytest.mark.parametrize(("logged", "lines"), [("all", 2), ("failed", 0), ("none", 0)])
    def test_requests_are_lines_of_json_without_what_was_asked(self, home, monkeypatch, logged, lines):
        written = io.StringIO()
        monkeypatch.setattr(sys, "stderr", written)
        log_to_stderr()
        try:
            client = client_with(home, log_requests=logged)
            client.get("/v1/search?q=secretword", headers={"X-Request-Id": "mine", **key_of(client)})
            client.get("/v1/search?limit=x")
        finally:
            structlog.reset_defaults()
        found = [json.loads(line) for line in written.getvalue().splitlines() if '"request"' in line]
        assert len(found) == lines and "secretword" not in written.getvalue()
        if lines:
            assert (found[0]["request_id"], found[0]["route"], found[0]["status"], found[0]["method"]) == ("mine", "/v1/search", 200, "GET")
            assert found[0]["milliseconds"] > 0 and found[0]["key"] and found[1]["key"] is None and found[1]["status"] == 400


class TestRateLimits:
    def test_a_client_waits_when_its_bucket_is_empty(self):
        limits = RateLimits(2.0, 3)
        assert [limits.wait("a", 100.0) for _ in range(3)] == [0.0] * 3
        assert limits.wait("a", 100.0) == pytest.approx(0.5) and limits.wait("b", 100.0) == 0.0
        assert limits.wait("a", 100.5) == 0.0 and limits.wait("a", 100.5) > 0
        assert [limits.wait("a", 1000.0) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.5)]

    def test_no_rate_is_no_limit_and_no_memory(self):
        limits = RateLimits(0.0, 1)
        assert not any(limits.wait("a") for _ in range(1000)) and not limits._buckets

    def test_clients_that_were_not_seen_for_longest_are_forgotten(self):
        limits = RateLimits(1.0, 1)
        for number in range(MOST + 5):
            limits.wait(str(number), float(number))
        assert len(limits._buckets) == MOST and "4" not in limits._buckets and "5" in limits._buckets

    def test_a_house_of_ipv6_is_one_client(self):
        assert client_of("2001:db8::1") == client_of("2001:db8::ffff") != client_of("2001:db8:0:1::1")
        assert client_of("192.0.2.1") != client_of("192.0.2.2") and client_of("nonsense") == "nonsense"

    def test_over_http(self, home):
        client = client_with(home, rate_limit=0.01, rate_burst=2)  # one in 100 seconds, of which slow searches take some
        answers = [client.get("/v1/search?q=list") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        body = answers[2].get_json()
        assert body["code"] == "too_many_requests" and "0.01 requests a second" in body["message"]
        assert 50 <= int(answers[2].headers["Retry-After"]) <= 100
        assert client.get("/health").status_code == 200
        assert client.get("/v1/search?q=list", headers=key_of(client)).status_code == 200
        assert "searchd_requests_limited_total 1.0" in client.get("/metrics").text

    def test_behind_a_proxy_the_address_is_the_one_it_names(self, home):
        for proxies, second in ((0, 429), (1, 200)):
            client = client_with(home, rate_limit=0.001, rate_burst=1, proxies=proxies)
            answers = [client.get("/v1/search?q=a", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in (1, 2)]
            assert answers == [200, second]


class TestOtherOrigins:
    ORIGIN = "https://shop.example"

    def test_none_may_read_unless_the_settings_say_so(self, home):
        answer = client_with(home).get("/v1/search?q=a", headers={"Origin": self.ORIGIN})
        assert "Access-Control-Allow-Origin" not in answer.headers

    @pytest.mark.parametrize("origins", [(ORIGIN,), ("*",)])
    def test_those_of_the_settings_may(self, home, origins):
        client = client_with(home, cors_origins=origins)
        allowed = origins[0]
        for url in ("/v1/search?q=list", "/v1/search?limit=x"):
            answer = client.get(url, headers={"Origin": self.ORIGIN})
            assert answer.headers["Access-Control-Allow-Origin"] == allowed and "Origin" in answer.headers["Vary"]
            assert "Access-Control-Allow-Credentials" not in answer.headers
        asked = {"Origin": self.ORIGIN, "Access-Control-Request-Method": "POST"}
        preflight = client.options("/v1/documents", headers=asked)
        assert preflight.status_code == 200 and "POST" in preflight.headers["Access-Control-Allow-Methods"]
        assert "X-API-Key" in preflight.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Origin" not in client.get("/search?q=list", headers={"Origin": self.ORIGIN}).headers

    def test_others_may_not(self, home):
        answer = client_with(home, cors_origins=(self.ORIGIN,)).get("/v1/search?q=a", headers={"Origin": "https://shop.example.evil"})
        assert "Access-Control-Allow-Origin" not in answer.headers


class TestEtags:
    @pytest.mark.parametrize(
        "url",
        ["/v1/documents/d1", "/v1/documents/loop-1/similar", "/v1/stats", "/v1/models", "/v1/analyze?text=a", "/openapi.json", "/docs"],
    )
    def test_what_one_has_is_not_sent_again(self, home, url):
        client = client_with(home)
        first = client.get(url)
        assert first.status_code == 200 and first.headers["Cache-Control"] == "private, no-cache"
        again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304 and not again.data
        assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200

    def test_a_changed_document_has_another(self, tmp_path):
        client = client_with(make_home(tmp_path))
        before = client.get("/v1/documents/d1").headers["ETag"]
        client.put("/v1/documents/d1", json={"title": "changed"}, headers=key_of(client))
        assert client.get("/v1/documents/d1", headers={"If-None-Match": before}).status_code == 200

    def test_searches_are_kept_nowhere(self, home):
        assert client_with(home).get("/v1/search?q=list").headers["Cache-Control"] == "no-store"


class TestTasks:
    def test_one_task_and_those_of_a_kind(self, tmp_path):
        client = client_with(make_home(tmp_path))
        key = key_of(client)
        uid = client.post("/v1/documents", json=[{"id": "a", "title": "b"}], headers=key).get_json()["task_uid"]
        client.post("/v1/reload", headers=key)
        one = client.get(f"/v1/tasks/{uid}", headers=key).get_json()
        assert (one["status"], one["type"], one["error"]) == ("succeeded", "documents_upsert", None) and one["finished_at"] >= one[
            "started_at"
        ]
        listed = lambda query: [task["type"] for task in client.get(f"/v1/tasks?{query}", headers=key).get_json()["tasks"]]  # noqa: E731
        assert listed("") == ["reload", "documents_upsert"] and listed("limit=1") == ["reload"]
        assert listed("type=documents_upsert&status=succeeded") == ["documents_upsert"] and listed("status=failed") == []
        for unknown in ("99", "nope", "9" * 40):
            assert client.get(f"/v1/tasks/{unknown}", headers=key).get_json()["code"] == "task_not_found"


class TestMetrics:
    def test_stages_results_generation_model_and_queues(self, tmp_path):
        client = client_with(make_home(tmp_path))
        key = key_of(client)
        for q in ("list", "comprehension", "qqqqqqq"):
            client.get(f"/v1/search?q={q}&facets=tag")
        client.get("/v1/search?q=list&timeout_ms=1")
        text = client.get("/metrics").text
        assert "searchd_generation 1.0" in text and 'searchd_model_active{model="",version=""} 1.0' in text
        for stage in ("open", "plan", "retrieve", "count", "correct", "hits", "facets", "log", "serialise"):
            assert re.search(rf'searchd_stage_seconds_count{{stage="{stage}"}} [34]\.0', text), stage
        assert 'searchd_search_results_bucket{le="0.0"} 1.0' in text and "searchd_searches_empty_total 1.0" in text
        assert "searchd_changes_waiting 0.0" in text and "searchd_log_waiting" in text and "searchd_requests_in_progress 1.0" in text
        client.delete("/v1/documents/d1?refresh=true", headers=key)
        text = client.get("/metrics").text
        assert "searchd_generation 2.0" in text and "searchd_documents_changed_total 1.0" in text
