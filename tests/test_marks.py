"""Highlights by kernels, all texts of some documents at once, against the plain reading of each text."""

import gzip
import json

import numpy as np
from examples import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from naive_highlight import naive_highlights, naive_occurrences
from naive_highlight import splits as naive_splits
from shared_data import shared

from indexer.analysis import STREAM_WORD, get_analyzer
from indexer.code_points import codes_of
from indexer.joined import JoinedTexts
from searchd import highlight
from searchd.graphemes import shortened, splits
from searchd.highlight import Marker, highlight_documents
from searchd.shapes import shapes

STANDARD, WHITESPACE = get_analyzer("standard"), get_analyzer("whitespace")
ENGLISH = (
    "graph Graphs learning learned re.sub sub U.S.A. usa o'Reilly covid-19 the of 1,000 C++ .NET getElementById iPhone15 lru_cache a@b.de"
)
CHINESE = "机器学习 機器學習 机 器 学 习 的 机器 学习 国际 国際 论坛 T恤 维生素C 兵器学说 春眠不觉晓，处处闻啼鸟。"
ODD = [
    "é\u0301",
    "\u0301",
    "\r\n",
    "ﬁ",
    "ß",
    "Straße",
    "㍿",
    "ｶﾞ",
    "👩\u200d💻",
    "🇨🇳🇩🇪",
    "\u1112\u1161\u11ab",
    "한국",
    "\ud83d\ude00",
    "\ufdfa",
]
MARKUP = [
    "<b>&amp;",
    "'\"",
    "<mark>",
    "…",
    "\u00ad",
    " ",
    " ",
    " ",
    "\n",
    ". ",
    "? ",
    "。",
    "，",
    "_",
    "-",
    "Привет",
    "приветы",
    "naïve",
    "x" * 30,
]
PIECES = [*ENGLISH.split(), *CHINESE.split(), *ODD, *MARKUP]
TEXT = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=25).map("".join),
    st.lists(st.sampled_from([*ENGLISH.split(), "filler", "words."]), max_size=30).map(" ".join),
    st.lists(st.sampled_from(CHINESE.split()), max_size=15).map("".join),
    st.text(st.characters(exclude_categories=()), max_size=20),
)
QUERY = st.lists(st.sampled_from([*ENGLISH.split(), *CHINESE.split(), "Straße", "привет", "ﬁ"]), max_size=4).map(" ".join)
PREFIXES = st.lists(st.sampled_from(["gra", "lear", "c", "1", "прив", "维", "re.", "t"]), max_size=2, unique=True).map(tuple)
LENGTH = st.one_of(st.none(), st.integers(1, 60), st.just(200))


def marker_of(query, analyzer=STANDARD, phrases=(), prefixes=()):
    return Marker(analyzer, analyzer.query_terms(query), phrases, prefixes)


def highlights(documents, length):
    """What ``naive_highlights`` gives, by the kernels."""
    markers = [marker for document in documents for _, marker in document]
    owners = np.arange(len(documents)).repeat([len(document) for document in documents])
    texts = [text for document in documents for text, _ in document]
    passages = highlight_documents(texts, markers, np.arange(len(texts)), owners, length)
    return [[passage for owner, passage in zip(owners, passages) if owner == number] for number in range(len(documents))]


@given(st.lists(st.lists(TEXT, max_size=3), min_size=1, max_size=4), QUERY, PREFIXES, LENGTH)
@example([["", "学习", ""], [], ["\u0301学习", "a"]], "学习", (), 3)
@example([["Straße graph", "grass"], ["straße, STRASSE"]], "strasse graph", (), None)
def test_all_texts_at_once_are_marked_as_each_by_itself(documents, query, prefixes, length):
    marker = marker_of(query, prefixes=prefixes)
    fields = [[(text, marker) for text in document] for document in documents]
    assert highlights(fields, length) == naive_highlights(fields, length)


