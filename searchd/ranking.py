"""A plan -> candidates by BM25F -> the order that is served.

A model orders the candidates in blocks of ``depth``: the first block, then the next below it, and so on as far as a page reaches. The order is
thus the same whichever page is asked for, nothing is shown twice or lost between pages, and what a model has put up stays above what it has not.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ranker.matches import gather
from searchd.plan import Plan, matched_docs
from searchd.query_terms import Sequence as TermSequence
from searchd.retrieval_sets import UNLIMITED
from searchd.snapshot import Snapshot
from searchd.stages import OutOfTime, complete, covers, lap, leave_out, time_is_up

# Matches are counted exactly while the query's terms have at most so many postings (some milliseconds), beyond that up to a lower bound.
EXACT_COUNT_POSTINGS = 20_000_000
COUNT_BOUND = 100_000


class ModelRef(NamedTuple):
    """The model that gave an order."""

    name: str
    version: str


class Total(NamedTuple):
    """How many documents match: ``eq`` exactly, ``gte`` at least."""

    value: int
    relation: str = "eq"


class Ranked(NamedTuple):
    """Docs best first; ``scores`` float64[n] never rise; ``features`` float32[n, F], the very rows that were scored, None without a model."""

    docs: np.ndarray
    scores: np.ndarray
    retrieval_scores: np.ndarray
    features: np.ndarray | None = None


class Ranking(NamedTuple):
    """A ranking for runs, simulation and training: ``keys`` and arrays of one length, best first."""

    docs: np.ndarray
    keys: list[str]
    scores: np.ndarray
    features: np.ndarray | None
    retrieval_scores: np.ndarray
    generation: str
    model: ModelRef | None
    feature_fingerprint: str = ""


def candidates(plan: Plan, snapshot: Snapshot, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``k`` best documents by BM25F: int64 docs and float32 scores, best first; documents of a listing without a term score 0."""
    if k <= 0 or plan.empty:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    if plan.terms:
        docs, scores = _top(plan, snapshot, k)
    else:
        docs, scores = np.zeros(0, np.int64), np.zeros(0, np.float32)
    if plan.listing and len(docs) < k and complete():
        try:
            rest = matched_docs(plan, snapshot)
        except OutOfTime:
            leave_out("documents")
            if not plan.terms:
                covers(0.0)
            return docs, scores
        rest[docs] = False
        more = np.flatnonzero(rest)[: k - len(docs)].astype(np.int64)
        docs, scores = np.concatenate([docs, more]), np.concatenate([scores, np.zeros(len(more), np.float32)])
    return docs, scores


def _top(plan: Plan, snapshot: Snapshot, k: int) -> tuple[np.ndarray, np.ndarray]:
    retriever = snapshot.retriever
    if plan.phrase is not None:
        field, extra, required = plan.phrase.field, plan.phrase.extra, plan.required or ()
        return retriever.top_phrase(plan.phrase.terms, plan.terms, plan.weights, k, field, 0, extra, required, plan.mask)
    if plan.minimum is not None:
        return retriever.top_minimum(plan.terms, plan.weights, k, plan.minimum, plan.required, plan.mask)
    return retriever.top(plan.terms, plan.weights, k, mode=plan.mode, required=plan.required, mask=plan.mask)


def top_phrases(
    sequences: Sequence[TermSequence], terms: list[str], weights: list[float], k: int, snapshot: Snapshot, mask: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The ``k`` best documents by ``terms`` where one of the sequences stands: several are the same phrase by different analysers."""
    retriever = snapshot.retriever
    if len(sequences) == 1:
        one = sequences[0]
        return retriever.top_phrase(one.terms, terms, weights, k, one.field, 0, one.extra, (), mask)
    found = np.zeros(snapshot.index.max_doc, np.bool_)
    for one in sequences:
        found |= retriever.phrase(one.terms, one.field, extra=one.extra)
    return retriever.top(terms, weights, k, mask=found if mask is None else found & mask)


def count_matches(plan: Plan, snapshot: Snapshot, found: int, k: int) -> Total:
    """How many documents match, when ``found`` came of the best ``k``."""
    if plan.empty:
        return Total(0)
    if found < k:
        return Total(found, "eq" if complete() else "gte")
    if time_is_up("count"):
        return Total(found, "gte")
    try:
        return _counted(plan, snapshot, found)
    except OutOfTime:
        leave_out("count")
        return Total(found, "gte")


def _counted(plan: Plan, snapshot: Snapshot, found: int) -> Total:
    retriever = snapshot.retriever
    if plan.mask is not None or plan.phrase is not None or plan.minimum is not None or plan.listing:
        return Total(int(np.count_nonzero(matched_docs(plan, snapshot))))
    enough = UNLIMITED if retriever.num_postings(plan.terms) <= EXACT_COUNT_POSTINGS else max(COUNT_BOUND, found)
    count = retriever.count(plan.terms, enough) if plan.required is None else retriever.count_all(plan.required, enough)
    return Total(count, "eq" if count < enough else "gte")


def blocks_needed(window: int, depth: int) -> int:
    """Candidates to retrieve so that every block a page touches is whole."""
    return -(-window // depth) * depth


def rerank(plan: Plan, snapshot: Snapshot, docs: np.ndarray, scores: np.ndarray, model: Any, depth: int) -> Ranked:
    """The candidates, which must be whole blocks from the first on, in the model's order; ties keep retrieval's order."""
    if model is None or not len(docs):
        return Ranked(docs, scores.astype(np.float64), scores)
    features = features_of(plan, snapshot, docs, scores, model.featureset)
    lap("features")
    return ordered(docs, scores, features, model, depth)


def ordered(docs: np.ndarray, scores: np.ndarray, features: np.ndarray, model: Any, depth: int) -> Ranked:
    """As `rerank`, of candidates whose ``features`` float32[n, F] are there already."""
    order = np.empty(len(docs), np.int64)
    final = np.empty(len(docs), np.float64)
    for start in range(0, len(docs), depth):
        block = slice(start, start + depth)
        # Block by block, since a blended model's scores depend on what else is in the list.
        given = model.score(features[block])
        if not np.isfinite(given).all():
            given = np.nan_to_num(given, nan=-1e30, posinf=1e30, neginf=-1e30)
        best_first = np.argsort(-given, kind="stable")
        order[block] = start + best_first
        given = given[best_first]
        # A block's scores are moved down as a whole, to begin where the block above ends.
        final[block] = given - max(0.0, given[0] - final[start - 1]) if start else given
    return Ranked(docs[order], final, scores[order], features[order])


def features_of(plan: Plan, snapshot: Snapshot, docs: np.ndarray, scores: np.ndarray, featureset: Any) -> np.ndarray:
    """float32[n, F]: what ``featureset`` says about the documents, by the code that training uses."""
    return featureset.compute(gather(snapshot.index, plan.query_terms, plan.text, docs, scores))


def feature_costs(plan: Plan, snapshot: Snapshot, docs: np.ndarray, scores: np.ndarray, featureset: Any) -> dict[str, Any] | None:
    """Microseconds that the features of these documents take: ``{"candidates", "gather", "features": {name: us}}``; None without features."""
    if featureset is None or not len(docs):
        return None
    started = time.perf_counter_ns()
    matches = gather(snapshot.index, plan.query_terms, plan.text, docs, scores)
    gathered = (time.perf_counter_ns() - started) / 1000
    return {"candidates": len(docs), "gather": gathered, "features": featureset.costs(matches)}


def model_ref(model: Any) -> ModelRef | None:
    """Name and version of a loaded model."""
    return None if model is None else ModelRef(str(model.name), str(model.version))
