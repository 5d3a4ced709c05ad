"""A plan and a page's place -> the page: documents in order, made readable, with what was scored.

The features that a page carries are the rows the model scored; without a model they are those of the default feature set, as a model would have
been given them, so that training can learn from searches that no model ranked.
"""

from collections.abc import Collection, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ranker.exploration import Exploration, explored
from searchd.exact_forms import best_formed, formed
from searchd.explanations import Explanation, explain_retrieval
from searchd.facets import facet_counts
from searchd.hits import Hit, documents_of, highlights_of, markers_of
from searchd.parts import Part, served_parts, told
from searchd.plan import Plan, matched_docs
from searchd.ranking import (
    ModelRef,
    Ranked,
    Ranking,
    Total,
    blocks_needed,
    candidates,
    count_matches,
    feature_costs,
    features_of,
    model_ref,
    rerank,
)
from searchd.snapshot import Snapshot
from searchd.sorting import SortKey, sorted_docs
from searchd.stages import OutOfTime, lap, leave_out, time_is_up

# Features that compare a score with the best ones look at so many, also when a shorter page is asked for.
CONTEXT = 10


class Result(NamedTuple):
    """One page.

    ``took`` in milliseconds. ``corrected_query`` is what was probably meant, where the query as typed finds nothing or has a word that hardly any
    document has; ``shown_instead``: the page is that query's, since the one that was typed finds nothing. ``features`` float32[hits, F] are the
    rows that were scored (or would be logged), else None. ``partial``: the time limit was reached, so something was
    left out; ``coverage`` is the share of the documents that were looked at. ``seconds`` by stage, see ``stages.py``. ``made``: what was made of
    the hits (see ``Engine.keep_answers``), which are kept for others who ask the same and must not be changed.
    """

    query_id: str
    took: float
    total: Total
    hits: list[Hit]
    facets: dict[str, dict[str, int]]
    generation: str
    model: ModelRef | None
    corrected_query: str | None = None
    shown_instead: bool = False
    partial: bool = False
    coverage: float = 1.0
    features: np.ndarray | None = None
    feature_fingerprint: str = ""
    seconds: Mapping[str, float] = MappingProxyType({})
    made: bytes | None = None


class Page(NamedTuple):
    """What is shown, before it is made readable; ``featureset`` is that of ``ranked.features``.

    Of a page that is explained: ``parts`` of each score, and the ``costs`` of the features.
    ``propensities`` float32[n] of a search that might have explored; ``teams``, a character a document, of one in an ``experiment``,
    and ``weights`` float32[n] of clicks on them.
    """

    ranked: Ranked
    total: Total
    model: Any = None
    featureset: Any = None
    parts: Sequence[Part] | None = None
    costs: dict[str, Any] | None = None
    propensities: np.ndarray | None = None
    experiment: str = ""
    teams: str = ""
    weights: np.ndarray | None = None

    @property
    def tried(self) -> bool:
        """Whether the order may be another than that of the scores."""
        return bool(self.experiment) or self.propensities is not None


class Exploring(NamedTuple):
    """How this search explores: the policy, and the seed that is the same for all pages of one list."""

    exploration: Exploration
    seed: int


class Shown(NamedTuple):
    """How hits are to look. ``fields`` None = all; ``crop_length`` in characters, None = whole texts."""

    fields: Collection[str] | None = None
    highlight: bool = True
    crop_length: int | None = 200
    explain: bool = False


def ranked_page(
    plan: Plan,
    snapshot: Snapshot,
    model: Any,
    limit: int,
    offset: int,
    depth: int,
    features: bool,
    counted: bool = True,
    explain: bool = False,
    exploring: Exploring | None = None,
) -> Page:
    """The page in order of relevance; ``features``: also without a model; ``counted``: with the number of matches; ``explain``: with parts."""
    window = offset + limit
    k = blocks_needed(window, depth) if model is not None else max(window, CONTEXT) if features else window
    ranked, model = _ranked(plan, snapshot, model, k, depth)
    total = count_matches(plan, snapshot, len(ranked.docs), k) if counted else Total(len(ranked.docs), "gte")
    lap("count")
    page = Page(ranked, total, model, None if model is None else model.featureset)
    page = with_features(page, plan, snapshot) if features else page
    lap("features")
    page = page if exploring is None else _explored(page, exploring)
    parts = served_parts(page.ranked, model, depth, offset, window) if explain and model is not None else None
    page = page_cut(page, offset, window)._replace(parts=parts)
    if explain:
        costs = feature_costs(plan, snapshot, page.ranked.docs, page.ranked.retrieval_scores, page.featureset)
        page = page._replace(costs=costs)
    return page


