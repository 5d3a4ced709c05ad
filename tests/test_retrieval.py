"""Retrieval against dictionaries and loops: pruned equals exhaustive, ties included, over segments, fields, masks and deletes."""

import threading
from functools import cache

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Oracle
from small_index import SmallIndex, random_documents, schema_of

from indexer.lengths import Lengths, encode_lengths
from indexer.pages import Family
from indexer.postings import Tiers
from searchd import retrieval, retrieval_segment, term_table
from searchd.retrieval import Retriever

WORDS = [f"w{i}" for i in range(400)]
FIRST_OF_RARE = 60  # about; the words before fill tables of superblocks, the others do not


@cache
def collection(name: str) -> tuple[Oracle, SmallIndex, Retriever]:
    """A few collections, each made once, that between them reach every path of the kernels."""
    rng = np.random.default_rng(7)
    if name == "one field":
        oracle = Oracle(random_documents(rng, 9000, 1, WORDS, 12), schema_of(1))
        index = SmallIndex(oracle)
    elif name == "one field, segments, deletes":
        oracle = Oracle(random_documents(rng, 9000, 1, WORDS, 12), schema_of(1), deleted=set(range(0, 9000, 7)))
        index = SmallIndex(oracle, cuts=(4096, 4200, 8999))
    elif name == "two fields built under other parameters":
        oracle = Oracle(random_documents(rng, 6000, 2, WORDS, 8), schema_of(2), deleted={0, 17, 5999})
        index = SmallIndex(oracle, cuts=(5000,), build_schema=schema_of(2, weights=(1.5, 2.0), b=(0.5, 0.9), word=1.7))
    else:
        oracle = Oracle(random_documents(rng, 5000, 3, WORDS, 5), schema_of(3))
        index = SmallIndex(oracle, build_schema=schema_of(3, weights=(0.1, 0.0, 2.0)))
    return oracle, index, Retriever(index)


COLLECTIONS = ("one field", "one field, segments, deletes", "two fields built under other parameters", "three fields, far from the build")
TERMS = st.one_of(
    st.lists(st.sampled_from([*WORDS[:8], *WORDS[60:64], *WORDS[390:], "absent"]), min_size=1, max_size=6),
    st.lists(st.sampled_from([*WORDS, "absent"]), min_size=1, max_size=40),
)


@st.composite
def queries(draw):
    terms = draw(TERMS)
    weights = draw(st.lists(st.sampled_from([1.0, 1.0, 0.1, 0.6, 3.0, 1e-3]), min_size=len(terms), max_size=len(terms)))
    return terms, weights, draw(st.sampled_from([1, 2, 10, 64, 65, 100, 1000, 5000]))


def check(oracle: Oracle, retriever: Retriever, terms, weights, k, mode="or", required=None, mask=None) -> None:
    """The top k is the head of the whole ranking; the whole ranking has the right documents, scores and order."""
    docs, scores = retriever.top(terms, weights, k, mode, required, mask)
    assert (docs.dtype, scores.dtype) == (np.int64, np.float32)
    all_docs, all_scores = retriever.top(terms, weights, retriever.max_doc, mode, required, mask)
    np.testing.assert_array_equal(docs, all_docs[:k])
    np.testing.assert_array_equal(scores, all_scores[:k])
    expected = [d for d in oracle.candidates(terms, weights, mode, required) if mask is None or mask[d]]
    assert sorted(all_docs.tolist()) == expected
    truth = [oracle.score(d, terms, weights) for d in all_docs]
    unit = sum(w * oracle.weight(t) for t, w in zip(terms, weights)) / 2**28  # each term may be rounded by one
    np.testing.assert_allclose(all_scores, truth, rtol=2e-6, atol=unit * len(terms))
    np.testing.assert_array_equal(np.lexsort((all_docs, -all_scores)), np.arange(len(all_docs)))


@settings(deadline=None, max_examples=examples(60))
@given(st.sampled_from(COLLECTIONS), queries())
def test_or_equals_exhaustive_scoring(name, query):
    oracle, _, retriever = collection(name)
    check(oracle, retriever, *query)


@settings(deadline=None, max_examples=examples(60))
@given(st.sampled_from(COLLECTIONS), queries(), st.integers(0, 6))
def test_and_equals_exhaustive_scoring(name, query, num_required):
    oracle, _, retriever = collection(name)
    terms, weights, k = query
    terms, weights = terms[:5], weights[:5]
    check(oracle, retriever, terms, weights, k, "and", terms[:num_required] if num_required else None)


