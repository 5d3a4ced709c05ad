"""The columns that the trees of a model look at, as float32, with missing values already on their way.

A node sends a document right unless value <= threshold, compared so that NaN goes right. A missing value is settled before any tree is walked
by keeping a column once for each way its nodes treat it: as 0, as -inf (left) or as NaN (right). Features are float32, so a threshold may
be rounded down to float32: no value lies between the two, and every comparison comes out as LightGBM's does in double precision.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from indexer.jit import inlined
from ranker.lightgbm_text import DEFAULT_LEFT, MISSING_NAN, Tree

ZERO = np.float32(1e-35)  # up to here LightGBM reads a value as zero


class Columns(NamedTuple):
    """C columns, each a feature with one way to treat NaN."""

    features: np.ndarray  # int32[C]
    fills: np.ndarray  # float32[C]: what stands for NaN: 0, -inf or NaN itself


def columns_of(trees: Sequence[Tree]) -> tuple[Columns, list[np.ndarray]]:
    """The distinct columns of a model's splits, and for each tree the column of each of its splits, int32[n]."""
    codes = [3 * tree.features.astype(np.int64) + _fill_code(tree.decisions) for tree in trees]
    used, places = np.unique(np.concatenate(codes), return_inverse=True)
    fills = np.array([0.0, -np.inf, np.nan], np.float32)[used % 3]
    bounds = np.cumsum([len(code) for code in codes])[:-1]
    return Columns((used // 3).astype(np.int32), fills), np.split(places.astype(np.int32), bounds)


def _fill_code(decisions: np.ndarray) -> np.ndarray:
    left = decisions & DEFAULT_LEFT > 0
    return np.where(decisions >> 2 == MISSING_NAN, np.where(left, 1, 2), 0)


def rounded_down(thresholds: np.ndarray) -> np.ndarray:
    """The greatest float32 that is not above each float64 threshold."""
    with np.errstate(over="ignore", under="ignore"):
        nearest = thresholds.astype(np.float32)
    below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest.astype(np.float64) > thresholds, below, nearest)


@inlined
def fill_block(block, lanes, x, start, size, features, fills):
    """Lay documents ``start``.. out column by column, ``lanes`` places each; places from ``size`` on keep what they held."""
    for c in range(len(features)):
        for i in range(size):
            value = x[start + i, features[c]]
            if np.isnan(value):
                value = fills[c]
            elif abs(value) <= ZERO:
                value = np.float32(0.0)
            block[c * lanes + i] = value
