"""The HTTP contract, through Flask's test client, over a small real index."""

import datetime
import json
import random
import re
from html import unescape
from types import SimpleNamespace

import pytest
from web_home import DOCUMENTS, hits_of, make_home

from indexer.home import Home
from ranker.clicklog import ClickLog
from ranker.query_ids import issue_query_id
from searchd.app import create_app
from searchd.params import DOCUMENTS_BODY, EVENTS_BODY, SEARCH_BODY
from searchd.routing import operation_of
from searchd.service import EXTENSION


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    """An application whose documents no test changes."""
    return _application(tmp_path_factory.mktemp("reading"))


@pytest.fixture
def writing(tmp_path):
    """An application of the test's own."""
    return _application(tmp_path)


def _application(folder, **overrides):
    home = make_home(folder)
    app = create_app(home, **overrides)
    service = app.extensions[EXTENSION]
    keys = {scope: {"Authorization": f"Bearer {service.keys.create(scope)}"} for scope in ("search", "events", "documents", "admin")}
    return SimpleNamespace(app=app, client=app.test_client(), service=service, keys=keys, home=home)


def problem(response, status, code):
    body = response.get_json()
    assert response.status_code == status, body
    assert set(body) == {"message", "code", "type", "link"} and body["code"] == code, body
    assert body["link"] == f"/docs#error-{code}"
    return body["message"]


def click(query_id, key="library/re", position=1, **more):
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "action_name": "click",
        "timestamp": now,
        "query_id": query_id,
        "event_attributes": {"object": {"object_id": key}, "position": {"ordinal": position}},
        **more,
    }


