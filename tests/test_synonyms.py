"""Synonyms and stop words in queries: the file is checked, exact matches stay first, and nothing is ever emptied."""

import json
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_home import build_home

from indexer.analysis import get_analyzer
from indexer.build import build
from indexer.home import Home
from indexer.lexicon import LexiconError
from indexer.schema import Schema
from searchd.engine import Engine
from searchd.synonyms import MAX_NAMED, Rule, Synonyms, read_rules

FILLER = "plain words about nothing much, written to make the text longer than a few words"
DOCUMENTS = [
    {"id": "kfc", "body": f"KFC opened {FILLER}"},
    {"id": "肯德基", "body": f"肯德基 肯德基 肯德基 {FILLER}"},
    {"id": "德基", "body": f"德基广场 and 肯定 {FILLER}"},
    {"id": "ml", "body": f"an ML course {FILLER}"},
    {"id": "machine learning", "body": f"machine learning course {FILLER}"},
    {"id": "learning machine", "body": f"learning to repair a machine {FILLER}"},
    {"id": "机器学习", "body": f"机器学习入门 {FILLER}"},
    {"id": "北大", "body": f"北大的历史 {FILLER}"},
    {"id": "北京大学", "body": f"北京大学的历史 {FILLER}"},
    {"id": "东北大学", "body": f"东北大学的历史 {FILLER}"},
    {"id": "who", "body": "The Who are a band"},
    {"id": "hamlet", "body": "to be or not to be, that is the question"},
    {"id": "的", "body": "的"},
]
SYNONYMS = """
# one line each
KFC, 肯德基       # both ways
ml => machine learning, 機器學習
北大, 北京大学
"""


def write(home, text):
    """A file of synonyms that is told from the one before even within one tick of the file system's clock."""
    home.lexicon.mkdir(exist_ok=True)
    path = home.lexicon / "synonyms.txt"
    path.write_text(text, "utf-8")
    os.utime(path, ns=(time.time_ns(), time.time_ns()))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    found = build_home(tmp_path_factory.mktemp("synonyms"), DOCUMENTS)
    write(found, SYNONYMS)
    return found


@pytest.fixture(scope="module")
def engine(home):
    with Engine(home) as opened:
        yield opened


def ids(engine, q, **how):
    return [hit.id for hit in engine.search(q, limit=50, log=False, **how).hits]


@pytest.mark.parametrize("mode", ["or", "and"])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("KFC", ["kfc", "肯德基"]),
        ("kfc", ["kfc", "肯德基"]),
        ("肯德基", ["肯德基", "kfc"]),
        ("ml", ["ml", "machine learning", "机器学习"]),
        ("ＭＬ", ["ml", "machine learning", "机器学习"]),
        ("北大", ["北大", "北京大学"]),
    ],
)
def test_synonyms_are_found_after_the_word_itself(engine, query, found, mode):
    # 东北大学 holds the very characters 北大.
    got = [one for one in ids(engine, query, mode=mode) if one != "东北大学"]
    assert got[0] == found[0] and set(found) <= set(got)
    assert mode == "or" or set(got) == set(found)


@pytest.mark.parametrize("k1", [0.0, 1.2, 5.0, 50.0])
@pytest.mark.parametrize("b", [0.0, 0.75, 1.0])
def test_a_synonym_however_often_stays_below_the_word_once_for_any_k1_and_b(tmp_path, k1, b):
    documents = [f"quick {'filler ' * 49}", "fast " * 50, *(f"other {'words ' * 49}" for _ in range(6))]
    (tmp_path / "docs.jsonl").write_text(
        "".join(json.dumps({"id": str(i), "body": text}) + "\n" for i, text in enumerate(documents)), "utf-8"
    )
    fields = {"body": {"type": "text", "weight": 0.5, "b": b}}
    home = Home.at(tmp_path / "home")
    build(home, [str(tmp_path / "docs.jsonl")], schema=Schema.from_dict({"fields": fields, "retrieval": {"k1": k1}}))
    write(home, "quick, fast")
    with Engine(home) as engine:
        hits = engine.search("quick", log=False).hits
        assert [hit.id for hit in hits] == ["0", "1"] and hits[0].score > hits[1].score > 0


def test_a_synonym_of_several_words_matches_where_they_stand_together(engine):
    assert "learning machine" not in ids(engine, "ml")
    assert "德基" not in ids(engine, "KFC")


def test_one_way_synonyms_go_one_way(engine):
    assert "ml" not in ids(engine, "machine learning") and "ml" not in ids(engine, "机器学习")


def test_a_synonym_satisfies_its_word(engine):
    assert ids(engine, "ml course", mode="and") == ["ml", "machine learning"]
    assert ids(engine, "机器学习 入门", mode="and") == ["机器学习"]
    assert set(ids(engine, "历史 北大", mode="and")) == {"北大", "北京大学", "东北大学"}
    assert ids(engine, "ml course -an", mode="and") == ["machine learning"]
    assert set(ids(engine, "ml course", minimum_should_match=2)) == {"ml", "machine learning"}


def test_no_synonym_inside_another_word(engine):
    """北大 stands for 北京大学, but 东北大学 does not ask for either."""
    assert "北京大学" not in ids(engine, "东北大学", mode="and")


