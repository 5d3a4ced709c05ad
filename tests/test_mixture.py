"""The mixture of click models finds which kinds of users there are."""

import numpy as np
import pytest
from click_worlds import as_click_data, make_world
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from ranker.mixture import MODELS, USUAL, ClickMixture, explained_shares, part
from ranker.sessions import Sessions


def test_one_kind_of_users_is_explained_by_its_own_model():
    assert ClickMixture().fit(make_world("dbn", sessions=10_000).data).shares_["dbn"] > 0.8
    assert ClickMixture().fit(make_world("cascade", sessions=10_000).data).shares_["dbn"] > 0.8
    shares = ClickMixture().fit(make_world("pbm", sessions=10_000).data).shares_
    # Trust bias holds the position-based model as a special case.
    assert shares.get("dbn", 0.0) < 0.3


def test_two_kinds_of_users_have_their_shares():
    kinds = [make_world(user, sessions=10_000, seed=5).data for user in ("pbm", "cascade")]
    rows, clicked = ([getattr(data.sessions, name).reshape(-1, 10) for data in kinds] for name in ("rows", "clicked"))
    both = as_click_data(kinds[0].X, np.concatenate(rows), np.concatenate(clicked), 15)
    mixture = ClickMixture().fit(both)
    assert len(mixture.shares_) > 1
    assert sum(mixture.shares_.values()) == pytest.approx(1.0)
    assert set(mixture.log_likelihoods_) == set(USUAL)


def test_the_same_random_state_gives_the_same_shares():
    data = make_world("ubm", sessions=3_000).data
    assert ClickMixture(random_state=3).fit(data).shares_ == ClickMixture(random_state=3).fit(data).shares_


@given(st.integers(0, 1_000))
@settings(max_examples=examples(10))
def test_shares_are_those_that_the_sessions_were_drawn_with(seed):
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet([2.0, 2.0, 2.0])
    means = np.array([-3.0, 0.0, 3.0])
    drawn = rng.normal(means[rng.choice(3, 4_000, p=truth)], 0.7)
    log_likelihoods = -((drawn[:, None] - means) ** 2) / (2 * 0.7**2)
    np.testing.assert_allclose(explained_shares(log_likelihoods), truth, atol=0.04)


def test_a_part_of_the_sessions_keeps_the_rows():
    data = make_world("pbm", sessions=100).data
    keep = np.arange(100) % 3 == 0
    some = part(data, keep)
    assert some.num_sessions == keep.sum()
    assert some.num_rows == data.num_rows
    np.testing.assert_array_equal(some.sessions.clicked.reshape(-1, 10), data.sessions.clicked.reshape(-1, 10)[keep])
    assert some.shown.sum() == 10 * keep.sum()


def plain_account(mixture, data):
    """Looks and clicks session by session, each model's weighed by its share times what it makes of the session."""
    looks, clicks, sessions = np.zeros(data.num_rows), np.zeros(data.num_rows), data.sessions
    for start, end in zip(sessions.offsets, sessions.offsets[1:]):
        one = Sessions(np.array([0, end - start]), *(values[start:end] for values in sessions[1:]))
        weights = {n: mixture.shares_[n] * np.exp(model.session_log_likelihoods(one)[0]) for n, model in mixture.models_.items()}
        for name, model in mixture.models_.items():
            seen, owed = model.looks(one)
            np.add.at(looks, one.rows, weights[name] / sum(weights.values()) * seen)
            np.add.at(clicks, one.rows, weights[name] / sum(weights.values()) * owed)
    return looks, np.clip(clicks, 0, looks)


def test_each_session_is_told_by_the_models_that_explain_it(monkeypatch):
    data = make_world("ubm", sessions=300, queries=20).data
    mixture = ClickMixture(tuple(MODELS), least_share=0.0).fit(data)
    monkeypatch.setattr("ranker.mixture.BLOCK", 70)
    account, plain = mixture.account(data), plain_account(mixture, data)
    np.testing.assert_allclose(account.looks, plain[0], atol=1e-9)
    np.testing.assert_allclose(account.clicks, plain[1], atol=1e-9)


@pytest.mark.parametrize("name", ["pbm", "ubm", "dbn"])
def test_looks_of_positions_add_up_to_those_of_the_last_step(name):
    data = make_world("dbn", sessions=2_000).data
    model = MODELS[name](iterations=300).fit(data)
    looks, clicks = model.looks(data.sessions)
    assert (looks[data.sessions.clicked] == 1).all()
    np.testing.assert_array_equal(clicks, data.sessions.clicked)
    summed = np.bincount(data.sessions.rows, looks, data.num_rows)
    many = model.exposure_ > 50
    # UBM's are relative to the first rank.
    scale = model.exposure_[many].sum() / summed[many].sum()
    np.testing.assert_allclose(summed[many] * scale, model.exposure_[many], rtol=0.05)


def test_one_model_alone_has_all_the_users():
    mixture = ClickMixture(("dbn",)).fit(make_world("pbm", sessions=500).data)
    assert mixture.shares_ == {"dbn": 1.0}