class TestSearch:
    def test_has_the_names_of_the_contract(self, reading):
        body = reading.client.get("/v1/search?q=regular+expression").get_json()
        assert {"query_id", "took", "total", "hits", "facets", "generation", "model", "partial", "coverage"} <= set(body)
        assert body["total"] == {"value": 1, "relation": "eq"} and body["model"] is None and body["partial"] is False
        hit = body["hits"][0]
        assert hit["id"] == "library/re" and hit["score"] > 0 and hit["document"]["year"] == 2020
        assert "<mark>" in hit["highlights"]["title"]

    @pytest.mark.parametrize("q", ["正则表达式", "re.sub", "正则 re.sub"])
    def test_finds_chinese_and_mixed_text(self, reading, q):
        assert hits_of(reading.client.get("/v1/search", query_string={"q": q}))[0] == "zh-1"

    def test_get_and_post_are_the_same_search(self, reading):
        values = {
            "q": "list",
            "limit": 7,
            "offset": 3,
            "filter": "year >= 2010",
            "facets": ["tag"],
            "fields": ["title"],
            "highlight": False,
            "mode": "and",
        }
        post = reading.client.post("/v1/search", json=values).get_json()
        get = reading.client.get("/v1/search", query_string={**values, "facets": "tag", "fields": "title", "highlight": "false"}).get_json()
        for body in (post, get):
            del body["query_id"], body["took"]
        assert post == get and len(post["hits"]) == 7 and post["facets"]["tag"] and set(post["hits"][0]["document"]) == {"title"}

    def test_lists_may_be_repeated(self, reading):
        assert set(reading.client.get("/v1/search?q=list&facets=tag&facets=year").get_json()["facets"]) == {"tag", "year"}

    @pytest.mark.parametrize(
        "params",
        [
            {"limit": 1000}, {"limit": "x"}, {"limit": -1}, {"offset": -1}, {"offset": 100000}, {"offset": 990, "limit": 20}, {"q": "a" * 5000},
            {"q": "\ufdfa" * 100}, {"mode": "xor"}, {"highlight": "perhaps"}, {"colour": "red"}, {"num_typos": 3}, {"rerank_depth": 0},
            {"timeout_ms": 0}, {"limit": "9" * 5000}, {"limit": "1e3"}, {"client_id": "x" * 101},
        ],
    )  # fmt: skip
    def test_parameters_out_of_range_are_named(self, reading, params):
        code = "query_too_long" if "q" in params else "invalid_parameter"
        message = problem(reading.client.get("/v1/search", query_string={"q": "a", **params}), 400, code)
        assert next(iter(params)) in message or "offset" in params

    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({"filter": "(((("}, "bad_filter"),
            ({"facets": "nope"}, "unknown_field"),
            ({"sort": "nope"}, "unknown_field"),
            ({"model": "nope"}, "unknown_model"),
            ({"query_id": "forged"}, "unknown_query"),
        ],
    )
    def test_errors_of_the_engine_keep_their_code(self, reading, params, code):
        response = reading.client.get("/v1/search", query_string={"q": "list", **params})
        assert 400 <= response.status_code < 500
        problem(response, response.status_code, code)

    def test_every_search_is_logged_with_what_was_shown(self, writing):
        body = writing.client.get("/v1/search?q=comprehension&limit=3&offset=2&client_id=c1&session_id=s1").get_json()
        writing.service.click_log.flush()
        shown = writing.service.click_log.query(body["query_id"])
        assert shown.keys == [hit["id"] for hit in body["hits"]] and shown.first_rank == 3
        assert (shown.user_query, shown.client_id, shown.session_id, shown.generation) == ("comprehension", "c1", "s1", body["generation"])
        assert shown.features.shape[0] == 3

    def test_log_false_leaves_no_trace(self, writing):
        body = writing.client.get("/v1/search?q=comprehension&log=false").get_json()
        writing.service.click_log.flush()
        assert writing.service.click_log.query(body["query_id"]) is None

    def test_explain_says_why(self, reading):
        hit = reading.client.get("/v1/search?q=regular&explain=true").get_json()["hits"][0]
        assert hit["explanation"] and hit["features"]
        body = reading.client.get("/v1/explain/library/re?q=regular").get_json()
        assert body["matched"] and body["score"] == pytest.approx(hit["score"], rel=1e-4) and body["explanation"]
        assert not reading.client.get("/v1/explain/zh-1?q=regular").get_json()["matched"]
        problem(reading.client.get("/v1/explain/nope?q=regular"), 404, "document_not_found")
        problem(reading.client.get("/v1/explain/zh-1"), 400, "invalid_parameter")

    def test_rank_orders_the_callers_candidates(self, reading):
        body = reading.client.post("/v1/rank", json={"q": "comprehension", "ids": ["zh-1", "d3", "nope", "library/re"]}).get_json()
        assert body["hits"][0]["id"] == "d3" and body["unknown"] == ["nope"] and len(body["hits"]) == 3
        problem(reading.client.post("/v1/rank", json={"q": "a", "ids": []}), 400, "invalid_parameter")


class TestSuggestAndAnalyze:
    def test_suggestions_complete_what_was_typed(self, reading):
        suggestions = reading.client.get("/v1/suggest?q=compr").get_json()["suggestions"]
        assert any(one["text"].startswith("compr") for one in suggestions)

    def test_tokens_have_offsets_into_the_text(self, reading):
        text = "正则 Expressions"
        for response in (
            reading.client.post("/v1/analyze", json={"text": text, "field": "title"}),
            reading.client.get("/v1/analyze", query_string={"text": text}),
        ):
            tokens = response.get_json()["tokens"]
            assert tokens and all(text[token["start"] : token["end"]] == token["surface"] for token in tokens)

    def test_an_unknown_field_is_named(self, reading):
        assert "title" in problem(reading.client.post("/v1/analyze", json={"text": "a", "field": "nope"}), 400, "unknown_field")