@settings(deadline=None, max_examples=examples(20))
@given(st.sampled_from(COLLECTIONS), queries(), st.sampled_from(["or", "and"]), st.sampled_from([0.0, 0.01, 0.5, 1.0]))
def test_masked_documents_never_appear_and_others_keep_their_place(name, query, mode, share):
    oracle, _, retriever = collection(name)
    mask = np.random.default_rng(3).random(retriever.max_doc) < share
    terms, weights, k = query
    check(oracle, retriever, terms[:3], weights[:3], k, mode, mask=mask)


def test_equal_documents_score_equally_and_rank_in_order_wherever_they_stand():
    documents = [[["a", "b", "c"]], [["a", "x"]], [["b", "y", "z", "z"]]] * 3000
    oracle = Oracle(documents, schema_of(1))
    retriever = Retriever(SmallIndex(oracle, cuts=(1000, 6000)))
    # Different numbers of terms make different terms optional in different superblocks; sums must come out the same.
    for terms, k in ((["a", "b", "c", "z"], 10), (["a"], 70), (["z", "x"], 3000), (["c", "b", "a"], 2999)):
        docs, scores = retriever.top(terms, [1.0, 0.7, 0.3, 0.1][: len(terms)], k)
        groups = {float(s): docs[scores == s] for s in scores}
        assert all((np.diff(group) == 3).all() for group in groups.values())
        check(oracle, retriever, terms, [1.0, 0.7, 0.3, 0.1][: len(terms)], k)


def test_scores_do_not_depend_on_segments():
    documents = random_documents(np.random.default_rng(11), 5000, 2, WORDS, 8)
    oracle = Oracle(documents, schema_of(2))
    whole, cut = Retriever(SmallIndex(oracle)), Retriever(SmallIndex(oracle, cuts=(1, 64, 4097)))
    for terms in (["w0", "w1"], ["w3", "w100", "w200"], ["w0", "w50", "w7", "w399"]):
        for k in (10, 1000):
            for mode in ("or", "and"):
                a, b = whole.top(terms, [1.0] * len(terms), k, mode), cut.top(terms, [1.0] * len(terms), k, mode)
                np.testing.assert_array_equal(a[0], b[0])
                np.testing.assert_array_equal(a[1], b[1])


@pytest.mark.parametrize("width", [np.uint16, np.uint32])
def test_table_of_lengths_and_formula_agree_to_the_bit(monkeypatch, width):
    _, index, by_table = collection("one field")
    monkeypatch.setattr(retrieval_segment, "MAX_TABLE_LENGTHS", 0)
    sections = encode_lengths(np.asarray(index.segments[0].lengths))
    sections["codes"] = sections["codes"].astype(width)
    monkeypatch.setattr(index.segments[0], "lengths", Lengths(Family.in_memory(sections), *sections["codes"].shape))
    by_formula = Retriever(index)
    for terms in (["w0", "w1", "w2"], ["w5", "w100"], ["w0", "w30", "w60", "w90"]):
        for a, b in zip(by_table.top(terms, [1.0] * len(terms), 100), by_formula.top(terms, [1.0] * len(terms), 100)):
            np.testing.assert_array_equal(a, b)


def test_terms_without_block_maxima_are_found_too():
    oracle = Oracle(random_documents(np.random.default_rng(5), 9000, 1, WORDS, 12), schema_of(1))
    retriever = Retriever(SmallIndex(oracle, tiers=Tiers(dense_share=3, wide_share=2)))
    for terms in (["w0", "w1", "w2", "w9"], ["w1", "w20", "w100"], ["w4", "w5"]):
        for mode in ("or", "and"):
            check(oracle, retriever, terms, [1.0, 0.9, 0.8, 0.7][: len(terms)], 10, mode)


def test_streams_have_their_own_k1():
    rng = np.random.default_rng(2)
    words = ["plain", "\x01中", "\x01国", "\x02中国", *WORDS[:20]]
    oracle = Oracle(random_documents(rng, 700, 1, words, 12), schema_of(1, word=2.0, han1=0.0, han2=0.5))
    retriever = Retriever(SmallIndex(oracle, build_schema=schema_of(1)))
    check(oracle, retriever, words[:4], [1.0, 0.6, 0.6, 0.6], 10)
    check(oracle, retriever, words[1:3], [1.0, 1.0], 10, "and")