def test_highlights_mark_synonyms(engine):
    marked = {hit.id: hit.highlights["body"] for hit in engine.search("kfc", log=False).hits}
    assert "<mark>KFC</mark>" in marked["kfc"] and "<mark>肯德基</mark>" in marked["肯德基"]


def test_a_changed_file_counts_from_the_next_search_and_a_bad_one_changes_nothing(tmp_path):
    home = build_home(tmp_path, DOCUMENTS)
    with Engine(home) as engine:
        assert ids(engine, "kfc") == ["kfc"]
        write(home, "kfc, 肯德基\n")
        assert ids(engine, "kfc") == ["kfc", "肯德基"]
        write(home, "kfc\n")
        assert ids(engine, "kfc") == ["kfc", "肯德基"]
        (home.lexicon / "synonyms.txt").unlink()
        assert ids(engine, "kfc") == ["kfc"]


def test_an_engine_does_not_open_with_bad_synonyms(tmp_path):
    home = build_home(tmp_path, DOCUMENTS[:2])
    write(home, "good, fine\nbad\n")
    with pytest.raises(LexiconError, match=r"synonyms.txt, line 2"):
        Engine(home)


def test_rules_of_a_file(tmp_path):
    assert read_rules(tmp_path) == []
    (tmp_path / "synonyms.txt").write_text("\ufeff# none\n a ,b  c，d \n\na, b => c # so\n", "utf-8")
    assert read_rules(tmp_path) == [Rule(("a", "b c", "d"), ("a", "b c", "d")), Rule(("a", "b"), ("c",))]


@pytest.mark.parametrize(
    "line", ["alone", "a,", "a =>", "=> b", "a => b => c", "a, ,b", "x" * 200 + ", b", "a\x00, b", ", ".join("a" * 99)]
)
def test_bad_lines_are_refused_with_file_line_and_reason(tmp_path, line):
    (tmp_path / "synonyms.txt").write_text(f"a, b\n{line}\n", "utf-8")
    with pytest.raises(LexiconError, match=r"synonyms.txt, line 2: expected .*, found"):
        read_rules(tmp_path)


def test_all_bad_lines_are_named_up_to_a_number(tmp_path):
    (tmp_path / "synonyms.txt").write_text("bad\n" * 25, "utf-8")
    with pytest.raises(LexiconError) as refused:
        read_rules(tmp_path)
    assert str(refused.value).count("synonyms.txt, line") == MAX_NAMED and "5 more" in str(refused.value)


def test_other_encodings_are_refused(tmp_path):
    (tmp_path / "synonyms.txt").write_bytes("甲, 乙".encode("gbk"))
    with pytest.raises(LexiconError, match="UTF-8"):
        read_rules(tmp_path)


@pytest.mark.parametrize("mode", ["or", "and"])
@pytest.mark.parametrize(("query", "found"), [("the who", "who"), ("to be or not to be", "hamlet"), ("的", "的"), ("The", "who")])
def test_stop_words_never_empty_a_query(engine, query, found, mode):
    assert found in ids(engine, query, mode=mode)


def test_stop_words_of_the_lexicon_never_empty_a_query(tmp_path):
    (tmp_path / "home" / "lexicon").mkdir(parents=True)
    (tmp_path / "home" / "lexicon" / "stopwords.txt").write_text("肯德基\nkfc\n", "utf-8")
    with Engine(build_home(tmp_path, DOCUMENTS)) as engine:
        for mode in ("or", "and"):
            assert ids(engine, "kfc", mode=mode) == ["kfc"] and ids(engine, "肯德基", mode=mode)[0] == "肯德基"


@given(
    st.lists(
        st.sampled_from(["kfc", "肯德基", "ml", "machine", "learning", "北大", "北京大学", "历史", "的", "\ud800", "\x00", "course"]),
        max_size=6,
    )
)
def test_any_query_is_answered_and_synonyms_only_add(engine, words):
    """Without synonyms as a subset: what the words find, they find with synonyms too, and in the mode "and" nothing is lost either."""
    for separator in ("", " "):
        q = separator.join(words)
        for mode in ("or", "and"):
            snapshot = engine.snapshot()
            expanded = set(ids(engine, q, mode=mode))
            kept, snapshot.synonyms = snapshot.synonyms, ()
            try:
                assert set(ids(engine, q, mode=mode)) <= expanded
            finally:
                snapshot.synonyms = kept


SIDES = st.text("abcdefies x0.+&#'-北大東學é１\U00020000", min_size=1, max_size=12) | st.sampled_from(["C++", "re.sub", "T恤"])


@given(st.lists(SIDES, min_size=1, max_size=8), st.sampled_from(["standard", "whitespace"]))
def test_every_side_is_found_that_has_words(sides, analyzer):
    one = get_analyzer(analyzer)
    found = Synonyms([Rule((side,), ("肯德基鸡",)) for side in sides], one)
    for side in sides:
        sequence = one.sequence(side)
        spans = found.spans(side)
        assert bool(found) == any(map(one.sequence, sides))
        if sequence and analyzer == "whitespace":
            assert spans and spans[0].start == len(side) - len(side.lstrip())
        assert found._others_of(sequence) == (("肯德基鸡",) if sequence else ())