class TestEvents:
    def test_a_click_is_durable_when_the_answer_comes(self, writing):
        body = writing.client.get("/v1/search?q=regular").get_json()
        response = writing.client.post("/v1/events", json=click(body["query_id"], client_id="c1"))
        assert response.get_json() == {"accepted": 1, "refused": [], "duplicates": 0}
        (stored,) = writing.service.click_log.events_of(body["query_id"])
        assert (stored.action_name, stored.object_id, stored.position, stored.client_id) == ("click", "library/re", 1, "c1")
        told = writing.client.get(f"/v1/queries/{body['query_id']}").get_json()
        assert told["user_query"] == "regular" and told["query_response_hit_ids"] == ["library/re"] and told["events"] == {"click": 1}
        assert "client_id" not in told

    def test_the_same_event_counts_once(self, writing):
        event = click(writing.client.get("/v1/search?q=regular").get_json()["query_id"])
        writing.client.post("/v1/events", json=event)
        assert writing.client.post("/v1/events", json=[event, event]).get_json()["duplicates"] == 2
        assert writing.service.click_log.stats().clicks == 1

    def test_forged_and_expired_ids_are_refused_and_not_counted(self, writing):
        old = issue_query_id(writing.service.secret, datetime.datetime.now().timestamp() - 4000)
        for query_id in ("forged", old, issue_query_id(b"x" * 32), ""):
            problem(writing.client.post("/v1/events", json=click(query_id)), 422, "unknown_query")
        assert writing.service.click_log.stats().events == 0

    def test_a_batch_says_what_became_of_each(self, writing):
        genuine = writing.client.get("/v1/search?q=regular").get_json()["query_id"]
        batch = [click(genuine), click("forged"), {"action_name": "click"}, click(genuine, position=2)]
        response = writing.client.post("/v1/events", json=batch)
        body = response.get_json()
        assert response.status_code == 200 and body["accepted"] == 2
        assert [(one["index"], one["code"]) for one in body["refused"]] == [(1, "unknown_query"), (2, "invalid_event")]
        lines = "\n".join(map(json.dumps, batch))
        again = writing.client.post("/v1/events", data=lines, content_type="application/x-ndjson").get_json()
        assert (again["accepted"], again["duplicates"]) == (2, 2)

    def test_a_batch_without_a_good_event_is_a_422(self, writing):
        assert writing.client.post("/v1/events", json=[click("a"), click("b")]).status_code == 422

    @pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"[" * 5000, b"\xff"])
    def test_what_is_no_event_is_a_400(self, reading, body):
        response = reading.client.post("/v1/events", data=body, content_type="application/json")
        assert 400 <= response.status_code < 500 and response.get_json()["code"]

    def test_unknown_queries_are_refused(self, reading):
        problem(reading.client.get("/v1/queries/nope"), 422, "unknown_query")
        problem(reading.client.get(f"/v1/queries/{issue_query_id(reading.service.secret)}"), 404, "query_not_found")


