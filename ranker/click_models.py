"""Sessions to the attractiveness of each row, P(click | the user looks at it), and to how likely other sessions are: what models share.

Every model is an estimator: ``__init__`` only stores, ``fit`` learns from a log and returns self, learned values end in ``_``. All learn
``attractiveness_`` float64[R] in [0, 1], and what it rests on: ``exposure_`` float64[R], the impressions that were looked at, and ``clicks_``
float64[R], those that the row owes to itself. All shrink by ``strength`` imagined looks, towards the mean or towards the ``prior`` float64[R] that
``fit`` is given; a row never shown has just that. ``random_state`` moves the starts of those that climb by EM; the others draw nothing. How good a
model is, is asked of sessions it has not seen: ``log_likelihood`` and ``perplexity``.

Here are the click rates; ``ranker.browsing_models`` has those that look by rank, ``ranker.reading_models`` those that read from the top.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ranker.click_kernels import added_by_session
from ranker.sessions import Sessions

Floats = NDArray[np.float64]

LEAST_CHANCE = 1e-6
"""No click is held impossible: a model that errs, as the cascade does on a second click, pays 14 nats for it and not all it has."""


class Log(Protocol):
    """What models learn from: `ranker.sessions.ClickData`, or `ranker.session_store.StoredSessions` for logs larger than memory."""

    @property
    def num_rows(self) -> int: ...
    @property
    def num_ranks(self) -> int: ...
    @property
    def shown(self) -> NDArray[np.int32]: ...  # int32[R, K] impressions
    @property
    def clicked(self) -> NDArray[np.int32]: ...  # int32[R, K] clicks
    def blocks(self) -> Iterator[Sessions]:
        """All sessions, some at a time; asked again for every pass."""
        ...


class ClickModel:
    """What the models have in common. A model of its own says ``fit`` and ``conditional``, and ``marginal`` where clicks hang on clicks."""

    attractiveness_: Floats
    exposure_: Floats
    clicks_: Floats

    def __init__(self, strength: float = 2.0, random_state: int = 0) -> None:
        self.strength = strength
        self.random_state = random_state

    def fit(self, log: Log, prior: Floats | None = None) -> Self:
        """Learn from all sessions of ``log``."""
        raise AssertionError("models say how they learn")

    def conditional(self, sessions: Sessions) -> Floats:
        """P(click | clicks above) of each position, float64[P]."""
        raise AssertionError("models say how likely a click is")

    def marginal(self, sessions: Sessions) -> Floats:
        """P(click) of each position, whatever is clicked above."""
        return self.conditional(sessions)

    def looks(self, sessions: Sessions) -> tuple[Floats, Floats]:
        """P(looked at | clicks) of each position, and the click that the row owes to itself (1 or 0 for most models); float64[P] each."""
        raise AssertionError("models in a mixture say who looked")

    @property
    def relevance_(self) -> Floats:
        """How much a row is worth to who looks at it: its attractiveness, unless the model tells satisfaction from it."""
        return self.attractiveness_

    def session_log_likelihoods(self, sessions: Sessions) -> Floats:
        """log P(all clicks of the session), float64[S], in nats."""
        sums = np.zeros(len(sessions))
        added_by_session(sessions.offsets, log_chances(self.conditional(sessions), sessions.clicked), sums)
        return sums

    def log_likelihood(self, sessions: Sessions) -> float:
        """Mean log P(click or none | clicks above) of a shown document, in nats: 0 is perfect, log 0.5 = -0.69 a coin."""
        return float(log_chances(self.conditional(sessions), sessions.clicked).mean())

    def perplexity(self, sessions: Sessions) -> Floats:
        """2^-mean(log2 P(click or none)) by rank, NaN where nothing was shown: 1 is perfect, 2 a coin (Dupret and Piwowarski, SIGIR 2008)."""
        log_chance = log_chances(self.marginal(sessions), sessions.clicked)
        shown = np.bincount(sessions.ranks)
        with np.errstate(invalid="ignore"):
            return np.exp(-np.bincount(sessions.ranks, log_chance) / shown)


def log_chances(chances: Floats, clicked: NDArray[np.bool_]) -> Floats:
    """log P(what happened) by the chance of a click; float64[P]."""
    return np.log(np.clip(np.where(clicked, chances, 1 - chances), LEAST_CHANCE, 1 - LEAST_CHANCE))


def shrunk(successes: NDArray[np.int64] | Floats, trials: Floats, strength: float, prior: Floats | None = None) -> Floats:
    """Rates drawn towards ``prior``, or towards the mean row, as if each had ``strength`` trials of it more.

    The mean row counts rows by how much is known of them, trials / (trials + strength) (DerSimonian and Laird, 1986), so it is the mean of
    the very rates that are returned. Successes over trials of all rows would be that of the rows production shows most, which are better.
    """
    known = 1.0 / np.maximum(trials + strength, 1e-9)
    mean = (successes * known).sum() / max((trials * known).sum(), 1e-9) if prior is None else prior
    return (successes + strength * mean) * known


def counts(log: Log) -> tuple[Floats, Floats]:
    """Impressions and clicks of each row, float64[R] each."""
    return _tallied(((block.rows, block.clicked) for block in log.blocks()), log.num_rows)


def counts_by_rank(log: Log) -> tuple[Floats, Floats]:
    """Impressions and clicks of each rank, float64[K] each."""
    return _tallied(((block.ranks, block.clicked) for block in log.blocks()), log.num_ranks)


def _tallied(places: Iterable[tuple[NDArray[np.integer[Any]], NDArray[np.bool_]]], size: int) -> tuple[Floats, Floats]:
    shown, clicked = np.zeros(size), np.zeros(size)
    for where, is_click in places:
        shown += np.bincount(where, minlength=size)
        clicked += np.bincount(where[is_click], minlength=size)
    return shown, clicked


class RankCTR(ClickModel):
    """The click rate of the rank: what any model has to beat. All rows are as attractive as the mean."""

    rate_: Floats

    def fit(self, log: Log, prior: Floats | None = None) -> Self:
        """Learn ``rate_`` float64[K]."""
        shown, clicked = counts_by_rank(log)
        self.rate_ = shrunk(clicked, shown, self.strength)
        self.exposure_, self.clicks_ = counts(log)
        self.attractiveness_ = np.full(log.num_rows, self.clicks_.sum() / max(self.exposure_.sum(), 1.0))
        return self

    def conditional(self, sessions: Sessions) -> Floats:
        """The rate of the rank."""
        return self.rate_[sessions.ranks]


class NaiveCTR(ClickModel):
    """The click rate of the row: every impression was looked at. Biased by the ranking that collected it; here to be compared with."""

    def fit(self, log: Log, prior: Floats | None = None) -> Self:
        """Learn ``attractiveness_`` and ``exposure_``."""
        self.exposure_, self.clicks_ = counts(log)
        self.attractiveness_ = shrunk(self.clicks_, self.exposure_, self.strength, prior)
        return self

    def conditional(self, sessions: Sessions) -> Floats:
        """The rate of the row."""
        return self.attractiveness_[sessions.rows]


class COEC(RankCTR):
    """Clicks over expected clicks (Zhang and Jones, WWW 2007): expected are those that the ranks of its impressions bring on average.

    A good ranker makes good ranks look better than they are: their rate is what is shown there, too. So this corrects too much. ``ratio_``
    float64[R] is 1 on average; attractiveness is the ratio times the rate of the first rank.
    """

    ratio_: Floats

    def fit(self, log: Log, prior: Floats | None = None) -> Self:
        """Learn ``rate_`` and ``ratio_``."""
        super().fit(log, prior)
        expected = np.zeros(log.num_rows)
        for block in log.blocks():
            expected += np.bincount(block.rows, self.rate_[block.ranks], log.num_rows)
        first = max(float(self.rate_.max()), 1e-9)
        self.exposure_ = expected / first
        self.ratio_ = shrunk(self.clicks_, expected, self.strength)
        self.attractiveness_ = np.clip(self.ratio_ * first, 0.0, 1.0)
        return self

    def conditional(self, sessions: Sessions) -> Floats:
        """The ratio of the row times the rate of the rank."""
        return np.minimum(self.ratio_[sessions.rows] * self.rate_[sessions.ranks], 1.0)