@pytest.mark.parametrize("longest", [[*WORDS[300:] * 3, "absent"], pytest.param([*WORDS * 3, "absent"], marks=pytest.mark.slow)], ids=len)
def test_queries_longer_than_the_scratch_and_the_table_still_work(monkeypatch, longest):
    monkeypatch.setattr(retrieval, "TABLE_SIZE", 32)
    oracle, index, _ = collection("one field")
    retriever = Retriever(index)
    for terms in (WORDS[:20], WORDS[20:40], longest):
        check(oracle, retriever, terms, [1.0] * len(terms), 10)


def test_nothing_is_found_by_no_terms_no_documents_no_weight_or_a_missing_required_term():
    _, _, retriever = collection("one field")
    for found in (
        retriever.top([], [], 10),
        retriever.top(["absent"], [1.0], 10),
        retriever.top(["w0"], [1.0], 0),
        retriever.top(["w0"], [0.0], 10),
        retriever.top(["w0"], [1.0], 10, "and", ["w0", "absent"]),
        Retriever(SmallIndex(Oracle([], schema_of(1)))).top(["w0"], [1.0], 10),
    ):
        assert [len(part) for part in found] == [0, 0]


def test_required_terms_without_weight_still_select():
    oracle, _, retriever = collection("one field")
    docs, scores = retriever.top(["w3", "w5"], [0.0, 0.0], 9000, "and")
    assert docs.tolist() == oracle.candidates(["w3", "w5"], [0.0, 0.0], "and", None)
    assert scores.max() < 1e-6
    check(oracle, retriever, ["w3", "w5"], [1.0, 0.0], 10, "and")


def test_wrong_arguments_are_refused():
    _, _, retriever = collection("one field")
    with pytest.raises(ValueError, match="mode must be"):
        retriever.top(["w0"], [1.0], 10, "xor")
    with pytest.raises(ValueError, match="mask must be bool"):
        retriever.top(["w0"], [1.0], 10, mask=np.ones(3, bool))


@settings(deadline=None, max_examples=examples(80))
@given(
    st.sampled_from(COLLECTIONS),
    st.lists(st.sampled_from([*WORDS[:10], *WORDS[55:65], *WORDS[380:], "absent"]), min_size=1, max_size=8, unique=True),
    st.integers(1, 5),
    st.integers(0, 8),
    st.sampled_from([1, 10, 65, 1000]),
    st.sampled_from([None, 0.2]),
)
def test_at_least_so_many_terms_equals_exhaustive_scoring(name, terms, minimum, num_counted, k, share):
    oracle, _, retriever = collection(name)
    mask = None if share is None else np.random.default_rng(9).random(retriever.max_doc) < share
    counted = terms[:num_counted] if num_counted else None
    weights = [1.0, 0.5, 2.0, 0.25, 0.0, 1.0, 1.0, 1.0][: len(terms)]
    docs, scores = retriever.top_minimum(terms, weights, k, minimum, counted, mask)
    all_docs, all_scores = retriever.top_minimum(terms, weights, retriever.max_doc, minimum, counted, mask)
    np.testing.assert_array_equal(docs, all_docs[:k])
    np.testing.assert_array_equal(scores, all_scores[:k])
    expected = {d for d in oracle.live if sum(oracle.has(d, t) for t in counted or terms) >= minimum}
    assert set(np.flatnonzero(retriever.matches_minimum(counted or terms, minimum)).tolist()) == expected
    assert sorted(all_docs.tolist()) == sorted(d for d in expected if mask is None or mask[d])
    truth = [oracle.score(d, terms, weights) for d in all_docs]
    unit = sum(w * oracle.weight(t) for t, w in zip(terms, weights)) / 2**28
    np.testing.assert_allclose(all_scores, truth, rtol=2e-6, atol=unit * len(terms))
    np.testing.assert_array_equal(np.lexsort((all_docs, -all_scores)), np.arange(len(all_docs)))


