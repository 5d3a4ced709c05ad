"""Words spelt alike: fragments and sums as plain sets and dictionaries give them, the same for any segments, and never required."""

import threading
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from small_home import build_home

import searchd.subwords as subwords
from indexer import bm25
from indexer.changes import apply_changes
from indexer.index import Index
from indexer.strings import pack
from searchd.engine import Engine
from searchd.kernels_subwords import add_gains
from searchd.subwords import Subwords, Words, fragments_of, words_of

WORDS = st.lists(st.text("abc+1é", min_size=1, max_size=9), unique=True, max_size=30)
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


def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def coded(members):
    """A list of words, as it is kept."""
    return b"".join(varint(member - before - 1) for before, member in pairwise([-1, *members]))


@given(WORDS, st.integers(0, 40_000), st.integers(1, 9), st.sampled_from([4, 64]))
def test_fragments_are_those_of_every_word(words, first, stretch, room):
    df = np.array([len(word) % 4 for word in words], np.int64)

    def stretches():
        for at in range(0, len(words), stretch):
            yield Words(pack(words[at : at + stretch]), df[at : at + stretch], first + at)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subwords, "FIRST_ROOM", room)
        found = fragments_of(stretches)
    taken = {i: naive_fragments(word) for i, word in enumerate(words) if df[i] and word.isascii()}
    holders = {gram: [i for i, held in taken.items() if gram in held] for grams in taken.values() for gram in grams}
    names = [int(gram).to_bytes(4, "big").decode() for gram in found.grams]
    assert names == sorted(holders)
    assert [found.data[a:b].tobytes() for a, b in pairwise(found.starts)] == [coded([first + i for i in holders[name]]) for name in names]
    assert found.df.tolist() == [sum(df[i] for i in holders[name]) for name in names]
    assert found.size == (first + len(words) if words else 0)


def test_of_a_very_large_dictionary_only_words_of_several_documents_take_part(home, monkeypatch):
    with Engine(home) as engine:
        (segment,) = engine.index.segments
        monkeypatch.setattr(subwords, "STRETCH", 3)
        every = [df for some in words_of(segment) for df in some.df.tolist()]
        monkeypatch.setattr(subwords, "MOST_WORDS", 5)
        assert {1, 7} <= set(every)
        assert [df for some in words_of(segment) for df in some.df.tolist()] == [df * (df > 1) for df in every]


@given(st.lists(st.tuples(st.sets(st.integers(0, 20) | st.integers(9_990, 10_000)), st.floats(0.125, 8, width=16)), max_size=8))
def test_gains_are_summed_by_member(lists):
    pieces = [coded(sorted(members)) for members, _ in lists]
    data = np.frombuffer(b"".join(pieces), np.uint8)
    stops = np.cumsum([len(piece) for piece in pieces], dtype=np.int64).reshape(-1)
    starts = np.concatenate([np.zeros(1, np.int64), stops])[: len(stops)]
    sums, touched = np.zeros(10_001, np.float32), np.empty(len(data), np.uint32)
    count = add_gains(data, starts, stops, np.array([gain for _, gain in lists], np.float32), sums, touched)
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
    for size in (1 << 16, 3):
        monkeypatch.setattr(subwords, "STRETCH", size)
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


@settings(max_examples=examples(10))
@given(
    st.lists(
        st.tuples(st.lists(st.tuples(st.integers(0, 12), st.sampled_from(TEXTS)), max_size=3), st.sets(st.integers(0, 12), max_size=3))
    )
)
def test_lists_that_go_from_generation_to_generation_are_those_of_the_documents_that_are_left(changes):
    with TemporaryDirectory() as folder:
        home = build_home(Path(folder), [{"id": str(i), "title": "x", "body": text} for i, text in enumerate(TEXTS)])
        with Engine(home) as engine:
            for upserts, deletes in changes[:4]:
                apply_changes(home, [{"id": str(key), "title": "x", "body": text} for key, text in upserts], [str(key) for key in deletes])
                for word in ("catalogu", "librari", "monday"):
                    found = dict(engine.snapshot().query_terms.subwords.similar(word))
                    anew = dict(Subwords(Index.open(home)).similar(word))
                    assert found == pytest.approx(anew, rel=1e-5)
                    assert found == pytest.approx(naive_similar(engine, word), rel=1e-5)


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


def test_a_service_does_not_wait_for_the_lists_of_a_large_dictionary(home, monkeypatch):
    monkeypatch.setattr(subwords, "AT_ONCE", 0)
    begun, go_on = threading.Event(), threading.Event()

    def slowly(stretches):
        begun.set()
        assert go_on.wait(60)
        return fragments_of(stretches)

    monkeypatch.setattr(subwords, "fragments_of", slowly)
    with Engine(home) as engine:
        engine.wait_for_nothing()
        found = engine.snapshot().query_terms.subwords
        assert found.similar("monday") == [] and begun.wait(60)
        go_on.set()
        found.finish()
        assert dict(found.similar("monday")) == pytest.approx(naive_similar(engine, "monday"), rel=1e-5)
        # The next generation uses those of this one until its own are made.
        go_on.clear()
        apply_changes(home, [{"id": "9", "title": "x", "body": "mondaytuesday"}], ["2"])
        newer = engine.snapshot().query_terms.subwords
        assert newer is not found and newer.similar("monday") == found.similar("monday")
        go_on.set()
        newer.finish()
        assert dict(newer.similar("monday")) == pytest.approx(naive_similar(engine, "monday"), rel=1e-5)