class TestDocuments:
    def test_a_new_document_is_found_and_a_deleted_one_is_gone(self, writing):
        new = {"id": "new-1", "title": "axolotl", "body": "axolotl husbandry", "tag": "x", "year": 2026}
        body = writing.client.post("/v1/documents?refresh=true", json=[new], headers=writing.keys["documents"]).get_json()
        assert body["accepted"] == 1 and hits_of(writing.client.get("/v1/search?q=axolotl")) == ["new-1"]
        assert writing.client.get("/v1/documents/new-1").get_json()["document"] == new
        assert writing.client.delete("/v1/documents/new-1?refresh=true", headers=writing.keys["documents"]).get_json()["deleted"] == 1
        assert hits_of(writing.client.get("/v1/search?q=axolotl")) == []
        problem(writing.client.delete("/v1/documents/new-1", headers=writing.keys["documents"]), 404, "document_not_found")
        kinds = [task["type"] for task in writing.client.get("/v1/tasks", headers=writing.keys["admin"]).get_json()["tasks"]]
        assert kinds == ["documents_delete", "documents_upsert"]

    def test_put_replaces_one(self, writing):
        for title in ("axolotl", "quokka"):
            assert writing.client.put("/v1/documents/a/b c", json={"title": title}, headers=writing.keys["documents"]).status_code == 200
        assert hits_of(writing.client.get("/v1/search?q=quokka")) == ["a/b c"] and hits_of(writing.client.get("/v1/search?q=axolotl")) == []
        problem(writing.client.put("/v1/documents/a", json={"id": "b"}, headers=writing.keys["documents"]), 400, "invalid_document")

    def test_lines_are_documents_too(self, writing):
        data = b'{"id": "l1", "title": "axolotl"}\n\n{"id": "l2", "title": "axolotl"}\n'
        response = writing.client.post("/v1/documents", data=data, content_type="application/x-ndjson", headers=writing.keys["admin"])
        assert response.get_json()["accepted"] == 2 and len(hits_of(writing.client.get("/v1/search?q=axolotl"))) == 2

    @pytest.mark.parametrize(
        "bad",
        [
            [{"id": "ok", "title": "axolotl"}, {"title": "no id"}],
            [{"id": "ok", "title": "axolotl"}, 7],
            [{"id": ""}],
            [{"id": "a\x00b"}],
            [{"id": "x" * 513}],
        ],
    )
    def test_one_bad_document_changes_nothing(self, writing, bad):
        before = writing.service.engine.index.generation
        response = writing.client.post("/v1/documents", json=bad, headers=writing.keys["documents"])
        assert 400 <= response.status_code < 500, response.get_json()
        writing.service.engine.reload_if_changed()
        assert writing.service.engine.index.generation == before and hits_of(writing.client.get("/v1/search?q=axolotl")) == []

    def test_a_bad_line_is_named(self, writing):
        response = writing.client.post(
            "/v1/documents", data=b'{"id": "a"}\nnonsense\n', content_type="application/x-ndjson", headers=writing.keys["documents"]
        )
        assert "line 2" in problem(response, 400, "invalid_document")

    def test_similar_documents_are_others(self, reading):
        hits = hits_of(reading.client.get("/v1/documents/loop-1/similar?limit=5"))
        assert hits[0] == "loop-2" and "loop-1" not in hits
        problem(reading.client.get("/v1/documents/nope/similar"), 404, "document_not_found")

    def test_any_id_can_be_read(self, reading):
        for document in DOCUMENTS[:5]:
            assert reading.client.get(f"/v1/documents/{_quoted(document['id'])}").get_json()["document"] == document


def _quoted(key):
    from urllib.parse import quote

    return quote(key, safe="")


class TestLimits:
    @pytest.mark.parametrize(("path", "limit"), [("/v1/search", SEARCH_BODY), ("/v1/events", EVENTS_BODY), ("/v1/analyze", SEARCH_BODY)])
    def test_bodies_over_the_limit_are_413(self, reading, path, limit):
        problem(reading.client.post(path, data=b" " * (limit + 1), content_type="application/json"), 413, "body_too_large")

    def test_documents_have_a_limit_too(self, reading):
        response = reading.client.post(
            "/v1/documents",
            headers=reading.keys["documents"],
            environ_overrides={"CONTENT_LENGTH": str(DOCUMENTS_BODY + 1), "CONTENT_TYPE": "application/json"},
        )
        problem(response, 413, "body_too_large")

    def test_other_media_types_are_415(self, reading):
        for path in ("/v1/search", "/v1/events", "/v1/documents"):
            response = reading.client.post(path, data=b'{"q": "a"}', content_type="text/plain", headers=reading.keys["admin"])
            problem(response, 415, "unsupported_media_type")

    def test_a_range_that_a_file_does_not_have_is_refused(self, reading):
        problem(reading.client.get("/static/page.js", headers={"Range": "bytes=999999999-"}), 416, "range_not_satisfiable")

    def test_other_methods_are_405_and_other_paths_404(self, reading):
        response = reading.client.delete("/v1/search")
        problem(response, 405, "method_not_allowed")
        assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))
        problem(reading.client.get("/v2/search"), 404, "route_not_found")

    def test_long_urls_and_headers_are_refused(self, reading):
        problem(reading.client.get("/v1/search?q=" + "a" * 9000), 414, "url_too_long")
        problem(reading.client.get("/v1/search?q=a", headers={"X-Much": "a" * 17_000}), 431, "headers_too_large")

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b'{"q": 1}',
            b"[]",
            b'{"q": "\\ud800"}',
            b"\xff\xfe",
            b'{"q":' + b"[" * 5000,
            b'{"limit": ' + b"9" * 5000 + b"}",
            b'{"limit": NaN}',
        ],
    )
    def test_bad_json_is_a_400(self, reading, body):
        assert reading.client.post("/v1/search", data=body, content_type="application/json").status_code == 400

    def test_every_answer_carries_the_security_headers(self, reading):
        for path in ("/", "/search?q=a", "/v1/search?q=a", "/nope", "/health", "/docs", "/static/page.js"):
            headers = reading.client.get(path).headers
            assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
            assert headers["X-Content-Type-Options"] == "nosniff"

    def test_random_requests_are_never_a_5xx(self, reading):
        rng = random.Random(5)
        alphabet = "abc 的是在 python \"'()[]{}*?:-+!~^\\/|&<>=,.;%$#@ \x00\u200b\U0001f600é北京AND OR NOT \t\n"
        for _ in range(400):
            q = "".join(rng.choice(alphabet) for _ in range(rng.randrange(0, 60)))
            path = rng.choice(["/v1/search", "/search", "/v1/suggest", "/v1/analyze", "/document/", "/click"])
            names = {"/v1/analyze": "text", "/document/": "id", "/click": "id"}
            params = {names.get(path, "q"): q, **({"filter": q} if path == "/v1/search" and rng.random() < 0.3 else {})}
            response = reading.client.get(path, query_string=params)
            assert response.status_code < 500, (path, params, response.text[:300])


