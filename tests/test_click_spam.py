"""Clicks that nobody made: forged, replayed or sent in masses. None of the first kind counts, and masses of a few move next to nothing."""

import base64
import json
import random
import secrets

import numpy as np
import pytest
from click_worlds import make_world, ndcg10

from ranker.clicklog import ClickLog, Event, Impression
from ranker.events import receive
from ranker.families import family
from ranker.hygiene import Rules
from ranker.query_ids import MAX_AGE, issue_query_id
from ranker.relevance import estimate_relevance
from ranker.sessions import read_clicks

SECRET = b"s" * 32
NOW = 1_800_000_000.0
KEYS = [f"d{rank}" for rank in range(10)]


def sent(query_id, key="d3", position=4, **more):
    attributes = {"object": {"object_id": key}, "position": {"ordinal": position}}
    return {"action_name": "click", "query_id": query_id, "timestamp": "2027-01-15T08:00:00Z", "event_attributes": attributes, **more}


def other_last_bits(query_id):
    raw = bytearray(base64.urlsafe_b64decode(query_id))
    raw[-1] ^= 1
    return base64.urlsafe_b64encode(raw).decode()


# How a click is made up of the id of a real search, and whether the service has to refuse it at the door; the others are stored and not counted.
KINDS = {
    "made up": (lambda chance, real: sent(base64.urlsafe_b64encode(chance.randbytes(33)).decode()), True),
    "of another service": (lambda chance, real: sent(issue_query_id(secrets.token_bytes(32), NOW)), True),
    "tampered": (lambda chance, real: sent(other_last_bits(real)), True),
    "cut": (lambda chance, real: sent(real[: chance.randrange(44)]), True),
    "lengthened": (lambda chance, real: sent(real + chance.choice("A=-_ \n")), True),
    "of another time": (lambda chance, real: sent(base64.urlsafe_b64encode(bytes(6) + base64.urlsafe_b64decode(real)[6:]).decode()), True),
    "expired": (lambda chance, real: sent(issue_query_id(SECRET, NOW - MAX_AGE - chance.randrange(1, 10**6))), True),
    "from the future": (lambda chance, real: sent(issue_query_id(SECRET, NOW + chance.randrange(100, 10**6))), True),
    "of a search that was not logged": (lambda chance, real: sent(issue_query_id(SECRET, NOW)), False),
    "replayed": (lambda chance, real: sent(real, "d0", 1, event_id=f"again {chance.random()}"), False),
    "of a foreign document": (lambda chance, real: sent(real, f"foreign{chance.randrange(10**6)}"), False),
    "at a rank that nobody saw": (lambda chance, real: sent(real, "d3", chance.choice((11, 50, 2**31 - 1, -1))), False),
}