def _ranked(plan: Plan, snapshot: Snapshot, model: Any, k: int, depth: int) -> tuple[Ranked, Any]:
    """The best ``k`` by the model, or by retrieval alone when there is none or no time for it; and the model that ordered them."""
    if model is None:
        ranked = Ranked(*best_formed(plan, snapshot, k, lambda size: candidates(plan, snapshot, size)))
        lap("retrieve")
        return ranked, None
    docs, scores = candidates(plan, snapshot, k)
    lap("retrieve")
    chosen = None if time_is_up("score") else model
    ranked = rerank(plan, snapshot, docs, scores, chosen, depth)
    lap("score")
    return ranked, chosen


def _explored(page: Page, exploring: Exploring) -> Page:
    """The page with two near neighbours in each other's place, or as it is, and how likely that was; scores tell the places, as before."""
    ranked = page.ranked
    found = explored(ranked.scores, exploring.exploration, Random(exploring.seed))
    features = None if ranked.features is None else ranked.features[found.order]
    shown = Ranked(ranked.docs[found.order], ranked.scores, ranked.retrieval_scores[found.order], features)
    return page._replace(ranked=shown, propensities=found.propensities)


def sorted_page(plan: Plan, snapshot: Snapshot, keys: Sequence[SortKey], limit: int, offset: int) -> Page:
    """The page in order of columns; scores are 0, since relevance had no say."""
    matched = np.flatnonzero(matched_docs(plan, snapshot)).astype(np.int64)
    docs = sorted_docs(matched, keys, snapshot.columns, offset + limit)[offset:]
    return Page(Ranked(docs, np.zeros(len(docs)), np.zeros(len(docs), np.float32)), Total(len(matched)))


def facets_of(names: Sequence[str], plan: Plan, snapshot: Snapshot) -> dict[str, dict[str, int]]:
    """The commonest values of fields among all documents that match; none when the time is up before they are counted."""
    try:
        return facet_counts(names, snapshot.columns, matched_docs(plan, snapshot))
    except OutOfTime:
        leave_out("facets")
        return {}


def with_features(page: Page, plan: Plan, snapshot: Snapshot) -> Page:
    """A page from the first rank on, with the default feature set's rows if it has none yet."""
    ranked = page.ranked
    if ranked.features is not None or not len(ranked.docs) or time_is_up("features"):
        return page
    featureset = snapshot.default_features
    features = features_of(plan, snapshot, ranked.docs, ranked.retrieval_scores, featureset)
    return page._replace(ranked=ranked._replace(features=features), featureset=featureset)


def hits_of(page: Page, plan: Plan, snapshot: Snapshot, shown: Shown) -> list[Hit]:
    """The readable hits of a page."""
    keys, documents = documents_of(snapshot, page.ranked.docs, shown.fields)
    highlights = highlights_of(markers_of(snapshot, plan), documents, shown.crop_length) if shown.highlight else [{} for _ in documents]
    details: list[Any] = [(None, None)] * len(documents)
    if shown.explain:
        details = [(named_features(page, row), explanation_of(page, row, plan, snapshot)) for row in range(len(documents))]
    rows = zip(keys, page.ranked.scores.tolist(), documents, highlights, details)
    return [Hit(key, score, document, passages, *more) for key, score, document, passages, more in rows]


def named_features(page: Page, row: int) -> dict[str, float] | None:
    """One hit's features by name; None when there are none."""
    if page.ranked.features is None:
        return None
    return dict(zip(page.featureset.names, map(float, page.ranked.features[row])))


