"""Clicks of many queries to rates that can be compared: few looks are drawn towards the rate of all, as far as queries are known to be alike.

A query with 0 clicks of 3 looks is no bad query, and one with 1 of 1 no good one. Rates of queries are taken for draws of one Beta distribution; its
two parameters are estimated from all queries by moments, and every query's own rate is then the mean of what is left to believe of it.
"""

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

LEAST_STRENGTH, MOST_STRENGTH = 2.0, 1000.0


class Prior(NamedTuple):
    """What is believed of a query before its own clicks are looked at: ``rate``, as firmly as after ``strength`` looks."""

    rate: float
    strength: float


class Shrunk(NamedTuple):
    """Of each query float64[Q]: the shrunk rate, and the interval that holds it with 95 %."""

    rate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def prior_of(clicked: NDArray[np.int64], looks: NDArray[np.int64]) -> Prior:
    """The Beta distribution that rates of queries come from, int64[Q] each; looks are positive.

    By moments of the beta-binomial distribution (Kleinman, JASA 1973): how much more the rates differ than chance makes them.
    """
    total = float(looks.sum())
    rate = float(clicked.sum() + 0.5) / (total + 1.0)
    spread = float((looks * (clicked / np.maximum(looks, 1) - rate) ** 2).sum()) / (rate * (1 - rate))
    extra = total - len(looks)
    alike = (spread - len(looks)) / extra if extra > 0 else 0.0  # the correlation of two looks at one query
    return Prior(rate, float(np.clip(1 / max(alike, 1e-9) - 1, LEAST_STRENGTH, MOST_STRENGTH)))


def shrunk(clicked: NDArray[np.int64], looks: NDArray[np.int64], prior: Prior) -> Shrunk:
    """Posterior mean and 95 % interval of every query's click rate."""
    hits = prior.rate * prior.strength + clicked
    misses = (1 - prior.rate) * prior.strength + looks - clicked
    low, high = (scipy.special.betaincinv(hits, misses, share) for share in (0.025, 0.975))
    return Shrunk(hits / (hits + misses), low, high)
