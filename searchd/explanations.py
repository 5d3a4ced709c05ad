"""A document and a plan -> where its score comes from, term by term and field by field.

Computed from the stored document with the one copy of the formula, not by the retrieval kernel, so it is also a check of that kernel.
"""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from indexer import bm25
from indexer.tokens import STREAM_NAMES, shown_term
from indexer.values import texts
from searchd.plan import Plan
from searchd.snapshot import Snapshot


class Explanation(NamedTuple):
    """Why one document has its score for one query; ``score`` is None for a document that does not match."""

    id: str
    matched: bool
    score: float | None
    explanation: dict[str, Any]


def explain_retrieval(plan: Plan, snapshot: Snapshot, doc: int) -> dict[str, Any]:
    """``{"score", "formula", "terms": [{term, stream, weight, idf, df, frequencies and by_field, score}]}``.

    Terms that the document lacks are left out; ``by_field`` sums to the score of its term.
    """
    index = snapshot.index
    dfs = index.df(plan.terms).tolist() if plan.terms else []
    frequencies = term_frequencies(snapshot, doc, plan.terms)
    segment, local = index.locate(doc)
    weights, b = bm25.field_parameters(index.schema)
    norms = bm25.norms(segment.lengths[:, local : local + 1], weights, b, index.avg_lengths)[:, 0]
    k1 = bm25.k1_by_stream(index.schema)
    parts = []
    for term, weight, df, tfs in zip(plan.terms, plan.weights, dfs, frequencies):
        if tfs.any():
            idf = float(bm25.idf(index.num_docs, df))
            score = float(bm25.score(tfs, norms, float(k1[bm25.stream_of(term)]), idf, weight))
            shares = tfs * norms / (tfs * norms).sum() * score
            names = snapshot.query_terms.fields
            parts.append(_part(term, weight, idf, df, dict(zip(names, tfs.tolist())), dict(zip(names, shares.tolist())), score))
    total = sum(part["score"] for part in parts)
    return {"score": total, "formula": "sum of weight * idf * (k1 + 1) * tf / (k1 + tf)", "terms": parts}


def _part(term: str, weight: float, idf: float, df: int, tfs: dict[str, int], shares: dict[str, float], score: float) -> dict[str, Any]:
    """One term; ``shares`` divides its score among the fields as their weighted frequencies are, which BM25F sums before it saturates them."""
    found = {name: tf for name, tf in tfs.items() if tf}
    return {
        "term": shown_term(term),
        "stream": STREAM_NAMES[bm25.stream_of(term)],
        "weight": weight,
        "idf": idf,
        "df": df,
        "frequencies": found,
        "by_field": {name: shares[name] for name in found},
        "score": score,
    }


def term_frequencies(snapshot: Snapshot, doc: int, terms: list[str]) -> np.ndarray:
    """int64[terms, F]: how often each term stands in each field, counted by analysing the stored document again."""
    document = snapshot.index.stored(doc)
    counts = np.zeros((len(terms), len(snapshot.query_terms.fields)), np.int64)
    for name, field in snapshot.query_terms.fields.items():
        found: Counter[str] = Counter()
        for text in texts(document.get(name)):
            analysed = snapshot.query_terms.analyzer(name).index_terms(text)
            found.update(analysed.sequence)
            found.update(analysed.extra)
        counts[:, field] = [found[term] for term in terms]
    return counts
