"""Suggestions: from the click log only what several clients asked, titles and words, by letters, characters and pinyin."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_home import build_home

from ranker.clicklog import ClickLog, Impression
from ranker.popular import popular_queries
from searchd.asked import Asked
from searchd.engine import Engine
from searchd.suggestions import Suggestions, phrase_table

DOCUMENTS = [
    {"id": "1", "title": "Receiving letters", "body": "we receive what was received"},
    {"id": "2", "title": "北京大学的历史", "body": "北京大学 receive"},
    {"id": "3", "title": "Notes on the history of Peking", "body": "history"},
]


def asked(log, query, client, number, **more):
    log.log_query(Impression(f"q{number}", int(time.time() * 1000), query, ["1"], client_id=client, **more))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    found = build_home(tmp_path_factory.mktemp("suggestions"), DOCUMENTS)
    with ClickLog(found.clicks) as log:
        number = 0
        for query, clients, more in [
            ("peking opera", "abc", {}),
            ("peking secrets of mine", "aaa", {}),
            ("peking simulated", "abc", {"simulated": True}),
            ("peking by two", "ab", {}),
            ("北京烤鸭", "abcd", {}),
            ("letter history", "abc", {}),
        ]:
            for client in clients:
                number += 1
                asked(log, query, client, number, **more)
        log.flush()
    return found


@pytest.fixture(scope="module")
def engine(home):
    with Engine(home) as opened:
        yield opened


def suggested(engine, q, limit=8):
    return [text for text, _ in engine.suggest(q, limit)]


def test_only_what_three_clients_asked_is_popular(home, tmp_path):
    assert popular_queries(home.clicks) == [("北京烤鸭", 4), ("letter history", 3), ("peking opera", 3)]
    assert popular_queries(tmp_path / "none.sqlite3") == []


def test_popular_queries_titles_and_words(engine):
    assert "peking opera" in suggested(engine, "pek") and "Notes on the history of Peking" in suggested(engine, "hist")
    assert not {"peking secrets of mine", "peking simulated", "peking by two"} & set(suggested(engine, "peking"))
    assert "北京烤鸭" in suggested(engine, "北京") and "北京大学的历史" in suggested(engine, "北京")


def test_of_the_forms_of_a_word_one_is_suggested(engine):
    found = [text for text, count in engine.suggest("recei") if count]
    assert len(found) == 1 and dict(engine.suggest("recei"))[found[0]] == 2
    assert "my receive" in suggested(engine, "my receive")[:1] or suggested(engine, "my recei")[0].startswith("my recei")


@pytest.mark.parametrize(
    ("q", "meant", "first"), [("recie", "recei", "rece"), ("histroy", "history", "history"), ("lettr hist", None, "lettr")]
)
def test_what_begins_nothing_is_completed_as_it_was_meant(engine, q, meant, first):
    found = engine.complete(q)
    assert found.corrected_query == meant and found.suggestions[0][0].casefold().startswith(first)
    assert engine.complete("rece").corrected_query is None and engine.complete("zzzzzz") == ([], None)


def test_a_query_that_people_ask_is_offered_before_words_of_the_documents(home, engine):
    """Of the words of the documents one edit leads from leter to letter only; that the second is history say those who asked."""
    assert engine.search("leter histori", log=False).corrected_query == "letter history"
    assert engine.search("leter hisotry", log=False).corrected_query == "letter history"


def test_queries_near_to_another_by_edits_of_each_word_by_sound_and_by_shape():
    asked = Asked(
        [("machine learning", 3), ("Machine learnings", 9), ("machine earning", 5), ("北京大学", 4), ("未来简史", 3), ("of it", 3)]
    )
    assert asked.near("machne learning", 2) == ["machine learning", "Machine learnings", "machine earning"]
    assert asked.near("machine learnin", 2) == ["machine learning"]
    assert asked.near("北京大雪", 2) == ["北京大学"] and asked.near("末来简史", 2) == ["未来简史"]
    assert asked.near("machine learning", 2)[:1] == ["Machine learnings"]
    assert asked.near("Machine learnings", 2) == [] and asked.near("oft it", 2) == [] and asked.near("", 2) == []


@pytest.mark.parametrize("q", ["beijingk", "bjky", "beijingkao"])
def test_pinyin_completes_queries(engine, q):
    assert "北京烤鸭" in suggested(engine, q)


def test_pinyin_completes_words(engine):
    assert "北京大学" in suggested(engine, "beijingda") and "北京大学" in suggested(engine, "bjd")


def test_a_new_generation_begins_with_the_tables_of_the_old(engine):
    snapshot = engine.snapshot()
    tables = snapshot.suggestions.get()
    later = Suggestions(snapshot.index, snapshot.query_terms, snapshot.suggestions)
    assert later.get() is tables


@given(st.lists(st.text("ab 北京", min_size=1, max_size=6), max_size=20, unique=True), st.text("ab 北京", min_size=1, max_size=4))
def test_a_prefix_finds_what_begins_so(titles, typed):
    table = phrase_table([], {title: title for title in titles})
    found = {entry.text for entry in table.beginning(typed, 100)}
    assert {title for title in titles if title.startswith(typed)} <= found


@given(st.text(max_size=30))
def test_any_beginning_is_answered(engine, q):
    assert len(engine.suggest(q, 5)) <= 5


@pytest.mark.parametrize("q", ["\ud800", "\x00", "x" * 512, "北" * 512, '"', "((", " "])
def test_odd_beginnings_never_fail(engine, q):
    engine.suggest(q)
