"""Small trained models for tests."""

import functools

import numpy as np

from ranker.families import Pointwise
from ranker.featureset import FeatureSet
from ranker.model import Trained

NAMES = ("retrieval_score", "title_bm25", "rest_bm25")


def rows(n=200, seed=0):
    """(x float32[n, 3] with missing values, grades) where more of everything is better."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    grades = np.clip(np.round(x.sum(axis=1) + 1), 0, 3).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, grades


@functools.cache
def small_model(seed=0):
    x, grades = rows(seed=seed)
    ranker = Pointwise(rounds=10, random_state=seed).fit(x, grades, np.full(20, 10))
    golden = x[:8]
    return Trained(ranker.text_, FeatureSet(NAMES, ()), golden, ranker.predict(golden))
