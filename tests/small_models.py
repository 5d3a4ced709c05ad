"""Small trained models for tests."""

import functools

import numpy as np

from indexer.index import Index
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


def model_for(home, seed):
    """A small model over the features of this home's index."""
    features = FeatureSet.default(Index.open(home).schema)
    x, grades = rows(seed=seed)
    x = x[:, [i % 3 for i in range(len(features.names))]]
    ranker = Pointwise(rounds=5, random_state=seed).fit(x, grades, [10] * 20)
    return Trained(ranker.text_, features, x[:8], ranker.predict(x[:8]))


def contrary_model(home, seed):
    """A model of this home's features that prefers what retrieval likes least; models of two seeds differ."""
    features = FeatureSet.default(Index.open(home).schema)
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 12, (600, len(features.names))).astype(np.float32)
    grades = np.clip(3 - np.round(x[:, features.names.index("retrieval_score")] / 4), 0, 3).astype(np.float32)
    ranker = Pointwise(rounds=10 + 5 * seed, random_state=seed).fit(x, grades, [10] * 60)
    return Trained(ranker.text_, features, x[:8], ranker.predict(x[:8]))
