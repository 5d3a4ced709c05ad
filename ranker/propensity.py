"""Clicks by rank to the chance that each rank is looked at: examination propensities, relative to the first rank.

AllPairs intervention harvesting (Agarwal et al., WSDM 2019): when the same document of the same query was shown at ranks i and j, whatever
made the ranking differ, its click rates there differ by the ratio theta_i / theta_j alone. The estimate is then made safe. Correcting too
little costs about one point of nDCG, correcting too much thirty: so theta has a floor of 0.9 / k, never rises with the rank, and where
there is no support it falls like the prior k^-0.5.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

Floats = NDArray[np.float64]

MIN_PAIR_CLICKS = 30
MIN_HARVESTED_CLICKS = 2_000
PRIOR_WEIGHT = 0.5
"""Weight of one prior step in the least squares, where a pair of ranks has the root of the clicks it rests on."""


class Harvest(NamedTuple):
    """``theta`` float64[K], theta[0] = 1.

    The clicks it rests on; and how many pairs of ranks had support. The prior when there was too little.
    """

    theta: Floats
    clicks: float
    pairs: int

    @property
    def supported(self) -> bool:
        return self.pairs > 0 and self.clicks >= MIN_HARVESTED_CLICKS


def prior(num_ranks: int) -> Floats:
    """k^-0.5 for k = 1..K."""
    return np.arange(1, num_ranks + 1, dtype=np.float64) ** -0.5


def harvest(shown: NDArray[np.int32], clicked: NDArray[np.int32], min_pair_clicks: float = MIN_PAIR_CLICKS) -> Harvest:
    """Propensities from ``shown`` and ``clicked`` int[R, K].

    A pair of ranks counts with at least ``min_pair_clicks`` clicks on both sides; below 2,000 harvested clicks in all the prior is
    returned.
    """
    num_ranks = shown.shape[1]
    clicks = all_pairs(shown, clicked)
    enough = clicks >= min_pair_clicks
    upper = np.argwhere(np.triu(enough & enough.T, 1))
    harvested = float(sum(clicks[i, j] + clicks[j, i] for i, j in upper))
    found = Harvest(prior(num_ranks), harvested, len(upper))
    if not found.supported:
        return found
    return found._replace(theta=safe(np.exp(_least_squares(clicks, upper))))


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


def _least_squares(clicks: Floats, pairs: NDArray[np.int64]) -> Floats:
    """log theta that fits the log ratios of all supported pairs, and the prior's steps where no pair speaks."""
    num_ranks = len(clicks)
    equations, targets, weights = [], [], []
    for i, j in pairs:
        equations.append(_difference(i, j, num_ranks))
        targets.append(np.log(clicks[i, j] / clicks[j, i]))
        weights.append((1 / clicks[i, j] + 1 / clicks[j, i]) ** -0.5)
    log_prior = np.log(prior(num_ranks))
    for k in range(1, num_ranks):
        equations.append(_difference(k, k - 1, num_ranks))
        targets.append(log_prior[k] - log_prior[k - 1])
        weights.append(PRIOR_WEIGHT)
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
    falling = np.exp(isotonic_regression(np.log(np.maximum(theta, 1e-6)), increasing=False).x)
    return np.clip(falling / falling[0], 0.9 / ranks, 1.0)


def tempered(theta: Floats) -> Floats:
    """Half-way, geometrically, between a safe ``theta`` and the prior: for logs too small to trust the harvest alone."""
    return np.sqrt(safe(theta) * prior(len(theta)))
