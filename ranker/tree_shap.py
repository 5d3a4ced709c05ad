"""How much each feature adds to the score of a document: exact Shapley values of a forest, path-dependent (TreeSHAP).

A leaf is reached by a conjunction: each feature on its path must lie in one interval. Documents that go another way at a feature are as many as
the training rows that did, so a leaf with the intervals of ``m`` features, of which a document meets ``a``, is a game of ``m`` players whose
Shapley values have a closed form (Lundberg, Erion and Lee 2018, eq. 5 over the leaves, as in Mitchell et al. 2022, "GPUTreeShap", section 3).
The features that a document does not meet all get the same, so a leaf costs O(a^2 + m). Agrees with LightGBM's ``pred_contrib``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from indexer.jit import inlined, kernel
from ranker.forest_columns import ZERO, rounded_down
from ranker.lightgbm_text import DEFAULT_LEFT, MISSING_NAN, Tree


class LeafPaths(NamedTuple):
    """All leaves of a forest that has L of them, with P features on their paths together."""

    starts: np.ndarray  # int32[L + 1]: a leaf's part of the arrays below
    features: np.ndarray  # int32[P], distinct within a leaf
    low: np.ndarray  # float32[P]: a value must not be at most this (NaN: no bound, -inf goes too) ...
    high: np.ndarray  # float32[P]: ... but at most this, to go the leaf's way
    missing: np.ndarray  # bool[P]: whether NaN goes the leaf's way
    shares: np.ndarray  # float64[P]: of the training rows, those that went the leaf's way at this feature's splits
    values: np.ndarray  # float64[L]
    base: float  # mean score of the training rows

    def contributions(self, x: np.ndarray) -> np.ndarray:
        """float64[k, F + 1] of float32[k, F]: what each feature adds to the mean, then the mean itself; a row sums to the raw score."""
        x = np.ascontiguousarray(x, np.float32)
        found = np.zeros((x.shape[0], x.shape[1] + 1))
        found[:, -1] = self.base
        widest = int(np.diff(self.starts).max(initial=0))
        _add_leaves(x, found, *self[:-1], _shapley_weights(widest))
        return found


class _Step(NamedTuple):
    """What a path asks of one feature."""

    low: float = np.nan
    high: float = np.inf
    missing: bool = True
    share: float = 1.0


def lay_out_paths(trees: Sequence[Tree]) -> LeafPaths | None:
    """The leaves of trees whose splits are numeric; None where the model does not say how many rows went each way."""
    if not all(len(tree.covers) for tree in trees):
        return None
    leaves = [leaf for tree in trees for leaf in _leaves(tree)]
    steps = [step for path, _ in leaves for step in path.values()]
    sizes = [len(path) for path, _ in leaves]
    return LeafPaths(
        np.cumsum([0, *sizes]).astype(np.int32),
        np.array([feature for path, _ in leaves for feature in path], np.int32),
        np.array([step.low for step in steps], np.float32),
        np.array([step.high for step in steps], np.float32),
        np.array([step.missing for step in steps], np.bool_),
        np.array([step.share for step in steps], np.float64),
        np.array([value for _, value in leaves], np.float64),
        float(sum(value * np.prod([step.share for step in path.values()]) for path, value in leaves)),
    )


def _leaves(tree: Tree) -> list[tuple[dict[int, _Step], float]]:
    """What the path to each leaf asks of each feature, and the leaf's value."""
    found: list[tuple[dict[int, _Step], float]] = []
    thresholds = rounded_down(tree.thresholds)
    waiting: list[tuple[int, dict[int, _Step]]] = [(0 if len(tree.features) else -1, {})]
    while waiting:
        node, path = waiting.pop()
        if node < 0:
            found.append((path, float(tree.values[-node - 1])))
            continue
        for left, child in ((False, int(tree.children[node, 1])), (True, int(tree.children[node, 0]))):
            feature = int(tree.features[node])
            step = _narrowed(path.get(feature, _Step()), tree, node, float(thresholds[node]), left, child)
            waiting.append((child, {**path, feature: step}))
    return found


def _narrowed(step: _Step, tree: Tree, node: int, threshold: float, left: bool, child: int) -> _Step:
    decision = int(tree.decisions[node])
    missing_left = bool(decision & DEFAULT_LEFT) if decision >> 2 == MISSING_NAN else threshold >= 0  # else NaN is read as 0
    rows = float(tree.covers[node])
    taken = float(tree.covers[child if child >= 0 else len(tree.features) - child - 1])
    return _Step(
        step.low if left or step.low > threshold else threshold,
        min(step.high, threshold) if left else step.high,
        step.missing and missing_left == left,
        step.share * (taken / rows if rows else 0.0),
    )


def _shapley_weights(widest: int) -> np.ndarray:
    """float64[m + 1, m + 1]: of a game of m players, the weight s! (m - 1 - s)! / m! of a coalition of s others."""
    weights = np.zeros((widest + 1, widest + 1))
    for players in range(1, widest + 1):
        weights[players, 0] = 1 / players
        for size in range(1, players):
            weights[players, size] = weights[players, size - 1] * size / (players - size)
    return weights


@inlined
def _goes(value, low, high, missing):
    if np.isnan(value):
        return missing
    if abs(value) <= ZERO:
        value = np.float32(0.0)
    return not value <= low and value <= high


@inlined
def _multiply(polynomial, degree, share):
    """The polynomial of the given degree times (share + t), in place."""
    polynomial[degree + 1] = polynomial[degree]
    for s in range(degree, 0, -1):
        polynomial[s] = polynomial[s] * share + polynomial[s - 1]
    polynomial[0] *= share


@inlined
def _without(polynomial, degree, share, weights):
    """Weighted sum of the coefficients of the polynomial over (share + t): synthetic division from the top, which does not amplify errors."""
    quotient = polynomial[degree]
    total = quotient * weights[degree - 1]
    for s in range(degree - 1, 0, -1):
        quotient = polynomial[s] - share * quotient
        total += quotient * weights[s - 1]
    return total


@inlined
def _add_leaf(row, begin, end, features, low, high, missing, shares, value, weights, met, polynomial, out):
    """Coalitions of met features of each size, as coefficients: the product of (share + t) over met and of share over other features."""
    degree = 0
    others = 1.0
    polynomial[0] = 1.0
    for p in range(begin, end):
        met[p - begin] = _goes(row[features[p]], low[p], high[p], missing[p])
        if met[p - begin]:
            _multiply(polynomial, degree, shares[p])
            degree += 1
        else:
            others *= shares[p]
    if others == 0.0:
        return
    absent = 0.0
    for s in range(degree + 1):
        absent += polynomial[s] * weights[s]
    for p in range(begin, end):
        if met[p - begin]:
            out[features[p]] += value * others * (1.0 - shares[p]) * _without(polynomial, degree, shares[p], weights)
        else:
            out[features[p]] -= value * others * absent


@kernel
def _add_leaves(x, out, starts, features, low, high, missing, shares, values, weights):
    """Add what every leaf gives to every feature of every document to out float64[k, F + 1]."""
    polynomial = np.empty(len(weights) + 1)
    met = np.empty(len(weights), np.bool_)
    for i in range(len(x)):
        for leaf in range(len(values)):
            begin, end = starts[leaf], starts[leaf + 1]
            _add_leaf(x[i], begin, end, features, low, high, missing, shares, values[leaf], weights[end - begin], met, polynomial, out[i])
