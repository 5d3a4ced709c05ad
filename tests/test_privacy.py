"""What is known of people: nothing of their address or browser, nothing beyond its time, nothing after it was erased; in no file of a home."""

import json

import pytest
from web_home import make_home

from ranker.behaviour import Behaviour, query_hash
from ranker.clicklog import ClickLog, Event, Impression
from ranker.clicklog_schema import now_ms
from searchd.app import create_app

ADDRESS, AGENT, FORWARDED = "203.0.113.77", "canary-agent/7.3", "198.51.100.99"
WHO = {"client_id": "canary-client", "session_id": "canary-session", "user_id": "canary-user"}
DAY_MS = 86_400_000


def files_with(root, *canaries):
    """Files of a home in which one of the texts stands."""
    found = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return [(path.name, canary) for path, data in found.items() for canary in canaries if canary.encode() in data]


@pytest.fixture
def site(tmp_path):
    app = create_app(make_home(tmp_path), merge=False, proxies=1)
    yield app, app.test_client()
    app.extensions["searchd"].close()


def visit(client, q, **who):
    """A search and a click on its first hit, by somebody whose address and browser are told by every header there is."""
    headers = {
        "User-Agent": AGENT, "X-Forwarded-For": FORWARDED, "X-Real-IP": FORWARDED, "Forwarded": f"for={FORWARDED}", "Referer": f"https://{AGENT}.example/",
        "Cookie": f"other={AGENT}", "Accept-Language": "xx-canary", "Sec-CH-UA": AGENT,
    }  # fmt: skip
    sent = {"headers": headers, "environ_overrides": {"REMOTE_ADDR": ADDRESS}}
    answer = client.post("/v1/search", json={"q": q, **who}, **sent).get_json()
    attributes = {
        "object": {"object_id": answer["hits"][0]["id"]},
        "position": {"ordinal": 1},
        "ip": ADDRESS,
        "user_agent": AGENT,
        "browser": AGENT,
    }
    event = {
        "action_name": "click",
        "query_id": answer["query_id"],
        "timestamp": "2026-01-01T00:00:00Z",
        "event_attributes": attributes,
        **who,
    }
    assert client.post("/v1/events", json={**event, "ip": ADDRESS, "user_agent": AGENT}, **sent).status_code == 200
    return answer["query_id"]


def test_addresses_and_browsers_are_kept_nowhere(site):
    app, client = site
    for _ in range(3):
        visit(client, "comprehension", **WHO)
    client.get("/search?q=loop", headers={"User-Agent": AGENT, "X-Forwarded-For": FORWARDED}, environ_overrides={"REMOTE_ADDR": ADDRESS})
    client.get("/v1/nothing", headers={"Authorization": "Bearer wrong"}, environ_overrides={"REMOTE_ADDR": ADDRESS})
    app.extensions["searchd"].click_log.flush()
    root = app.extensions["searchd"].home.root
    assert files_with(root, ADDRESS, AGENT, FORWARDED, "xx-canary") == []
    assert files_with(root, "canary-client")  # this search can fail


@pytest.mark.parametrize("by", ["client_id", "user_id"])
def test_what_was_erased_is_in_no_file(site, by):
    app, client = site
    log, root = app.extensions["searchd"].click_log, app.extensions["searchd"].home.root
    erased = visit(client, "canaryquery comprehension", **WHO)
    kept = visit(client, "event loop", client_id="somebody else", user_id="another")
    log.flush()
    assert log.purge(**{by: WHO[by]}) > 0
    assert files_with(root, "canaryquery", *WHO.values(), erased) == []
    assert client.get(f"/v1/queries/{erased}").status_code == 404 and client.get(f"/v1/queries/{kept}").status_code == 200


def test_nothing_outlives_its_days(tmp_path, monkeypatch):
    """With a clock that is moved on, day by day."""
    begun = now_ms()
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        for day in range(0, 120, 10):
            monkeypatch.setattr("ranker.clicklog.now_ms", lambda day=day: begun + day * DAY_MS)
            log.write(
                [Impression(f"q{day}", begun, f"canary{day}!", ["d1"])], [Event(f"e{day}", f"q{day}", "click", begun, object_id="d1")]
            )
            log.flush()
            log.purge(retention_days=90)
            oldest = next(log.rows("SELECT min(received) FROM (SELECT received FROM impressions UNION ALL SELECT received FROM events)"))[0]
            assert oldest >= begun + (day - 90) * DAY_MS
        assert sorted(shown.query_id for shown in log.impressions()) == sorted(f"q{day}" for day in range(20, 120, 10))
        assert files_with(tmp_path, "canary0!", "canary10!") == [] and files_with(tmp_path, "canary20!")


def test_a_model_with_click_rates_holds_no_query():
    table = Behaviour({query_hash("canaryquery"): {"d1": (0.5, 0.1, 2.0)}}, {"d1": (0.5, 2.0)})
    assert b"canaryquery" not in table.encoded()


def test_what_few_people_asked_is_shown_to_nobody(site):
    """In suggestions and reports; that three of them make a query public is the rule."""
    app, client = site
    for person in range(2):
        visit(client, "zebrafish canaryquery", client_id=f"c{person}")
    app.extensions["searchd"].click_log.flush()
    key = app.extensions["searchd"].keys.create("admin")
    told = [client.get("/v1/suggest?q=zebra").text, client.get("/v1/suggest?q=canary").text]
    told += [
        client.get(url, headers={"X-API-Key": key}).text for url in ("/v1/reports/queries", "/v1/reports/clicks", "/metrics", "/v1/tasks")
    ]
    told += [client.get(url, auth=("any", key)).text for url in ("/admin", "/admin/queries")]
    assert not [text for text in told if "canaryquery" in text]


def test_who_asked_is_told_to_nobody(site):
    _, client = site
    told = client.get(f"/v1/queries/{visit(client, 'comprehension', **WHO)}").text
    assert json.loads(told)["user_query"] == "comprehension" and "canary" not in told
