"""The default pipeline: its tiers, its likelihood, and that its grades are nearer to the truth than click rates are."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from click_worlds import as_click_data, make_world, ndcg10
from hypothesis import given
from hypothesis import strategies as st

from ranker.click_likelihood import click_gradients, click_likelihood
from ranker.looking import two_accounts
from ranker.mixture import Account
from ranker.propensity import power_law
from ranker.relevance import TIERS, choose_theta, empirical_bayes, estimate_relevance, tier_of
from ranker.sessions import Sessions


@pytest.fixture(scope="module")
def worlds():
    return {user: make_world(user, sessions=12_000) for user in ("pbm", "cascade", "dbn", "ubm")}


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


@pytest.mark.parametrize(
    ("sessions", "tier", "blend"),
    [(0, "none", 0.0), (299, "none", 0.0), (300, "small", 0.5), (4_999, "small", 0.5), (5_000, "medium", 1.0), (50_000, "large", 1.0)],
)
def test_what_a_log_is_good_for_follows_its_size(sessions, tier, blend):
    assert (tier_of(sessions).name, tier_of(sessions).blend) == (tier, blend)


@pytest.mark.parametrize(
    ("sessions", "method", "chosen"),
    [
        (299, "default", "none"),
        (300, "default", "two accounts"),
        (2_000, "default", "two accounts"),
        (299, "mixture", "none"),
        (300, "mixture", "mixture"),
    ],
)
def test_what_was_chosen_and_why_is_told(sessions, method, chosen):
    targets = estimate_relevance(make_world("pbm", sessions=sessions).data, method)
    assert targets.chosen == chosen
    assert targets.why.startswith(f"{sessions} sessions")
    card = json.loads(json.dumps(targets.card()))
    assert card["blend"] == tier_of(sessions).blend
    assert len(card["propensities"]) == 20
    if chosen == "two accounts":
        assert "last click" in targets.why and "theta" in targets.why
    if chosen == "mixture":
        assert sum(model["share"] for model in card["click_models"].values()) == pytest.approx(1.0, abs=0.01)
        assert all(model["log_likelihood"] < 0 for model in card["click_models"].values())
        assert "%" in targets.why and "propensities" not in targets.why


def clicked_as(pattern, sessions=400):
    rows = np.tile(np.arange(5), (sessions, 1))
    return as_click_data(np.random.default_rng(0).normal(size=(5, 2)), rows, np.full((sessions, 5), pattern), 5)


@pytest.mark.parametrize("pattern", [False, True])
def test_clicks_on_nothing_or_on_everything_teach_nothing(pattern):
    targets = estimate_relevance(clicked_as(pattern))
    assert (targets.chosen, targets.blend) == ("none", 0.0)
    assert "tell none apart" in targets.why


@pytest.mark.parametrize("sessions", [0, 400])
def test_an_empty_log_and_one_query_give_finite_grades(sessions):
    data = clicked_as([True, False, False, True, False], sessions)
    targets = estimate_relevance(data)
    assert targets.chosen == ("two accounts" if sessions else "none")
    assert np.isfinite(targets.grades).all()


def test_every_tier_says_what_it_means_and_they_are_in_order():
    assert [tier.below for tier in TIERS] == sorted(tier.below for tier in TIERS)
    assert all(tier.says for tier in TIERS)


def test_a_log_without_interventions_uses_the_prior():
    theta, how = choose_theta(make_world("pbm", sessions=60_000, rankers=1).data)
    assert "k^-0.50" in how
    np.testing.assert_array_equal(theta, power_law(20))


@pytest.mark.parametrize("method", ["mixture", "pbm", "trust", "ubm", "dbn", "sdbn", "naive"])
def test_one_click_model_may_be_asked_for(method):
    targets = estimate_relevance(make_world("dbn", sessions=1_000).data, method)
    assert targets.chosen == method
    assert targets.grades.max() == 1
    assert targets.rates.min() >= 0 and targets.rates.max() <= 1


def test_unshrunk_rates_scatter_more_than_grades(worlds):
    targets = estimate_relevance(worlds["pbm"].data)
    seen = targets.weights < 20
    assert targets.rates[seen].std() > targets.grades[seen].std()


def test_the_same_seed_gives_the_same_grades():
    data = make_world("dbn", sessions=1_000).data
    first, again = (estimate_relevance(data, seed=3).grades for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_an_unknown_method_is_refused(worlds):
    with pytest.raises(ValueError, match="default, mixture, naive, sdbn, pbm"):
        estimate_relevance(worlds["pbm"].data, "magic")


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=6), min_size=1, max_size=8),
    st.lists(st.floats(0.05, 1.0), min_size=6, max_size=6),
)
def test_looks_are_the_mean_of_both_accounts(lists, theta):
    rows, clicks = ([[place[i] for place in one] for one in lists] for i in (0, 1))
    offsets = np.cumsum([0, *map(len, lists)])
    sessions = Sessions(
        offsets, np.concatenate(rows), np.concatenate([np.arange(len(one)) for one in lists]), np.concatenate(clicks).astype(bool)
    )
    expected, counted = np.zeros(6), np.zeros(6)
    for one in lists:
        last = max((rank for rank, (_, clicked) in enumerate(one) if clicked), default=None)
        for rank, (row, clicked) in enumerate(one):
            read = theta[rank] if last is None else float(rank <= last)
            expected[row] += (theta[rank] + read) / 2
            counted[row] += clicked
    data = SimpleNamespace(sessions=sessions, num_rows=6, clicked=counted[:, None])
    account = two_accounts(data, np.array(theta))
    np.testing.assert_allclose(account.looks, np.maximum(expected, counted))
    np.testing.assert_allclose(account.clicks, counted)


def test_empirical_bayes_moves_from_the_prediction_to_the_rate():
    account = Account(np.array([0.0, 20.0, 2000.0]), np.array([0.0, 10.0, 1000.0]))
    np.testing.assert_allclose(empirical_bayes(account, np.array([0.3, 0.1, 0.1])), [0.3, 12 / 40, 1002 / 2020])


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


@pytest.mark.parametrize("rows", [1, 59, 200])
def test_features_that_tell_nothing_apart_foretell_the_mean(rows):
    x = np.full((rows, 3), 2.0, np.float32)
    x[:, 1] = np.nan
    predicted = click_likelihood(x, np.arange(rows), np.ones(rows), np.full(rows, 4), np.ones(rows))
    np.testing.assert_allclose(predicted, 0.25, rtol=0.01)
