"""The ranking that retrieval must give, to the bit: every document scored in whole units as ``searchd/kernels_layout.py`` defines them."""

from collections.abc import Sequence

import numpy as np
from oracle import Oracle

from indexer import bm25
from searchd.kernels_layout import FIXED_BITS


class Exhaustive:
    """The documents of an oracle with their norms; only those with terms are ever scored."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle, schema = oracle, oracle.schema
        lengths = np.array(oracle.lengths, np.uint32).reshape(len(oracle.lengths), len(schema.text_fields)).T
        self.norms = bm25.norms(lengths, *bm25.field_parameters(schema), np.array(oracle.averages))
        self.k1 = bm25.k1_by_stream(schema)
        self.docs = [d for d in oracle.live if any(oracle.tfs[d])]

    def weight(self, term: str) -> float:
        idf = float(bm25.idf(len(self.oracle.live), self.oracle.df(term)))
        return idf * (np.float64(self.k1[bm25.stream_of(term)]) + 1.0)

    def impact(self, doc: int, term: str, weight: np.float32) -> int:
        """Units of one term in one document: float32 operations in the order of the fields."""
        x = np.float32(0)
        for field, tf in enumerate(self.oracle.tfs[doc]):
            if term in tf:
                x += np.float32(tf[term]) * self.norms[field, doc]
        return int(weight * (x / (self.k1[bm25.stream_of(term)] + x))) + 1 if x > 0 else 0

    def top(
        self, terms: Sequence[str], weights: Sequence[float], k: int, mode: str, required: Sequence[str] | None
    ) -> tuple[list[int], list[np.float32]]:
        """Documents and scores, best first, the lower document first among equals."""
        total = sum(w * self.weight(t) for t, w in zip(terms, weights))
        scale = 2.0 ** np.floor(FIXED_BITS - np.log2(total))
        scaled = [np.float32(w * self.weight(t) * scale) for t, w in zip(terms, weights)]
        wanted = terms if required is None else required
        found = []
        for doc in self.docs:
            impacts = [self.impact(doc, t, w) for t, w in zip(terms, scaled)]
            if any(impacts) and (mode == "or" or all(self.oracle.has(doc, t) for t in wanted)):
                found.append((-np.float32(sum(impacts)), doc))
        best = sorted(found)[:k]
        return [doc for _, doc in best], [np.float32(np.float64(-score) / scale) for score, _ in best]
