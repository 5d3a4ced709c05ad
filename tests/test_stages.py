"""A search within a time limit: what is left out is told, and what is there is right."""

import threading
import time

import numpy as np
import pytest
from small_models import model_for
from web_home import make_home

import searchd.stages as stages
from indexer.changes import apply_changes
from ranker.registry import Registry
from searchd.engine import Engine
from searchd.query import parse_query
from searchd.snapshot import refreshed_snapshot
from searchd.stages import STAGES, covers, lap, limited, stopwatch, time_is_up


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Three segments, and an active model."""
    home = make_home(tmp_path_factory.mktemp("stages"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.changes.FOLD_BELOW", 0)
        for part in range(2):
            apply_changes(home, [{"id": f"n{part}-{n}", "title": f"list {n} comprehension", "body": "list " * (n % 5)} for n in range(30)])
    registry = Registry(home)
    registry.activate("m", registry.publish(model_for(home, 1), {}, "m"))
    return home


@pytest.fixture(scope="module")
def engine(home):
    with Engine(home) as engine:
        yield engine


class Clock:
    """Time that passes by one at every look."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def test_outside_of_a_search_no_time_is_ever_up():
    lap("plan")
    covers(0.5)
    assert not limited() and not time_is_up("count") and stages.complete()


def test_laps_add_up_and_end_with_the_search(monkeypatch):
    monkeypatch.setattr(stages, "perf_counter", Clock())
    with stopwatch() as watch:
        lap("plan")
        lap("retrieve")
        lap("plan")
        assert watch.seconds == {"plan": 2.0, "retrieve": 1.0} and not limited() and not time_is_up("count")
    assert not watch.left_out


def test_every_stage_of_a_search_is_measured_and_known(engine):
    result = engine.search("list", facets=("tag",))
    assert set(result.seconds) <= set(STAGES) and {"plan", "retrieve", "features", "score", "hits", "facets"} <= set(result.seconds)
    assert sum(result.seconds.values()) * 1000 <= result.took and not result.partial and result.coverage == 1.0


@pytest.mark.parametrize("mode", ["or", "and"])
@pytest.mark.parametrize("q", ["list", "list comprehension", "comprehension note list", "正则"])
def test_with_time_enough_the_answer_is_the_same(engine, q, mode):
    for model in ("none", "active"):
        free, timed = (engine.search(q, mode=mode, model=model, limit=40, timeout_ms=limit) for limit in (None, 5000))
        assert [(hit.id, hit.score) for hit in free.hits] == [(hit.id, hit.score) for hit in timed.hits]
        assert free.total == timed.total and not timed.partial and timed.model == free.model


@pytest.mark.parametrize("q", ["list", "list comprehension", "saerch list"])
def test_without_time_one_segment_is_searched_and_the_rest_is_told(engine, monkeypatch, q):
    monkeypatch.setattr(stages, "perf_counter", Clock())
    result = engine.search(q, facets=("tag",), limit=20, timeout_ms=1)
    largest = max(segment.num_docs for segment in engine.index.segments)
    assert result.partial and result.coverage == pytest.approx(largest / engine.index.max_doc)
    assert (
        result.total.relation == "gte" and result.hits and result.model is None and result.facets == {} and result.corrected_query is None
    )
    assert all(hit.highlights == {} and hit.document for hit in result.hits)
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)


def test_a_limit_holds(engine):
    engine.search("list comprehension", timeout_ms=1)
    started = time.perf_counter()
    for _ in range(20):
        engine.search("list comprehension", limit=50, timeout_ms=1)
    assert time.perf_counter() - started < 20  # of which each is allowed some ms; a machine may be busy


def test_a_search_after_one_with_a_limit_has_none(engine):
    engine.search("list", timeout_ms=1)
    assert not engine.search("list").partial


@pytest.mark.parametrize("locale", ["", "zh", "zh-Hans", "ZH_tw", "yue"])
def test_languages_that_have_pinyin(locale):
    assert parse_query("beijing", (), locale).spoken


@pytest.mark.parametrize("locale", ["en", "en-GB", "ja", "ko-KR", "zha"])
def test_languages_that_have_none(locale):
    assert not parse_query("beijing", (), locale).spoken and not parse_query('"beijing" -x', (), locale).spoken


def test_the_language_decides_what_letters_are(tmp_path):
    home = make_home(tmp_path)
    apply_changes(home, [{"id": f"b{n}", "title": "北京大学", "body": "北京大学在北京"} for n in range(3)])
    with Engine(home) as engine:
        assert (
            {hit.id for hit in engine.search("beijingdaxue").hits}
            == {"b0", "b1", "b2"}
            == {hit.id for hit in engine.search("beijingdaxue", locale="zh").hits}
        )
        assert engine.search("beijingdaxue", locale="en").hits == []


def test_what_is_new_is_opened_behind_searches_unless_it_must_be_seen(tmp_path, monkeypatch):
    home, must = make_home(tmp_path), [False]
    opened, go_on = threading.Event(), threading.Event()

    def slowly(*given):
        opened.set()
        assert go_on.wait(30)
        return refreshed_snapshot(*given)

    with Engine(home) as engine:
        engine.open_behind(lambda: must[0])
        monkeypatch.setattr("searchd.engine.refreshed_snapshot", slowly)
        first = engine.index.generation
        second = apply_changes(home, [{"id": "n", "title": "sentinel"}])
        for _ in range(3):
            assert engine.search("sentinel").generation == first
        assert opened.wait(30) and threading.active_count() > 1
        go_on.set()
        must[0] = True
        assert engine.search("sentinel").generation == second and engine.search("sentinel").hits


def test_numbers_of_a_merge_of_segments_are_those_of_one_call(engine):
    retriever = engine.snapshot().retriever
    terms, weights = ["list", "comprehens"], [1.0, 0.7]
    for mode in ("or", "and"):
        whole = retriever.top(terms, weights, 15, mode)
        with stopwatch(5000):
            parts = retriever.top(terms, weights, 15, mode)
        for one, other in zip(whole, parts):
            np.testing.assert_array_equal(one, other)
