"""Values told from logged clicks, against simulated users whose true value is known."""

import numpy as np
import pytest

from ranker.counterfactual import QueryLog, value_of, weighted_estimate

THETA = np.arange(1, 6) ** -1.0
TRUE = np.array([0.2, 0.8, 0.1, 0.5, 0.3])


def logged(sessions=200_000, seed=0, relevance=TRUE):
    """A log of one query: every session shows the five documents in an order of its own."""
    rng = np.random.default_rng(seed)
    orders = np.array([rng.permutation(5) for _ in range(200)])[rng.integers(0, 200, sessions)]
    clicks, exposure = np.zeros(5), np.zeros(5)
    for rank in range(5):
        docs = orders[:, rank]
        exposure += np.bincount(docs, minlength=5) * THETA[rank]
        clicks += np.bincount(docs[rng.random(sessions) < THETA[rank] * TRUE[docs]], minlength=5)
    return QueryLog(sessions, exposure, clicks, np.asarray(relevance, float))


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [1, 3, 4, 0, 2], [2, 0, 4, 3, 1]])
def test_clicks_correct_a_wrong_model(order):
    wrong = np.full(5, 0.4)
    value = value_of(logged(relevance=wrong), np.array(order), np.zeros(5), THETA)
    true = float(THETA @ TRUE[order])
    assert value.dr == pytest.approx(true, rel=0.02) and value.snips == pytest.approx(true, rel=0.02)
    assert value.dm == pytest.approx(float(THETA @ wrong)) and value.coverage == 1


def test_documents_that_were_never_shown_lower_the_coverage():
    value = value_of(logged(), np.array([-1, 1, -1]), np.array([0.7, 0.0, 0.9]), THETA)
    assert value.coverage == pytest.approx(0.5 / (1 + 1 / 2 + 1 / 3))
    assert value.dm == pytest.approx(0.7 + 0.5 * 0.8 + 0.9 / 3)
    nothing = value_of(logged(), np.array([-1]), np.array([0.7]), THETA)
    assert np.isnan(nothing.snips) and nothing.coverage == 0


def test_intervals_hold_the_mean_and_leave_missing_values_out():
    values = np.array([1.0, 2.0, np.nan, 3.0])
    found = weighted_estimate(values, np.array([1, 1, 100, 2]))
    assert found.value == pytest.approx(9 / 4) and found.low <= found.value <= found.high
    assert np.isnan(weighted_estimate(np.array([np.nan]), np.ones(1)).value)
