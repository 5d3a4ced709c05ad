"""The three families of learning to rank, each a LightGBM objective behind `fit` and `predict`.

Among tuned objectives nothing is worth more than a point of nDCG; below some hundred queries regularisation is. So each family has two sets
of parameters, chosen by the number of queries, and fixed numbers of rounds: nothing is tuned on the data it learns from. The same data, seed
and version give the same model, byte for byte.
"""

from typing import Any, ClassVar

import numpy as np

from indexer.errors import SearchdError

SMALL = 350  # queries; below it the strongly regularised parameters won on every real set measured
SMALL_PARAMETERS: dict[str, Any] = {
    "num_leaves": 7, "learning_rate": 0.05, "feature_fraction": 0.3, "lambda_l2": 10.0, "min_data_in_leaf": 20, "rounds": 200,
}  # fmt: skip
LARGE_PARAMETERS: dict[str, Any] = {
    "num_leaves": 15, "learning_rate": 0.08, "feature_fraction": 0.7, "lambda_l2": 1.0, "min_data_in_leaf": 30, "rounds": 120,
}  # fmt: skip
SOFT_SMALL_PARAMETERS = {**SMALL_PARAMETERS, "rounds": 300}  # soft grades bear more: known queries gain, new ones lose less
LINEAR_LEVELS = 30  # soft grades become integers 0..30 with linear gains
EXPONENTIAL_BITS = 5  # or levels 0..5 where the objective's gain is 2^level - 1


class UnknownFamily(SearchdError):
    """No such family."""

    code = "unknown_family"


class Ranker:
    """Estimator: ``fit`` learns from rows grouped by query, ``predict`` gives scores; ``text_`` is LightGBM's model text afterwards."""

    objective: ClassVar[str]
    family: ClassVar[str]

    def __init__(self, random_state: int = 0, jobs: int = 1, **parameters: Any):
        self.random_state = random_state
        self.jobs = jobs
        self.parameters = parameters

    def fit(
        self, x: np.ndarray, grades: np.ndarray, group: np.ndarray, weights: np.ndarray | None = None,
        soft: bool = False, names: tuple[str, ...] | None = None,
    ) -> "Ranker":  # fmt: skip
        """Learn from ``x`` float32[n, F] and ``grades`` float32[n] of queries of ``group`` rows; ``soft`` grades lie in 0..1."""
        import lightgbm  # imported where it is needed: serving never needs it

        labels, settings = self._labels(np.asarray(grades, np.float64), soft)
        settings = {**self._settings(len(group), soft), **settings}
        rounds = settings.pop("rounds")
        columns = [f"Column_{i}" for i in range(x.shape[1])]
        data = lightgbm.Dataset(
            np.ascontiguousarray(x, np.float64), labels, group=np.asarray(group) if self._grouped(settings) else None,
            weight=weights, feature_name=columns, params={"verbose": -1}, free_raw_data=True,
        )  # fmt: skip
        self.booster_ = lightgbm.train(settings, data, rounds)
        self.text_ = self.booster_.model_to_string()
        self.names_ = names or tuple(columns)
        self.settings_ = {k: v for k, v in settings.items() if k != "label_gain"} | {"rounds": rounds}
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """float64[n] raw scores: greater is better."""
        return np.asarray(self.booster_.predict(np.asarray(x, np.float32), raw_score=True))

    def _settings(self, num_queries: int, soft: bool) -> dict[str, Any]:
        small = SOFT_SMALL_PARAMETERS if soft else SMALL_PARAMETERS
        base = small if num_queries < SMALL else LARGE_PARAMETERS
        fixed = {"objective": self.objective, "seed": self.random_state, "num_threads": self.jobs, "verbose": -1}
        return {**fixed, "deterministic": True, "force_row_wise": True, **base, **self.parameters}

    @staticmethod
    def _grouped(settings: dict[str, Any]) -> bool:
        return settings["objective"] in ("lambdarank", "rank_xendcg")

    def _labels(self, grades: np.ndarray, soft: bool) -> tuple[np.ndarray, dict[str, Any]]:
        raise AssertionError("families say what their labels are")


class Pointwise(Ranker):
    """Each document alone: L2 on grades of people, cross-entropy on soft grades of clicks (weights are exposures)."""

    family, objective = "pointwise", "regression"

    def _labels(self, grades: np.ndarray, soft: bool) -> tuple[np.ndarray, dict[str, Any]]:
        return (np.clip(grades, 0, 1), {"objective": "cross_entropy"}) if soft else (grades, {})


class Pairwise(Ranker):
    """Pairs of a query's documents, weighted by what swapping them does to nDCG (LambdaMART)."""

    family, objective = "pairwise", "lambdarank"

    def _labels(self, grades: np.ndarray, soft: bool) -> tuple[np.ndarray, dict[str, Any]]:
        top = {"lambdarank_truncation_level": 15}
        if soft:
            return linear_levels(grades), {**top, "label_gain": list(range(LINEAR_LEVELS + 1))}
        return np.round(grades), top


class Listwise(Ranker):
    """The whole list at once: cross-entropy with a distribution drawn from the gains (XE-NDCG, Bruch 2021)."""

    family, objective = "listwise", "rank_xendcg"

    def _labels(self, grades: np.ndarray, soft: bool) -> tuple[np.ndarray, dict[str, Any]]:
        return (exponential_levels(grades) if soft else np.round(grades)), {}


FAMILIES: dict[str, type[Ranker]] = {c.family: c for c in (Pointwise, Pairwise, Listwise)}


def family(name: str) -> type[Ranker]:
    """The class of a family; raises UnknownFamily."""
    if name not in FAMILIES:
        raise UnknownFamily(f"expected a family of {', '.join(FAMILIES)}, found {name!r}")
    return FAMILIES[name]


def linear_levels(grades: np.ndarray) -> np.ndarray:
    """Soft grades to 0..30, the best half per cent of them on top."""
    return np.clip(np.round(LINEAR_LEVELS * _scaled(grades)), 0, LINEAR_LEVELS)


def exponential_levels(grades: np.ndarray) -> np.ndarray:
    """Soft grades to 0..5 such that 2^level - 1 is linear in the grade, since rank_xendcg's gains cannot be set."""
    return np.clip(np.round(np.log2(1 + (2**EXPONENTIAL_BITS - 1) * _scaled(grades))), 0, EXPONENTIAL_BITS)


def _scaled(grades: np.ndarray) -> np.ndarray:
    top = np.quantile(grades, 0.995) if len(grades) else 1.0
    return np.clip(grades / max(float(top), 1e-9), 0, 1)
