"""Clicks to a model of the features: the f that makes them likeliest, P(click) = theta sigmoid(f(x))."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranker.click_models import Floats

Counts = NDArray[np.integer[Any]] | Floats

EXPOSURE_CAP = 50.0  # impressions of a row that count, so that head queries do not drown the others

CLICK_PARAMETERS: dict[str, Any] = {
    "num_leaves": 15,
    "learning_rate": 0.08,
    "min_data_in_leaf": 30,
    "min_sum_hessian_in_leaf": 1e-2,
    "feature_fraction": 0.7,
    "lambda_l2": 1.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
CLICK_ROUNDS = 120
CAUTIOUS_PARAMETERS = {"num_leaves": 7, "learning_rate": 0.05, "feature_fraction": 0.3, "lambda_l2": 10.0}
CAUTIOUS_ROUNDS = 200
CAUTIOUS_BELOW = 50_000
"""Sessions; fewer say so little that trees must be small: 2 to 3 points of nDCG at 1,000 sessions, next to nothing at 10,000."""


class Foretelling(NamedTuple):
    """What features say of attractiveness. Without ``booster``, that all rows have the mean; ``start`` is its log-odds."""

    start: float
    booster: Any = None  # a lightgbm.Booster

    def __call__(self, X: NDArray[np.float32]) -> Floats:
        """float64[n] in (0, 1) for ``X`` float32[n, F]."""
        scores = np.zeros(len(X)) if self.booster is None or not len(X) else np.asarray(self.booster.predict(X.astype(np.float64)))
        return _sigmoid(scores + self.start)


def learn_to_foretell(
    X: NDArray[np.float32],
    rows: NDArray[np.int64],
    theta: Floats,
    shown: Counts,
    clicked: Counts,
    seed: int = 0,
    cautious: bool = False,
) -> Foretelling:
    """The f that maximises the likelihood of clicks, P(click) = theta sigmoid(f(x)).

    ``rows``, ``theta``, ``shown`` and ``clicked`` describe cells: a cell of row r was shown so often at propensity theta, and clicked. A
    row counts at most 50 impressions. Where features tell no rows apart, all have the mean. ``cautious``: with small trees, for small logs.
    """
    theta = np.minimum(theta, 0.999)
    capped = _capped(rows, shown, len(X))
    n, c = shown * capped, np.minimum(clicked, shown) * capped
    share = np.clip(clicked.sum() / max((shown * theta).sum(), 1.0), 0.01, 0.9)
    start = float(np.log(share / (1 - share)))
    if not _tells_apart(X):
        return Foretelling(start)

    def objective(scores: Floats, _: Any) -> tuple[Floats, Floats]:
        return click_gradients(np.asarray(scores, np.float64), rows, theta, n, c)

    options: dict[str, Any] = {
        "init_score": np.full(len(X), start),
        "free_raw_data": False,
        "params": {"feature_pre_filter": False, "verbose": -1},
    }
    import lightgbm  # where it is needed: serving never needs it

    data = lightgbm.Dataset(X.astype(np.float64), np.zeros(len(X)), **options)
    settings = {**CLICK_PARAMETERS, **(CAUTIOUS_PARAMETERS if cautious else {}), "seed": seed, "objective": objective}
    return Foretelling(start, lightgbm.train(settings, data, CAUTIOUS_ROUNDS if cautious else CLICK_ROUNDS))


def click_likelihood(X: NDArray[np.float32], *cells: Any, **settings: Any) -> Floats:
    """What `learn_to_foretell` of the same arguments foretells of all their rows, float64[R]; a row never shown is foretold like any other."""
    return learn_to_foretell(X, *cells, **settings)(X)


def _tells_apart(X: NDArray[np.float32]) -> bool:
    """Whether trees can be grown: LightGBM refuses tables without two leaves' worth of rows, or without a column that varies."""
    if len(X) < 2 * CLICK_PARAMETERS["min_data_in_leaf"]:
        return False
    return bool((np.nanmax(X, axis=0, initial=-np.inf) > np.nanmin(X, axis=0, initial=np.inf)).any())


def _capped(rows: NDArray[np.int64], shown: Counts, num_rows: int) -> Floats:
    """For each cell, the factor that brings the impressions of its row down to the cap."""
    total = np.bincount(rows, weights=shown, minlength=num_rows)
    return (np.minimum(total, EXPOSURE_CAP) / np.maximum(total, 1e-9))[rows]


def click_gradients(scores: Floats, rows: NDArray[np.int64], theta: Floats, n: Floats, c: Floats) -> tuple[Floats, Floats]:
    """First derivative of the negative log likelihood, and its expected second one, by score; float64[R] each."""
    s = _sigmoid(scores)[rows]
    not_clicked = 1 - s * theta
    gradient = -(c * (1 - s) - (n - c) * theta * s * (1 - s) / not_clicked)
    curvature = n * theta * s * (1 - s) ** 2 / not_clicked
    return _summed(rows, gradient, len(scores)), _summed(rows, curvature, len(scores)) + 1e-6


def _summed(rows: NDArray[np.int64], cells: Floats, num_rows: int) -> Floats:
    return np.bincount(rows, cells, num_rows).astype(np.float64)


def _sigmoid(scores: Floats) -> Floats:
    return 1 / (1 + np.exp(-scores))