class TestAccess:
    OPEN = {"public", "search", "events"}

    def test_every_route_asks_for_exactly_its_scope(self, reading):
        tried = 0
        for rule in reading.app.url_map.iter_rules():
            operation = operation_of(reading.app, rule.endpoint)
            if operation is None or rule.endpoint == "static":
                continue
            path = re.sub(r"<[^>]+>", "nope", rule.rule)
            for method in rule.methods - {"OPTIONS", "HEAD"}:
                for scope, headers in {"": {}, **reading.keys}.items():
                    opens = operation.scope in self.OPEN or scope in (operation.scope, "admin")
                    if opens and operation.scope not in self.OPEN:
                        continue  # would change the collection; the tests of each route do it
                    status = reading.client.open(path, method=method, headers=headers).status_code
                    assert (status not in (401, 403)) == opens, (method, path, scope, status)
                    tried += 1
        assert tried > 80

    def test_require_keys_closes_reading_too(self, tmp_path):
        closed = _application(tmp_path, require_keys=True)
        problem(closed.client.get("/v1/search?q=list"), 401, "missing_key")
        problem(closed.client.get("/v1/search?q=list", headers=closed.keys["events"]), 403, "wrong_scope")
        assert closed.client.get("/v1/search?q=list", headers=closed.keys["search"]).status_code == 200
        assert closed.client.get("/health").status_code == 200
        page = closed.client.get("/search?q=list")
        assert page.status_code == 401 and page.headers["WWW-Authenticate"].startswith("Basic")
        key = closed.keys["search"]["Authorization"].split()[1]
        assert closed.client.get("/search?q=list", auth=("any", key)).status_code == 200

    def test_keys_travel_in_either_header_but_never_as_basic_to_change(self, writing):
        key = writing.keys["admin"]["Authorization"].split()[1]
        assert writing.client.post("/v1/reload", headers={"X-API-Key": key}).status_code == 200
        assert writing.client.post("/v1/reload", auth=("any", key)).status_code == 401
        assert writing.client.get("/admin", auth=("any", key)).status_code == 200

    def test_a_revoked_key_is_refused(self, writing):
        headers = writing.keys["admin"]
        writing.service.keys.revoke(headers["Authorization"].split()[1])
        problem(writing.client.post("/v1/reload", headers=headers), 401, "invalid_key")

    def test_guessing_keys_is_slowed_down(self, writing):
        codes = [writing.client.get("/v1/search?q=a", headers={"X-API-Key": f"a.{n}"}).status_code for n in range(22)]
        assert codes == [401] * 20 + [429] * 2
        assert writing.client.get("/v1/search?q=a").status_code == 200


