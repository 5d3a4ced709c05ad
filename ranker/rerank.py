"""Candidates -> matches -> features -> scores -> order: what a model does to one query's candidates."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from indexer.schema import Schema
from ranker.featureset import FeatureSet
from ranker.matches import gather
from ranker.model import Model


class Reranked(NamedTuple):
    """``order`` int64[k]: rows of the candidates, best first; scores float64[k] and features float32[k, F] stand in the candidates' order."""

    order: np.ndarray
    scores: np.ndarray
    features: np.ndarray


class Reranker:
    """One model bound to one schema; raises FeatureMismatch if the model was trained for another."""

    def __init__(self, model: Model, schema: Schema):
        model.featureset.require(FeatureSet.default(schema), "this index")
        self.model = model

    def rerank(self, index: Any, query_terms: Sequence[Any], text: str, docs: np.ndarray, scores: np.ndarray) -> Reranked:
        """Score candidates (in retrieval's order); ties keep that order."""
        features = self.model.featureset.compute(gather(index, query_terms, text, docs, scores))
        final = self.model.score(features)
        return Reranked(np.argsort(-final, kind="stable"), final, features)
