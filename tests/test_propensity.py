"""Propensities against users whose looks are known, and the safeguards that keep a bad estimate from doing harm."""

import numpy as np
import pytest
from click_worlds import make_world
from hypothesis import given
from hypothesis import strategies as st

from ranker.propensity import all_pairs, harvest, prior, safe, tempered


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
    np.testing.assert_array_equal(found.theta, prior(20))


def test_a_small_harvest_is_not_trusted():
    data = make_world("pbm", sessions=1_000).data
    np.testing.assert_array_equal(harvest(data.shown, data.clicked).theta, prior(20))


def test_an_empty_log_gives_the_prior():
    nothing = np.zeros((0, 20), np.int32)
    np.testing.assert_array_equal(harvest(nothing, nothing).theta, prior(20))


def test_ranks_without_support_fall_like_the_prior():
    data = make_world("ubm", sessions=60_000).data
    theta = harvest(data.shown, data.clicked).theta
    np.testing.assert_allclose(theta[10:] / theta[9], prior(20)[10:] / prior(20)[9], rtol=0.02)


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


def test_tempering_lies_half_way_to_the_prior():
    theta = 1 / np.arange(1, 11)
    np.testing.assert_allclose(tempered(theta), theta**0.75)
