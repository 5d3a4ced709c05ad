"""Clicks to soft relevance grades: what a ranker is trained to reproduce.

The default: how often each row was looked at (its *exposure*, below); then a model f of relevance that maximises the likelihood of the clicks
given the exposures; then an empirical-Bayes grade for each row, (clicks + 20 sigmoid(f(x))) / (exposure + 20). Rows with many impressions
speak for themselves, the others for their features. (Shrinking to a constant instead costs points: it lifts what was hardly seen to the
mean.)

People differ in how they look at a list, and a wrong exposure of the lower ranks is what costs most. So exposure is the mean of two accounts:
by one, rank k is looked at with the propensity theta_k whatever was clicked; by the other, all is looked at up to the last click and nothing
below it, and only in sessions without a click do propensities decide. Each account alone costs several points of nDCG for some kind of
simulated user; their mean costs about two at most.
"""

from typing import Any, NamedTuple

import lightgbm
import numpy as np
from numpy.typing import NDArray

from ranker.click_models import NaiveCTR
from ranker.propensity import harvest, power_law
from ranker.reading_models import SDBN, examined_positions
from ranker.sessions import ClickData, Sessions

Floats = NDArray[np.float64]
Counts = NDArray[np.integer[Any]] | Floats

MIN_SESSIONS = 300
"""Below, nothing is learned from clicks: a model would be worse than none."""
PRIOR_IMPRESSIONS = 20.0
EXPOSURE_CAP = 50.0
TOP_QUANTILE = 0.995

