"""Swaps of near ties: bounded, whole, and as likely as they say."""

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranker.exploration import Exploration, explored, near_ties

falling = st.lists(st.floats(-1e6, 1e6), max_size=25).map(lambda scores: np.sort(np.array(scores, float))[::-1])


@given(falling, st.floats(0.01, 1), st.integers())
def test_at_most_two_neighbours_of_the_first_ten_change_places(scores, gap, seed):
    found = explored(scores, Exploration(0.5, gap), Random(seed))
    moved = np.flatnonzero(found.order != np.arange(len(scores)))
    assert sorted(found.order.tolist()) == list(range(len(scores))) and len(found.propensities) == len(scores)
    assert len(moved) == 0 or (len(moved) == 2 and moved[1] == moved[0] + 1 < 10 and moved[0] in near_ties(scores, gap))
    assert ((found.propensities > 0) & (found.propensities <= 1)).all()


def test_propensities_are_the_shares_of_many_searches():
    scores, policy, chance = np.array([9.0, 8.9, 8.8, 5.0, 4.95, 1.0]), Exploration(0.2, 0.5), Random(0)
    assert near_ties(scores, 0.5).tolist() == [0, 1, 3]
    seen, told, rounds = Counter(), {}, 30_000
    for _ in range(rounds):
        found = explored(scores, policy, chance)
        for rank, (place, propensity) in enumerate(zip(found.order.tolist(), found.propensities.tolist())):
            seen[place, rank] += 1
            told.setdefault((place, rank), propensity)
    for cell, count in seen.items():
        assert told[cell] == pytest.approx(count / rounds, abs=0.01)


def test_wide_gaps_are_left_alone_and_equal_scores_are_all_near():
    assert near_ties(np.array([10.0, 9.0, 1.0]), 0.3).tolist() == [0]
    assert near_ties(np.ones(30), 0.3).tolist() == list(range(9))
    assert near_ties(np.ones(1), 0.3).tolist() == []
