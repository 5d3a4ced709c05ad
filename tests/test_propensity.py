"""Propensities against users whose looks are known, and the safeguards that keep a bad estimate from doing harm."""

import numpy as np
import pytest
from click_worlds import make_world
from hypothesis import given
from hypothesis import strategies as st

from ranker.propensity import all_pairs, estimated_exponent, harvest, power_law, safe


def plain_all_pairs(shown, clicked):
    """The definition, cell by cell."""
    A = np.zeros((shown.shape[1],) * 2)
    for n, c in zip(shown, clicked):
        for i, j in np.ndindex(A.shape):
            if i != j and n[i] and n[j]:
                A[i, j] += min(n[i], n[j]) * c[i] / n[i]
    return A


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 6))
def test_pairs_agree_with_the_definition(seed, rows, ranks):
    rng = np.random.default_rng(seed)
    shown = rng.integers(0, 4, (rows, ranks))
    clicked = rng.integers(0, shown + 1)
    np.testing.assert_allclose(all_pairs(shown, clicked), plain_all_pairs(shown, clicked))


def test_harvesting_finds_how_position_based_users_look():
    data = make_world("pbm", sessions=60_000).data
    found = harvest(data.shown, data.clicked)
    assert found.supported
    truth = 1 / np.arange(1, 11)
    assert np.abs(np.log(found.theta[:10] / truth)).mean() <= 0.1


def test_without_interventions_the_prior_is_used():
    data = make_world("pbm", sessions=20_000, rankers=1).data
    found = harvest(data.shown, data.clicked)
    assert (found.pairs, found.supported) == (0, False)
    np.testing.assert_array_equal(found.theta, power_law(20))


def test_a_small_harvest_gives_the_exponent_only():
    data = make_world("pbm", sessions=1_000).data
    found = harvest(data.shown, data.clicked)
    assert not found.supported
    np.testing.assert_array_equal(found.theta, power_law(20, found.exponent))


@pytest.mark.parametrize(("sessions", "error"), [(3_000, 0.2), (20_000, 0.1)])
def test_the_exponent_is_known_from_few_sessions(sessions, error):
    for seed in range(3):
        data = make_world("pbm", sessions=sessions, seed=seed).data
        assert harvest(data.shown, data.clicked).exponent == pytest.approx(1.0, abs=error)


def test_an_exponent_without_clicks_is_the_prior_and_no_click_makes_it_too_steep():
    assert estimated_exponent(np.zeros((20, 20))) == 0.5
    only_first = np.zeros((20, 20))
    only_first[0, 1:] = 1_000
    assert 0.99 < estimated_exponent(only_first) <= 1.0
    assert estimated_exponent(only_first.T) < 0.01


def test_an_empty_log_gives_the_prior():
    nothing = np.zeros((0, 20), np.int32)
    np.testing.assert_array_equal(harvest(nothing, nothing).theta, power_law(20))


def test_ranks_without_support_fall_like_the_curve():
    data = make_world("ubm", sessions=60_000).data
    found = harvest(data.shown, data.clicked)
    curve = power_law(20, found.exponent)
    np.testing.assert_allclose(found.theta[10:] / found.theta[9], curve[10:] / curve[9], rtol=0.02)


@given(st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=25))
def test_a_safe_theta_never_rises_and_is_never_too_steep(values):
    theta = safe(np.array(values))
    ranks = np.arange(1, len(values) + 1)
    assert theta[0] == pytest.approx(1.0)
    assert (np.diff(theta) <= 1e-12).all()
    assert (theta >= 0.9 / ranks - 1e-12).all()
    assert (theta <= 1.0).all()


def test_a_theta_that_is_too_steep_is_stopped_by_the_floor():
    ranks = np.arange(1, 21)
    np.testing.assert_allclose(safe(ranks**-1.5)[1:], 0.9 / ranks[1:], rtol=0.15)