@given(st.lists(TEXT, min_size=1, max_size=3), QUERY, st.lists(QUERY, min_size=1, max_size=2), LENGTH)
@example(["machine learning, learning machine"], "machine learning", ["machine learning"], 20)
def test_phrases_are_marked_as_in_each_text_by_itself(texts, query, phrases, length):
    marker = marker_of(" ".join([query, *phrases]), phrases=phrases)
    fields = [[(text, marker) for text in texts]]
    assert highlights(fields, length) == naive_highlights(fields, length)


@given(st.lists(st.tuples(TEXT, st.booleans()), max_size=4), QUERY, LENGTH)
def test_fields_of_two_analysers_settle_on_a_level_together(texts, query, length):
    markers = marker_of(query), marker_of(query, WHITESPACE)
    markers[0].fall_back({"learn", "\x01机"})
    fields = [[(text, markers[raw]) for text, raw in texts], [(text, markers[not raw]) for text, raw in texts]]
    assert highlights(fields, length) == naive_highlights(fields, length)


@given(st.lists(TEXT, max_size=4), QUERY, PREFIXES, st.data())
def test_places_are_those_that_analysing_everything_finds(texts, query, prefixes, data):
    terms = frozenset(token.term for token in STANDARD.tokens(query))
    chosen = sorted(data.draw(st.sets(st.sampled_from(range(len(texts)))))) if texts else []
    joined, finder = JoinedTexts(texts), STANDARD.finder(terms, prefixes)
    found = finder.places(joined, np.array(chosen, np.int64)).tolist()
    assert [start for start, _, _ in found] == sorted(start for start, _, _ in found)
    begins = joined.borders.tolist()
    expected = [
        (begins[i] + s, begins[i] + e, term) for i in chosen for s, e, term in naive_occurrences(texts[i], STANDARD, terms, prefixes)
    ]
    assert sorted((start, end, finder.names[number]) for start, end, number in found) == sorted(expected)


@given(
    st.lists(st.sampled_from([*ODD, "a", "🇨", "\u11ab", "\u1161", "각", "가", "\u200d", "💻", "\ud83d", "\ude00", "\n", "\r"]), max_size=8)
)
def test_characters_are_whole_where_a_plain_reading_says_so(pieces):
    text = "".join(pieces)
    codes = codes_of(text)
    table = shapes().of(codes)
    assert [bool(splits(codes, 0, len(codes), at, table)) for at in range(len(text) + 1)] == [
        naive_splits(text, at) for at in range(len(text) + 1)
    ]
    for most in range(len(text)):
        ceiling = most + 3
        end = next((at for at in range(most, min(ceiling, len(text))) if not naive_splits(text, at)), min(ceiling, len(text)))
        assert shortened(text, most, ceiling) == text[:end]


def test_a_long_text_is_searched_up_to_a_border_between_characters(monkeypatch):
    monkeypatch.setattr(highlight, "MOST", 10)
    monkeypatch.setattr(highlight, "AT_MOST", 14)
    marker = marker_of("needle")
    assert highlights([[("0123456789\u0301\u0301 needle", marker)]], 100) == [["0123456789\u0301\u0301"]]
    assert highlights([[("0123456789 needle", marker)]], None) == [["0123456789 <mark>needle</mark>"]]


def corpus_texts(name, count):
    with gzip.open(shared(name), "rt", encoding="utf-8") as lines:
        return [text for _, line in zip(range(count), lines) for text in json.loads(line).values() if isinstance(text, str)]


@settings(max_examples=examples(25))
@given(st.data())
def test_pages_of_real_texts_are_marked_as_each_text_by_itself(data):
    name = data.draw(st.sampled_from(["retrieval/en-cranfield/docs.jsonl.gz", "corpora/zh-classical-poetry/docs.jsonl.gz"]))
    texts = corpus_texts(name, 100)
    words = [token.term for token in STANDARD.tokens(data.draw(st.sampled_from(texts))) if token.stream == STREAM_WORD or token.length > 1]
    query = " ".join(term.strip("\x01\x02\x03") for term in data.draw(st.lists(st.sampled_from(words or ["the"]), max_size=4)))
    marker = marker_of(query)
    fields = [[(text, marker)] for text in data.draw(st.lists(st.sampled_from(texts), max_size=8))]
    assert highlights(fields, 200) == naive_highlights(fields, 200)
