"""Models of users who look at a rank by chance: at each rank (PBM), by how far up the last click was too (UBM), or with trust in high ranks.

Which of position and document a click owes itself to is told only by documents that were shown at several ranks. EM finds the likeliest split,
and where few moved, that is far from the true one; so PBM harvests its propensities (`ranker.propensity`) unless it is asked to climb.
"""

from typing import Self

import numpy as np

from ranker.click_kernels import browsing_chances, browsing_looks, browsing_marginals, longest, trusting_looks
from ranker.click_models import ClickModel, Floats, Log, counts, shrunk
from ranker.propensity import harvest, power_law
from ranker.sessions import Sessions

CELL_STRENGTH = 1.0
"""Imagined impressions of a cell of ranks, at its rank's mean: a cell that nobody came to has the rank's own chance."""


class UBM(ClickModel):
    """The user browsing model (Dupret and Piwowarski, SIGIR 2008): P(look) hangs on the rank and on the distance to the click above.

    ``look_`` float64[K, K + 1] is P(look) relative to the first rank: ``look_[k, d]`` at rank k, d ranks below the click above, 0 for none.
    Learned by EM (eq. 4.24 and 4.25 of Chuklin et al., Click Models for Web Search, 2015, with looks in place of two hidden variables,
    which has the same maxima and climbs faster).
    """

    look_: Floats

    def __init__(self, iterations: int = 50, strength: float = 2.0, random_state: int = 0) -> None:
        super().__init__(strength, random_state)
        self.iterations = iterations

    def fit(self, log: Log, prior: Floats | None = None) -> Self:
        """Learn ``attractiveness_``, ``exposure_`` and ``look_``."""
        _, clicks = counts(log)
        look = self._first_look(log)
        attraction = starts(clicks, log, self.random_state)
        for _ in range(self.iterations):
            looks, cell_looks, cell_shown = _looks(log, attraction, look)
            attraction = shrunk(clicks, looks, self.strength, prior)
            look = self._next_look(look, cell_looks, cell_shown)
        first = look[0, 0]
        self.look_, self.attractiveness_ = look / first, attraction * first
        self.exposure_, self.clicks_ = looks / first, clicks
        return self

    def _first_look(self, log: Log) -> Floats:
        return np.repeat(power_law(log.num_ranks)[:, None] * 0.9, log.num_ranks + 1, axis=1)

    def _next_look(self, look: Floats, looks: Floats, shown: Floats) -> Floats:
        return _cells(looks, shown)

    def conditional(self, sessions: Sessions) -> Floats:
        """P(look) of the cell times the attractiveness of the row."""
        chances = np.empty(len(sessions.rows))
        browsing_chances(*sessions, self.attractiveness_, self.look_, chances)
        return chances

    def marginal(self, sessions: Sessions) -> Floats:
        """The same, over all places where the click above may be."""
        chances, scratch = np.empty(len(sessions.rows)), np.empty(longest(sessions.offsets) + 1)
        browsing_marginals(sessions.offsets, sessions.rows, sessions.ranks, self.attractiveness_, self.look_, chances, scratch)
        return chances

    def looks(self, sessions: Sessions) -> tuple[Floats, Floats]:
        """1 where clicked, else by Bayes."""
        everywhere, looks = np.arange(len(sessions.rows), dtype=np.int32), np.zeros(len(sessions.rows))
        cells = np.zeros((2, *self.look_.shape))
        attraction = self.attractiveness_[sessions.rows]
        browsing_looks(sessions.offsets, everywhere, sessions.ranks, sessions.clicked, attraction, self.look_, looks, *cells)
        return looks, sessions.clicked.astype(np.float64)


class PBM(UBM):
    """The position-based model, P(click) = propensity of the rank x attractiveness of the row (Craswell et al., WSDM 2008).

    ``propensities``: "harvest" (the default: from documents shown at several ranks, floored), "em" (climbed with the rest), or float64[K]
    that are held fixed. ``propensities_`` float64[K] starts at 1.
    """

    propensities_: Floats

    def __init__(self, propensities: Floats | str = "harvest", iterations: int = 60, strength: float = 2.0, random_state: int = 0) -> None:
        super().__init__(iterations, strength, random_state)
        self.propensities = propensities

    def fit(self, log: Log, prior: Floats | None = None) -> Self:
        """Learn ``attractiveness_`` and ``exposure_``, and ``propensities_`` where they were not given."""
        super().fit(log, prior)
        self.propensities_ = self.look_[:, 0]
        return self

    def _first_look(self, log: Log) -> Floats:
        if isinstance(self.propensities, str):
            theta = harvest(log.shown, log.clicked).theta if self.propensities == "harvest" else power_law(log.num_ranks)
        else:
            theta = np.asarray(self.propensities, np.float64)
        return np.repeat(theta[:, None], log.num_ranks + 1, axis=1)

    def _next_look(self, look: Floats, looks: Floats, shown: Floats) -> Floats:
        if isinstance(self.propensities, str) and self.propensities == "em":
            theta = looks.sum(axis=1) / np.maximum(shown.sum(axis=1), 1.0)
            return np.repeat(np.where(shown.sum(axis=1) > 0, theta, look[:, 0])[:, None], look.shape[1], axis=1)
        return look


