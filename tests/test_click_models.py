"""Click models against plain counting and against simulated users whose tastes are known."""

import numpy as np
import pytest
from click_worlds import as_click_data, make_world, ndcg10

from ranker.click_models import PBM, SDBN, NaiveCTR, examined_positions, shrunk
from ranker.users import attractiveness


@pytest.fixture(scope="module")
def world():
    return make_world("pbm", sessions=60_000)


def tiny():
    """Three sessions over four documents: clicks at ranks 2, none, and 1 and 3."""
    rows = np.array([[0, 1, 2], [0, 1, 3], [1, 2, 3]])
    clicked = np.array([[False, True, False], [False, False, False], [True, False, True]])
    return as_click_data(np.zeros((4, 1)), rows, clicked, 4)


def test_naive_rates_are_clicks_over_impressions():
    model = NaiveCTR(strength=0.0).fit(tiny())
    np.testing.assert_allclose(model.attractiveness_, [0, 2 / 3, 0, 1 / 2])
    np.testing.assert_allclose(model.exposure_, [2, 3, 2, 2])


def test_sdbn_looks_down_to_the_last_click_or_to_the_end():
    examined, last = examined_positions(tiny())
    assert examined.reshape(3, 3).tolist() == [[True, True, False], [True] * 3, [True] * 3]
    assert np.flatnonzero(last).tolist() == [1, 8]


def test_sdbn_counts_sessions_without_clicks():
    model = SDBN(strength=0.0).fit(tiny())
    np.testing.assert_allclose(model.exposure_, [2, 3, 1, 2])
    np.testing.assert_allclose(model.attractiveness_, [0, 2 / 3, 0, 1 / 2])
    assert model.satisfaction_[1] == pytest.approx(1 / 2)
    assert model.satisfaction_[3] == pytest.approx(1.0)


def test_shrinking_draws_to_the_overall_rate():
    np.testing.assert_allclose(shrunk(np.array([1, 0, 0]), np.array([1.0, 1.0, 0.0]), 2.0), [2 / 3, 1 / 3, 1 / 2])


def test_pbm_with_true_propensities_finds_the_attractiveness(world):
    theta = 1 / np.arange(1, 21)
    model = PBM(propensities=theta, iterations=200).fit(world.data)
    truth = attractiveness(world.grades.ravel(), 4.0)
    seen = model.exposure_ > 100
    assert seen.sum() > 50
    assert np.abs(model.attractiveness_ - truth)[seen].mean() < 0.03
    np.testing.assert_array_equal(model.propensities_, theta)


def test_pbm_harvests_its_own_propensities(world):
    model = PBM().fit(world.data)
    assert np.abs(np.log(model.propensities_[:10] * np.arange(1, 11))).mean() < 0.1


def test_the_likelihood_never_falls(world):
    theta = 1 / np.arange(1, 21)
    data = world.data

    def likelihood(iterations):
        p = np.clip(np.outer(PBM(theta, iterations, strength=0.0).fit(data).attractiveness_, theta), 1e-12, 1 - 1e-12)
        return (data.clicked * np.log(p) + (data.shown - data.clicked) * np.log1p(-p)).sum()

    values = [likelihood(n) for n in (1, 2, 5, 10, 20, 40)]
    assert (np.diff(values) > 0).all()


def test_correcting_for_position_beats_click_rates(world):
    naive, corrected = (model.fit(world.data).attractiveness_.reshape(world.grades.shape) for model in (NaiveCTR(), PBM()))
    assert ndcg10(corrected, world.grades) > ndcg10(naive, world.grades) + 0.02


@pytest.mark.parametrize("model", [NaiveCTR(), SDBN(), PBM()])
def test_nothing_seen_gives_finite_values(model):
    fitted = model.fit(as_click_data(np.zeros((3, 1)), np.array([[0, 1]]), np.array([[False, False]]), 3))
    assert np.isfinite(fitted.attractiveness_).all()
    assert ((fitted.attractiveness_ >= 0) & (fitted.attractiveness_ <= 1)).all()
