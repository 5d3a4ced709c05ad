"""A document to others like it: its own most telling terms, asked as a query.

Every term is weighed by tf * idf in the document, the best 25 are kept (more cost time and change little), and retrieval does the rest.
"""

import math
from collections import Counter
from typing import Any

import numpy as np

from searchd.answers import HitAnswer
from searchd.engine import UnknownDocument

MAX_TERMS = 25
# Of the score that the document itself would have: below that, two documents share an odd word, not a subject.
MIN_SHARE = 0.1


def locate_document(index: Any, key: str) -> int:
    """The global number of the document with ``key``; raises UnknownDocument."""
    doc = int(index.doc(key)) if key else -1
    if doc < 0:
        raise UnknownDocument(f"expected the id of a document, found {key[:100]!r}; it may have been deleted")
    return doc


def stored_document(index: Any, key: str) -> dict[str, Any]:
    """The stored fields of the document with ``key``; raises UnknownDocument."""
    document: dict[str, Any] = index.stored(locate_document(index, key))
    return document


def similar_hits(engine: Any, key: str, limit: int) -> list[HitAnswer]:
    """Up to ``limit`` documents most like the one with ``key``, best first, itself left out."""
    with engine.snapshot() as snapshot:
        index = snapshot.index
        doc = locate_document(index, key)
        terms, weights = telling_terms(index, doc)
        if not terms:
            return []
        docs, scores = snapshot.retriever.top(terms, weights, limit + 1)
        found = dict(zip(docs.tolist(), scores.tolist()))
        least = MIN_SHARE * found.pop(doc, 0.0)
        pairs = [(other, score) for other, score in found.items() if score >= least][:limit]
        return [HitAnswer(index.key(other), score, index.stored(other), {}) for other, score in pairs]


def telling_terms(index: Any, doc: int) -> tuple[list[str], list[float]]:
    """The terms of a document that tell it apart, best first, and their weights, the best one's being 1."""
    segment, local = index.locate(doc)
    counts: Counter[int] = Counter()
    for field in range(len(index.schema.text_fields)):
        ids = segment.sequence(local, field)
        counts.update(ids[ids >= 0].tolist())
    terms = segment.terms.terms(np.fromiter(counts, np.int64))
    # A term of this document alone finds nothing else.
    weighed = [
        (count * math.log(index.num_docs / df), term)
        for term, count, df in zip(terms, counts.values(), index.df(terms).tolist())
        if 1 < df < index.num_docs
    ]
    best = sorted(weighed, reverse=True)[:MAX_TERMS]
    return [term for _, term in best], [weight / best[0][0] for weight, _ in best]
