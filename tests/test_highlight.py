"""Highlights: safe HTML, the original text inside, the best passage."""

import gzip
import html
import re

from hypothesis import given
from hypothesis import strategies as st
from naive_highlight import splits
from shared_data import shared

from indexer.analysis import STREAM_HANWORD, STREAM_WORD, get_analyzer, stream_of
from indexer.occurrences import beginnings
from indexer.words import Words
from searchd.highlight import Marker, highlight, highlight_fields

STANDARD = get_analyzer("standard")
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=60),
    st.lists(st.sampled_from(["re.sub", " ", "机器学习", "國際", "the", "Café", "<b>&amp;", "。", "é\u0301", "search "])).map("".join),
)


# What may be split, overlap or be folded, in any order.
PIECES = [
    "re.sub", " ", "机器学习", "機器學習", "機", "的", "國際", "the", "Café", "<b>&amp;", "。", "e\u0301", "search ", "1,000", "o'Reilly", "👩\u200d💻", "🇨🇳🇩🇪",
    "\r\n", "ｶﾞ", "한국", "\u1112\u1161\u11ab", "\ud83d\ude00", "\ufdfa", "ﬁ", "\u0301\u0302", "㍿", "iPhone15", "getElementById", "ß", "U.S.A.", "x" * 40,
]  # fmt: skip
TANGLED = st.lists(st.sampled_from(PIECES), max_size=20).map("".join)


def mark(text, query, crop_length=None, analyzer=STANDARD, **more):
    return highlight(text, analyzer, analyzer.query_terms(query), crop_length, **more)


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
    assert mark("call functools.lru_cache", "lru_cache") == "call functools.<mark>lru_cache</mark>"
    assert mark("about COVID-19.", "covid 19") == "about <mark>COVID-19</mark>."
    assert mark("an iPhone15 case", "iphone 15") == "an <mark>iPhone15</mark> case"


def test_han_is_marked_in_the_longest_searched_runs():
    assert mark("学习机器学习吧", "机器学习") == "<mark>学习机器学习</mark>吧"
    assert mark("機器學習很難", "机器学习") == "<mark>機器學習</mark>很難"
    assert mark("机器的学习", "机器的学习") == "<mark>机器的学习</mark>"
    assert mark("我的学校有机器的", "机器的学习") == "我的学校有<mark>机器</mark>的"


def test_what_only_bridges_two_words_is_marked_only_where_no_word_is():
    assert mark("兵器学说和机器", "机器学习") == "兵器学说和<mark>机器</mark>"
    assert mark("兵器学说", "机器学习") == "兵<mark>器学</mark>说"


def test_single_han_characters_are_marked_only_where_nothing_longer_is():
    assert mark("学校里学习", "学习") == "学校里<mark>学习</mark>"
    assert mark("学校", "学习") == "<mark>学</mark>校"
    assert mark("python 学校", "python 学习") == "<mark>python</mark> 学校"
    assert mark("学校", "学") == "<mark>学</mark>校"


def test_a_title_is_not_marked_by_single_characters_when_the_body_has_the_word():
    marker = Marker(STANDARD, STANDARD.query_terms("学习"))
    assert highlight_fields([("学校", marker), ("在学校学习", marker)]) == ["学校", "在学校<mark>学习</mark>"]
    assert highlight_fields([("学校", marker), ("练习", marker)]) == ["<mark>学</mark>校", "练<mark>习</mark>"]


def test_a_phrase_is_marked_where_it_stands_and_its_words_nowhere_else():
    text = "Learning machines: machine learning, or machine-learning."
    marked = "Learning machines: <mark>machine learning</mark>, or <mark>machine-learning</mark>."
    assert mark(text, "machine learning", phrases=["machine learning"]) == marked
    assert mark("学习机器，机器学习", "机器学习", phrases=["机器学习"]) == "学习机器，<mark>机器学习</mark>"
    assert mark("call re.sub or sub, re", "re.sub", phrases=["re sub"]).startswith("call <mark>re.sub</mark>")
    assert mark("big data, data big", "big data data", phrases=["big data"]) == "<mark>big data</mark>, <mark>data</mark> big"


def test_prefixes_mark_every_word_that_begins_so():
    assert (
        mark("Computer, computation; recompute", "", prefixes=("comput",)) == "<mark>Computer</mark>, <mark>computation</mark>; recompute"
    )


