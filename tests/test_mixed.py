"""Words across scripts: found whole by documents, queries and highlights alike."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.analysis import get_analyzer
from indexer.folding import fold_keeping_case, same_case
from indexer.han_dictionary import mixed_entries
from indexer.interning import new_names
from indexer.lexicon import Lexicon
from indexer.mixed import COMMON, MixedWords, is_mixed
from indexer.standard import StandardAnalyzer
from indexer.swar import PADDING
from indexer.texts import GAP, Texts
from indexer.words import WORD_RUN

STANDARD = get_analyzer("standard")
OWN = ("t恤衫店", "wi-fi", "c++语言", "语言c++", "a店b", "ab测c试d", "甲a乙b", "a/b测试", "а卡", "卡а")
ANALYZER = StandardAnalyzer(Lexicon(words=tuple((word, 0) for word in OWN)))
TEXTS = st.one_of(
    st.lists(
        st.sampled_from(
            ["T恤", "衫", "店", "A", "a", "b", "B", "卡拉OK", "语言", "C++", "+", "#", ".", "-", "wi-fi", "/", " ", "测", "乙", "А", "é"]
        )
    ).map("".join),
    st.text("aAbBtTcC+#.-'@_ \n/店测试甲乙恤衫语言卡Аﾞé\u0301", max_size=25),
)


def naive(words, text):
    """Every place where a mixed word stands whose word runs are runs of the text too."""
    lower = same_case(text)
    runs = {run.span() for run in WORD_RUN.finditer(text)}
    found = []
    for word in words:
        for start in range(len(text)):
            if lower.startswith(word, start) and {(start + a, start + b) for a, b in (m.span() for m in WORD_RUN.finditer(word))} <= runs:
                found.append((start, start + len(word), word))
    return sorted(found)


@given(TEXTS)
def test_mixed_words_are_those_of_the_naive_search(text):
    mixed, folded = MixedWords(OWN), fold_keeping_case(text)
    assert sorted(mixed.find(folded)) == naive(mixed.words, folded)


def numbered(analyzer, text):
    """The terms of a text by the way of a build, or None for what starts with joining characters and the like."""
    data = text.encode()
    texts = Texts(np.frombuffer(data + bytes(PADDING), np.uint8).copy(), np.array([0]), np.array([len(data)]), np.array([0, 1]))
    names, found = analyzer.number_terms(texts, new_names())
    strings = names.strings()
    terms = [strings.data[a:b].tobytes().decode() for a, b in zip(strings.offsets, strings.offsets[1:])]
    return [terms[i] for i in found.tokens if i != GAP], Counter(terms[i] for i in found.extra), int(found.lengths[0])


@given(TEXTS)
def test_builds_find_the_same_words(text):
    indexed = ANALYZER.index_terms(text)
    assert numbered(ANALYZER, text) == (indexed.sequence, Counter(indexed.extra), indexed.length)


@given(TEXTS)
def test_tokens_queries_and_highlights_agree(text):
    tokens, indexed = ANALYZER.tokens(text), ANALYZER.index_terms(text)
    assert Counter(t.term for t in tokens) == Counter(indexed.sequence + indexed.extra)
    whole = {t.term for t in tokens} & ANALYZER._mixed.terms
    assert whole <= {q.term for q in ANALYZER.query_terms(text)}
    assert {(t.start, t.end, t.term) for t in tokens if t.term in whole} == set(ANALYZER.occurrences(text, whole))


@pytest.mark.parametrize("word", [*mixed_entries(), *COMMON.split()])
def test_every_mixed_word_is_one_term_in_documents_queries_and_highlights(word):
    text, term = f"买{word}，", same_case(fold_keeping_case(word))
    assert is_mixed(term) or WORD_RUN.fullmatch(term)
    assert term in STANDARD.index_terms(word).extra + STANDARD.index_terms(word).sequence
    assert term in {q.term for q in STANDARD.query_terms(word)}
    if is_mixed(term):
        assert (1, 1 + len(word), term) in STANDARD.occurrences(text, {term})
        assert {t.term: t for t in STANDARD.tokens(text)}[term].surface == word


@pytest.mark.parametrize(
    ("text", "words"), [("Ｔ恤衫", {"t恤", "t恤衫"}), ("AT恤", set()), ("AA製", {"aa制"}), ("維生素C", {"维生素c"}), ("维生素CD", set())]
)
def test_width_script_and_case_make_no_difference_and_words_are_not_cut(text, words):
    assert {t for t in STANDARD.index_terms(text).extra if t in STANDARD._mixed.terms} == words


def test_the_whole_weighs_more_than_its_letters():
    assert {q.term: q.weight for q in STANDARD.query_terms("T恤")} == {"t恤": 1.0, "t": 0.5, "\x01恤": 1.0}
