"""Answers that were kept are those that a search would give, for as long as it would, and no longer."""

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_home import make_home

import searchd.kept_answers as kept_answers
from indexer.changes import apply_changes
from ranker.clicklog import ClickLog
from ranker.exploration import Exploration
from searchd.app import create_app
from searchd.engine import Engine
from searchd.hits import Hit
from searchd.kept_answers import KeptAnswers
from searchd.responses import hits_json

MEGABYTE = 1 << 20
# Ways to ask that differ from `list` and from one another.
WAYS = [
    {"q": "comprehension"}, {"limit": 3}, {"offset": 2}, {"filter": "year >= 2010"}, {"facets": ["tag"]}, {"sort": "year:desc"}, {"model": "none"},
    {"fields": ["title"]}, {"highlight": False}, {"crop_length": 40}, {"mode": "and"}, {"minimum_should_match": 2}, {"rerank_depth": 5},
    {"num_typos": 0}, {"locale": "en"},
]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_home(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def engine(home):
    with Engine(home) as found:
        yield keeping(found)


def keeping(engine):
    """The engine, with the tables that its first searches make."""
    engine.search("zebrafish platypas")
    engine.keep_answers(MEGABYTE, hits_json)
    return engine


def told(result):
    """All that a reader can tell of an answer."""
    return result._replace(
        query_id="", took=0.0, seconds={}, made=None, features=None
    ), None if result.features is None else result.features.tolist()


def was_kept(result):
    return "kept" in result.seconds


@pytest.mark.parametrize("way", WAYS, ids=lambda way: next(iter(way)))
def test_the_second_who_asks_gets_what_the_first_got(home, engine, way):
    first, second = engine.search(**{"q": "list", **way}), engine.search(**{"q": "list", **way})
    assert not was_kept(first) and was_kept(second) and first.query_id != second.query_id
    with Engine(home) as plain:
        assert told(second) == told(first) == told(plain.search(**{"q": "list", **way}))


def test_whoever_asks_in_any_other_way_gets_an_answer_of_his_own(engine):
    for way in [{}, *WAYS]:
        assert not was_kept(engine.search(**{"q": "list", **way})), way
    assert all(was_kept(engine.search(**{"q": "list", **way})) for way in [{}, *WAYS])


@pytest.mark.parametrize("way", [{"explain": True}, {"model": "nope/v0001"}, {"timeout_ms": 1e-6}], ids=lambda way: next(iter(way)))
def test_some_answers_are_never_kept(engine, way):
    for _ in range(2):
        try:
            assert not was_kept(engine.search("list", **way))
        except Exception as error:
            assert error.code == "unknown_model"
    assert not len(engine._kept)


def test_searches_that_try_something_are_never_answered_so(home, tmp_path):
    with Engine(home, ClickLog(tmp_path / "clicks.sqlite3"), exploration=Exploration(0.1, 0.3)) as engine:
        keeping(engine)
        assert not any(was_kept(engine.search("list")) for _ in range(3))
        assert [was_kept(engine.search("list", log=False)) for _ in range(2)] == [False, True]


def test_logged_searches_have_their_features_and_rows_of_their_own(home, tmp_path):
    log = ClickLog(tmp_path / "clicks.sqlite3")
    with Engine(home, log) as engine:
        keeping(engine)
        engine.search("list", log=False)
        first, second = engine.search("list", client_id="a"), engine.search("list", client_id="b")
        assert not was_kept(first) and was_kept(second) and first.features is not None
        log.flush()
        one, other = (log.query(found.query_id) for found in (first, second))
        assert (one.client_id, other.client_id) == ("a", "b") and one.keys == other.keys
        assert one.features.tobytes() == other.features.tobytes() and one.scores.tobytes() == other.scores.tobytes()


def test_changes_of_documents_are_seen_at_once(tmp_path):
    home = make_home(tmp_path)
    with Engine(home) as engine:
        keeping(engine)
        for n in range(3):
            apply_changes(home, [{"id": f"new{n}", "title": "pangolin", "body": "scales", "year": 2000}])
            answers = [engine.search("pangolin") for _ in range(3)]  # the first makes tables
            assert [answer.total.value for answer in answers] == [n + 1] * 3 and not was_kept(answers[0]) and was_kept(answers[2])
        apply_changes(home, [], ["new1"])
        assert {hit.id for hit in engine.search("pangolin").hits} == {"new0", "new2"}


def test_tables_that_are_ready_later_are_used_at_once(engine, monkeypatch):
    engine.search("list")
    monkeypatch.setattr(engine._snapshot.suggestions, "_tables", object())
    assert not was_kept(engine.search("list"))


@pytest.fixture(scope="module")
def answer(home):
    with Engine(home) as engine:
        keeping(engine).search("list")
        return next(iter(engine._kept._kept.values())).answer


def test_an_answer_that_was_found_before_a_change_is_not_kept_after_it(answer):
    kept, wanted = KeptAnswers(MEGABYTE, hits_json), ("q",)
    old, new = (object(),), (object(),)
    assert kept.get(wanted, old) is None and kept.get(wanted, new) is None
    kept.keep(wanted, old, answer)
    assert kept.get(wanted, new) is None and kept.get(wanted, old) is None


def test_what_was_kept_grows_old(engine, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(kept_answers.time, "monotonic", lambda: now[0])
    engine.search("list")
    now[0] = kept_answers.KEPT_SECONDS - 1
    assert was_kept(engine.search("list"))
    now[0] += 2
    assert not was_kept(engine.search("list"))


class Model:
    """The least recently used of a list, by sums."""

    def __init__(self, most):
        self.most, self.rows = most, []

    def keep(self, name, size):
        self.rows = [row for row in self.rows if row[0] != name]
        if size <= self.most // 8:
            self.rows.append((name, size))
        while sum(size for _, size in self.rows) > self.most:
            self.rows.pop(0)

    def get(self, name):
        found = [row for row in self.rows if row[0] == name]
        self.rows = [row for row in self.rows if row[0] != name] + found
        return bool(found)


@given(asked=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9000)), max_size=60))
def test_bytes_are_bounded_and_the_least_recently_asked_for_leave_first(answer, asked):
    state = (object(),)
    kept, model = KeptAnswers(40_000, hits_json), Model(40_000)
    for name, length in asked:
        found = kept.get((name,), state)
        assert (found is not None) == model.get(name)
        if found is None:
            kept.keep((name,), state, answer._replace(hits=[Hit("x" * length, 1.0, {}, {})]))
            if (name,) in kept._kept:
                model.keep(name, kept._kept[(name,)].size)
        assert kept.size == sum(one.size for one in kept._kept.values()) <= 40_000
        assert [name for (name,) in kept._kept] == [name for name, _ in model.rows]


def test_a_service_keeps_answers_and_its_json_is_the_same(home):
    app, plain = create_app(home), create_app(home, kept_answers_mb=0)
    try:
        path = "/v1/search?q=zebrafish&facets=tag&limit=5&log=false"
        answers = [json.loads(one.test_client().get(path).data) for one in (app, app, plain, plain)]
        for answer in answers:
            del answer["query_id"], answer["took"]
        assert answers[0] == answers[1] == answers[2] == answers[3] and answers[0]["hits"]
        assert len(app.extensions["searchd"].engine._kept) == 1 and plain.extensions["searchd"].engine._kept is None
        assert app.test_client().get("/search?q=zebrafish").data.count(b"<mark>") == plain.test_client().get(
            "/search?q=zebrafish"
        ).data.count(b"<mark>")
    finally:
        for one in (app, plain):
            one.extensions["searchd"].close()


def test_threads_may_share_them(engine):
    problems = []

    def ask():
        try:
            for n in range(60):
                assert engine.search(f"list {n % 7}", limit=2).hits
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems and len(engine._kept) == 7
