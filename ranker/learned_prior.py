"""Empirical Bayes with a prior that the log tells: how attractive rows are, given their clicks and that features foretell so much of them.

Rows that features foretell alike are a group. In each, attractiveness is spread over a grid in the way under which the group's clicks are
likeliest: the nonparametric maximum likelihood of Kiefer and Wolfowitz (1956), found by EM (Laird, 1978), drawn towards the spread of all
rows. A row's grade is the mean of what its clicks and looks leave of its group's spread. One strength of belief for all rows cannot do that:
most rows are as dull as the next, which a click or two should not change, and a few are what everybody clicks, which twenty looks should show.
"""

import numpy as np
from numpy.typing import NDArray

from ranker.click_models import Floats

GRID = np.linspace(0.05, 0.9995, 80) ** 2  # attractiveness; finer where most documents are
GROUP = 100  # rows a group has at least ...
MOST_GROUPS = 12  # ... and so many groups there are at most
STRENGTH = 6.0  # imagined rows of a group that are spread like all
STEPS, GROUP_STEPS = 300, 50  # of EM; that it ends early keeps the spread smooth
SAMPLE = 50_000  # rows that tell the spread
BLOCK = 50_000  # rows that are in memory at once


def posterior_means(looks: Floats, clicks: Floats, predicted: Floats) -> Floats:
    """E[attractiveness | clicks, looks, group] of rows, float64[R], for what features foretell of them, ``predicted`` float64[R].

    ``looks`` may be fractions, and are no fewer than ``clicks``.
    """
    if not len(looks):
        return np.zeros(0)
    groups = groups_of(predicted)
    told = np.linspace(0, len(looks) - 1, min(len(looks), SAMPLE)).astype(np.int64)
    spreads = spread_by_group(likelihoods(looks[told], clicks[told]), groups[told])
    blocks = [slice(start, start + BLOCK) for start in range(0, len(looks), BLOCK)]
    return np.concatenate([_means(likelihoods(looks[rows], clicks[rows]), spreads[groups[rows]]) for rows in blocks])


def groups_of(predicted: Floats) -> NDArray[np.int64]:
    """Groups of about equal size, numbered by rising prediction; int64[R]."""
    if not len(predicted):
        return np.zeros(0, np.int64)
    count = int(np.clip(len(predicted) // GROUP, 1, MOST_GROUPS))
    bounds = np.quantile(predicted, np.linspace(0, 1, count + 1)[1:-1])
    return np.searchsorted(bounds, predicted)


def likelihoods(looks: Floats, clicks: Floats) -> Floats:
    """P(clicks | looks, attractiveness) over the grid, float64[R, G], each row relative to its greatest."""
    logs = np.outer(clicks, np.log(GRID)) + np.outer(np.maximum(looks - clicks, 0.0), np.log1p(-GRID))
    return np.exp(logs - logs.max(axis=1, keepdims=True))


def spread_by_group(likelihood: Floats, groups: NDArray[np.int64]) -> Floats:
    """The likeliest distribution over the grid of each group, float64[B, G]: sums are 1."""
    everyone = _climb(likelihood, np.full(len(GRID), 1 / len(GRID)), STEPS)
    count = int(groups.max(initial=0)) + 1
    return np.array([_climb(likelihood[groups == group], everyone, GROUP_STEPS, STRENGTH) for group in range(count)])


def _climb(likelihood: Floats, believed: Floats, steps: int, strength: float = 0.0) -> Floats:
    """EM from ``believed``: each row is shared out by its posterior, and beside the rows stand ``strength`` of the belief."""
    spread = believed
    if not len(likelihood):
        return spread
    for _ in range(steps):
        shares = spread * (likelihood.T @ (1 / (likelihood @ spread)))
        spread = (shares + strength * believed) / (len(likelihood) + strength)
    return spread


def _means(likelihood: Floats, spread: Floats) -> Floats:
    posterior = likelihood * spread
    return (posterior @ GRID) / posterior.sum(axis=1)
