"""Gradients of the list losses: against finite differences of the losses, written out plainly."""

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from ranker.list_losses import best_first, listmle, listnet

BOUNDS = np.array([0, 4, 4, 5, 12])


def lists(seed):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 2, 12), np.round(np.maximum(rng.normal(0, 2, 12), 0))


def listnet_loss(scores, gains):
    """Sum over queries of length * cross-entropy(gains / sum, softmax)."""
    total = 0.0
    for first, last in zip(BOUNDS, BOUNDS[1:]):
        mine = gains[first:last]
        if mine.sum() > 0:
            log_mass = np.log(np.exp(scores[first:last]).sum())
            total += (last - first) * (mine / mine.sum() * (log_mass - scores[first:last])).sum()
    return total


def listmle_loss(scores, order):
    """Sum over places of -log P(the right one is chosen of those left) / log2(place + 1)."""
    total = 0.0
    for first, last in zip(BOUNDS, BOUNDS[1:]):
        for place in range(first, last):
            left = scores[order[place:last]]
            total += (np.log(np.exp(left).sum()) - left[0]) / np.log2(place - first + 2)
    return total


def differences(loss, scores, step=1e-4):
    """First and second derivatives by each score."""
    first, second = np.empty(len(scores)), np.empty(len(scores))
    for i in range(len(scores)):
        low, high = scores.copy(), scores.copy()
        low[i], high[i] = scores[i] - step, scores[i] + step
        first[i] = (loss(high) - loss(low)) / (2 * step)
        second[i] = (loss(high) - 2 * loss(scores) + loss(low)) / step**2
    return first, second


@given(st.integers(0, 2**32))
@settings(max_examples=examples(25), deadline=None)
def test_listnet_is_the_derivative_of_its_loss(seed):
    scores, gains = lists(seed)
    check(listnet(scores, gains, BOUNDS), differences(lambda s: listnet_loss(s, gains), scores))


@given(st.integers(0, 2**32))
@settings(max_examples=examples(25), deadline=None)
def test_listmle_is_the_derivative_of_its_loss(seed):
    scores, gains = lists(seed)
    order = best_first(gains, BOUNDS, np.random.default_rng(seed))
    check(listmle(scores, order, BOUNDS), differences(lambda s: listmle_loss(s, order), scores))


def check(found, expected):
    np.testing.assert_allclose(found[0], expected[0], atol=1e-5)
    np.testing.assert_allclose(found[1], np.maximum(expected[1], 1e-6), atol=1e-4)


def test_great_scores_do_not_overflow_and_lists_without_gains_pull_nowhere():
    scores = np.array([1e4, -1e4, 0.0])
    for gradients, curvatures in (
        listnet(scores, np.array([0.0, 1, 0]), np.array([0, 3])),
        listmle(scores, np.arange(3), np.array([0, 3])),
    ):
        assert np.isfinite(gradients).all() and (curvatures > 0).all()
    assert not listnet(scores, np.zeros(3), np.array([0, 3]))[0].any()


def test_ties_are_ordered_at_random_and_queries_stay_apart():
    labels = np.array([0.0, 2, 2, 1, 5, 0])
    bounds = np.array([0, 4, 6])
    orders = {tuple(best_first(labels, bounds, np.random.default_rng(seed))) for seed in range(20)}
    assert orders == {(1, 2, 3, 0, 4, 5), (2, 1, 3, 0, 4, 5)}


@pytest.mark.parametrize("objective", ["listnet", "listmle"])
def test_training_lowers_the_loss(objective):
    from ranker.families import family

    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 4)).astype(np.float32)
    grades = np.clip(np.round(x[:, 0] + 0.3 * rng.normal(size=800)), 0, 3)
    ranker = family("listwise")(objective, rounds=30).fit(x, grades, np.full(40, 20))
    assert np.corrcoef(ranker.predict(x), x[:, 0])[0, 1] > 0.6
