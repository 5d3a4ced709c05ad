"""A service whose click log or disk is damaged or full: searches go on, and it says so."""

import datetime
import errno
import os

import msgspec
import pytest
from core_index import build_home, sample
from web_home import hits_of

import indexer.durable as durable
from indexer.changes import Change
from ranker.clicklog import ClickLog
from searchd.app import create_app
from searchd.service import EXTENSION
from searchd.writer import Writer
from searchd.writing import _published


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


def full_disk(step, do):
    if step.name in ("create", "write"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return do()


@pytest.fixture
def no_room():
    durable.watch(full_disk)
    yield
    durable.watch(None)


def test_changes_on_a_full_disk_are_refused_and_may_be_sent_again(home, request):
    """503 with ``Retry-After`` and what it is, not a fault of the program; what was published is served on."""
    app = create_app(home)
    client, service = app.test_client(), app.extensions[EXTENSION]
    headers = {"Authorization": f"Bearer {service.keys.create('documents')}"}
    request.getfixturevalue("no_room")
    refused = client.post("/v1/documents", json={"id": "new", "title": "b"}, headers=headers)
    assert (refused.status_code, refused.get_json()["code"], refused.get_json()["type"]) == (503, "disk_unusable", "unavailable")
    assert refused.headers["Retry-After"] and str(home.root) not in refused.get_data(as_text=True)
    durable.watch(None)
    assert client.post("/v1/documents", json={"id": "new", "title": "b"}, headers=headers).status_code == 200
    service.close()


def test_the_writer_of_a_service_says_that_its_disk_is_full(home, no_room, monkeypatch):
    reply, _ = _published(home, [Change([{"id": "new", "title": "b"}])], None)
    assert (reply.error, reply.code, reply.message) == ("system", str(errno.ENOSPC), os.strerror(errno.ENOSPC))
    writer = Writer(home)
    monkeypatch.setattr(writer, "_asked", lambda frames: msgspec.json.encode(reply))
    with pytest.raises(OSError, match="No space left") as caught:
        writer.apply([Change([{"id": "new"}])])
    assert caught.value.errno == errno.ENOSPC
