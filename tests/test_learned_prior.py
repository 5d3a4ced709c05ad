"""Empirical Bayes with a learned prior against sums written out, and worlds whose attractiveness is known."""

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

import ranker.learned_prior as learned
from ranker.learned_prior import GRID, GROUP, STRENGTH, groups_of, likelihoods, posterior_means, spread_by_group


def plain_climb(rows, start, steps, strength):
    """EM row by row; ``rows`` are likelihoods over the grid."""
    spread = list(start)
    for _ in range(steps):
        shared = [strength * belief for belief in start]
        for row in rows:
            whole = sum(p * w for p, w in zip(row, spread))
            shared = [s + p * w / whole for s, p, w in zip(shared, row, spread)]
        spread = [s / (len(rows) + strength) for s in shared]
    return spread


counted = st.lists(st.tuples(st.integers(0, 9), st.floats(0, 30)), min_size=1, max_size=12)


@given(counted, st.integers(0, 99))
@settings(max_examples=examples(25))
def test_spreads_and_means_are_those_of_plain_em(rows, seed):
    clicks = np.array([float(c) for c, _ in rows])
    looks = clicks + [more for _, more in rows]
    groups = np.random.default_rng(seed).integers(0, 2, len(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learned, "STEPS", 5)
        patch.setattr(learned, "GROUP_STEPS", 3)
        spreads = spread_by_group(likelihoods(looks, clicks), groups)
    table = [[a**c * (1 - a) ** (n - c) for a in GRID] for c, n in zip(clicks, looks)]
    everyone = plain_climb(table, [1 / len(GRID)] * len(GRID), 5, 0)
    for group, spread in enumerate(spreads):
        mine = [row for row, g in zip(table, groups) if g == group]
        np.testing.assert_allclose(spread, plain_climb(mine, everyone, 3, STRENGTH) if mine else everyone, rtol=1e-6, atol=1e-12)


@given(counted)
def test_a_grade_lies_on_the_grid_and_rises_with_clicks(rows):
    clicks = np.array([float(c) for c, _ in rows])
    looks = clicks + [more for _, more in rows]
    means = posterior_means(looks, clicks, np.zeros(len(rows)))
    assert ((means >= GRID[0] - 1e-12) & (means <= GRID[-1] + 1e-12)).all()
    ladder = posterior_means(np.full(10, 9.0), np.arange(10.0), np.zeros(10))
    assert (np.diff(ladder) > 0).all()


def test_many_looks_speak_for_themselves():
    rates = np.array([0.02, 0.3, 0.7])
    np.testing.assert_allclose(posterior_means(np.full(3, 1e5), 1e5 * rates, np.zeros(3)), rates, atol=0.01)


def test_rows_are_in_groups_of_like_predictions():
    predicted = np.random.default_rng(0).random(7 * GROUP)
    groups = groups_of(predicted)
    assert np.bincount(groups).tolist() == [GROUP] * 7
    assert all(predicted[groups == g].max() < predicted[groups == g + 1].min() for g in range(6))
    assert groups_of(np.full(500, 0.1)).max() <= 4 and groups_of(np.zeros(0)).tolist() == []


def test_blocks_do_not_show(monkeypatch):
    rng = np.random.default_rng(1)
    looks, predicted = rng.uniform(0, 40, 1000), rng.random(1000)
    clicks = looks * rng.random(1000)
    whole = posterior_means(looks, clicks, predicted)
    monkeypatch.setattr(learned, "BLOCK", 37)
    np.testing.assert_allclose(posterior_means(looks, clicks, predicted), whole)


def test_dull_rows_stay_dull_and_good_ones_show():
    """Nine rows in ten are worth .1 and one .8: closer to the truth than any one strength of belief in what features foretell."""
    rng = np.random.default_rng(2)
    truth = np.where(rng.random(4000) < 0.1, 0.8, 0.1)
    looks = rng.uniform(5, 40, 4000)
    clicks = rng.binomial(looks.astype(int), truth).astype(float)
    foretold = np.clip(0.5 * truth + 0.1 + 0.05 * rng.standard_normal(4000), 0.01, 0.99)
    error = np.sqrt(np.mean((posterior_means(looks, clicks, foretold) - truth) ** 2))
    constant = [np.sqrt(np.mean(((clicks + m * foretold) / (looks + m) - truth) ** 2)) for m in (1, 3, 8, 20, 50)]
    assert error < 0.5 * min(constant)
