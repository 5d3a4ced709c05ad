"""What a ranking would have earned, told from clicks on other rankings: clicks a search, estimated four ways.

A model of relevance from the log says what each document is worth (direct method, DM). Where the log shows a document, its clicks correct the
model, the more the better it was seen (doubly robust, DR: right if either the model or the propensities are). IPS uses clicks alone, and so does
SNIPS, which divides by the examination that was logged (Swaminathan & Joachims, NeurIPS 2015), since what was never shown is worth nothing to IPS.
All speak only of documents that were shown: *coverage* is the share of the ranking's examination that falls on them, and below .8 there is no
estimate.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

CLIP = 10.0  # no document's clicks are multiplied by more
MIN_COVERAGE = 0.8
METHODS = ("dm", "ips", "snips", "dr")


class QueryLog(NamedTuple):
    """What the log says about one query's ``n`` shown documents."""

    sessions: float
    exposure: np.ndarray  # float64[n]: sum of theta over a document's impressions
    clicks: np.ndarray  # float64[n]
    relevance: np.ndarray  # float64[n]: P(click | examined) by a model of the features


class Value(NamedTuple):
    """Clicks a search of one query under a ranking, by each method; NaN where there is no support.

    ``surprise`` are the weighted clicks beyond those that the model of relevance ``expected`` of the same impressions, weighted alike.
    """

    dm: float
    ips: float
    snips: float
    dr: float
    coverage: float
    surprise: float
    expected: float


def value_of(log: QueryLog, logged: np.ndarray, strange: np.ndarray, theta: np.ndarray) -> Value:
    """Estimate a ranking: ``logged`` int64[m] are rows of ``log`` by rank, -1 for a document never shown, whose relevance is in ``strange``."""
    theta = theta[: len(logged)]
    seen = logged >= 0
    rows = logged[seen]
    relevance = strange[: len(logged)].astype(np.float64)
    relevance[seen] = log.relevance[rows]
    mass = float(theta.sum())
    covered = float(theta[seen].sum())
    surprise = log.clicks[rows] - log.exposure[rows] * log.relevance[rows]
    weights = _per_session(theta[seen], log, rows)
    dm, corrected = float(theta @ relevance), float((weights * surprise).sum())
    earned = float((weights * log.clicks[rows]).sum())
    snips = earned / covered * mass if covered > 0 else np.nan
    return Value(dm, earned, snips, dm + corrected, covered / mass if mass > 0 else 0.0, corrected, earned - corrected)


def self_normalised(values: Sequence[Value], sessions: np.ndarray) -> list[Value]:
    """The values of one ranking with ``dr`` weighted (Thomas & Brunskill, ICML 2016), over all queries by their ``sessions`` float64[Q].

    Clipping a weight takes away clicks, and what was expected of them alike: so the model of relevance is corrected by the ratio of the two, also for
    the documents that were never shown. Each query carries its own part of the surprise, so that resampling queries shows how sure the ratio is.
    """
    expected = float(sessions @ np.array([value.expected for value in values]))
    if expected <= 0:
        return list(values)
    ratio = float(sessions @ np.array([value.surprise for value in values])) / expected
    scale = float(sessions @ np.array([value.dm for value in values])) / expected
    return [v._replace(dr=v.dm * (1 + ratio) + (v.surprise - ratio * v.expected) * scale) for v in values]


def _per_session(theta: np.ndarray, log: QueryLog, rows: np.ndarray) -> np.ndarray:
    """What one click in the log is worth under the new ranking, clipped: theta over the document's exposure a session."""
    exposure = np.maximum(log.exposure[rows] / log.sessions, 1e-9)
    return np.minimum(theta / exposure, CLIP) / log.sessions


class Estimate(NamedTuple):
    """Mean over searches with a 95 % interval by resampling queries."""

    value: float
    low: float
    high: float


def weighted_estimate(values: np.ndarray, weights: np.ndarray, seed: int = 0, rounds: int = 1000) -> Estimate:
    """Mean of ``values`` by ``weights`` (searches of each query), queries without a value left out; NaN when none has one."""
    known = ~np.isnan(values)
    values, weights = values[known], weights[known].astype(np.float64)
    if not len(values) or weights.sum() <= 0:
        return Estimate(np.nan, np.nan, np.nan)
    picked = np.random.default_rng(seed).integers(0, len(values), (rounds, len(values)))
    totals = weights[picked].sum(axis=1)
    means = (values[picked] * weights[picked]).sum(axis=1) / np.maximum(totals, 1e-9)
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(float((values * weights).sum() / weights.sum()), float(low), float(high))
