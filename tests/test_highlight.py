"""Highlights: safe HTML, the original text inside, the best passage."""

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from indexer.analysis import get_analyzer
from searchd.highlight import BLOCK, highlight

STANDARD = get_analyzer("standard")
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=60),
    st.lists(st.sampled_from(["re.sub", " ", "机器学习", "國際", "the", "Café", "<b>&amp;", "。", "é\u0301", "search "])).map("".join),
)


def mark(text, query, crop_length=None, analyzer=STANDARD):
    return highlight(text, analyzer, analyzer.query_terms(query), crop_length)


def original(marked):
    assert not re.search(r"<(?!/?mark>)", marked)
    return html.unescape(marked.replace("<mark>", "").replace("</mark>", ""))


@given(TEXTS, TEXTS)
def test_removing_the_tags_gives_the_text(text, query):
    assert original(mark(text, query)) == text


@given(TEXTS, TEXTS, st.integers(1, 40))
def test_a_passage_is_a_piece_of_the_text_no_longer_than_asked(text, query, length):
    passage = original(mark(text, query, length))
    assert passage in text and len(passage) <= length
    assert bool(passage) == bool(text)


@given(st.lists(st.sampled_from(["alpha", "beta", "gamma", "机器学习", "，"]), min_size=1), st.integers(12, 60))
def test_a_passage_shows_a_match_when_the_text_has_one(words, length):
    text = " ".join(words)
    for query in ("beta", "机器学习"):
        assert ("<mark>" in mark(text, query, length)) == (query in text)


def test_stems_width_and_traditional_characters_are_marked_where_they_stand():
    assert mark("Running ＲＵＮＳ", "run") == "<mark>Running</mark> <mark>ＲＵＮＳ</mark>"
    assert mark("參加國際論壇。", "国际论坛") == "參加<mark>國際論壇</mark>。"
    assert mark("cafe\u0301!", "café") == "<mark>cafe\u0301</mark>!"
    assert mark("ｶﾞﾗｽ", "ガラス") == "<mark>ｶﾞﾗｽ</mark>"


def test_codes_are_marked_whole_or_in_part():
    assert mark("call re.sub now", "re.sub") == "call <mark>re.sub</mark> now"
    assert mark("call re.sub now", "sub") == "call re.<mark>sub</mark> now"
    assert mark("an iPhone15 case", "iphone 15") == "an <mark>iPhone15</mark> case"


def test_single_han_characters_of_a_pair_are_marked_only_where_no_pair_is():
    assert mark("学校里学习", "学习") == "学校里<mark>学习</mark>"
    assert mark("学校", "学习") == "<mark>学</mark>校"


def test_stop_words_are_marked_only_alone():
    assert mark("the matrix", "the matrix") == "the <mark>matrix</mark>"
    assert mark("the art", "the matrix") == "the art"
    assert mark("the who", "the") == "<mark>the</mark> who"


def test_html_in_documents_is_escaped():
    assert mark("<script>x & y</script>", "script") == "&lt;<mark>script</mark>&gt;x &amp; y&lt;/<mark>script</mark>&gt;"


def test_the_passage_covers_most_distinct_terms_then_begins_with_a_sentence():
    text = "alpha alpha alpha. " + "Filler words stand here. " * 20 + "Here alpha meets beta at last. " + "More filler. " * 20
    passage = mark(text, "alpha beta", 60)
    assert passage.startswith("Here <mark>alpha</mark> meets <mark>beta</mark>")


def test_without_a_match_the_passage_is_the_beginning_up_to_a_word():
    assert mark("several words without anything", "absent", 15) == "several words"


def test_matches_far_inside_long_texts_are_found():
    text = "filler " * (BLOCK // 2) + "needle " + "filler " * 10
    assert "<mark>needle</mark>" in mark(text, "needle", 100)
