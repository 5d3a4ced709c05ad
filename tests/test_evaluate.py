"""Evaluation: means as trec_eval's, intervals and tests as SciPy's."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from searchd.evaluate import EvaluationError, as_dict, evaluate, interval, parse_measures, table_of
from searchd.significance import holm, paired_p, randomisation_p, wilcoxon_p

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
    assert found.tests == [] and "paired" not in table_of(found)


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
def test_the_interval_holds_the_mean_and_stays_where_the_measure_can_be(found):
    cell = interval(np.array(found))
    assert 0 <= cell.low <= cell.mean <= cell.high <= 1


def test_the_interval_is_near_students_where_queries_are_many():
    numbers = np.random.default_rng(0).random(400)
    low, high = stats.t.interval(0.95, 399, numbers.mean(), stats.sem(numbers))
    cell = interval(numbers)
    assert (cell.low, cell.high) == pytest.approx((low, high), abs=0.005)


def test_tests_without_suppositions_agree_with_hand_counts():
    before = np.array([0.1, 0.2, 0.3, 0.4])
    assert randomisation_p(before, before + 0.1) == pytest.approx(2 / 16)
    assert wilcoxon_p(before, before + np.array([0.1, 0.2, 0.3, 0.4])) == pytest.approx(2 / 16)
    assert randomisation_p(before, before) == wilcoxon_p(before, before) == 1.0
    rng = np.random.default_rng(0)
    first, second = rng.random(60), rng.random(60) + 0.1
    assert randomisation_p(first, second) == pytest.approx(paired_p(first, second), abs=0.02)


def test_holm_corrects_in_order():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([]) == [] and holm([0.9, 0.8]) == [1.0, 1.0]


def test_queries_are_sliced_by_script_and_by_how_often_they_are_asked():
    texts = {"1": "one", "2": "two", "3": "三", "4": "四 four"}
    judged = {qid: {"a": 1.0} for qid in texts}
    found = evaluate(FakeEngine(), texts, judged, ["good"], "RR@10", asked={"one": 8, "two": 1})
    assert found.slices["latin"].queries == 2 and found.slices["chinese"].queries == 1 and found.slices["mixed"].queries == 1
    assert found.slices["head"].queries == 1 and found.slices["head"].cells["good"]["RR@10"].mean == 1.0
    assert "by slice" in table_of(found) and as_dict(found)["slices"]["head"]["queries"] == 1
    assert "head" not in evaluate(FakeEngine(), texts, judged, ["good"], "RR@10").slices


def test_the_interval_of_one_query_is_its_value():
    assert interval(np.array([0.5])) == (0.5, 0.5, 0.5)
