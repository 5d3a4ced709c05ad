"""Pointwise, pairwise and listwise rankers: each a choice of objectives behind `fit` and `predict`.

Among tuned objectives nothing is worth more than a point of nDCG; below some hundred queries regularisation is. So there are two sets of
parameters, chosen by the number of queries, and fixed numbers of rounds: nothing is tuned on the data it learns from. The same data, seed
and version give the same model, byte for byte, interrupted or not.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

import numpy as np

from indexer.errors import SearchdError
from ranker.boosting import Job, Seen, grow
from ranker.checkpoints import Checkpoints
from ranker.forest import build_forest
from ranker.lightgbm_text import parse_model
from ranker.objectives import OBJECTIVES, Objective

SMALL = 500  # queries; below it the strongly regularised parameters are used
SMALL_PARAMETERS: dict[str, Any] = {
    "num_leaves": 7, "learning_rate": 0.05, "feature_fraction": 0.3, "lambda_l2": 10.0, "min_data_in_leaf": 20, "rounds": 200,
}  # fmt: skip
LARGE_PARAMETERS: dict[str, Any] = {
    "num_leaves": 15, "learning_rate": 0.08, "feature_fraction": 0.7, "lambda_l2": 1.0, "min_data_in_leaf": 30, "rounds": 120,
}  # fmt: skip
SOFT_SMALL_PARAMETERS = {**SMALL_PARAMETERS, "rounds": 300}  # soft grades bear more: known queries gain, new ones lose less


class UnknownFamily(SearchdError):
    """No such family, or no such objective in it."""

    code = "unknown_family"


class UnknownFeature(SearchdError):
    """A constraint on a feature that the data does not have."""

    code = "unknown_feature"


class More(NamedTuple):
    """What rows may have besides features and grades, float64[n] each.

    ``importance``: how much a row counts in any loss (judged queries among clicked ones). ``rates``: clicks per look, before they were
    shrunk to soft grades, and ``looks``, how many they are of. ``positions`` int32[n]: the ranks at which the rows of sessions were shown.
    """

    importance: np.ndarray | None = None
    rates: np.ndarray | None = None
    positions: np.ndarray | None = None
    looks: np.ndarray | None = None


NOTHING_MORE = More()


class Ranker:
    """Estimator: ``fit`` learns from rows grouped by query, ``predict`` gives scores; ``text_`` is LightGBM's model text afterwards.

    ``objective``: one of the family's; by default the first one, or the one for soft grades. ``increasing`` and ``decreasing`` name features
    with which the score may only rise, or fall. ``parameters`` are LightGBM's, and ``rounds``.
    """

    family: ClassVar[str]
    for_grades: ClassVar[str]
    for_clicks: ClassVar[str]

    def __init__(
        self, objective: str | None = None, random_state: int = 0, jobs: int = 1, increasing: Iterable[str] = (),
        decreasing: Iterable[str] = (), checkpoints: Checkpoints | None = None, seen: Seen | None = None, **parameters: Any,
    ):  # fmt: skip
        self.objective = objective
        self.random_state = random_state
        self.jobs = jobs
        self.increasing, self.decreasing = tuple(increasing), tuple(decreasing)
        self.checkpoints = checkpoints
        self.seen = seen
        self.parameters = parameters

    def fit(
        self, x: np.ndarray, grades: np.ndarray, group: np.ndarray, weights: np.ndarray | None = None,
        soft: bool = False, names: tuple[str, ...] | None = None, more: More = NOTHING_MORE,
    ) -> "Ranker":  # fmt: skip
        """Learn from ``x`` float32[n, F] and ``grades`` float32[n] of queries of ``group`` rows; ``soft`` grades lie in 0..1.

        ``weights`` float32[n] say how much soft grades count; they weigh documents in pointwise losses only, since pairs and lists are
        weighed by the measure they optimise.
        """
        self.names_ = names or tuple(f"Column_{i}" for i in range(x.shape[1]))
        chosen = self._chosen(soft)
        labels, told = chosen.labels(np.asarray(grades, np.float64), soft)
        settings = {**self._settings(len(group), soft), **self._constraints(), **told}
        rounds = settings.pop("rounds")
        by_row = weights if chosen.family == "pointwise" and soft else None
        job = Job(
            np.ascontiguousarray(x, np.float32), labels, np.asarray(group, np.int64), _product(by_row, more.importance),
            more.positions, settings, rounds, chosen.grouped, chosen.gradients, self.random_state, self.jobs,
        )  # fmt: skip
        self.text_ = grow(job, self.checkpoints, self.seen)
        self.forest_ = build_forest(parse_model(self.text_))
        self.settings_ = {"objective": chosen.name, "seed": self.random_state, "rounds": rounds, **_shown(settings)}
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """float64[n] raw scores: greater is better."""
        return self.forest_.score(x)

    def _chosen(self, soft: bool) -> Objective:
        name = self.objective or (self.for_clicks if soft else self.for_grades)
        if name not in OBJECTIVES or OBJECTIVES[name].family != self.family:
            raise UnknownFamily(f"expected an objective of {', '.join(objectives_of(self.family))} for {self.family}, found {name!r}")
        return OBJECTIVES[name]

    def _settings(self, num_queries: int, soft: bool) -> dict[str, Any]:
        small = SOFT_SMALL_PARAMETERS if soft else SMALL_PARAMETERS
        return {**(small if num_queries < SMALL else LARGE_PARAMETERS), **self.parameters}

    def _constraints(self) -> dict[str, Any]:
        unknown = [name for name in (*self.increasing, *self.decreasing) if name not in self.names_]
        if unknown:
            raise UnknownFeature(f"expected features to constrain, found {', '.join(unknown)}; see `ranker features list`")
        if not self.increasing and not self.decreasing:
            return {}
        return {"monotone_constraints": [(name in self.increasing) - (name in self.decreasing) for name in self.names_]}


class Pointwise(Ranker):
    """Each document alone: L2 on grades of people, cross-entropy on soft grades of clicks."""

    family, for_grades, for_clicks = "pointwise", "l2", "cross-entropy"


class Pairwise(Ranker):
    """Pairs of a query's documents, weighted by what swapping them does to nDCG (LambdaMART)."""

    family, for_grades, for_clicks = "pairwise", "lambdarank", "lambdarank"


class Listwise(Ranker):
    """The whole list at once: cross-entropy with a distribution drawn from the gains (XE-NDCG, Bruch 2021); ListNet; ListMLE."""

    family, for_grades, for_clicks = "listwise", "xendcg", "xendcg"


def objectives_of(family_name: str) -> list[str]:
    """Names of a family's objectives."""
    return [one.name for one in OBJECTIVES.values() if one.family == family_name]


def _product(first: np.ndarray | None, second: np.ndarray | None) -> np.ndarray | None:
    if first is None or second is None:
        return first if second is None else second
    return first * second


def _shown(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings worth telling in a model card."""
    return {key: value for key, value in settings.items() if key not in ("label_gain", "objective", "monotone_constraints")}