CLICK_PARAMETERS = {
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


class Targets(NamedTuple):
    """What to train on, a value a row of ``ClickData``.

    ``grades`` float64[R] in [0, 1]: relevance, where 1 is the best 0.5 % of rows; cut them into 31 levels with linear gains for lambdarank.
    ``weights`` float64[R]: impressions that were looked at, at most 50; for pointwise losses only. ``theta`` float64[K]: the propensities
    used. ``chosen`` says how they were found ("exponent" or "harvested") or names the method, "none" when there are too few sessions to train
    at all; ``why`` is a sentence for the model card. ``rates`` float64[R] in [0, 1]: clicks per look, not shrunk.
    """

    grades: Floats
    weights: Floats
    theta: Floats
    chosen: str
    why: str
    rates: Floats | None = None


def estimate_relevance(data: ClickData, method: str = "default", seed: int = 0) -> Targets:
    """Grades for all rows of ``data`` by ``method``: "default", "naive" (click rate) or "sdbn". Raises ``ValueError`` for another name."""
    num_ranks = data.shown.shape[1]
    if data.num_sessions < MIN_SESSIONS:
        model = NaiveCTR().fit(data)
        why = f"{data.num_sessions} sessions; below {MIN_SESSIONS} nothing is learned from clicks"
        return _targets(model.attractiveness_, model.exposure_, power_law(num_ranks), "none", why)
    if method == "naive":
        naive = NaiveCTR().fit(data)
        return _targets(naive.attractiveness_, naive.exposure_, np.ones(num_ranks), "naive", "click rates, not corrected for position")
    if method == "sdbn":
        return _by_sdbn(data, seed)
    if method == "default":
        return _by_likelihood(data, seed)
    raise ValueError(f"expected a method of default, naive or sdbn, found {method!r}")


def choose_theta(data: ClickData) -> tuple[Floats, str, str]:
    """Propensities for this log, how they were found, and why so."""
    found = harvest(data.shown, data.clicked)
    seen = f"{data.num_sessions} sessions, {found.clicks:.0f} clicks harvested from {found.pairs} pairs of ranks"
    if found.supported:
        return found.theta, "harvested", f"{seen}: theta by rank, floored at 0.9/k"
    return found.theta, "exponent", f"{seen}: too few for each rank, theta = k^-{found.exponent:.2f}"


def _by_likelihood(data: ClickData, seed: int) -> Targets:
    theta, chosen, why = choose_theta(data)
    exposure = exposures(data, theta)
    rates = np.clip(data.clicked.sum(axis=1) / np.maximum(exposure, 1e-9), 0.0, 1.0)
    return _targets(_shrunk_to_features(data, exposure, seed), exposure, theta, chosen, why)._replace(rates=rates)


def _by_sdbn(data: ClickData, seed: int) -> Targets:
    model = SDBN().fit(data)
    grades = _shrunk_to_features(data, model.exposure_, seed)
    return _targets(grades, model.exposure_, np.ones(data.shown.shape[1]), "sdbn", "simplified DBN, shrunk towards a model of the features")


def _shrunk_to_features(data: ClickData, exposure: Floats, seed: int) -> Floats:
    """Relevance of each row from its clicks and looks, as far as there are many, and from a model of the features of all rows."""
    clicks, everything = data.clicked.sum(axis=1), np.arange(len(data.row_key))
    predicted = click_likelihood(data.X, everything, np.ones(len(everything)), exposure, clicks, seed)
    return empirical_bayes(clicks, exposure, predicted)


def exposures(data: ClickData, theta: Floats) -> Floats:
    """Impressions of each row that were looked at, float64[R]: the mean of the two accounts of how people look."""
    sessions = data.sessions
    by_rank = theta[sessions.ranks]
    with_click = np.repeat(_clicks_of_sessions(sessions) > 0, np.diff(sessions.offsets))
    up_to_last_click, _ = examined_positions(data.sessions)
    by_reading = np.where(with_click, up_to_last_click, by_rank)
    return np.bincount(sessions.rows, (by_rank + by_reading) / 2, len(data.row_key)).astype(np.float64)


def _clicks_of_sessions(sessions: Sessions) -> NDArray[np.int64]:
    total = np.concatenate([[0], np.cumsum(sessions.clicked)])
    return total[sessions.offsets[1:]] - total[sessions.offsets[:-1]]


def empirical_bayes(clicks: Counts, exposure: Floats, predicted: Floats) -> Floats:
    """(clicks + 20 predicted) / (exposure + 20)."""
    return (clicks + PRIOR_IMPRESSIONS * predicted) / (exposure + PRIOR_IMPRESSIONS)


def _targets(relevance: Floats, exposure: Floats, theta: Floats, chosen: str, why: str) -> Targets:
    top = np.quantile(relevance, TOP_QUANTILE) if len(relevance) else 1.0
    grades = np.clip(relevance / max(top, 1e-9), 0.0, 1.0)
    return Targets(grades, np.minimum(exposure, EXPOSURE_CAP), theta, chosen, why)


def click_likelihood(
    X: NDArray[np.float32],
    rows: NDArray[np.int64],
    theta: Floats,
    shown: Counts,
    clicked: Counts,
    seed: int = 0,
) -> Floats:
    """sigmoid(f(x)) float64[R] for the f that maximises the likelihood of clicks, P(click) = theta sigmoid(f(x)).

    ``rows``, ``theta``, ``shown`` and ``clicked`` describe cells: a cell of row r was shown so often at propensity theta, and clicked. A
    row counts at most 50 impressions, so that head queries do not drown the others; a row never shown is predicted like any other.
    """
    theta = np.minimum(theta, 0.999)
    capped = _capped(rows, shown, len(X))
    n, c = shown * capped, np.minimum(clicked, shown) * capped
    share = np.clip(clicked.sum() / max((shown * theta).sum(), 1.0), 0.01, 0.9)
    start = float(np.log(share / (1 - share)))

    def objective(scores: Floats, _: lightgbm.Dataset) -> tuple[Floats, Floats]:
        return click_gradients(np.asarray(scores, np.float64), rows, theta, n, c)

    data = lightgbm.Dataset(X.astype(np.float64), np.zeros(len(X)), init_score=np.full(len(X), start), free_raw_data=False)
    booster = lightgbm.train({**CLICK_PARAMETERS, "seed": seed, "objective": objective}, data, CLICK_ROUNDS)
    return _sigmoid(np.asarray(booster.predict(X.astype(np.float64))) + start)


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
