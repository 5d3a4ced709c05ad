"""Chinese by sound and shape: readings, tables by key, queries typed in pinyin, and words written with the wrong character."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_home import build_home

from searchd.engine import Engine
from searchd.han_words import HanWords
from searchd.key_table import MAX_KEY, KeyTable
from searchd.look_alikes import look_alikes
from searchd.pinyin import MAX_NEAR, near, similar, syllables

FILLER = "写一些别的文字"
DOCUMENTS = [
    *({"id": f"大学{n}", "body": f"北京大学的历史 {FILLER}"} for n in range(3)),
    {"id": "重庆", "body": f"重庆火锅 {FILLER}"},
    {"id": "学习", "body": f"机器学习入门 {FILLER}"},
    {"id": "清华", "body": f"清华园 {FILLER}"},
    {"id": "beijing", "body": "daxue is the pinyin of a word"},
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with Engine(build_home(tmp_path_factory.mktemp("pinyin"), DOCUMENTS)) as opened:
        yield opened


def ids(engine, q, **how):
    return [hit.id for hit in engine.search(q, limit=50, log=False, **how).hits]


def test_pinyin_does_not_ask_for_latin_words_spelt_like_it(tmp_path):
    names = [
        {"id": f"name{i}", "title": name, "body": f"{name} has written more"} for i, name in enumerate(["hansen", "hanshaw", "johanshu"])
    ]
    filler = [{"id": str(i), "title": "", "body": "函数 和 其他 内容 in a longer text of many words about things"} for i in range(9)]
    with Engine(build_home(tmp_path, [*names, *filler])) as engine:
        assert set(ids(engine, "hanshu")) == {str(i) for i in range(9)}


def test_readings_without_tones():
    assert syllables("北京")[0] == ("bei", "jing") and ("chong", "qing") in syllables("重庆") and syllables("绿")[0] == ("lv",)
    assert syllables("ab") == [] and syllables("") == [] and syllables("\ud800") == []


def test_sounds_that_are_not_told_apart():
    assert {"si", "shi"} <= set(similar("shi")) and {"lan", "nan", "lang", "nang"} <= set(similar("lan")) and "jin" in similar("jing")
    assert near(("bei", "jing"))[0] == "beijing" and len(near(("shang",) * 8)) <= MAX_NEAR


def test_look_alikes():
    assert "末来" in look_alikes("未来") and look_alikes("abc") == []


@given(st.lists(st.tuples(st.text("ab京", max_size=5), st.integers(0, 5)), max_size=40), st.text("ab京", max_size=4), st.integers(0, 6))
def test_a_key_table_is_a_list_that_is_looked_through(given_keys, wanted, limit):
    keys = [key.encode() for key, _ in given_keys]
    weights = np.array([weight for _, weight in given_keys], np.int32)
    table = KeyTable(keys, np.arange(len(keys), dtype=np.int32), weights)
    order = sorted(range(len(keys)), key=lambda i: keys[i])
    prefix = wanted.encode()
    fitting = [i for i in order if keys[i].startswith(prefix)]
    best = sorted(fitting, key=lambda i: -weights[i])[:limit]
    assert table.beginning(prefix, limit).tolist() == best
    assert table.exactly(prefix).tolist() == [i for i in order if keys[i] == prefix]


def test_keys_are_bounded():
    table = KeyTable([b"a" * 100], np.zeros(1, np.int32), np.ones(1, np.int32))
    assert table.exactly(b"a" * MAX_KEY).tolist() == [0] and table.beginning(b"a" * 99, 3).tolist() == [0]


@given(st.lists(st.text("北京大学雪血重庆", min_size=2, max_size=4), max_size=20, unique=True))
def test_words_by_sound_are_those_that_sound_so(words):
    table = HanWords([(word, 1 + n) for n, word in enumerate(words)])
    for word in words:
        for way in syllables(word):
            assert word in table.said("".join(way)) and word in table.with_initials("".join(s[0] for s in way))
        alike = table.alike(word)
        sounds = {letters for way in syllables(word) for letters in near(way)}
        assert set(alike) == {o for o in words if o != word and len(o) == len(word) and sounds & {"".join(way) for way in syllables(o)}}


@pytest.mark.parametrize("q", ["beijingdaxue", "bjdx", "Beijing'Daxue", "BJDX"])
@pytest.mark.parametrize("mode", ["or", "and"])
def test_pinyin_finds_the_word(engine, q, mode):
    found = ids(engine, q, mode=mode)
    # Words spelt alike may follow, where any word is enough.
    assert set(found[:3]) == {"大学0", "大学1", "大学2"} and found[3:] in ([], ["beijing"])


@pytest.mark.parametrize("q", ["chongqing", "zhongqing huoguo", "chongqing huoguo"])
def test_pinyin_word_by_word_and_with_several_readings(engine, q):
    assert "重庆" in ids(engine, q)


def test_latin_words_that_documents_have_are_no_pinyin(engine):
    assert ids(engine, "daxue") == ["beijing"]


def test_several_words_that_are_one_chinese_word_find_it_below_what_has_the_letters(engine):
    assert ids(engine, "beijing daxue")[0] == "beijing" and set(ids(engine, "beijing daxue")) == {"beijing", "大学0", "大学1", "大学2"}
    assert set(ids(engine, "beijing daxue", mode="and")) == {"大学0", "大学1", "大学2"}


def test_pinyin_beside_characters_ranks_what_is_written_so_first(engine):
    """``beijing 大学``: the pinyin is an expansion, so what has the letters themselves ranks first, and what has neither last."""
    assert set(ids(engine, "beijing 大学")[:3]) == {"大学0", "大学1", "大学2"}
    assert set(ids(engine, "beijing 大学", mode="and")) == {"大学0", "大学1", "大学2"}
    assert set(ids(engine, "大学 lishi", mode="and")) == {"大学0", "大学1", "大学2"}
    marked = engine.search("beijing 大学", log=False).hits[0].highlights["body"]
    assert "<mark>北京大学</mark>" in marked


def test_what_has_the_letters_ranks_above_what_only_sounds_so(tmp_path):
    documents = [
        *({"id": f"sound{n}", "body": f"北京大学 北京大学 北京大学 {FILLER}"} for n in range(3)),
        {"id": "letters", "body": f"beijing daxue {FILLER}"},
        {"id": "half", "body": f"beijing {FILLER}"},
    ]
    with Engine(build_home(tmp_path, documents)) as opened:
        for q in ("beijing daxue", "Beijing Daxue"):
            assert ids(opened, q)[0] == "letters", q
            assert set(ids(opened, q, mode="and")) >= {"letters"}


def test_what_pinyin_finds_is_highlighted(engine):
    hit = engine.search("chongqing", log=False).hits[0]
    assert "<mark>重庆</mark>" in hit.highlights["body"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("北京大雪", "北京大学"),
        ("机器雪习", "机器学习"),
        ("重清火锅", "重庆火锅"),
        ("青华园", "清华园"),
        ("重厌火锅", None),
        ("北京大学", None),
    ],
)
def test_a_word_written_with_another_character_is_questioned(engine, typed, meant):
    assert engine.search(typed, log=False).corrected_query == meant


def test_a_query_that_finds_nothing_is_answered_as_it_was_meant(engine):
    result = engine.search("北京大雪", mode="and", log=False)
    assert (result.corrected_query, result.shown_instead) == ("北京大学", True) and len(result.hits) == 3
    assert engine.search("北京大雪", mode="and", num_typos=0, log=False).hits == []


@given(st.text(st.sampled_from("北京大雪学机器xuebj '\ud800\x00重清"), max_size=20))
def test_any_query_is_answered(engine, q):
    for mode in ("or", "and"):
        engine.search(q, mode=mode, log=False)
