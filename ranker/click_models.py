"""Sessions to the attractiveness of each row: P(click | the user looks at it), under three accounts of how users look.

Every model is an estimator: ``__init__`` only stores, ``fit`` learns from ``ClickData`` and returns self, learned values end in ``_``. All
learn ``attractiveness_`` float64[R] in [0, 1] and ``exposure_`` float64[R], the number of impressions that were looked at, which is how
much the attractiveness rests on. All shrink towards the mean by ``strength`` imagined impressions.
"""

from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ranker.propensity import harvest
from ranker.sessions import ClickData

Floats = NDArray[np.float64]


class ClickModel(Protocol):
    """What the models here have in common."""

    attractiveness_: Floats
    exposure_: Floats

    def fit(self, data: ClickData) -> Self: ...


class NaiveCTR:
    """Every impression was looked at: the click rate. Biased by the ranking that collected it; here to be compared with."""

    attractiveness_: Floats
    exposure_: Floats

    def __init__(self, strength: float = 2.0) -> None:
        self.strength = strength

    def fit(self, data: ClickData) -> Self:
        self.exposure_ = data.shown.sum(axis=1).astype(np.float64)
        self.attractiveness_ = shrunk(data.clicked.sum(axis=1), self.exposure_, self.strength)
        return self


class SDBN:
    """The simplified dynamic Bayesian network (Chapelle and Zhang, WWW 2009): all above and at the last click was looked at.

    A session without a click counts as looked at to its end. Leaving such sessions out instead makes every shown document look good and has
    cost up to 65 points of nDCG. ``satisfaction_`` float64[R] is P(last click | click).
    """

    attractiveness_: Floats
    exposure_: Floats
    satisfaction_: Floats

    def __init__(self, strength: float = 2.0) -> None:
        self.strength = strength

    def fit(self, data: ClickData) -> Self:
        rows, clicked, num_rows = data.sessions.rows, data.sessions.clicked, len(data.row_key)
        examined, is_last = examined_positions(data)
        clicks = np.bincount(rows[clicked], minlength=num_rows)
        self.exposure_ = np.bincount(rows[examined], minlength=num_rows).astype(np.float64)
        self.attractiveness_ = shrunk(clicks, self.exposure_, self.strength)
        self.satisfaction_ = shrunk(np.bincount(rows[is_last], minlength=num_rows), clicks.astype(np.float64), self.strength)
        return self


class PBM:
    """The position-based model, P(click) = propensity of the rank x attractiveness of the row, by EM.

    ``propensities`` float64[K] are held fixed, since EM cannot tell them from attractiveness unless documents move between ranks; by
    default they are harvested from ``fit``'s data. The EM steps are eq. 4-6 of Chuklin et al., Click Models for Web Search (2015), ch. 4.
    """

    attractiveness_: Floats
    exposure_: Floats
    propensities_: Floats

    def __init__(self, propensities: Floats | None = None, iterations: int = 60, strength: float = 1.0) -> None:
        self.propensities = propensities
        self.iterations = iterations
        self.strength = strength

    def fit(self, data: ClickData) -> Self:
        """Learn ``attractiveness_`` and ``exposure_`` (float64[R]) by EM at fixed propensities, harvested where none were given."""
        theta = harvest(data.shown, data.clicked).theta if self.propensities is None else np.asarray(self.propensities, np.float64)
        shown, clicks = data.shown.sum(axis=1), data.clicked.sum(axis=1)
        missed = data.shown - data.clicked
        mean = clicks.sum() / max((data.shown @ theta).sum(), 1.0)
        attractiveness = np.full(len(shown), mean)
        for _ in range(self.iterations):
            attractive = clicks + (missed * _attractive_though_not_clicked(attractiveness, theta)).sum(axis=1)
            mean = attractive.sum() / max(shown.sum(), 1)
            attractiveness = (attractive + self.strength * mean) / np.maximum(shown + self.strength, 1e-9)
        self.propensities_, self.attractiveness_ = theta, attractiveness
        self.exposure_ = data.shown @ theta
        return self


def _attractive_though_not_clicked(attractiveness: Floats, theta: Floats) -> Floats:
    """P(attractive | shown at rank k, not clicked), float64[R, K]."""
    a = attractiveness[:, None]
    return a * (1 - theta) / np.maximum(1 - a * theta, 1e-9)


def shrunk(successes: NDArray[np.int64], trials: Floats, strength: float) -> Floats:
    """Rates drawn towards the overall rate, as if each had ``strength`` trials of it more."""
    mean = successes.sum() / max(trials.sum(), 1.0)
    return (successes + strength * mean) / np.maximum(trials + strength, 1e-9)


def examined_positions(data: ClickData) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which positions of the sessions were looked at (up to the last click, else all), and which are a last click; bool[P] each."""
    sessions = data.sessions
    session_of = np.repeat(np.arange(len(sessions)), np.diff(sessions.offsets))
    positions = np.arange(len(sessions.rows))
    last = np.full(len(sessions), -1, np.int64)
    np.maximum.at(last, session_of[sessions.clicked], positions[sessions.clicked])
    last_here = last[session_of]
    return (last_here < 0) | (positions <= last_here), positions == last_here
