"""Typing errors put right: the scan against the table of the textbook, the rule of when, and what is shown."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_home import build_home

from indexer.front_coding import front_code
from indexer.strings import pack
from searchd.engine import BadRequest, Engine
from searchd.kernels_edits import MAX_FOUND, SHORTEST, distance, scan
from searchd.spelling import allowed_edits

DOCUMENTS = [
    *({"id": f"p{n}", "title": "Programming languages", "body": "An introduction to programming with algorithms"} for n in range(3)),
    *(
        {"id": f"r{n}", "title": "How to receive information", "body": "receiving letters, received information and cities"}
        for n in range(3)
    ),
    {"id": "happy", "title": "A happy city", "body": "happiness in the city of Cologne"},
    *({"id": f"m{n}", "title": "Machine learning", "body": "machine learning course"} for n in range(3)),
    {"id": "marine", "title": "Marine biology", "body": "marine life"},
]


def letters(word):
    return np.frombuffer(word.encode(), np.uint8)


def naive_distance(a, b):
    """The restricted Damerau distance, by its recursion in a table."""
    rows = [[i + j if not i or not j else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


def naive_scan(words, typed, most, spare):
    """The same question asked of every word."""
    found = {}
    for place, word in enumerate(words):
        whole = [naive_distance(word, typed)]
        shorter = [naive_distance(word, typed[:j]) for j in range(max(SHORTEST, len(typed) - spare), len(typed))]
        bare = []
        if spare and len(word) > 2 and word[-1] in "ei":
            bare = [naive_distance(word[:-1], typed[:j]) for j in range(max(SHORTEST, len(typed) - spare), len(typed) + 1)]
        least = min(whole + shorter + bare)
        if least <= most:
            found[place] = least
    return found


def scanned(words, typed, most, spare, first=0, last=None):
    coded = front_code(pack(words))
    places, edits = np.empty(MAX_FOUND, np.int64), np.empty(MAX_FOUND, np.int64)
    n = scan(coded.data, coded.starts, first, len(words) if last is None else last, letters(typed), most, spare, places, edits)
    return dict(zip(places[:n].tolist(), edits[:n].tolist()))


WORD = st.text("abei", min_size=0, max_size=9)


@given(
    st.lists(WORD, min_size=1, max_size=80, unique=True),
    st.text("abei", min_size=1, max_size=9),
    st.integers(0, 2),
    st.sampled_from([0, 3, 7]),
)
def test_the_scan_finds_what_the_textbook_finds(words, typed, most, spare):
    words.sort()
    assert scanned(words, typed, most, spare) == naive_scan(words, typed, most, spare)


def test_the_scan_keeps_to_its_range():
    words = sorted({"".join(random.Random(n).choices("abc", k=5)) for n in range(200)})
    everything = scanned(words, "abcab", 2, 0)
    assert scanned(words, "abcab", 2, 0, 17, 90) == {place: d for place, d in everything.items() if 17 <= place < 90}


@given(WORD, WORD)
def test_distance(a, b):
    assert distance(letters(a), letters(b)) == naive_distance(a, b)


def test_how_many_edits_a_word_may_have():
    assert [allowed_edits("x" * n, 2) for n in (4, 5, 8, 9, 20)] == [0, 1, 1, 2, 2]
    assert [allowed_edits("x" * 9, n) for n in (0, 1, 2)] == [0, 1, 2]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with Engine(build_home(tmp_path_factory.mktemp("correction"), DOCUMENTS)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("recieve", "receive"),
        ("informatoin", "information"),
        ("infromtion", "information"),
        ("progamming", "programming"),
        ("Porgramming", "programming"),
        ("hapyp", "happy"),
        ("citise", "cities"),
        ("algoritms", "algorithms"),
        ("colonge", "cologne"),
    ],
)
def test_a_query_that_finds_nothing_is_answered_as_it_was_meant(engine, typed, meant):
    result = engine.search(typed, log=False)
    assert (result.corrected_query, result.shown_instead) == (meant, True)
    assert [hit.id for hit in result.hits] == [hit.id for hit in engine.search(meant, log=False).hits] and result.hits


def test_the_other_words_decide_between_candidates(engine):
    """One edit leads from macine to machine, and one to marine."""
    assert engine.search("macine learning", log=False).corrected_query == "machine learning"
    assert engine.search("macine biology", log=False).corrected_query == "marine biology"


def test_a_query_that_finds_something_is_shown_as_typed(engine):
    result = engine.search("machne learning", log=False)
    assert (result.corrected_query, result.shown_instead) == ("machine learning", False)
    assert engine.search("machne learning", mode="and", log=False).shown_instead


@pytest.mark.parametrize(
    "q", ["machine learning", "citi", "recve", "xylophonist", "m4chine", "mach_ne", '"recieve"', "recieve*", "title:recieve", "-recieve"]
)
def test_what_is_known_short_odd_or_demanded_is_left_alone(engine, q):
    assert engine.search(q, log=False).corrected_query is None


def test_num_typos_bounds_the_edits(engine):
    assert engine.search("infromtion", num_typos=1, log=False).corrected_query is None
    assert engine.search("infromtion", num_typos=2, log=False).corrected_query == "information"
    none = engine.search("recieve", num_typos=0, log=False)
    # Words spelt alike are found all the same.
    assert none.corrected_query is None and not none.shown_instead
    with pytest.raises(BadRequest):
        engine.search("recieve", num_typos=3)


def test_a_filter_is_no_reason_to_correct(engine):
    result = engine.search("machine", filter="year > 3000", log=False)
    assert result.corrected_query is None and not result.shown_instead
    # A correction that finds nothing either is not one.
    assert engine.search("machne", filter="year > 3000", log=False).corrected_query is None


@given(st.text(st.sampled_from("recivmahn 的机\ud800\x00\u0301éß"), max_size=40))
def test_any_query_is_answered(engine, q):
    result = engine.search(q, log=False)
    assert result.corrected_query is None or result.corrected_query != q


@pytest.mark.parametrize("q", ["\ud800recieve", "recieve\x00", "recieve " * 64, "x" * 512, "recieve\u0301", "ｒｅｃｉｅｖｅ"])
def test_odd_queries_never_fail(engine, q):
    engine.search(q, log=False)


def test_a_word_that_hardly_any_document_has_is_questioned_when_a_near_one_is_common(tmp_path):
    documents = [{"id": str(n), "body": "a comprehension of things"} for n in range(120)] + [{"id": "typo", "body": "comprehenson"}]
    with Engine(build_home(tmp_path, documents)) as engine:
        result = engine.search("comprehenson", log=False)
        assert (result.corrected_query, result.shown_instead, result.hits[0].id) == ("comprehension", False, "typo")
