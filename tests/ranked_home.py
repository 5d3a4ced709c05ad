"""A made-up collection, its engine and its judgments: enough to train, click and evaluate on in a second."""

from types import SimpleNamespace

import numpy as np
from fake_index import FakeIndex, FakeSegment, Term

from indexer.schema import Field, Schema
from ranker.features import FEATURES
from ranker.featureset import FeatureSet
from ranker.matches import gather

WORDS = [f"w{i}" for i in range(60)]


class RankedEngine:
    """Ranks a `FakeIndex` by BM25F, features included. What people want is the query in the title: a model has something to learn."""

    def __init__(self, num_docs=240, num_queries=40, seed=0):
        rng = np.random.default_rng(seed)
        common = 1 / np.arange(1, len(WORDS) + 1) ** 0.7
        draw = lambda n: [WORDS[i] for i in rng.choice(len(WORDS), n, p=common / common.sum())]  # noqa: E731
        docs = [[draw(rng.integers(2, 5)), draw(rng.integers(10, 40))] for _ in range(num_docs)]
        schema = Schema(fields=(Field("body", "text"), Field("title", "text")))
        self.index = FakeIndex([FakeSegment([[body, title] for title, body in docs])], schema)
        self.index.generation = "g000001"
        self.features = FeatureSet.default(schema)
        self.feature_fingerprint = self.features.fingerprint
        self.queries = {f"q{i}": " ".join(dict.fromkeys(draw(3))) for i in range(num_queries)}
        self.judgments = {qid: self._grades(text.split(), docs) for qid, text in self.queries.items()}

    @staticmethod
    def _grades(words, docs):
        return {
            f"d{i}": float(min(3, sum(w in title for w in words))) for i, (title, body) in enumerate(docs) if set(words) & set(title + body)
        }

    def rank(self, q, depth=100, model="none"):
        docs = np.arange(self.index.num_docs)
        terms = [Term(w) for w in q.split()]
        scores = FEATURES["whole_bm25"](gather(self.index, terms, q, docs, np.zeros(len(docs)))).astype(np.float32)
        best = np.argsort(-scores, kind="stable")[:depth]
        best = best[scores[best] > 0]
        features = self.features.compute(gather(self.index, terms, q, best, scores[best]))
        final = scores[best].astype(float)
        return SimpleNamespace(
            docs=best, keys=[f"d{i}" for i in best], scores=final, features=features, retrieval_scores=scores[best],
            generation="g000001", model=None, feature_fingerprint=self.feature_fingerprint,
        )  # fmt: skip

    def write(self, folder):
        """Paths of the queries and the judgments as files."""
        queries, judgments = folder / "queries.tsv", folder / "qrels.tsv"
        queries.write_text("".join(f"{qid}\t{text}\n" for qid, text in self.queries.items()))
        rows = (f"{qid} 0 {key} {int(grade)}\n" for qid, grades in self.judgments.items() for key, grade in grades.items())
        judgments.write_text("".join(rows))
        return queries, judgments
