"""Verdicts: exact where they can be, and never more often wrong than they say."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import beta, binom, binomtest

from ranker.sequential import (
    Means,
    always_valid_difference_p,
    always_valid_p,
    flip_p,
    log_evidence,
    log_ratio,
    means_of,
    stop_loss,
    verdict,
    win_rate_interval,
)


def coins(sessions, rate=0.5, ties=0.4, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(sessions) < ties, 0, np.where(rng.random(sessions) < rate, 1, -1)).astype(np.int8)


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (3, 1), (60, 40), (400, 600)])
def test_the_ratio_is_the_mean_likelihood_of_the_mixture(wins, losses):
    rates = (np.arange(200_000) + 0.5) / 200_000
    likelihood = binom.pmf(wins, wins + losses, rates) @ beta.pdf(rates, 50, 50) / 200_000
    assert np.exp(log_ratio(np.array(wins), np.array(losses))) == pytest.approx(likelihood / binom.pmf(wins, wins + losses, 0.5), rel=1e-6)


def test_the_ratio_is_a_martingale_of_fair_coins():
    for wins, losses in ((0, 0), (7, 3), (40, 80)):
        after = np.exp(log_ratio(np.array([wins + 1, wins]), np.array([losses, losses + 1]))).mean()
        assert after == pytest.approx(float(np.exp(log_ratio(np.array(wins), np.array(losses)))))


def test_looking_at_every_session_of_fair_coins_seldom_finds_a_difference():
    found = [always_valid_p(coins(2000, seed=seed)) <= 0.05 for seed in range(600)]
    assert np.mean(found) <= 0.05


def test_the_verdict_of_fair_coins_is_wrong_one_time_in_twenty():
    outcomes = [verdict(coins(1500, seed=seed), 1500).outcome for seed in range(400)]
    assert 0.02 <= np.mean([outcome != "same" for outcome in outcomes]) <= 0.08


def margins_of(sessions, shift=0.0, seed=0):
    """Many ties, few large margins."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(sessions) < 0.5, 0, rng.exponential(1.0, sessions) * np.where(rng.random(sessions) < 0.5 + shift, 1, -1))


@pytest.mark.parametrize("sessions", [1, 7, 300])
def test_the_evidence_is_the_mean_over_the_mixture(sessions):
    found = margins_of(sessions)
    strengths = (np.arange(40_000) + 0.5) / 20_000 - 1
    density = np.exp(-((strengths / 0.1) ** 2) / 2) / 0.1 / np.sqrt(2 * np.pi)
    mean = (np.exp(strengths * found.sum() - strengths**2 * (found**2).sum() / 2) * density).mean() * 2
    assert np.exp(log_evidence(found)[-1]) == pytest.approx(mean, rel=1e-4)


def test_looking_at_every_session_of_symmetric_margins_seldom_finds_a_difference():
    assert np.mean([always_valid_p(margins_of(2000, seed=seed)) <= 0.05 for seed in range(400)]) <= 0.05


def test_turned_signs_give_the_share_that_all_signs_give():
    found = np.array([0.0, 2.0, -0.5, 1.0, 0.0, 3.0, 0.25, -1.5, 2.0])
    decided = found[found != 0]
    sums = np.array([(decided * signs).sum() for signs in product((-1, 1), repeat=len(decided))])
    assert flip_p(np.abs(found) * np.sign(found)) == pytest.approx(np.mean(np.abs(sums) >= abs(found.sum())), abs=0.02)
    assert flip_p(np.zeros(5)) == 1.0 and flip_p(np.zeros(0)) == 1.0
    assert flip_p(coins(600, 0.5, seed=3)) == pytest.approx(_sign_test(coins(600, 0.5, seed=3)), abs=0.02)


def _sign_test(found):
    wins, losses = int((found > 0).sum()), int((found < 0).sum())
    return binomtest(wins, wins + losses).pvalue


def test_margins_tell_what_wins_and_losses_alone_do_not():
    found = np.tile([1.0, -0.2, -0.2, 1.0, -0.2, 0.0], 60)
    assert verdict(found, len(found)).outcome == "better"
    assert verdict(np.sign(found).astype(np.int8), len(found)).outcome != "better"


def test_a_better_and_a_worse_challenger_are_told():
    assert verdict(coins(5000, 0.6), 5000).outcome == "better"
    assert verdict(coins(5000, 0.43), 5000).outcome == "worse"
    assert verdict(coins(100), 5000).outcome == "running"
    assert verdict(np.zeros(50, np.int8), 50).outcome == "same"
    assert verdict(np.zeros(0, np.int8), 50).p == 1.0


def test_what_comes_after_the_horizon_does_not_count():
    found = verdict(np.concatenate([coins(500), np.ones(5000, np.int8)]), 500)
    assert found.sessions == 500 and found.outcome == "same"


def test_the_stop_loss_waits_for_200_sessions_and_for_more_than_chance():
    losing = -np.ones(200, np.int8)
    losing[::3] = 1
    assert verdict(losing, 2000).reason.startswith("stop-loss")
    assert verdict(losing[:199], 100_000).reason.startswith(("always", "199"))
    assert not stop_loss(400, 3, 6) and not stop_loss(400, 80, 120) and stop_loss(400, 75, 125)


def test_the_interval_holds_the_rates_that_the_test_does_not_reject():
    low, high = win_rate_interval(60, 40)
    evidence = lambda p: float(log_ratio(np.array(60), np.array(40))) + 100 * np.log(0.5) - 60 * np.log(p) - 40 * np.log1p(-p)  # noqa: E731
    assert low < 0.6 < high
    assert evidence(low) == pytest.approx(np.log(20), abs=1e-6) and evidence(high) == pytest.approx(np.log(20), abs=1e-6)
    assert win_rate_interval(0, 0) == (0.0, 1.0)
    assert win_rate_interval(0, 500)[0] == 0.0 and win_rate_interval(500, 0)[1] == 1.0


def test_means_that_differ_are_told_and_equal_ones_are_not():
    rng = np.random.default_rng(0)
    before, same, worse = (means_of((rng.random(3000) < rate).astype(float)) for rate in (0.5, 0.5, 0.4))
    assert always_valid_difference_p(before, same, 0.05) > 0.05
    assert always_valid_difference_p(before, worse, 0.05) < 1e-6
    assert always_valid_difference_p(before, Means(1, 0.0, 0.0), 0.05) == 1.0
    assert always_valid_difference_p(Means(10, 1.0, 0.0), Means(10, 1.0, 0.0), 0.05) == 1.0
