"""What a ranker is trained to get right: an objective turns grades into labels and says what LightGBM is told to do with them.

Hard grades are those of people, 0, 1, 2, ..., whose gain is 2^grade - 1; soft grades are relevances in 0..1 from clicks, whose gain is linear.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ranker.list_losses import best_first, listmle, listnet

LINEAR_LEVELS = 30  # soft grades become integers 0..30 with linear gains
EXPONENTIAL_BITS = 5  # or levels 0..5 where the objective's gain is 2^level - 1
TRUNCATION = 15  # ranks that lambdarank cares for

Labelled = tuple[np.ndarray, dict[str, Any]]
Gradients = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
MakeGradients = Callable[[np.ndarray, np.ndarray, int], Gradients]


class Objective(NamedTuple):
    """``labels(grades, soft)`` gives labels float64[n] and settings. ``gradients(labels, bounds, seed)``: a loss of our own, by scores."""

    name: str
    family: str
    labels: Callable[[np.ndarray, bool], Labelled]
    grouped: bool = False  # whether LightGBM looks at queries
    gradients: MakeGradients | None = None


def linear_levels(grades: np.ndarray) -> np.ndarray:
    """Soft grades to 0..30, the best half per cent of them on top."""
    return np.clip(np.round(LINEAR_LEVELS * _scaled(grades)), 0, LINEAR_LEVELS)


def exponential_levels(grades: np.ndarray) -> np.ndarray:
    """Soft grades to 0..5 such that 2^level - 1 is linear in the grade, since rank_xendcg's gains cannot be set."""
    return np.clip(np.round(np.log2(1 + (2**EXPONENTIAL_BITS - 1) * _scaled(grades))), 0, EXPONENTIAL_BITS)


def _scaled(grades: np.ndarray) -> np.ndarray:
    top = np.quantile(grades, 0.995) if len(grades) else 1.0
    return np.clip(grades / max(float(top), 1e-9), 0, 1)


def _l2(grades: np.ndarray, soft: bool) -> Labelled:
    return grades, {"objective": "regression"}


def _cross_entropy(grades: np.ndarray, soft: bool) -> Labelled:
    top = 1.0 if soft else max(float(grades.max(initial=0.0)), 1.0)
    return np.clip(grades / top, 0, 1), {"objective": "cross_entropy"}


def _lambdarank(grades: np.ndarray, soft: bool) -> Labelled:
    settings: dict[str, Any] = {"objective": "lambdarank", "lambdarank_truncation_level": TRUNCATION}
    if soft:
        return linear_levels(grades), {**settings, "label_gain": list(range(LINEAR_LEVELS + 1))}
    return np.round(grades), settings


def _xendcg(grades: np.ndarray, soft: bool) -> Labelled:
    return (exponential_levels(grades) if soft else np.round(grades)), {"objective": "rank_xendcg"}


def _gains(grades: np.ndarray, soft: bool) -> Labelled:
    return (np.clip(grades, 0, 1) if soft else 2.0**grades - 1), {"min_sum_hessian_in_leaf": 1e-3}


def _listnet(labels: np.ndarray, bounds: np.ndarray, seed: int) -> Gradients:
    return lambda scores: listnet(scores, labels, bounds)


def _listmle(labels: np.ndarray, bounds: np.ndarray, seed: int) -> Gradients:
    chance = np.random.default_rng(seed)
    return lambda scores: listmle(scores, best_first(labels, bounds, chance), bounds)


OBJECTIVES: dict[str, Objective] = {
    one.name: one
    for one in (
        Objective("l2", "pointwise", _l2),
        Objective("cross-entropy", "pointwise", _cross_entropy),
        Objective("lambdarank", "pairwise", _lambdarank, grouped=True),
        Objective("xendcg", "listwise", _xendcg, grouped=True),
        Objective("listnet", "listwise", _gains, gradients=_listnet),
        Objective("listmle", "listwise", _gains, gradients=_listmle),
    )
}