class AllPairs(ClickModel):
    """Position-based with propensities by intervention harvesting (Agarwal et al., WSDM 2019), and rates by them: clicks / sum of propensities.

    `PBM` with the same propensities is the likeliest explanation; this is the unbiased one (inverse propensity weighting by row), which may be
    above 1 before it is cut.
    """

    propensities_: Floats

    def fit(self, log: Log, prior: Floats | None = None) -> Self:
        """Learn ``propensities_`` float64[K], ``attractiveness_`` and ``exposure_``."""
        self.propensities_ = harvest(log.shown, log.clicked).theta
        _, self.clicks_ = counts(log)
        self.exposure_ = np.zeros(log.num_rows)
        for block in log.blocks():
            self.exposure_ += np.bincount(block.rows, self.propensities_[block.ranks], log.num_rows)
        self.attractiveness_ = np.clip(shrunk(self.clicks_, self.exposure_, self.strength, prior), 0.0, 1.0)
        return self

    def conditional(self, sessions: Sessions) -> Floats:
        """Propensity of the rank times attractiveness of the row."""
        return self.propensities_[sessions.ranks] * self.attractiveness_[sessions.rows]


class TrustBias(ClickModel):
    """Position bias with trust in high ranks: P(click) = alpha_k a + beta_k (Agarwal et al., WWW 2019; the affine form and its
    correction, Vardasbi et al., CIKM 2020, eq. 6 and 13).

    ``if_attractive_`` and ``if_not_`` float64[K] are P(click at the rank | attractive or not), so alpha is their difference and beta the
    latter. By EM; attractiveness is only known up to such a transformation of it, which leaves order alone.
    """

    if_attractive_: Floats
    if_not_: Floats

    def __init__(self, iterations: int = 80, strength: float = 2.0, random_state: int = 0) -> None:
        super().__init__(strength, random_state)
        self.iterations = iterations

    def fit(self, log: Log, prior: Floats | None = None) -> Self:
        """Learn ``attractiveness_``, ``exposure_`` (impressions weighted by alpha), ``clicks_`` (less those owed to trust), and the chances."""
        shown, clicks = counts(log)
        attraction = starts(clicks, log, self.random_state)
        yes, no = 0.9 * power_law(log.num_ranks), 0.3 * power_law(log.num_ranks, 1.5)
        for _ in range(self.iterations):
            attractive, cells = np.zeros(log.num_rows), np.zeros((log.num_ranks, 4))
            for block in log.blocks():
                trusting_looks(*block, attraction, yes, no, attractive, cells)
            attraction = shrunk(attractive, shown, self.strength, prior)
            yes = np.where(cells[:, 0] > 0, cells[:, 1] / np.maximum(cells[:, 0], 1e-9), yes)
            no = np.minimum(np.where(cells[:, 2] > 0, cells[:, 3] / np.maximum(cells[:, 2], 1e-9), no), yes)
        self.attractiveness_, self.if_attractive_, self.if_not_ = attraction, yes, no
        first = max(yes[0] - no[0], 1e-9)
        self.exposure_, owed = np.zeros(log.num_rows), np.zeros(log.num_rows)
        for block in log.blocks():
            self.exposure_ += np.bincount(block.rows, (yes - no)[block.ranks] / first, log.num_rows)
            owed += np.bincount(block.rows, no[block.ranks], log.num_rows)
        self.clicks_ = np.clip((clicks - owed) / first, 0.0, self.exposure_)
        return self

    def conditional(self, sessions: Sessions) -> Floats:
        """alpha_k a + beta_k."""
        a, yes, no = self.attractiveness_[sessions.rows], self.if_attractive_[sessions.ranks], self.if_not_[sessions.ranks]
        return a * yes + (1 - a) * no

    def looks(self, sessions: Sessions) -> tuple[Floats, Floats]:
        """alpha of the rank, and the click less beta, both over the first rank's alpha: the affine correction."""
        first = max(self.if_attractive_[0] - self.if_not_[0], 1e-9)
        owed = (sessions.clicked - self.if_not_[sessions.ranks]) / first
        return (self.if_attractive_ - self.if_not_)[sessions.ranks] / first, owed


def starts(clicks: Floats, log: Log, random_state: int) -> Floats:
    """Where EM starts: all rows near the mean rate, float64[R] in (0, 1)."""
    shown = sum(len(block.rows) for block in log.blocks())
    mean = np.clip(clicks.sum() / max(shown, 1), 0.01, 0.9)
    return np.clip(mean * np.random.default_rng(random_state).uniform(0.9, 1.1, log.num_rows), 1e-4, 0.999)


def _looks(log: Log, attraction: Floats, look: Floats) -> tuple[Floats, Floats, Floats]:
    """One pass over the log: looks of rows float64[R], looks and impressions of cells float64[K, K + 1]."""
    row_looks, cell_looks, cell_shown = np.zeros(log.num_rows), np.zeros(look.shape), np.zeros(look.shape)
    for block in log.blocks():
        browsing_looks(*block, attraction, look, row_looks, cell_looks, cell_shown)
    return row_looks, cell_looks, cell_shown


def _cells(looks: Floats, shown: Floats) -> Floats:
    """P(look) of each cell, drawn towards its rank's own."""
    at_rank, came = looks.sum(axis=1, keepdims=True), shown.sum(axis=1, keepdims=True)
    rank = np.where(came > 0, at_rank / np.maximum(came, 1e-9), power_law(len(looks))[:, None])
    return (looks + CELL_STRENGTH * rank) / (shown + CELL_STRENGTH)
