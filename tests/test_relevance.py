"""The default pipeline: its tiers, its likelihood, and that its grades are nearer to the truth than click rates are."""

import numpy as np
import pytest
from click_worlds import make_world, ndcg10
from hypothesis import given
from hypothesis import strategies as st

from ranker.propensity import power_law
from ranker.relevance import choose_theta, click_gradients, click_likelihood, empirical_bayes, estimate_relevance, exposures


@pytest.fixture(scope="module")
def worlds():
    return {user: make_world(user, sessions=20_000) for user in ("pbm", "cascade", "dbn", "ubm")}


def quality(world, targets):
    return ndcg10(targets.grades.reshape(world.grades.shape), world.grades)


@pytest.mark.parametrize("user", ["pbm", "cascade", "dbn", "ubm"])
def test_grades_of_every_kind_of_user_beat_click_rates(worlds, user):
    world = worlds[user]
    naive, default, sdbn = (estimate_relevance(world.data, method) for method in ("naive", "default", "sdbn"))
    assert quality(world, default) > quality(world, naive) + 0.03
    assert quality(world, sdbn) > quality(world, naive) + 0.03


def test_grades_and_weights_have_their_ranges(worlds):
    targets = estimate_relevance(worlds["pbm"].data)
    rows = len(worlds["pbm"].data.row_key)
    assert targets.grades.shape == targets.weights.shape == (rows,)
    assert targets.grades.min() >= 0
    assert targets.grades.max() == 1
    assert targets.weights.max() == 50
    assert targets.weights.min() >= 0


@pytest.mark.parametrize(("sessions", "tier"), [(299, "none"), (300, "exponent"), (2_000, "exponent"), (60_000, "harvested")])
def test_how_theta_is_found_follows_the_size_of_the_log(sessions, tier):
    targets = estimate_relevance(make_world("pbm", sessions=sessions).data)
    assert targets.chosen == tier
    assert f"{sessions} sessions" in targets.why


def test_a_log_without_interventions_uses_the_prior():
    theta, chosen, _ = choose_theta(make_world("pbm", sessions=60_000, rankers=1).data)
    assert chosen == "exponent"
    np.testing.assert_array_equal(theta, power_law(20))


def plain_exposures(data, theta):
    """The definition, session by session."""
    looks = np.zeros(len(data.row_key))
    sessions = data.sessions
    for start, end in zip(sessions.offsets, sessions.offsets[1:]):
        clicks = np.flatnonzero(sessions.clicked[start:end])
        for i in range(end - start):
            by_rank = theta[sessions.ranks[start + i]]
            by_reading = float(i <= clicks[-1]) if len(clicks) else by_rank
            looks[sessions.rows[start + i]] += (by_rank + by_reading) / 2
    return looks


@pytest.mark.parametrize("user", ["pbm", "cascade"])
def test_exposures_agree_with_the_definition(user):
    data, theta = make_world(user, sessions=400).data, power_law(20, 0.8)
    np.testing.assert_allclose(exposures(data, theta), plain_exposures(data, theta))


def test_the_same_seed_gives_the_same_grades(worlds):
    first, again = (estimate_relevance(worlds["dbn"].data, seed=3).grades for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_an_unknown_method_is_refused(worlds):
    with pytest.raises(ValueError, match="default, naive or sdbn"):
        estimate_relevance(worlds["pbm"].data, "magic")


def test_empirical_bayes_moves_from_the_prediction_to_the_rate():
    grades = empirical_bayes(np.array([0, 10, 1000]), np.array([0.0, 20.0, 2000.0]), np.array([0.3, 0.1, 0.1]))
    np.testing.assert_allclose(grades, [0.3, 12 / 40, 1002 / 2020])


@given(st.integers(0, 1000))
def test_the_gradient_is_that_of_the_likelihood(seed):
    rng = np.random.default_rng(seed)
    scores, rows, theta = rng.normal(size=4), rng.integers(0, 4, 9), rng.uniform(0.1, 0.99, 9)
    n = rng.integers(1, 9, 9).astype(float)
    c = rng.integers(0, n + 1).astype(float)

    def loss(at):
        p = theta / (1 + np.exp(-at[rows]))
        return -(c * np.log(p) + (n - c) * np.log1p(-p)).sum()

    gradient, curvature = click_gradients(scores, rows, theta, n, c)
    steps = 1e-5 * np.eye(4)
    numeric = [(loss(scores + step) - loss(scores - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(gradient, numeric, atol=1e-4)
    assert (curvature > 0).all()


def test_the_likelihood_model_recovers_relevance_behind_a_known_theta():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, 4_000)
    truth = 1 / (1 + np.exp(-2 * x))
    rows = np.repeat(np.arange(len(x)), 2)
    theta = np.tile([1.0, 0.25], len(x))
    shown = np.full(len(rows), 25)
    clicked = rng.binomial(shown, theta * truth[rows])
    predicted = click_likelihood(x[:, None].astype(np.float32), rows, theta, shown, clicked)
    assert np.abs(predicted - truth).mean() < 0.02


def test_a_head_query_does_not_drown_the_others():
    x = np.array([[0.0]] * 40 + [[1.0]] * 40, np.float32)
    shown = np.full(80, 20)
    shown[0] = 10**6
    clicked = np.where(x[:, 0] > 0, 10, 2)
    clicked[0] = 900_000
    predicted = click_likelihood(x, np.arange(80), np.ones(80), shown, clicked)
    assert predicted[1] < predicted[-1]
