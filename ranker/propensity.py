"""Clicks by rank to the chance that each rank is looked at: examination propensities, relative to the first rank.

AllPairs intervention harvesting (Agarwal et al., WSDM 2019): when the same document of the same query was shown at ranks i and j, whatever
made the ranking differ, its click rates there differ by the ratio theta_i / theta_j alone. A theta for every rank needs tens of thousands of
sessions; one exponent, theta = k^-eta, is known to a tenth from a few thousand, since all pairs of ranks bear on it. So a small log gives
the exponent, drawn towards 0.5 as far as it is not sure, and a large one corrects the curve rank by rank. The estimate is then made safe:
theta never rises with the rank and has a floor of 0.9 / k, for correcting too much costs far more than correcting too little.
"""

from typing import NamedTuple

import numpy as np
import scipy  # loads its parts when they are asked for
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MIN_PAIR_CLICKS = 30
MIN_HARVESTED_CLICKS = 2_000
CURVE_WEIGHT = 0.5
"""Weight of one step of k^-eta in the least squares, where a pair of ranks has the root of the clicks it rests on."""
PRIOR_EXPONENT, PRIOR_SPREAD = 0.5, 0.25
"""What is believed of eta before any click: its mean, and the standard deviation around it."""
STEEPEST_EXPONENT = 1.0


class Harvest(NamedTuple):
    """``theta`` float64[K], theta[0] = 1, and the ``exponent`` eta behind it; ``clicks`` on the ``pairs`` of ranks that have support.

    Without enough of those, theta is k^-eta.
    """

    theta: Floats
    exponent: float
    clicks: float
    pairs: int

    @property
    def supported(self) -> bool:
        return self.pairs > 0 and self.clicks >= MIN_HARVESTED_CLICKS


def power_law(num_ranks: int, exponent: float = PRIOR_EXPONENT) -> Floats:
    """k^-exponent for k = 1..K."""
    return np.arange(1, num_ranks + 1, dtype=np.float64) ** -exponent


def harvest(shown: NDArray[np.int32], clicked: NDArray[np.int32], min_pair_clicks: float = MIN_PAIR_CLICKS) -> Harvest:
    """Propensities from ``shown`` and ``clicked`` int[R, K].

    A pair of ranks has support with at least ``min_pair_clicks`` clicks on both sides; below 2,000 clicks on such pairs in all, only the
    exponent is estimated, from every pair.
    """
    num_ranks = shown.shape[1]
    clicks = all_pairs(shown, clicked)
    enough = clicks >= min_pair_clicks
    upper = np.argwhere(np.triu(enough & enough.T, 1))
    harvested = float(sum(clicks[i, j] + clicks[j, i] for i, j in upper))
    exponent = estimated_exponent(clicks)
    found = Harvest(power_law(num_ranks, exponent), exponent, harvested, len(upper))
    if not found.supported:
        return found
    return found._replace(theta=safe(np.exp(_least_squares(clicks, upper, found.theta))))


def estimated_exponent(clicks: Floats) -> float:
    """eta of theta = k^-eta, at most 1, from clicks A[i, j] of `all_pairs`; 0.5 without any.

    Of the clicks on a pair of ranks i < j, the share at i is theta_i / (theta_i + theta_j) = sigmoid(eta log(j / i)): a logistic regression
    with one coefficient, which has a normal prior.
    """
    i, j = np.triu_indices(len(clicks), 1)
    upper, both, slope = clicks[i, j], clicks[i, j] + clicks[j, i], np.log((j + 1) / (i + 1))

    def distance(eta: float) -> float:
        log_likelihood = upper @ scipy.special.log_expit(eta * slope) + (both - upper) @ scipy.special.log_expit(-eta * slope)
        return float((eta - PRIOR_EXPONENT) ** 2 / (2 * PRIOR_SPREAD**2) - log_likelihood)

    if not both.any():
        return PRIOR_EXPONENT
    return float(scipy.optimize.minimize_scalar(distance, bounds=(0.0, STEEPEST_EXPONENT), method="bounded").x)


def all_pairs(shown: NDArray[np.int32], clicked: NDArray[np.int32]) -> Floats:
    """A[i, j].

    Clicks at rank i of rows shown at both i and j, each row weighted by the lesser of its two impression counts; float64[K, K].
    """
    num_ranks = shown.shape[1]
    rate = clicked / np.maximum(shown, 1)
    A = np.zeros((num_ranks, num_ranks))
    for i in range(num_ranks):
        at_i = np.flatnonzero(shown[:, i])
        weights = np.minimum(shown[at_i, i, None], shown[at_i])
        A[i] = (weights * rate[at_i, i, None]).sum(axis=0)
        A[i, i] = 0.0
    return A


def _least_squares(clicks: Floats, pairs: NDArray[np.int64], curve: Floats) -> Floats:
    """log theta that fits the log ratios of all supported pairs, and the steps of ``curve`` where no pair speaks."""
    num_ranks = len(clicks)
    equations, targets, weights = [], [], []
    for i, j in pairs:
        equations.append(_difference(i, j, num_ranks))
        targets.append(np.log(clicks[i, j] / clicks[j, i]))
        weights.append((1 / clicks[i, j] + 1 / clicks[j, i]) ** -0.5)
    log_curve = np.log(curve)
    for k in range(1, num_ranks):
        equations.append(_difference(k, k - 1, num_ranks))
        targets.append(log_curve[k] - log_curve[k - 1])
        weights.append(CURVE_WEIGHT)
    equations.append(np.eye(num_ranks)[0])
    targets.append(0.0)
    weights.append(1e4)
    w = np.array(weights)
    return np.linalg.lstsq(np.array(equations) * w[:, None], np.array(targets) * w, rcond=None)[0]


def _difference(i: int, j: int, num_ranks: int) -> Floats:
    row = np.zeros(num_ranks)
    row[i], row[j] = 1.0, -1.0
    return row


def safe(theta: Floats) -> Floats:
    """``theta`` never rising, starting at 1, at least 0.9 / k."""
    ranks = np.arange(1, len(theta) + 1)
    falling = np.exp(scipy.optimize.isotonic_regression(np.log(np.maximum(theta, 1e-6)), increasing=False).x)
    return np.clip(falling / falling[0], 0.9 / ranks, 1.0)
