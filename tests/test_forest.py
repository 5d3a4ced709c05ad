"""Our scorer against LightGBM bit by bit, and the reader against files that have been tampered with."""

import functools
import random

import lightgbm
import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutate

from ranker.forest import build_forest
from ranker.forest_bits import LANES, lay_out_bits
from ranker.forest_walk import BLOCK, FEW, lay_out_walk
from ranker.lightgbm_text import DEFAULT_LEFT, MISSING_NAN, InvalidModel, TextModel, Tree, parse_model

QUIET = {"verbose": -1, "num_threads": 1, "deterministic": True, "min_data_in_leaf": 3}


def table(rows, columns, seed, missing):
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(rows, columns)), 1).astype(np.float32)
    x[rng.random(x.shape) < missing] = np.nan
    return x


@functools.cache
def booster(objective="regression", leaves=7, trees=10, seed=0, missing=0.2, **more):
    x = table(300, 6, seed, missing)
    y = np.random.default_rng(seed).integers(0, 3, 300)
    group = [30] * 10 if objective in ("lambdarank", "rank_xendcg") else None
    parameters = {**QUIET, "objective": objective, "num_leaves": leaves, "seed": seed, **more}
    return lightgbm.train(parameters, lightgbm.Dataset(x, y, group=group), trees)


def strange_table(rows, seed):
    x = table(rows, 6, seed, 0.3)
    rng = np.random.default_rng(seed + 1)
    odd = np.array([0.0, -0.0, np.inf, -np.inf, 1e-36, -1e-40, 1e-35, 3e38, np.nan], np.float32)
    return np.where(rng.random(x.shape) < 0.2, rng.choice(odd, x.shape), x).astype(np.float32)


@pytest.mark.parametrize("objective", ["regression", "poisson", "lambdarank", "rank_xendcg"])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_scores_are_the_bits_of_lightgbm(objective, missing):
    check_bits(booster(objective, missing=missing), strange_table(700, 5))


def check_bits(model, x):
    parsed = parse_model(model.model_to_string())
    expected = model.predict(x, raw_score=True).tobytes()
    assert build_forest(parsed).score(x).tobytes() == expected
    assert lay_out_walk(parsed.trees).score(x).tobytes() == expected


def test_thirty_random_models_score_the_bits_of_lightgbm():
    """Both kernels, on features with missing, infinite and tiny values; sizes from two leaves to two hundred."""
    rng = np.random.default_rng(8)
    for seed in range(30):
        x = strange_table(500, seed)
        finite = np.where(np.isinf(x), 1, x).astype(np.float64)
        more = {"num_leaves": int(rng.choice([2, 5, 31, 32, 33, 64, 65, 200])), "use_missing": bool(rng.integers(5)), "seed": seed}
        parameters = {**QUIET, "objective": "regression", "learning_rate": 0.2, "min_data_in_leaf": int(rng.choice([1, 5])), **more}
        target = np.nan_to_num(finite)[:, :3].clip(-9, 9).sum(axis=1) + rng.normal(size=500)
        check_bits(lightgbm.train(parameters, lightgbm.Dataset(finite, target), int(rng.integers(1, 40))), strange_table(120, seed + 50))


def plain_score(model, row):
    """One document by the definition: float64, one split after the other."""
    total = 0.0
    for tree in model.trees:
        node = 0 if len(tree.features) else -1
        while node >= 0:
            value, decision = float(row[tree.features[node]]), tree.decisions[node]
            if np.isnan(value) and decision >> 2 == MISSING_NAN:
                left = bool(decision & DEFAULT_LEFT)
            else:
                value = 0.0 if np.isnan(value) or abs(value) <= 1e-35 else value
                left = value <= tree.thresholds[node]
            node = tree.children[node, 0 if left else 1]
        total += tree.values[-node - 1]
    return total


