"""Models on a real server of several workers, under the searches and clicks of many clients: what does harm is taken back, what is tried is tried evenly.

People here want the first three documents of retrieval's own order and look at a rank with nine tenths of the chance of the one above. The contrary
model shows them others.
"""

import http.client
import json
import random
import threading
import time
import urllib.parse
from collections import Counter
from datetime import UTC, datetime

import pytest
from small_home import build_home, documents
from small_models import contrary_model
from web_server import running_server

from ranker.clicklog import ClickLog
from ranker.experiments import Experiments
from ranker.gate import Harmful, activate
from ranker.registry import Registry
from ranker.watch import watched
from searchd.programs import open_engine

QUERIES = (
    "apple banana cherry dragon",
    "banana engine forest",
    "garden harbor apple",
    "island jungle kitten lantern",
    "cherry engine 机器学习",
)
WORKERS, CLIENTS, PATIENCE = 3, 6, 240
pytestmark = pytest.mark.slow


class Client(threading.Thread):
    """Sessions one after another over one connection: a search, the same once more, and a click where something is liked."""

    def __init__(self, number, base, wanted, stop):
        super().__init__(daemon=True)
        self.number, self.wanted, self.stop = number, wanted, stop
        self.address = urllib.parse.urlsplit(base).netloc
        self.sessions, self.served, self.failures, self.unstable = 0, [], [], []
        self.chance = random.Random(number)

    def run(self):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        while not self.stop.is_set():
            try:
                self._session(connection, f"c{self.number}-{self.sessions}")
                self.sessions += 1
            except Exception as error:
                self.failures.append(repr(error))
                connection = http.client.HTTPConnection(self.address, timeout=30)

    def _session(self, connection, name):
        text = QUERIES[self.chance.randrange(len(QUERIES))]
        asked = f"/v1/search?limit=10&session_id={name}&q={urllib.parse.quote(text)}"
        first, again = (_answer(connection, "GET", asked) for _ in range(2))
        self.served.append((time.monotonic(), first["model"] and first["model"]["name"]))
        if first["model"] == again["model"] and [hit["id"] for hit in first["hits"]] != [hit["id"] for hit in again["hits"]]:
            self.unstable.append((name, self.sessions))
        liked = next((r for r, hit in enumerate(first["hits"]) if hit["id"] in self.wanted[text] and self.chance.random() < 0.9**r), None)
        if liked is not None:
            event = {
                "action_name": "click", "timestamp": datetime.now(UTC).isoformat(), "query_id": first["query_id"], "session_id": name,
                "event_attributes": {"object": {"object_id": first["hits"][liked]["id"]}, "position": {"ordinal": liked + 1}},
            }  # fmt: skip
            assert _answer(connection, "POST", "/v1/events", json.dumps(event))["accepted"] == 1


def _answer(connection, method, path, body=None):
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    response = connection.getresponse()
    found = response.read()
    assert response.status == 200, (response.status, found[:300])
    return json.loads(found)


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """A home, its server, and clients at work on it."""
    folder = tmp_path_factory.mktemp("live")
    home = build_home(folder, documents(300))
    settings = home.root / "searchd.toml"
    settings.write_text((settings.read_text() if settings.exists() else "") + "\n[service]\nguard_seconds = 1\n")
    Registry(home).publish(contrary_model(home, 0), {}, "contrary")
    with open_engine(home) as engine:
        wanted = {text: set(engine.rank(text, 3, "none").keys) for text in QUERIES}
    stop = threading.Event()
    with running_server(home.root, folder, WORKERS) as (base, _):
        clients = [Client(number, base, wanted, stop) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        yield home, clients, folder / "server.log"
        stop.set()
        for client in clients:
            client.join(30)


def until(said, happened):
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {said}"
        time.sleep(0.2)


def sessions(clients):
    return sum(client.sessions for client in clients)


def answered(clients):
    assert [failure for client in clients for failure in client.failures][:3] == []


def healthy(clients):
    """No request failed, and who asked twice saw one list."""
    answered(clients)
    assert [unstable for client in clients for unstable in client.unstable][:3] == []


def test_a_model_that_loses_clicks_is_rolled_back_by_the_server(live):
    home, clients, log = live
    until("400 sessions without a model", lambda: sessions(clients) >= 400)
    try:
        activate(lambda: open_engine(home), home, "contrary")
    except Harmful:
        activate(lambda: open_engine(home), home, "contrary", force=True)
    until("the model is taken back", lambda: watched(home).status == "rolled back")
    taken_back, figures = time.monotonic(), watched(home).figures
    assert Registry(home).active() is None
    assert figures["sessions"] >= 200 and figures["searches_with_click"]["now"] < 0.5 * figures["searches_with_click"]["before"]
    enough = sessions(clients) + 200
    until("200 sessions more", lambda: sessions(clients) >= enough)
    served = [one for client in clients for one in list(client.served)]
    assert Counter(model for _, model in served)["contrary"] >= 100
    assert {model for when, model in served if when > taken_back + 2} == {None}
    assert "model rolled back" in log.read_text()
    healthy(clients)


def test_the_assignments_of_an_experiment_are_even_and_stable(live):
    """What serves against itself: who takes part, who drafts first, and one list for a session from every worker."""
    home, clients, _ = live
    enough = sessions(clients) + 400
    Experiments(home).start("check", ["active"], horizon=100_000, alpha=0.001, share=0.8)
    until("400 sessions", lambda: sessions(clients) >= enough)
    check = Experiments(home).stop("check", "seen enough", [])
    with ClickLog(home.clicks) as log:
        sql = "SELECT experiment, session_id, teams FROM impressions WHERE received BETWEEN ? AND ?"
        rows = list(log.rows(sql, (check.started + 2_000, check.stopped)))
    drafted = {session: teams for experiment, session, teams in rows if experiment}
    even(sum(teams[0] == "0" for teams in drafted.values()), len(drafted), 0.5)
    even(len(drafted), len({session for _, session, _ in rows}), 0.8)
    assert all(check.takes(session) for session in drafted)
    assert not any(check.takes(session) for experiment, session, _ in rows if not experiment)
    assert all(abs(teams.count("0") - teams.count("1")) <= 1 for teams in drafted.values())
    healthy(clients)


def test_an_experiment_that_does_harm_is_ended_by_the_server(live):
    home, clients, log = live
    Experiments(home).start("trial", ["contrary"])
    until("the experiment ends", lambda: Experiments(home).running() is None)
    ended = time.monotonic()
    trial = Experiments(home).read("trial")
    assert trial.status == "stopped" and trial.standings[0]["outcome"] == "worse"
    enough = sessions(clients) + 100
    until("100 sessions more", lambda: sessions(clients) >= enough)
    assert {model for client in clients for when, model in list(client.served) if when > ended + 2} == {None}
    with ClickLog(home.clicks) as clicks:
        late = clicks.rows("SELECT count(*) FROM impressions WHERE experiment = 'trial' AND received > ?", (trial.stopped + 2_000,))
        assert next(late) == (0,)
        lists = "SELECT session_id FROM impressions WHERE experiment = 'trial' GROUP BY session_id HAVING count(DISTINCT keys) > 1"
        assert list(clicks.rows(lists)) == []
    assert "experiment ended" in log.read_text()
    answered(clients)


def even(part, of, share):
    """Within five standard deviations of a share of coins."""
    assert of >= 150 and abs(part - share * of) <= 5 * (of * share * (1 - share)) ** 0.5, (part, of)