@settings(deadline=None, max_examples=examples(40))
@given(
    st.sampled_from(COLLECTIONS),
    st.lists(st.sampled_from(["w", "w1", "w39", "w399", "w3999", "x", ""]), min_size=1, max_size=2),
    st.sampled_from([None, 0]),
)
def test_a_prefix_stands_for_all_its_terms(name, prefixes, field):
    oracle, _, retriever = collection(name)
    terms = [word for word in WORDS if word.startswith(tuple(prefixes))]
    assert set(np.flatnonzero(retriever.matches_prefix(prefixes, field)).tolist()) == oracle.matches(terms, field)


@settings(deadline=None, max_examples=examples(40))
@given(st.sampled_from(COLLECTIONS), TERMS, st.sampled_from([1, 100, 5000, 10**9]))
def test_counts_are_exact_or_lower_bounds(name, terms, enough):
    oracle, _, retriever = collection(name)
    for count, truth in (
        (retriever.count(terms, enough), len(oracle.matches(terms))),
        (retriever.count_all(terms[:3], enough), len(oracle.candidates(terms[:3], [1.0] * 3, "and", None))),
    ):
        assert count == truth if count < enough else enough <= count <= truth


@settings(deadline=None, max_examples=examples(40))
@given(st.sampled_from(COLLECTIONS), TERMS, st.sampled_from([None, 0]))
def test_matches_and_counts_are_exact_unions(name, terms, field):
    oracle, _, retriever = collection(name)
    expected = oracle.matches(terms, field)
    assert set(np.flatnonzero(retriever.matches(terms, field)).tolist()) == expected
    if field is None:
        assert retriever.count(terms) == len(expected)


def test_matches_in_a_field_look_into_that_field_only():
    oracle, _, retriever = collection("two fields built under other parameters")
    for term in ("w0", "w9", "w200"):
        for field in (0, 1):
            assert set(np.flatnonzero(retriever.matches([term], field)).tolist()) == oracle.matches([term], field)


@settings(deadline=None, max_examples=examples(40))
@given(
    st.sampled_from(COLLECTIONS),
    st.lists(st.sampled_from([*WORDS[:6], *WORDS[:2], None, "w70"]), min_size=1, max_size=4),
    st.sampled_from([None, 0]),
    st.integers(0, 2),
)
def test_phrases_stand_where_the_oracle_finds_them(name, sequence, field, slop):
    oracle, _, retriever = collection(name)
    assert set(np.flatnonzero(retriever.phrase(sequence, field, slop)).tolist()) == oracle.phrase(sequence, field, slop)


@settings(deadline=None, max_examples=examples(60))
@given(
    st.sampled_from(COLLECTIONS),
    st.lists(st.sampled_from([*WORDS[:6], *WORDS[:2], None, "w70", "absent"]), min_size=1, max_size=4),
    st.lists(st.sampled_from([*WORDS[:9], "w70", "w300", "absent"]), max_size=3, unique=True),
    st.sampled_from([1, 3, 10, 100]),
    st.sampled_from([None, 0]),
    st.integers(0, 2),
    st.sampled_from([None, 0.3]),
)
def test_the_best_documents_with_a_phrase_are_those_of_exhaustive_scoring(name, sequence, others, k, field, slop, share):
    """Scored by the phrase's terms and by others that need not be there."""
    oracle, _, retriever = collection(name)
    mask = None if share is None else np.random.default_rng(5).random(retriever.max_doc) < share
    terms = list(dict.fromkeys([*(t for t in sequence if t is not None), *others]))
    weights = [1.0, 0.5, 2.0, 0.25, 1.0, 1.0, 1.0][: len(terms)]
    docs, scores = retriever.top_phrase(sequence, terms, weights, k, field, slop, mask=mask)
    all_docs, all_scores = retriever.top_phrase(sequence, terms, weights, retriever.max_doc, field, slop, mask=mask)
    np.testing.assert_array_equal(docs, all_docs[:k])
    np.testing.assert_array_equal(scores, all_scores[:k])
    assert sorted(all_docs.tolist()) == sorted(d for d in oracle.phrase(sequence, field, slop) if mask is None or mask[d])
    truth = [oracle.score(d, terms, weights) for d in all_docs]
    unit = sum(w * oracle.weight(t) for t, w in zip(terms, weights)) / 2**28
    np.testing.assert_allclose(all_scores, truth, rtol=2e-6, atol=unit * len(terms))
    np.testing.assert_array_equal(np.lexsort((all_docs, -all_scores)), np.arange(len(all_docs)))