@st.composite
def models(draw):
    """Trees of any shape with hard thresholds, such as LightGBM would rarely grow."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    hard = [0.0, -0.0, 0.1, np.float32(0.1), 1e-310, -1e-310, 3.5e38, 1e300, np.inf, 1e-35, 16777217.0]
    return TextModel(("a", "b", "c"), [_random_tree(rng, int(rng.integers(1, 65)), hard) for _ in range(draw(st.integers(1, 4)))], True)


def _random_tree(rng, leaves, hard):
    children, free = np.zeros((leaves - 1, 2), np.int32), [(None, 0)]
    for split in range(leaves - 1):
        parent, side = free.pop(int(rng.integers(len(free))))
        if parent is not None:
            children[parent, side] = split
        free += [(split, 0), (split, 1)]
    for leaf, (parent, side) in enumerate(free if leaves > 1 else []):
        children[parent, side] = -leaf - 1
    decisions = rng.choice([0, 2, 8, 10], leaves - 1).astype(np.int32)
    return Tree(rng.integers(0, 3, leaves - 1).astype(np.int32), rng.choice(hard, leaves - 1), decisions, children, rng.normal(size=leaves))


@given(models(), st.integers(0, 2**32), st.sampled_from([1, 5, LANES, LANES + 3]))
@settings(max_examples=examples(60), deadline=None)
def test_any_tree_scores_as_its_definition_says(model, seed, rows):
    rng = np.random.default_rng(seed)
    odd = np.array([0.0, -0.0, 0.1, -1.0, np.inf, -np.inf, np.nan, 1e-36, 3.4e38, 16777216, 16777218], np.float32)
    x = rng.choice(odd, (rows, 3))
    expected = np.array([plain_score(model, row) for row in x]).tobytes()
    assert lay_out_bits(model.trees).score(x).tobytes() == expected
    assert lay_out_walk(model.trees).score(x).tobytes() == expected


@given(st.integers(2, 40), st.integers(1, 30), st.integers(0, 5), st.sampled_from([0.0, 0.1, 0.6]))
@settings(max_examples=examples(15), deadline=None)
def test_any_size_of_forest_gives_the_same_bits(leaves, trees, seed, missing):
    check_bits(booster("regression", leaves, trees, seed, missing), strange_table(60, seed))


@pytest.mark.parametrize("rows", [0, 1, FEW, FEW + 1, LANES - 1, LANES, LANES + 1, BLOCK - 1, BLOCK, BLOCK + 1])
def test_every_number_of_documents_is_right(rows):
    check_bits(booster(), strange_table(rows, 3)) if rows else None
    forest = build_forest(parse_model(booster().model_to_string()))
    assert len(forest.score(np.zeros((rows, 6), np.float32))) == rows


def test_splits_of_missing_against_present_are_exact():
    model = booster("regression", 20, 20, 2, 0.6)
    assert "inf" in model.model_to_string().partition("Tree=0")[2].partition("end of trees")[0]
    check_bits(model, strange_table(300, 2))


def test_a_tree_of_one_leaf_is_a_constant():
    x, y = table(40, 6, 0, 0), np.ones(40)
    model = lightgbm.train({**QUIET, "objective": "regression"}, lightgbm.Dataset(x, y), 2)
    check_bits(model, x)


def test_categorical_and_zero_as_missing_models_are_told_apart():
    x = np.abs(np.round(table(300, 6, 0, 0.0) * 3))
    y = (x[:, 0] % 3 == 1).astype(float)
    categorical = lightgbm.train({**QUIET, "objective": "regression"}, lightgbm.Dataset(x, y, categorical_feature=[0]), 3)
    assert not parse_model(categorical.model_to_string()).exact
    zero = lightgbm.train({**QUIET, "objective": "regression", "zero_as_missing": True}, lightgbm.Dataset(x, y), 3)
    assert not parse_model(zero.model_to_string()).exact


def test_mutated_models_are_refused_or_scored_and_never_crash():
    text = booster(leaves=5, trees=3).model_to_string()
    text = text[: text.index("end of trees") + 14]
    x, rng = strange_table(20, 1), random.Random(7)
    refused = 0
    for _ in range(1500):
        broken = text
        for _ in range(rng.randrange(1, 3)):
            broken = mutate(broken, rng)
        try:
            model = parse_model(broken)
        except InvalidModel:
            refused += 1
            continue
        if model.exact and len(model.feature_names) == 6:
            assert np.isfinite(build_forest(model).score(x)).all()
    assert refused > 700


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("left_child=1", "left_child=0", "no tree"),
        ("num_class=1", "num_class=3", "single-score"),
        ("end of trees", "", "expected key=value"),
        ("tree\nversion", "forest\nversion", "beginning with the line 'tree'"),
        ("is_linear=0", "is_linear=1", "linear"),
    ],
)
def test_refusals_say_why(old, new, reason):
    text = booster(leaves=5, trees=3).model_to_string()
    if old == "left_child=1" and old not in text:
        old = next(line for line in text.split("\n") if line.startswith("left_child="))
        new = "left_child=" + " ".join("0" for _ in old.split(" "))
    with pytest.raises(InvalidModel, match=reason):
        parse_model(text.replace(old, new, 1))


def test_a_table_of_the_wrong_width_is_refused():
    with pytest.raises(ValueError, match="6 features"):
        build_forest(parse_model(booster().model_to_string())).score(np.zeros((3, 5), np.float32))
