"""Words spelt alike: fragments and sums as plain sets and dictionaries give them, the same for any segments, and never required."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_home import build_home

import searchd.subwords as subwords
from indexer import bm25
from indexer.changes import apply_changes
from indexer.strings import pack
from searchd.engine import Engine
from searchd.kernels_subwords import add_gains
from searchd.subwords import Subwords, fragments_of

WORDS = st.lists(st.text("abc+1", min_size=1, max_size=9), unique=True, max_size=30)
TEXTS = [
    "librarian and catalogue",
    "libraries of the world",
    "a catalog, a catalogued collection",
    "onmonday wemeetthere",
    "monday meeting",
    "cataloguing 中文 librarianship",
    "concatenate",
]


def naive_fragments(word):
    marked = f"^{word}$"
    return {marked[i : i + 4] for i in range(len(marked) - 3)}


@given(WORDS)
def test_fragments_are_those_of_every_word(words):
    found = fragments_of(pack(words))
    lists = {
        int(gram).to_bytes(4, "big").decode(): found.owners[a:b].tolist() for gram, a, b in zip(found.grams, found.starts, found.starts[1:])
    }
    every = {gram for word in words for gram in naive_fragments(word)}
    assert lists == {gram: [i for i, word in enumerate(words) if gram in naive_fragments(word)] for gram in every}
    assert list(lists) == sorted(lists)


@given(st.lists(st.tuples(st.sets(st.integers(0, 20)), st.floats(0.125, 8, width=16)), max_size=8))
def test_gains_are_summed_by_member(lists):
    owners = np.array([owner for members, _ in lists for owner in sorted(members)], np.uint32)
    stops = np.cumsum([len(members) for members, _ in lists], dtype=np.int64).reshape(-1)
    starts = np.concatenate([np.zeros(1, np.int64), stops])[: len(stops)]
    sums, touched = np.zeros(21, np.float32), np.empty(len(owners), np.uint32)
    count = add_gains(owners, starts, stops, np.array([gain for _, gain in lists], np.float32), sums, touched)
    expected = {}
    for members, gain in lists:
        for member in members:
            expected[member] = expected.get(member, np.float32(0)) + np.float32(gain)
    assert {int(owner): sums[owner] for owner in touched[:count]} == expected
    assert count == len(expected) == np.count_nonzero(sums)


def naive_similar(engine, word):
    """The same from the terms of all documents, by sets."""
    index = engine.index
    terms = {term for doc in index.live_docs() for term in index.analyzer("body").index_terms(index.stored(doc)["body"]).sequence}
    df = {term: int(index.df([term])[0]) for term in terms if term.isascii() and term[0] > "\x03"}
    wanted = naive_fragments(word)
    spread = {gram: min(index.num_docs, sum(n for term, n in df.items() if gram in naive_fragments(term))) for gram in wanted}
    shares = {term: sum(float(bm25.idf(index.num_docs, spread[g])) for g in wanted & naive_fragments(term)) for term in df}
    best = sorted((term for term in shares if shares[term] > 0), key=lambda term: (-round(shares[term], 4), term))[: subwords.MOST]
    return {term: (5 / len(wanted)) ** 0.5 * shares[term] / float(bm25.idf(index.num_docs, df[term])) for term in best}


@pytest.fixture
def home(tmp_path):
    return build_home(tmp_path, [{"id": str(i), "title": "x", "body": text} for i, text in enumerate(TEXTS)])


@pytest.mark.parametrize("word", ["librari", "catalogu", "monday", "onmonday", "concaten", "unseen", "xyz"])
def test_similar_words_are_those_that_share_most(home, word, monkeypatch):
    expected = None
    for size in (1 << 17, 3):
        monkeypatch.setattr(subwords, "BLOCK_WORDS", size)
        with Engine(home) as engine:
            found = dict(Subwords(engine.index).similar(word))
            expected = expected or naive_similar(engine, word)
        assert found == pytest.approx(expected, rel=1e-5)


def test_segments_and_deletions_make_no_difference(home):
    with Engine(home) as engine:
        engine.search("catalogue", log=False)
        apply_changes(home, [{"id": "9", "title": "x", "body": "catalogues libraries tuesday"}], ["2"])
        assert len(engine.snapshot().index.segments) == 2
        for word in ("catalogu", "librari", "monday"):
            assert dict(engine.snapshot().query_terms.subwords.similar(word)) == pytest.approx(naive_similar(engine, word), rel=1e-5)


def test_names_run_together_are_found_below_the_word_itself(home):
    with Engine(home) as engine:
        result = engine.search("monday", log=False)
        assert [hit.id for hit in result.hits][:2] == ["4", "3"]
        assert {hit.id for hit in engine.search("monday", mode="and", log=False).hits} == {"4"}
        assert {engine.key(doc) for doc in engine.retrieve("monday", mode="and")[0]} == {"4"}
        explained = engine.search("monday", explain=True, log=False).hits[1]
        assert explained.explanation["retrieval"]["score"] == pytest.approx(explained.score, rel=1e-4)
        assert "<mark>" in explained.highlights["body"]


def test_what_is_not_a_word_has_none(home):
    with Engine(home) as engine:
        for word in ("ab", "", "中文", "é" * 5):
            assert engine.snapshot().query_terms.subwords.similar(word) == []