def explanation_of(page: Page, row: int, plan: Plan, snapshot: Snapshot) -> dict[str, Any]:
    """How one hit came by its score: retrieval term by term, then the model."""
    ranked = page.ranked
    retrieval = explain_retrieval(plan, snapshot, int(ranked.docs[row]))
    ref = model_ref(page.model)
    ranker = None
    if ref is not None:
        ranker = {"name": ref.name, "version": ref.version, "score": float(ranked.scores[row])}
        if page.parts is not None and ranked.features is not None:
            ranker |= told(page.parts[row], page.featureset.names, ranked.features[row])
    return {
        "score": float(ranked.scores[row]),
        "retrieval_score": float(ranked.retrieval_scores[row]),
        "retrieval": retrieval,
        "exact_forms": 1.0 if ref or not ranked.retrieval_scores[row] else float(ranked.scores[row] / ranked.retrieval_scores[row]),
        "model": ranker,
        "costs": page.costs,
    }


def explained_documents(plan: Plan, snapshot: Snapshot, model: Any, wanted: np.ndarray, depth: int) -> list[Explanation]:
    """Why each of some documents (int64[n]) has its score; outside of what a model orders one is scored as if it came last."""
    docs, scores = candidates(plan, snapshot, depth)
    missing = wanted[~np.isin(wanted, docs)]
    if len(missing):
        more, their_scores = score_documents(plan, snapshot, missing)
        docs, scores = np.concatenate([docs, more]), np.concatenate([scores, their_scores])
    page = page_of(plan, snapshot, docs, scores, model)
    costs = feature_costs(plan, snapshot, page.ranked.docs, page.ranked.retrieval_scores, page.featureset)
    matched = matched_docs(plan, snapshot)
    rows = [int(np.flatnonzero(page.ranked.docs == doc)[0]) for doc in wanted]
    return [_explained(page._replace(costs=costs), row, bool(matched[doc]), plan, snapshot) for doc, row in zip(wanted, rows)]


def _explained(page: Page, row: int, matched: bool, plan: Plan, snapshot: Snapshot) -> Explanation:
    parts = None if page.model is None else served_parts(page.ranked, page.model, len(page.ranked.docs), row, row + 1)
    one = page._replace(ranked=cut(page.ranked, row, row + 1), parts=parts)
    explanation = explanation_of(one, 0, plan, snapshot) | {"features": named_features(one, 0)}
    key = snapshot.index.key(int(one.ranked.docs[0]))
    return Explanation(key, matched, float(one.ranked.scores[0]) if matched else None, explanation)


def page_of(plan: Plan, snapshot: Snapshot, docs: np.ndarray, scores: np.ndarray, model: Any) -> Page:
    """All of some candidates as one block, with features."""
    if model is None:
        ranked = Ranked(*formed(plan, snapshot, docs, scores))
    else:
        ranked = rerank(plan, snapshot, docs, scores, model, max(1, len(docs)))
    page = Page(ranked, Total(len(docs)), model, None if model is None else model.featureset)
    return with_features(page, plan, snapshot)


def cut(ranked: Ranked, start: int, stop: int) -> Ranked:
    """Rows ``start`` to ``stop`` of a ranking."""
    features = None if ranked.features is None else ranked.features[start:stop]
    return Ranked(ranked.docs[start:stop], ranked.scores[start:stop], ranked.retrieval_scores[start:stop], features)


def page_cut(page: Page, start: int, stop: int) -> Page:
    """Rows ``start`` to ``stop`` of a page from the first rank on."""
    propensities, weights = (None if values is None else values[start:stop] for values in (page.propensities, page.weights))
    return page._replace(ranked=cut(page.ranked, start, stop), propensities=propensities, teams=page.teams[start:stop], weights=weights)


def ranking_of(page: Page, snapshot: Snapshot) -> Ranking:
    """A page as arrays with keys."""
    ranked = page.ranked
    keys = snapshot.index.keys(ranked.docs)
    fingerprint = "" if page.featureset is None else str(page.featureset.fingerprint)
    return Ranking(
        ranked.docs, keys, ranked.scores, ranked.features, ranked.retrieval_scores, snapshot.generation, model_ref(page.model), fingerprint
    )


def score_documents(plan: Plan, snapshot: Snapshot, docs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Given documents (int64[n], distinct) by falling BM25F score; those without any of the terms follow with score 0, in document order."""
    if not len(docs):
        return docs, np.zeros(0, np.float32)
    mask = np.zeros(snapshot.index.max_doc, np.bool_)
    mask[docs] = True
    # The documents are the caller's, so what the query demands of them does not matter, only what its terms give them.
    return candidates(plan._replace(mask=mask, required=None, phrase=None, minimum=None, listing=True), snapshot, len(docs))