def test_terms_beyond_the_query_are_marked_too():
    assert mark("KFC 就是肯德基", "KFC", further=[("\x02肯德", 0.5), ("\x02德基", 0.5)]) == "<mark>KFC</mark> 就是<mark>肯德基</mark>"


def test_marks_and_cuts_keep_characters_whole():
    assert mark("学\u0301习吧", "学") == "<mark>学\u0301</mark>习吧"
    assert mark("a👩\u200d💻b", "a", 4) == "<mark>a</mark>👩\u200d💻"
    assert mark("a👩\u200d💻b", "a", 3) == "<mark>a</mark>"
    assert [splits("🇨🇳🇩🇪", at) for at in range(5)] == [False, True, False, True, False]
    assert [splits("\u1112\u1161\u11ab한\u11ab", at) for at in range(5)] == [False, True, True, False, True]
    assert splits("\ud83d\ude00", 1) and splits("\r\n", 1) and not splits("\n\u0301", 1)


@given(TANGLED, TANGLED, st.one_of(st.none(), st.integers(1, 60)))
def test_marks_neither_nest_nor_touch_nor_split_characters(text, query, length):
    marked = mark(text, query, length)
    passage = original(marked)
    assert passage in text if length else passage == text
    assert re.fullmatch(r"(?:[^<]|<mark>[^<]+</mark>(?!<mark>))*", marked, re.DOTALL)
    at = 0
    for piece in re.split(r"</?mark>", marked)[:-1]:
        at += len(html.unescape(piece))
        assert not splits(passage, at) or length


@given(
    st.lists(st.sampled_from(["alpha", "re.sub", "beta-gamma", "e\u0301te\u0301", "机器学习", "👩\u200d💻", "1,000"])), st.integers(12, 60)
)
def test_passages_end_between_words_and_characters(words, length):
    text = " ".join(words)
    for query in ("beta", "机器", "sub", "absent"):
        passage = original(mark(text, query, length))
        start = next(at for at in range(len(text) + 1) if text.startswith(passage, at))
        assert all(word in words or word in "机器学习" for word in passage.split()), (passage, start)


def naive_occurrences(text, terms):
    return sorted((t.start, t.end, t.term) for t in STANDARD.tokens(text) if t.term in terms and t.stream != STREAM_HANWORD)


@given(TANGLED, TANGLED)
def test_places_of_terms_are_those_that_analysing_everything_finds(text, query):
    terms = {term.term for term in STANDARD.query_terms(query)} | {t.term for t in STANDARD.tokens(query)}
    assert sorted(STANDARD.occurrences(text, terms)) == naive_occurrences(text, terms)
    prefixes = tuple({term[:3] for term in terms if stream_of(term) == STREAM_WORD})
    words = {t.term for t in STANDARD.tokens(text) if prefixes and t.stream == STREAM_WORD and t.term.startswith(prefixes)}
    assert sorted(STANDARD.occurrences(text, frozenset(), prefixes)) == naive_occurrences(text, words)


SUFFIXES = "ational tional enci anci izer bli alli entli eli ousli ization ation ator alism iveness fulness ousness aliti iviti biliti ability ibility "
SUFFIXES += "icate ative alize iciti ical ful ness ed ing s es ies y e le ly ying yed ement ance ence er ic able ible ant ate ive ize logi l ll ss eed i "


@given(st.text("abeilnosty", min_size=1, max_size=5), st.lists(st.sampled_from(SUFFIXES.split()), max_size=3))
def test_stems_begin_like_their_words(root, suffixes):
    word = root + "".join(suffixes)
    assert any(word.startswith(beginning) for beginning in beginnings(Words().term(word)))


def test_stems_of_a_real_vocabulary_begin_like_their_words():
    words, text = Words(), gzip.decompress(shared("retrieval/en-medquad-liveqa/docs.jsonl.gz").read_bytes()).decode()
    for word in set(re.findall("[a-z]+", text)):
        assert any(word.startswith(beginning) for beginning in beginnings(words.term(word))), word


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
    text = "filler " * 14_000 + "needle " + "filler " * 10
    assert "<mark>needle</mark>" in mark(text, "needle", 100)


def test_a_phrase_of_one_word_in_a_text_of_nothing_else_ends_in_time():
    assert mark("a " * 50_000 + "b", "a b", 100, phrases=["a " * 200 + "b"])
    assert mark("机" * 100_000, "机机", 100, phrases=["机" * 200])
    assert mark("a" + "\u0301" * 100_000, "a", 50) and mark("机\u200d" * 50_000, "机", None)
