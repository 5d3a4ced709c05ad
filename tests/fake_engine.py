"""A stand-in for the engine: rankings of a small judged collection, without an index, in the form that ``Engine.rank`` gives them."""

from typing import NamedTuple

import numpy as np


class FakeRanking(NamedTuple):
    docs: np.ndarray
    keys: list[str]
    scores: np.ndarray
    features: np.ndarray | None
    retrieval_scores: np.ndarray
    generation: str
    model: tuple[str, str] | None
    feature_fingerprint: str = "fake-features"


class FakeEngine:
    """``judgments`` of random grades, and noisy rankings of them; ``ranked`` counts the calls."""

    feature_names = ("signal", "noise", "length")

    def __init__(self, num_queries=40, num_docs=30, seed=0, model=None):
        rng = np.random.default_rng(seed)
        self.queries = {f"q{i}": f"query number {i}" for i in range(num_queries)}
        keys = [f"d{j}" for j in range(num_docs)]
        self.judgments = {qid: dict(zip(keys, rng.choice([0.0, 0.0, 1.0, 2.0], num_docs))) for qid in self.queries}
        self.noise = {text: rng.normal(size=(num_docs, 3)).astype(np.float32) for text in self.queries.values()}
        self.qids = {text: qid for qid, text in self.queries.items()}
        self.keys, self.model, self.ranked = keys, model, 0

    def rank(self, query, depth, model):
        self.ranked += 1
        if query not in self.qids:
            return FakeRanking(np.zeros(0, np.int64), [], np.zeros(0), None, np.zeros(0, np.float32), "g000001", None)
        grades = np.array([self.judgments[self.qids[query]][key] for key in self.keys])
        features = self.noise[query] + np.outer(grades, [1, 0, 0]).astype(np.float32)
        scores = features[:, 0] + 2 * features[:, 1]
        docs = np.argsort(-scores, kind="stable")[:depth]
        keys = [self.keys[d] for d in docs]
        return FakeRanking(docs, keys, scores[docs], features[docs], scores[docs], "g000001", self.model)
