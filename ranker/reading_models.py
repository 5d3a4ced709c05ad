"""Models of users who read from the top and stop: at the first click (cascade), by rank (DCM), or when satisfied (SDBN, DBN).

All are one chain. Who looks at a rank clicks by its attractiveness; after a click the user is satisfied by chance and leaves, or else goes on with a
chance; after none with another. What was clicked says where the user was at least, which is what such models know more than those of ranks.
"""

from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ranker.browsing_models import starts
from ranker.click_kernels import longest, reading_chances, reading_counts, reading_looks
from ranker.click_models import ClickModel, Floats, Log, counts, counts_by_rank, shrunk
from ranker.sessions import Sessions


class ReadingModel(ClickModel):
    """The chain: ``satisfaction_`` float64[R], P(satisfied | click), and P(going on) ``after_click_`` (unsatisfied) and ``after_skip_`` by rank."""

    satisfaction_: Floats
    after_click_: Floats
    after_skip_: Floats

    def conditional(self, sessions: Sessions) -> Floats:
        """P(looked at | clicks above) times the attractiveness."""
        return self._chances(sessions, given=True)

    def marginal(self, sessions: Sessions) -> Floats:
        """P(looked at) times the attractiveness."""
        return self._chances(sessions, given=False)

    def _chances(self, sessions: Sessions, given: bool) -> Floats:
        chances = np.empty(len(sessions.rows))
        chain = self.attractiveness_, self.satisfaction_, self.after_click_, self.after_skip_
        reading_chances(*sessions, given, *chain, chances)
        return chances


class _Counting(ReadingModel):
    """Chains without leaving between clicks: what was looked at is seen, down to the last click (or the first), so counting is enough.

    A session without a click counts as looked at to its end. Leaving such sessions out instead makes every shown document look good and has
    cost up to 65 points of nDCG.
    """

    to_first: ClassVar[bool] = False

    def fit(self, log: Log, prior: Floats | None = None) -> Self:
        """Learn by one pass over the log."""
        _, clicks = counts(log)
        looks, ends = np.zeros(log.num_rows), np.zeros(log.num_rows)
        for block in log.blocks():
            reading_counts(block.offsets, block.rows, block.clicked, self.to_first, looks, ends)
        self.exposure_, self.clicks_ = looks, ends if self.to_first else clicks
        self.attractiveness_ = shrunk(self.clicks_, looks, self.strength, prior)
        self.after_click_, self.after_skip_ = np.ones(log.num_ranks), np.ones(log.num_ranks)
        self._fit_stops(log, ends, clicks)
        return self

    def _fit_stops(self, log: Log, ends: Floats, clicks: Floats) -> None:
        """What is said of leaving: here nothing."""
        self.satisfaction_ = np.zeros(log.num_rows)


class Cascade(_Counting):
    """The cascade (Craswell et al., WSDM 2008, sec. 3): from the top to the first click, and no further. A second click is next to impossible."""

    to_first = True

    def _fit_stops(self, log: Log, ends: Floats, clicks: Floats) -> None:
        super()._fit_stops(log, ends, clicks)
        self.after_click_ = np.zeros(log.num_ranks)


class DCM(_Counting):
    """The dependent click model (Guo et al., WSDM 2009): after a click at rank k the user goes on with chance lambda_k.

    ``after_click_`` is lambda, the share of clicks at the rank that were not the last ones (eq. 10 there, the lower bound's maximum).
    """

    def _fit_stops(self, log: Log, ends: Floats, clicks: Floats) -> None:
        super()._fit_stops(log, ends, clicks)
        at_rank, last = counts_by_rank(log)[1], np.zeros(log.num_ranks)
        for block in log.blocks():
            last += np.bincount(block.ranks[examined_positions(block)[1]], minlength=log.num_ranks)
        self.after_click_ = 1 - shrunk(last, at_rank, self.strength)


class SDBN(_Counting):
    """The simplified dynamic Bayesian network (Chapelle and Zhang, WWW 2009, alg. 1): users go on until a click satisfies them.

    ``satisfaction_`` is the share of a row's clicks that were the last ones.
    """

    def _fit_stops(self, log: Log, ends: Floats, clicks: Floats) -> None:
        self.satisfaction_ = shrunk(ends, clicks, self.strength)

    @property
    def relevance_(self) -> Floats:
        """P(click and satisfied | looked at)."""
        return self.attractiveness_ * self.satisfaction_


class DBN(ReadingModel):
    """The dynamic Bayesian network (Chapelle and Zhang, WWW 2009, sec. 5): who is not satisfied goes on with chance ``persistence_``, else leaves.

    By EM over where the user left, from a persistence of .9.
    """

    persistence_: float

    def __init__(self, iterations: int = 40, strength: float = 2.0, random_state: int = 0) -> None:
        super().__init__(strength, random_state)
        self.iterations = iterations

    def fit(self, log: Log, prior: Floats | None = None) -> Self:
        """Learn ``attractiveness_``, ``exposure_``, ``satisfaction_`` and ``persistence_``."""
        _, clicks = counts(log)
        attraction = starts(clicks, log, self.random_state)
        satisfaction, stay = np.full(log.num_rows, 0.5), 0.9
        for _ in range(self.iterations):
            looks, satisfied, steps = np.zeros(log.num_rows), np.zeros(log.num_rows), np.zeros(2)
            for block in log.blocks():
                scratch = np.empty(longest(block.offsets) + 1)
                sessions = block.offsets, block.rows, block.clicked
                reading_looks(*sessions, attraction, satisfaction, stay, looks, satisfied, steps, scratch)
            attraction, satisfaction = shrunk(clicks, looks, self.strength, prior), shrunk(satisfied, clicks, self.strength)
            stay = float(np.clip(steps[0] / max(steps[1], 1e-9), 0.01, 1.0)) if steps[1] else stay
        self.attractiveness_, self.exposure_, self.clicks_ = attraction, looks, clicks
        self.satisfaction_, self.persistence_ = satisfaction, stay
        self.after_click_ = self.after_skip_ = np.full(log.num_ranks, stay)
        return self

    def looks(self, sessions: Sessions) -> tuple[Floats, Floats]:
        """1 down to the last click, below it by where the user may have left."""
        everywhere, (looks, happy) = np.arange(len(sessions.rows), dtype=np.int32), np.zeros((2, len(sessions.rows)))
        values = self.attractiveness_[sessions.rows], self.satisfaction_[sessions.rows], self.persistence_
        scratch = np.empty(longest(sessions.offsets) + 1)
        reading_looks(sessions.offsets, everywhere, sessions.clicked, *values, looks, happy, np.zeros(2), scratch)
        return looks, sessions.clicked.astype(np.float64)

    @property
    def relevance_(self) -> Floats:
        """P(click and satisfied | looked at)."""
        return self.attractiveness_ * self.satisfaction_


def examined_positions(sessions: Sessions) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which positions of the sessions were looked at (up to the last click, else all), and which are a last click; bool[P] each."""
    session_of = np.repeat(np.arange(len(sessions)), np.diff(sessions.offsets))
    positions = np.arange(len(sessions.rows))
    last = np.full(len(sessions), -1, np.int64)
    np.maximum.at(last, session_of[sessions.clicked], positions[sessions.clicked])
    last_here = last[session_of]
    return (last_here < 0) | (positions <= last_here), positions == last_here
