"""Analyzers: streams, positions, weights; one analysis seen from three sides."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.analysis import STREAM_HANWORD, STREAM_WORD, QueryTerm, UnknownAnalyzer, get_analyzer, stream_of
from indexer.han import Segmenter
from indexer.stopwords import CHINESE

STANDARD, WHITESPACE = get_analyzer("standard"), get_analyzer("whitespace")
ANALYZERS = pytest.mark.parametrize("analyzer", [STANDARD, WHITESPACE], ids=lambda a: a.name)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.text("abI1.,'_+# 中国國际的學\u0301éßカﾞ한…\ud800\x00\x01", max_size=30),
    st.lists(
        st.sampled_from(["re.sub", "iPhone15", "机器学习", "國際", "the", "Café", " ", "don’t", "getElementById", "，", ".NET", "\n", "ベ"])
    ).map("".join),
)


@ANALYZERS
@given(text=TEXTS)
def test_tokens_sequence_and_index_terms_agree(analyzer, text):
    tokens, indexed = analyzer.tokens(text), analyzer.index_terms(text)
    assert Counter(t.term for t in tokens) == Counter(indexed.sequence + indexed.extra)
    assert analyzer.sequence(text) == indexed.sequence
    assert indexed.length > 0 or not tokens


@ANALYZERS
@given(text=TEXTS)
def test_places_are_inside_the_text_and_in_order(analyzer, text):
    tokens = analyzer.tokens(text)
    assert [t.start for t in tokens] == sorted(t.start for t in tokens)
    size = len(analyzer.sequence(text))
    for token in tokens:
        assert 0 <= token.start < token.end <= len(text)
        assert token.surface == text[token.start : token.end]
        assert 0 <= token.position < token.position + token.length <= size
        assert token.stream == stream_of(token.term)
        token.term.encode()


@ANALYZERS
@given(text=TEXTS)
def test_query_terms_are_distinct_terms_of_the_text(analyzer, text):
    query, indexed = analyzer.query_terms(text), analyzer.index_terms(text)
    assert len({q.term for q in query}) == len(query)
    assert {q.term for q in query} <= set(indexed.sequence + indexed.extra)
    assert all((q.weight == 0) == (q.stream == STREAM_HANWORD) for q in query)


@given(text=TEXTS)
def test_query_terms_stand_where_the_tokens_do(text):
    tokens = STANDARD.tokens(text)
    for query in STANDARD.query_terms(text):
        places = [(t.start, t.end, t.position) for t in tokens if t.term == query.term]
        assert (query.start, query.end, query.position) in places
        assert query.stream == stream_of(query.term) and type(query) is QueryTerm


@given(text=st.text("的是什么中国了怎么办 a，", max_size=12))
def test_weights_of_characters_and_pairs_are_those_of_the_stop_words_they_are_in(text):
    stopped = [False] * len(text)
    for start, end in Segmenter().words(text):
        if made_of_stop_words(text[start:end]):
            stopped[start:end] = [True] * (end - start)
    expected = Counter()
    for i, char in enumerate(text):
        if char not in " a，":
            expected["\x01" + char] += 0.1 if stopped[i] else 1.0
        if len(text) > i + 1 and set(text[i : i + 2]).isdisjoint(" a，"):
            expected["\x02" + text[i : i + 2]] += (1.0, 0.5, 0.1)[stopped[i] + stopped[i + 1]]
    assert {t: w for t, w in weights(text).items() if t[0] in "\x01\x02"} == {t: pytest.approx(w) for t, w in expected.items()}


def made_of_stop_words(word):
    return word == "" or any(word[:i] in CHINESE and made_of_stop_words(word[i:]) for i in range(1, len(word) + 1))


@ANALYZERS
@given(text=TEXTS)
def test_occurrences_are_the_tokens(analyzer, text):
    tokens = [t for t in analyzer.tokens(text) if t.stream != STREAM_HANWORD]
    found = analyzer.occurrences(text, {t.term for t in tokens})
    assert {(t.start, t.end, t.term) for t in tokens} == set(found)


@given(
    st.lists(st.sampled_from(["Search", "the", "of", "iPhone15", "re.sub", "don't", "1,000", ",", "searching", "SEARCH", "C++"])).map(
        " ".join
    )
)
def test_queries_of_plain_words_have_the_terms_of_all_others(text):
    plain = STANDARD.query_terms(text)
    # What is not ASCII takes the other way; the full-width space is nothing.
    assert STANDARD.query_terms(text + "\u3000") == plain


def weights(text):
    return {q.term: pytest.approx(q.weight) for q in STANDARD.query_terms(text)}


def test_han_streams():
    terms = STANDARD.index_terms("國際論坛AI")
    assert terms.sequence == ["\x01国", "\x01际", "\x01论", "\x01坛", "ai"]
    assert terms.extra == ["\x02国际", "\x02际论", "\x02论坛", "\x03国际", "\x03论坛"]
    assert terms.length == 4


def test_words_hidden_in_long_words_are_found():
    """Complaint 1 of users of other engines: 农业 must find 中国农业发展银行."""
    extra = STANDARD.index_terms("中国农业发展银行").extra
    assert {"\x03农业", "\x03发展", "\x03银行"} <= set(extra)


def test_query_weights_of_stop_words_repeats_and_parts():
    assert weights("the search of search") == {"the": 0.1, "search": 2.0, "of": 0.1}
    assert weights("re.sub") == {"re.sub": 1.0, "re": 0.5, "sub": 0.5}
    assert weights("iPhone") == {"iphon": 1.0}


def test_chinese_stop_words_only_where_they_are_words():
    found = weights("什么是目的")
    assert found["\x01是"] == 0.1 and found["\x02什么"] == 0.1 and found["\x02是目"] == 0.5
    assert found["\x01的"] == 1.0 and found["\x02目的"] == 1.0 and found["\x03目的"] == 0.0


def test_a_lone_han_character_has_length_one():
    assert STANDARD.index_terms("爱").length == 1


def test_whitespace_leaves_text_alone():
    assert WHITESPACE.index_terms("The  re.sub\n中国 x") == (["The", "re.sub", "中国", "x"], [], 4)
    assert all(stream_of(t) == STREAM_WORD for t in WHITESPACE.sequence("\x01a \x02b \ud800"))


def test_unknown_analyzer_says_which_there_are():
    with pytest.raises(UnknownAnalyzer, match="standard"):
        get_analyzer("klingon")


def test_fingerprint_changes_with_the_lexicon_and_only_then(tmp_path):
    empty = get_analyzer("standard", tmp_path)
    assert empty.fingerprint == STANDARD.fingerprint
    (tmp_path / "user.txt").write_text("云原生\n", encoding="utf-8")
    changed = get_analyzer("standard", tmp_path)
    assert changed.fingerprint != STANDARD.fingerprint
    assert "\x03云原生" in changed.index_terms("云原生").extra
    assert "\x03云原生" not in STANDARD.index_terms("云原生").extra
    assert get_analyzer("standard", tmp_path) is changed


def test_user_stop_words_weigh_little(tmp_path):
    (tmp_path / "stopwords.txt").write_text("# of this shop\nprice\n报价\n", encoding="utf-8")
    terms = {q.term: q.weight for q in get_analyzer("standard", tmp_path).query_terms("price 报价")}
    assert terms["price"] == 0.1 and terms["\x02报价"] == 0.1