class TestOperations:
    def test_health_ready_and_metrics(self, writing):
        assert writing.client.get("/health").get_json() == {"status": "ok"}
        response = writing.client.get("/ready")
        assert response.status_code == 503 and response.get_json()["waiting_for"] == ["kernels"] and response.headers["Retry-After"]
        writing.service.warm_up()
        assert writing.client.get("/ready").get_json()["status"] == "ready"
        writing.client.get("/v1/search?q=list")
        writing.client.get("/v1/search?q=qqqqq")
        text = writing.client.get("/metrics").text
        assert 'searchd_requests_total{method="GET",route="/v1/search",status="200"} 2.0' in text
        assert "searchd_searches_empty_total 1.0" in text and f"searchd_documents {len(DOCUMENTS)}.0" in text
        assert "qqqqq" not in text

    def test_a_relative_home_is_one_of_the_folder_where_the_service_began(self, tmp_path, monkeypatch):
        (tmp_path / "began").mkdir()
        (tmp_path / "later").mkdir()
        make_home(tmp_path / "began")
        monkeypatch.chdir(tmp_path / "began")
        apps = [create_app("home"), create_app(Home.at("home"))]
        monkeypatch.chdir(tmp_path / "later")
        for app in apps:
            assert app.test_client().get("/v1/search?q=platypus").get_json()["total"]["value"] == 1
            app.extensions[EXTENSION].close()
        assert not list((tmp_path / "later").iterdir())
        with ClickLog(tmp_path / "began" / "home" / "clicks.sqlite3") as log:
            assert log.stats().impressions == len(apps)

    def test_a_home_without_an_index_is_a_clean_state(self, tmp_path):
        client = create_app(tmp_path / "empty").test_client()
        assert client.get("/health").status_code == 200
        assert "index" in client.get("/ready").get_json()["waiting_for"]
        problem(client.get("/v1/search?q=a"), 503, "no_index")
        assert client.get("/").status_code == 200 and client.get("/search?q=a").status_code == 503

    def test_stats_models_and_reload(self, writing):
        assert writing.client.get("/v1/stats").get_json()["documents"] == len(DOCUMENTS)
        assert writing.client.get("/v1/models").get_json() == {"active": None, "models": []}
        assert writing.client.post("/v1/reload", headers=writing.keys["admin"]).get_json()["changed"] is False
        problem(writing.client.post("/v1/models/nope/activate", headers=writing.keys["admin"]), 404, "unknown_model")


