"""Searches that try something: lists drafted by the models of an experiment, or two near ties swapped. Which, is decided by a hash.

One session sees one list for a query, on all its pages and as often as it asks. A search without a session or a client takes no part in an
experiment, whose sessions are what is counted; it may explore, by its query id. Searches for a model by name, sorted, explained and unlogged
ones never try anything.
"""

import hashlib
from random import Random
from typing import Any, NamedTuple

import numpy as np

from ranker.experiments import Experiment
from ranker.exploration import Exploration
from ranker.interleaving import team_draft
from searchd.exact_forms import formed
from searchd.plan import Plan
from searchd.ranking import Ranked, blocks_needed, candidates, count_matches, features_of, ordered
from searchd.results import CONTEXT, Exploring, Page, page_cut
from searchd.snapshot import Snapshot


class Drafting(NamedTuple):
    """A search in an experiment, and what its draft is drawn with."""

    experiment: Experiment
    seed: int


def trial_of(snapshot: Snapshot, exploration: Exploration | None, unit: str, query_id: str, q: str) -> Drafting | Exploring | None:
    """What this search tries; ``unit`` names its session, "" for none."""
    experiment = snapshot.experiment
    if experiment is not None and unit and experiment.takes(unit):
        return Drafting(experiment, experiment.seed(unit, q))
    if exploration is not None:
        return Exploring(exploration, _seed(unit or query_id, q))
    return None


def _seed(unit: str, q: str) -> int:
    text = f"{unit}\0{q}".encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8, person=b"explore").digest(), "big")


def drafted_page(drafting: Drafting, plan: Plan, snapshot: Snapshot, limit: int, offset: int, depth: int) -> Page:
    """A page of the list that the models of an experiment draft from the same candidates.

    Its scores are those that the serving model gave to the same ranks, and its features the rows of that model, or of the default set.
    """
    experiment, window = drafting.experiment, offset + limit
    k = blocks_needed(max(window, CONTEXT), depth)
    docs, scores = candidates(plan, snapshot, k)
    rankings = _Rankings(plan, snapshot, docs, scores, depth)
    models = [snapshot.choose_model(name) for name in experiment.models]
    ranked = [rankings.by(model) for model in models]
    shared = not experiment.against_itself
    draft = team_draft([one.docs for one in ranked], window, Random(drafting.seed), experiment.alive, shared)
    place = {doc: row for row, doc in enumerate(docs.tolist())}
    rows = np.array([place[doc] for doc in draft.docs.tolist()], np.int64)
    featureset = models[0].featureset if models[0] is not None else snapshot.default_features
    shown = Ranked(draft.docs, ranked[0].scores[: len(rows)], scores[rows], rankings.features(featureset)[rows])
    total = count_matches(plan, snapshot, len(docs), k)
    page = Page(shown, total, models[0], featureset, experiment=experiment.name, teams=draft.teams, weights=draft.weights)
    return page_cut(page, offset, window)


class _Rankings:
    """The same candidates in the order of one model after another; features are computed once for all models that share them."""

    def __init__(self, plan: Plan, snapshot: Snapshot, docs: np.ndarray, scores: np.ndarray, depth: int) -> None:
        self.plan, self.snapshot, self.docs, self.scores, self.depth = plan, snapshot, docs, scores, depth
        self._features: dict[str, np.ndarray] = {}

    def by(self, model: Any) -> Ranked:
        if model is None:
            return Ranked(*formed(self.plan, self.snapshot, self.docs, self.scores))
        return ordered(self.docs, self.scores, self.features(model.featureset), model, self.depth)

    def features(self, featureset: Any) -> np.ndarray:
        """float32[n, F] of the candidates in retrieval's order."""
        name = featureset.fingerprint
        if name not in self._features:
            self._features[name] = features_of(self.plan, self.snapshot, self.docs, self.scores, featureset)
        return self._features[name]
