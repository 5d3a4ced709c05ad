"""Contributions against LightGBM's, against Shapley's definition, and against the score they must sum to."""

import itertools
import math

import lightgbm
import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from test_forest import QUIET, booster, strange_table, table

from ranker.forest import build_forest
from ranker.lightgbm_text import DEFAULT_LEFT, MISSING_NAN, Tree, parse_model
from ranker.tree_shap import lay_out_paths


def goes_left(tree, node, value):
    if np.isnan(value) and tree.decisions[node] >> 2 == MISSING_NAN:
        return bool(tree.decisions[node] & DEFAULT_LEFT)
    return (0.0 if np.isnan(value) else float(value)) <= tree.thresholds[node]


def expectation(tree, row, known, node=0):
    """Mean value of the rows that go where ``row`` goes at the known features, and as the training rows went at the others."""
    if node < 0:
        return tree.values[-node - 1]
    left, right = (int(c) for c in tree.children[node])
    if tree.features[node] in known:
        return expectation(tree, row, known, left if goes_left(tree, node, row[tree.features[node]]) else right)
    counts = [tree.covers[c if c >= 0 else len(tree.features) - c - 1] for c in (left, right)]
    shares = [count / tree.covers[node] for count in counts]
    return shares[0] * expectation(tree, row, known, left) + shares[1] * expectation(tree, row, known, right)


def shapley(tree, row, num_features):
    """By the definition: over all coalitions of the other features."""
    values = np.zeros(num_features)
    for player in range(num_features):
        rest = [f for f in range(num_features) if f != player]
        for size in range(num_features):
            weight = math.factorial(size) * math.factorial(num_features - 1 - size) / math.factorial(num_features)
            for coalition in itertools.combinations(rest, size):
                values[player] += weight * (expectation(tree, row, {*coalition, player}) - expectation(tree, row, set(coalition)))
    return values


@st.composite
def trees(draw):
    """A random tree over three features, with every way to treat missing values and thresholds that repeat along a path."""
    leaves = draw(st.integers(2, 9))
    children = [[-1, -2]]
    for leaf in range(3, leaves + 1):  # split a leaf: the split takes its place, and it stands under the split beside the new one
        place = draw(st.integers(0, leaf - 2))
        node, side = next((n, s) for n, pair in enumerate(children) for s, c in enumerate(pair) if c == -place - 1)
        children[node][side] = len(children)
        children.append([-place - 1, -leaf])
    splits = leaves - 1
    counts = np.zeros(2 * splits + 1, np.int32)
    counts[splits:] = draw(st.lists(st.integers(1, 50), min_size=leaves, max_size=leaves))
    for node in range(splits - 1, -1, -1):
        counts[node] = sum(counts[c if c >= 0 else splits - c - 1] for c in children[node])
    values = draw(st.lists(st.floats(-5, 5), min_size=leaves, max_size=leaves))
    column = lambda values: np.array(draw(st.lists(st.sampled_from(values), min_size=splits, max_size=splits)))  # noqa: E731
    return Tree(column([0, 1, 2]), column([-1.0, 0.0, 0.5, 2.0]), column([0, 2, 8, 10]), np.array(children), np.array(values), counts)


@given(trees(), st.lists(st.sampled_from([-np.inf, -2.0, -1.0, 0.0, 0.3, 0.5, 3.0, np.inf, np.nan]), min_size=3, max_size=3))
@settings(max_examples=examples(150), deadline=None)
def test_contributions_are_shapley_values_by_their_definition(tree, row):
    found = lay_out_paths([tree]).contributions(np.array([row], np.float32))[0]
    np.testing.assert_allclose(found[:3], shapley(tree, row, 3), atol=1e-9)
    np.testing.assert_allclose(found[3], expectation(tree, row, set()), atol=1e-9)


@pytest.mark.parametrize("leaves, trees, missing", [(2, 5, 0.0), (7, 10, 0.2), (31, 40, 0.3), (63, 20, 0.0), (120, 10, 0.2)])
def test_contributions_are_those_of_lightgbm_and_sum_to_our_score(leaves, trees, missing):
    model = booster(leaves=leaves, trees=trees, missing=missing)
    parsed = parse_model(model.model_to_string())
    x = strange_table(60, leaves)
    found = lay_out_paths(parsed.trees).contributions(x)
    np.testing.assert_allclose(found, model.predict(x, pred_contrib=True), atol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), build_forest(parsed).score(x), atol=1e-9)


def test_forty_features_sum_to_the_score():
    x = table(400, 40, 3, 0.1)
    target = np.nan_to_num(x) @ np.random.default_rng(0).normal(size=40)
    model = lightgbm.train({**QUIET, "objective": "regression", "num_leaves": 31, "seed": 1}, lightgbm.Dataset(x, target), 30)
    found = lay_out_paths(parse_model(model.model_to_string()).trees).contributions(x)
    np.testing.assert_allclose(found.sum(axis=1), model.predict(x, raw_score=True), atol=1e-9)
    np.testing.assert_allclose(found, model.predict(x, pred_contrib=True), atol=1e-9)


def test_a_file_without_counts_has_no_contributions():
    text = booster().model_to_string()
    without = "\n".join(line for line in text.split("\n") if not line.startswith("leaf_count"))
    assert lay_out_paths(parse_model(without).trees) is None