def test_the_terms_of_a_phrase_that_do_not_score_still_select():
    oracle, _, retriever = collection("one field")
    docs, scores = retriever.top_phrase(["w0", "w1"], [], [], 9000)
    assert set(docs.tolist()) == oracle.phrase(["w0", "w1"]) and scores.max() < 1e-6
    assert [len(part) for part in retriever.top_phrase([None], ["w0"], [1.0], 10)] == [0, 0]
    # After a phrase, "and" asks for no phrase.
    check(oracle, retriever, ["w0", "w1"], [1.0, 1.0], 10, "and")


@settings(deadline=None, max_examples=examples(30))
@given(st.sampled_from(COLLECTIONS), TERMS)
def test_matches_of_all_terms_are_exact_intersections(name, terms):
    oracle, _, retriever = collection(name)
    terms = terms[:4]
    assert np.flatnonzero(retriever.matches_all(terms)).tolist() == oracle.candidates(terms, [1.0] * len(terms), "and", None)


@pytest.mark.parametrize("size", [1, 3, 63, 64, 65, 127, 128, 129, 300])
def test_bytes_of_a_phrase_are_found_only_where_a_term_begins(size):
    """The string that is sought is compared with every place of rows of all lengths around the vector's, at the end of the data too."""
    rng = np.random.default_rng(size)
    words = [f"x{i}" for i in range(700)]
    for _ in range(20):
        rows = [[words[i] for i in rng.integers(0, 700 if rng.random() < 0.5 else 5, size)] for _ in range(6)]
        oracle = Oracle([[row] for row in [words, *rows]], schema_of(1))
        retriever = Retriever(SmallIndex(oracle))
        row = rows[int(rng.integers(6))]
        start = int(rng.integers(size))
        for phrase in (row[start : start + 2], row[-3:], [words[0], words[1]], [words[127], words[1]], row[start : start + 40]):
            assert set(np.flatnonzero(retriever.phrase(phrase)).tolist()) == oracle.phrase(phrase)


def test_a_phrase_does_not_cross_a_gap():
    oracle = Oracle([[["a", None, "b"]], [["a", "b"]], [["a", "x", "b"]]], schema_of(1))
    retriever = Retriever(SmallIndex(oracle))
    assert retriever.phrase(["a", "b"]).tolist() == [False, True, False]
    assert retriever.phrase(["a", "b"], slop=1).tolist() == [False, True, True]
    assert retriever.phrase(["a", None, "b"]).tolist() == [False, False, True]


def test_pairs_of_han_characters_narrow_a_phrase_to_runs():
    documents = [[["\x01中", "\x01国"]], [["\x01中", "\x01国"]], [["\x01国", "\x01中"]]]
    extra = [[["\x02中国"]], [[]], [["\x02国中"]]]
    retriever = Retriever(SmallIndex(Oracle(documents, schema_of(1), extra=extra)))
    assert retriever.phrase(["\x01中", "\x01国"]).tolist() == [True, True, False]
    assert retriever.phrase(["\x01中", "\x01国"], extra=["\x02中国", "\x03中国"]).tolist() == [True, False, False]
    assert retriever.top_phrase(["\x01中", "\x01国"], ["\x01中"], [1.0], 3, extra=["\x02中国", "\x03中国"])[0].tolist() == [0]


def test_threads_do_not_disturb_each_other():
    _, index, retriever = collection("one field")
    queries_ = [[f"w{i}", f"w{i + 1}", f"w{i * 7 % 400}"] for i in range(40)]
    alone = [retriever.top(q, [1.0] * 3, 10) for q in queries_]
    fresh, wrong = Retriever(index), []

    def work() -> None:
        for _ in range(5):
            for q, (docs, scores) in zip(queries_, alone):
                found = fresh.top(q, [1.0] * 3, 10)
                if not (np.array_equal(found[0], docs) and np.array_equal(found[1], scores)):
                    wrong.append(q)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_full_table_begins_anew_without_losing_terms(monkeypatch):
    monkeypatch.setattr(retrieval, "TABLE_SIZE", 4)
    _, index, reference = collection("one field")
    retriever = Retriever(index)
    for i in range(0, 30, 3):
        terms = WORDS[i : i + 3]
        np.testing.assert_array_equal(retriever.top(terms, [1.0] * 3, 5)[0], reference.top(terms, [1.0] * 3, 5)[0])
    assert isinstance(retriever._table, term_table.TermTable) and len(retriever._table.numbers) <= 4