@pytest.fixture
def log(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        yield log


def counted(log):
    """The clicks that learning counts, by rank."""
    data = read_clicks(log, require_features=False)
    return data.clicked.sum(axis=0)[:10].tolist()


def test_ten_thousand_clicks_that_nobody_made_count_nothing(log):
    chance = random.Random(5)
    real = [issue_query_id(SECRET, NOW - 10 * n) for n in range(50)]
    log.write([Impression(query_id, int(NOW * 1000), f"query {n}", KEYS) for n, query_id in enumerate(real)], [])
    honest = receive(log, SECRET, json.dumps([sent(query_id, "d0", 1) for query_id in real]).encode(), now=NOW)
    before = counted(log)
    assert honest.accepted == 50 and before == [50] + [0] * 9
    for make, refused in KINDS.values():
        for _ in range(2):
            body = json.dumps([make(chance, chance.choice(real)) for _ in range(420)]).encode()
            answer = receive(log, SECRET, body, now=NOW)
            assert len(answer.refused) == (420 if refused else 0)
    assert len(KINDS) * 2 * 420 > 10_000 and counted(log) == before


def test_this_test_can_fail(log, monkeypatch):
    """Without the signature made-up ids are stored, without the check of lists foreign documents count."""
    monkeypatch.setattr("ranker.events.verify_query_id", lambda *a: NOW)
    assert (
        receive(log, SECRET, json.dumps(KINDS["tampered"][0](random.Random(1), issue_query_id(SECRET, NOW))).encode(), now=NOW).accepted
        == 1
    )


class Attack:
    """A world of searches by honest clients, and the clients that click on one bad document of each of some queries, as often as all others together."""

    def __init__(self, sessions, share, seed=3):
        self.world = make_world(sessions=sessions, queries=max(10, sessions // 130), seed=seed)
        self.clients = sessions // 5
        self.hostile = max(1, round(self.clients * share / (1 - share)))
        grades = self.world.grades
        # Of the queries asked most, the worst document that anybody is shown.
        self.targets = {query: int(np.argmin(grades[query] + (self._shown()[query] == 0) * 9)) for query in range(0, 10, 2)}

    def _shown(self):
        data = self.world.data
        return data.shown.sum(axis=1).reshape(self.world.grades.shape)

    def write(self, log, hostile):
        data, docs = self.world.data, self.world.grades.shape[1]
        shown, events = [], []
        sessions = data.sessions
        for number in range(len(sessions)):
            part = slice(sessions.offsets[number], sessions.offsets[number + 1])
            clicked = sessions.rows[part][sessions.clicked[part]]
            self._search(shown, events, f"h{number}", sessions.rows[part], clicked, f"honest{number % self.clients}")
        if hostile:
            self._flood(shown, events, sum(len(event) > 0 for event in events), docs)
        log.write(shown, events)
        return len(events)

    def _flood(self, shown, events, clicks, docs):
        lists = {int(shown_rows[0]) // docs: shown_rows for shown_rows in self._lists()}
        for number in range(clicks):
            query, target = list(self.targets.items())[number % len(self.targets)]
            row = query * docs + target
            self._search(shown, events, f"x{number}", lists[query], [row], f"hostile{number // len(self.targets) % self.hostile}")

    def _lists(self):
        """For each attacked query a list that shows its target."""
        sessions, docs = self.world.data.sessions, self.world.grades.shape[1]
        for number in range(len(sessions)):
            rows = sessions.rows[sessions.offsets[number] : sessions.offsets[number + 1]]
            query = int(rows[0]) // docs
            if query in self.targets and query * docs + self.targets[query] in rows:
                yield rows

    def _search(self, shown, events, name, rows, clicked, client):
        query = int(rows[0]) // self.world.grades.shape[1]
        vectors = self.world.data.X[rows]
        shown.append(
            Impression(
                name,
                1000 + len(shown),
                f"query {query}",
                [f"d{r}" for r in rows],
                client_id=client,
                feature_fingerprint="f",
                features=vectors,
            )
        )
        events += [Event(f"{name}{row}", name, "click", 2000, object_id=f"d{row}", client_id=client) for row in clicked]

    def learnt(self, log, rules=None):
        """Scores of all documents by a model that was trained on the log, float[Q, D]."""
        data = read_clicks(log, rules=rules)
        targets = estimate_relevance(data)
        order = np.argsort(data.row_query, kind="stable")
        _, groups = np.unique(data.row_query[order], return_counts=True)
        gains = np.rint(targets.grades[order] / targets.grades.max() * 30).astype(np.float32)
        model = family("pairwise")(rounds=60).fit(data.X[order], gains, groups)
        flat = self.world.X.reshape(-1, self.world.X.shape[2])
        return model.predict(flat).reshape(self.world.grades.shape)

    def ranks(self, scores):
        """The rank of each target among the documents of its query, from 1."""
        return np.array([1 + (scores[query] > scores[query, target]).sum() for query, target in self.targets.items()])


def attacked(tmp_path, sessions, share, rules=None, seed=3):
    """(nDCG@10 lost, ranks that the targets gained, share of raw clicks that are hostile) of an attack."""
    attack, results = Attack(sessions, share, seed), []
    for hostile in (False, True):
        with ClickLog(tmp_path / f"{hostile}.sqlite3") as log:
            clicks = attack.write(log, hostile)
            scores = attack.learnt(log, rules)
        results.append((ndcg10(scores, attack.world.grades), attack.ranks(scores), clicks))
    (honest, before, few), (spoiled, after, many) = results
    return honest - spoiled, before - after, 1 - few / many


def test_of_the_masses_that_a_few_clients_send_each_counts_once_for_a_query(tmp_path):
    attack = Attack(1000, 0.01)
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        attack.write(log, False)
        honest = read_clicks(log)
    with ClickLog(tmp_path / "attacked.sqlite3") as log:
        raw = attack.write(log, True)
        data = read_clicks(log)
        everything = read_clicks(log, rules=Rules(per_client_query=10**9, per_client_day=10**9, everything=10**9))
    assert raw == pytest.approx(2 * attack.world.data.num_clicks, rel=0.01)
    assert data.num_clicks == honest.num_clicks + attack.hostile * len(attack.targets)
    assert data.ignored["clicked_before"] > 0 and sum(data.ignored.values()) > 0.9 * attack.world.data.num_clicks
    assert everything.num_clicks == raw  # which is what the rules are for


def test_other_spellings_of_a_query_are_the_same_query(log):
    texts = ["Laptop", "laptop", " LAPTOP ", "\uff4captop", "laptop  "] * 3
    log.write([Impression(f"q{n}", n, text, KEYS, client_id="one") for n, text in enumerate(texts)], [])
    log.append([Event(f"e{n}", f"q{n}", "click", n, object_id="d3") for n in range(len(texts))])
    assert sum(counted(log)) == 1


def test_clicks_on_what_was_not_shown_take_no_others_along(log):
    """Ten foreign documents clicked under somebody's query id once made a reader of it that clicks on everything, who does not count."""
    log.write([Impression("q", 1, "laptop", KEYS)], [Event("honest", "q", "click", 2, object_id="d0")])
    log.append([Event(f"e{n}", "q", "click", 3, object_id=f"foreign{n}") for n in range(20)])
    assert sum(counted(log)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("share", "most_lost"), [(0.01, 0.005), (0.05, 0.02)], ids=["one of a hundred", "five of a hundred"])
def test_a_few_clients_that_send_half_of_all_clicks(tmp_path, share, most_lost):
    lost, gained, hostile = attacked(tmp_path, 20_000, share)
    print(f"{share:.0%} hostile: nDCG@10 {-lost:+.4f}, ranks gained {gained.tolist()}")
    assert hostile == pytest.approx(0.5)
    assert lost <= most_lost
