"""Evaluation: means as trec_eval's, intervals and tests as SciPy's."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from searchd.evaluate import EvaluationError, as_dict, evaluate, interval, paired_p, parse_measures, table_of

QUERIES = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "five"}
JUDGMENTS = {"1": {"a": 2.0, "b": 0.0}, "2": {"a b": 1.0}, "3": {"c": 1.0}, "4": {"a": 0.0}, "9": {"a": 1.0}}


class FakeEngine:
    """Model "good" finds everything at once, "bad" the right document second, and neither anything for query 3."""

    def rank(self, text, depth, model, features):
        found = {"one": ["a", "b"], "two": ["a b", "x"]}.get(text, [])
        keys = found if model == "good" else found[::-1]
        return SimpleNamespace(keys=keys[:depth], scores=-np.arange(len(keys[:depth]), dtype=float))


def test_means_count_queries_without_results_and_skip_those_without_relevant_documents():
    found = evaluate(FakeEngine(), QUERIES, JUDGMENTS, ["good", "bad"], "RR@10 R@100 nDCG@10")
    assert found.queries == 3
    assert found.cells["good"]["RR@10"].mean == pytest.approx(2 / 3)
    assert found.cells["bad"]["RR@10"].mean == pytest.approx(1 / 3)
    assert found.cells["bad"]["R@100"].mean == pytest.approx(2 / 3)
    assert found.cells["bad"]["nDCG@10"].mean == pytest.approx(2 / np.log2(3) / 3)


def test_every_pair_of_models_is_tested_once_a_measure():
    found = evaluate(FakeEngine(), QUERIES, JUDGMENTS, ["good", "bad", "good", "none"], "RR@10 AP")
    assert [(test.first, test.second) for test in found.tests] == [("good", "bad"), ("good", "none"), ("bad", "none")] * 2
    assert found.tests[0].difference == pytest.approx(-1 / 3)
    assert found.tests[2].p == 1.0
    text = table_of(found)
    assert "3 queries" in text and "good -> bad" in text and "p = 1.0000" in text
    assert as_dict(found)["models"]["good"]["AP"]["mean"] == pytest.approx(2 / 3)


def test_one_model_is_not_compared():
    found = evaluate(FakeEngine(), QUERIES, JUDGMENTS, ["good"], "AP")
    assert found.tests == [] and "t-test" not in table_of(found)


def test_mistakes_are_told():
    for measures in ("nothing", "", "nDCG@@", "(", "__import__('os')"):
        with pytest.raises(EvaluationError, match="expected names"):
            parse_measures(measures)
    with pytest.raises(EvaluationError, match="check the ids"):
        evaluate(FakeEngine(), QUERIES, {"other": {"a": 1.0}}, ["good"], "AP")


values = st.lists(st.floats(0, 1), min_size=3, max_size=20)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=20))
def test_paired_p_is_scipys(pairs):
    first, second = np.array(pairs).T
    differences = second - first
    if differences.std(ddof=1) > 1e-6:
        assert paired_p(first, second) == pytest.approx(stats.ttest_rel(second, first).pvalue, abs=1e-9)


def test_paired_p_at_its_edges():
    same = np.array([0.5, 0.25])
    assert paired_p(same, same) == 1.0
    assert paired_p(same, same + 0.25) == 0.0
    assert paired_p(same[:1], same[:1] + 1) == 1.0


@given(values)
def test_the_interval_is_students(found):
    numbers = np.array(found)
    cell = interval(numbers)
    assert cell.low <= cell.mean <= cell.high
    if numbers.std() > 1e-6:
        low, high = stats.t.interval(0.95, len(numbers) - 1, numbers.mean(), stats.sem(numbers))
        assert (cell.low, cell.high) == pytest.approx((low, high))


def test_the_interval_of_one_query_is_its_value():
    assert interval(np.array([0.5])) == (0.5, 0.5, 0.5)
