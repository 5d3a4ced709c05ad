"""BM25F: the formula at its edges, and the copy for features against the loops of the oracle."""

import math

import numpy as np
import pytest
from oracle import Oracle
from small_index import schema_of

from indexer import bm25


def test_idf_is_lucenes_and_positive_even_for_a_term_in_every_document():
    assert bm25.idf(100, 3) == pytest.approx(math.log(1 + 97.5 / 3.5))
    assert bm25.idf(100, 100) > 0


def test_idf_stays_positive_when_deleted_documents_make_df_exceed_the_live_ones():
    assert bm25.idf(10, 12) > 0


@pytest.mark.parametrize(("term", "stream"), [("word", 0), ("\x01中", 1), ("\x02中国", 2), ("\x03中国人", 3), ("", 0)])
def test_the_first_character_tells_the_stream(term, stream):
    assert bm25.stream_of(term) == stream


def test_averages_are_over_the_documents_that_have_the_field():
    lengths = np.array([[2, 0, 4], [0, 0, 0]], np.uint32)
    assert bm25.average_lengths(lengths).tolist() == [3.0, 0.0]


def test_a_document_of_average_length_has_the_weight_as_norm():
    lengths = np.array([[5, 10]], np.uint32)
    norms = bm25.norms(lengths, np.array([2.0]), np.array([0.5]), np.array([5.0]))
    assert norms[0].tolist() == pytest.approx([2.0, 2.0 / 1.5])


def test_an_empty_field_with_b_1_has_a_finite_norm():
    assert np.isfinite(bm25.norms(np.zeros((1, 2), np.uint32), np.ones(1), np.ones(1), np.zeros(1))).all()


def test_scores_agree_with_the_oracle():
    oracle = Oracle([[["a", "b", "a"], ["b"]], [["b"], ["a", "c"]], [[], ["c"]]], schema_of(2))
    weights, b = bm25.field_parameters(oracle.schema)
    norms = bm25.norms(np.array(oracle.lengths, np.uint32).T, weights, b, np.array(oracle.averages))
    for doc in range(3):
        for term in "abc":
            tfs = np.array([tf.get(term, 0) for tf in oracle.tfs[doc]])
            found = bm25.score(tfs, norms[:, doc], oracle.schema.k1["word"], float(bm25.idf(3, oracle.df(term))))
            assert found == pytest.approx(oracle.term_score(doc, term), rel=1e-6)
