"""Score candidates with a forest of regression trees: the bits of LightGBM, ten times faster or more.

Trees of up to 64 leaves are asked by bit vectors (`ranker/forest_bits.py`), larger ones are walked level by level (`ranker/forest_walk.py`).
"""

from typing import NamedTuple

import numpy as np

from ranker.forest_bits import MAX_LEAVES, BitForest, lay_out_bits
from ranker.forest_walk import WalkForest, lay_out_walk
from ranker.lightgbm_text import TextModel


class Forest(NamedTuple):
    """A model laid out for one of the kernels."""

    num_features: int
    trees: BitForest | WalkForest

    def score(self, x: np.ndarray) -> np.ndarray:
        """float64[k] raw scores of float32[k, num_features]; raises ValueError for a table of another width."""
        if x.ndim != 2 or x.shape[1] != self.num_features:
            raise ValueError(f"expected a table of {self.num_features} features, found shape {x.shape}")
        return self.trees.score(np.ascontiguousarray(x, np.float32))


def build_forest(model: TextModel) -> Forest:
    """Lay the trees of a model out; the model must be `exact`."""
    assert model.exact
    largest = max(len(tree.values) for tree in model.trees)
    trees = lay_out_bits(model.trees) if largest <= MAX_LEAVES else lay_out_walk(model.trees)
    return Forest(len(model.feature_names), trees)
