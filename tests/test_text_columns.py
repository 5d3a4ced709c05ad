"""All features at once against the same features one by one: the same bits, for any query, candidates and fields."""

import numpy as np
import pytest
from examples import examples
from fake_index import FakeIndex, FakeSegment, Term
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_features import terms_of

import ranker.text_columns as text_columns
from indexer.schema import Field, Schema
from ranker.columns_kernel import RETRIEVAL
from ranker.features import FEATURES
from ranker.featureset import FeatureSet
from ranker.matches import gather

WORDS = [f"w{i}" for i in range(12)]
HAN = ["学习", "机学习", "学"]
sequences = st.lists(st.sampled_from([*WORDS, "\x01学", "\x01习", "\x01机", "x", None]), max_size=30)


def collections(fields):
    return st.lists(st.lists(sequences, min_size=fields, max_size=fields), min_size=1, max_size=9)


def schema_of(fields):
    known = [Field("body", "text", 1.0, 0.4), Field("title", "text", 2.5, 0.3), Field("note", "text", 0.5)]
    return Schema(fields=tuple(known[:fields]))


def one_by_one(names, m):
    table = np.empty((len(m), len(names.names)), np.float32)
    for column, name in enumerate(names.names):
        table[:, column] = FEATURES[name](m)
    return table


def differing(names, found, expected):
    """Features whose values are not the same bits; a missing value is missing whatever its bits are."""
    same = (found.view(np.uint32) == expected.view(np.uint32)) | (np.isnan(found) & np.isnan(expected))
    return [names.names[column] for column in np.flatnonzero(~same.all(axis=0))]


def matches_of(docs, text, scores, fields):
    index = FakeIndex([FakeSegment(docs)], schema_of(fields))
    return gather(index, terms_of(text), text, np.arange(len(docs)), np.array(scores[: len(docs)], np.float32))


queries = st.lists(st.sampled_from([*WORDS, *HAN, "q", "2\u2003x", "#", '"']), max_size=16).map(" ".join)
scores = st.lists(st.floats(0, 30, width=32), min_size=9, max_size=9)
scores |= scores.map(lambda given: sorted(given, reverse=True))


@given(st.sampled_from([1, 2, 3]).flatmap(lambda n: st.tuples(st.just(n), collections(n))), queries, scores)
@example((1, [[["w0"]]]), " ".join(WORDS), [1.0] * 9)
@example((2, [[["w0"], WORDS * 3], [WORDS, []]]), " ".join(WORDS), [1.0] * 9)
@settings(max_examples=examples(80), deadline=None)
def test_the_bits_are_those_of_the_features_one_by_one(collection, text, scores):
    fields, docs = collection
    m = matches_of(docs, text, scores, fields)
    names = FeatureSet.default(m.schema)
    assert differing(names, names.compute(m), one_by_one(names, m)) == []


def test_all_built_in_features_are_filled_at_once():
    assert len(text_columns.columns_of([*FEATURES]).rows) == len(FEATURES) > 50
    assert text_columns.columns_of(["own.x", "column.y"]).columns.tolist() == []


@given(st.lists(st.floats(0, 30, width=32), min_size=2, max_size=25), st.booleans())
@settings(max_examples=examples(100), deadline=None)
def test_scores_of_many_candidates_are_compared_as_one_by_one(scores, falling):
    m = matches_of([[["w0"]]] * len(scores), "w0", sorted(scores, reverse=True) if falling else scores, 1)
    names = FeatureSet(RETRIEVAL, ())
    assert differing(names, names.compute(m), one_by_one(names, m)) == []


def test_columns_may_be_some_and_in_any_order():
    m = matches_of([[["w0", "w1"], ["w2"]], [["w1"], ["w0", "w0"]]], "w0 w1", [2.0, 1.0], 2)
    names = FeatureSet(["rest_lm", "query_words", "title_equals", "whole_coverage", "title_bm25"], ())
    assert differing(names, names.compute(m), one_by_one(names, m)) == []


@pytest.mark.parametrize("times", [4095, 5000])
def test_a_word_may_stand_more_often_than_logarithms_are_kept(times):
    m = matches_of([[["w0"], ["w0"] * times], [["w1"], ["w0"]]], "w0 w1", [2.0, 1.0], 2)
    assert text_columns.at_once(m) == (times + 1 < 4096)
    names = FeatureSet.default(m.schema)
    assert differing(names, names.compute(m), one_by_one(names, m)) == []


def test_a_feature_that_is_registered_anew_is_computed_by_its_new_function(monkeypatch):
    monkeypatch.setitem(FEATURES, "title_bm25", lambda m: np.full(len(m), 7.0))
    m = matches_of([[["w0"], []], [["w1"], ["w0"]]], "w0", [2.0, 1.0], 2)
    assert FeatureSet(["title_bm25"], ()).compute(m).tolist() == [[7.0], [7.0]]


def test_logarithms_of_numpy_do_not_depend_on_where_a_number_stands():
    """What filling at once takes for granted."""
    chance = np.random.default_rng(0)
    for numbers in (np.arange(4096, dtype=np.float32), chance.random(4096), chance.random(4096).astype(np.float32)):
        strided = np.zeros((len(numbers), 5), numbers.dtype)
        strided[:, 2] = numbers
        for logarithm in (np.log1p, np.log):
            with np.errstate(divide="ignore"):
                expected = logarithm(numbers).tobytes()
                assert logarithm(strided[:, 2]).tobytes() == expected
                assert b"".join(logarithm(numbers[i : i + 7]).tobytes() for i in range(0, len(numbers), 7)) == expected


def test_terms_of_no_document_are_filled_too():
    index = FakeIndex([FakeSegment([[["w0"], []], [[], []]])], schema_of(2))
    m = gather(index, [Term("zebra")], "zebra", np.arange(2), np.zeros(2))
    names = FeatureSet.default(index.schema)
    assert differing(names, names.compute(m), one_by_one(names, m)) == []
