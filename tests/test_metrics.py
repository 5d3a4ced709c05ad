"""Measures against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranker.metrics import average_precision, bootstrap_interval, dcg, mean_of, ndcg, per_query, reciprocal_rank

lists = st.lists(st.integers(0, 4), min_size=1, max_size=30)


@given(lists, st.integers(1, 20))
def test_ndcg_is_dcg_over_that_of_the_best_order(grades, k):
    plain = sum((2**g - 1) / np.log2(i + 2) for i, g in enumerate(grades[:k]))
    assert dcg(np.array(grades), k) == pytest.approx(plain)
    assert 0 <= ndcg(np.array(grades), k) <= 1 + 1e-12
    assert ndcg(np.array(sorted(grades, reverse=True)), k) == pytest.approx(1.0 if max(grades) else 0.0)


@given(lists)
def test_precision_and_first_rank_are_their_definitions(grades):
    relevant = [i for i, g in enumerate(grades) if g]
    precisions = [sum(g > 0 for g in grades[: i + 1]) / (i + 1) for i in relevant]
    assert average_precision(np.array(grades)) == pytest.approx(np.mean(precisions) if relevant else 0)
    assert reciprocal_rank(np.array(grades)) == pytest.approx(1 / (relevant[0] + 1) if relevant else 0)


def test_queries_without_a_positive_grade_do_not_count():
    scores, grades = np.array([1.0, 2.0, 1.0, 2.0]), np.array([0, 1, 0, 0])
    values = per_query(scores, grades, np.array([2, 2]))
    assert values[0] == 1 and np.isnan(values[1]) and mean_of(values) == 1
    assert bootstrap_interval(values) == (1, 1) and np.isnan(mean_of(np.array([np.nan])))
