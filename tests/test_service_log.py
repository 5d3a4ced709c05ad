"""A service whose click log is damaged or cannot be written: searches go on, and it says so."""

import datetime
import os

import pytest
from core_index import build_home, sample
from web_home import hits_of

from ranker.clicklog import ClickLog
from searchd.app import create_app
from searchd.service import EXTENSION


@pytest.fixture
def home(tmp_path):
    return build_home(tmp_path / "home", sample(3))


def click(query_id):
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    attributes = {"object": {"object_id": "key-1"}, "position": {"ordinal": 1}}
    return {"action_name": "click", "timestamp": now, "query_id": query_id, "event_attributes": attributes}


def searched_and_clicked(home):
    """Statuses of a search and of a click on what it found, and what the metrics say of logs aside."""
    app = create_app(home)
    client, service = app.test_client(), app.extensions[EXTENSION]
    found = client.get("/v1/search?q=word1")
    assert hits_of(found) == ["key-1"]
    clicked = client.post("/v1/events", json=click(found.get_json()["query_id"]))
    metrics = client.get("/metrics").get_data(as_text=True)
    aside = next(line for line in metrics.splitlines() if line.startswith("searchd_click_logs_set_aside "))
    service.close()
    return found.status_code, clicked.status_code, aside.split()[1]


def test_a_damaged_log_is_set_aside_and_told(home):
    assert searched_and_clicked(home) == (200, 200, "0.0")
    whole = home.clicks.read_bytes()
    home.clicks.write_bytes(os.urandom(len(whole)))
    assert searched_and_clicked(home) == (200, 200, "1.0")


def test_a_service_that_gives_up_is_found(home, monkeypatch):
    """The proof above fails when it should."""
    monkeypatch.setattr("searchd.service.ClickLog", lambda path, steady: ClickLog(path))
    home.clicks.write_bytes(b"garbage" * 1000)
    with pytest.raises(KeyError):
        searched_and_clicked(home)


def test_searches_go_on_when_nothing_can_be_logged(home):
    home.clicks.mkdir()
    assert searched_and_clicked(home) == (200, 503, "0.0")
