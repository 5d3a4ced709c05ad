"""Live and counterfactual evaluation in worlds where the truth is known: a quick sample of benchmarks/online.py, and the whole of its bars."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

import online  # noqa: E402

from ranker.counterfactual import Value, self_normalised  # noqa: E402


def test_estimates_from_ten_thousand_searches_are_near_the_truth():
    found = online.estimates(10_000, seeds=(0, 1, 2))
    assert found["relative_error"]["dr"] <= 0.04 and found["pairs_in_order"]["dr"] >= 0.95
    assert found["relative_error"]["dr"] < found["relative_error"]["ips"]


@pytest.mark.slow
def test_bar_of_the_estimates_over_seeds():
    found = online.estimates(10_000, seeds=range(5))
    assert found["relative_error"]["dr"] <= 0.04 and found["pairs_in_order"]["dr"] >= 0.95


@pytest.mark.slow
def test_bar_of_fairness_over_a_thousand_experiments():
    found = online.fairness(1000)
    assert all(share <= 0.065 for share in found.values())
    assert np.mean(list(found.values())) >= 0.035


def test_a_better_ranking_is_found_and_indifferent_users_find_nothing():
    test = online.judged(1900).part(slice(1800, 1900))
    lexical, perfect = (online.ranked(scores, test) for scores in (test.x[:, -1].astype(float), test.grades.astype(float)))
    pool = online.drafts(lexical, perfect)
    better, _ = online.outcomes(pool, test.grades, "pbm", 5, 1000)
    assert better == ["better"] * 5
    none, _ = online.outcomes(pool, np.ones(len(test.grades)), "pbm", 20, 500)
    assert none.count("same") >= 16


def test_self_normalising_corrects_the_model_by_what_was_seen():
    values = [Value(2.0, 0, 0, 2.1, 0.8, 0.1, 1.0), Value(4.0, 0, 0, 4.3, 0.9, 0.3, 3.0)]
    found = self_normalised(values, np.array([1.0, 1.0]))
    assert sum(value.dr for value in found) == pytest.approx(6.0 * (1 + 0.4 / 4))
    nothing = [values[0]._replace(expected=0.0, surprise=0.0)]
    assert self_normalised(nothing, np.ones(1)) == nothing