class TestPage:
    def test_results_are_listed_with_marks_badges_and_facets(self, reading):
        page = reading.client.get("/search?q=list+comprehension").text
        assert page.count('class="hit"') == 10 and "<mark>list</mark>" in page and "all words" in page
        assert "f=tag%3At1" in page and 'rel="next"' in page and "45 results" in page

    def test_speaks_chinese_to_chinese_browsers(self, reading):
        page = reading.client.get("/search?q=正则", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}).text
        assert 'lang="zh-Hans"' in page and "条结果" in page
        assert 'lang="en"' in reading.client.get("/search?q=正则&lang=en", headers={"Accept-Language": "zh"}).text
        assert 'lang="en"' in reading.client.get("/", headers={"Accept-Language": "fr"}).text

    def test_hostile_documents_are_shown_as_text(self, reading):
        for path in (
            "/search?q=zebrafish",
            "/document/x1",
            "/search?q=zebrafish+%3Cscript%3Ealert(3)%3C/script%3E%22%3E%3Cimg+src%3Dx+onerror%3Dalert(4)%3E",
        ):
            page = reading.client.get(path).text
            assert "&lt;" in page and "zebrafish" in page
            assert not any(
                part in page for part in ("<script>alert", "<img src=x", "<svg/onload", 'javascript:alert(4)"', "<b>hostile", "<<mark>")
            )

    def test_filters_are_chips_that_can_be_removed(self, reading):
        page = reading.client.get("/search?q=list&f=tag:t1").text
        assert "15 results" in page and 'class="chip" href="/search?q=list"' in page
        both = reading.client.get("/search?q=list&f=tag:t1&f=tag:t2").text
        assert "30 results" in both and 'class="clear"' in both

    def test_a_filter_for_no_column_is_a_page_that_says_so(self, reading):
        response = reading.client.get("/search?q=list&f=nope:1")
        assert response.status_code == 400 and "nope" in response.text and response.mimetype == "text/html"

    @pytest.mark.parametrize(
        "query", ["page=0", "page=x", "page=99999999", "page=100", "f=", "f=:", "lang=xx", "q=%00%ff", "q=" + "%EF%B7%BA" * 200]
    )
    def test_odd_addresses_show_something(self, reading, query):
        assert reading.client.get(f"/search?q=list&{query}").status_code == 200

    def test_the_last_page_and_beyond(self, reading):
        assert reading.client.get("/search?q=list&page=5").text.count('class="hit"') == 5
        assert reading.client.get("/search?q=list&page=6").status_code == 200

    def test_a_document_has_its_page_whatever_its_id(self, reading):
        for document in DOCUMENTS[:5]:
            page = reading.client.get("/search", query_string={"q": document["title"]}).text
            assert f'data-id="{_escaped(document["id"])}"' in page
        assert "platypus" in reading.client.get("/document/", query_string={"id": "odd/../id ?#&"}).text
        assert reading.client.get("/document/nope").status_code == 404

    def test_a_visit_has_a_name_unless_the_reader_declines(self, reading):
        assert "searchd_client=" in reading.app.test_client().get("/search?q=list").headers["Set-Cookie"]
        fresh = reading.app.test_client()
        assert "Set-Cookie" not in fresh.get("/search?q=list", headers={"Sec-GPC": "1"}).headers


def _escaped(text):
    from markupsafe import escape

    return str(escape(text))


class TestClickLinks:
    def _links(self, fixture, q):
        page = fixture.client.get("/search", query_string={"q": q}).text
        return [unescape(link) for link in re.findall(r'class="title" href="([^"]+)"', page)]

    def test_a_click_is_logged_and_leads_to_the_documents_own_address(self, writing):
        (link,) = self._links(writing, "regular")
        response = writing.client.get(link)
        assert response.status_code == 303 and response.headers["Location"] == "https://docs.example.org/3/library/re.html"
        assert response.headers["Cache-Control"] == "no-store"
        (event,) = writing.service.click_log.events("click")
        assert (event.object_id, event.position) == ("library/re", 1)
        writing.client.get(link)
        assert writing.service.click_log.stats().clicks == 1

    def test_a_document_without_a_safe_address_leads_to_its_page(self, writing):
        (link,) = self._links(writing, "zebrafish")
        assert writing.client.get(link).headers["Location"] == "/document/x1"

    @pytest.mark.parametrize(
        "change",
        [
            ("position=1", "position=2"),
            ("s=", "s=0"),
            ("id=library%2Fre", "id=zh-1"),
            ("query_id=", "query_id=A"),
            ("position=1", "position=x"),
        ],
    )
    def test_a_changed_link_is_not_counted_and_leads_nowhere_else(self, writing, change):
        (link,) = self._links(writing, "regular")
        response = writing.client.get(link.replace(*change) + "&url=https://evil.example/")
        assert response.status_code == 303 and response.headers["Location"] in (
            "https://docs.example.org/3/library/re.html",
            "/document/zh-1",
        )
        assert writing.service.click_log.stats().clicks == 0

    def test_a_link_to_no_document_is_a_404(self, reading):
        problem(reading.client.get("/click?id=https://evil.example/"), 404, "document_not_found")
