"""Tests that may be looked at as often as one likes: won and lost sessions to a verdict, and clicks of two times to a warning.

*Wins and losses.* If neither side is better, a session that is not tied is a fair coin, whatever the users do. Against that stands a mixture of
coins with win rates spread by Beta(50, 50) around one half; by Ville's inequality the ratio of the two likelihoods exceeds 1 / alpha at any
time with probability alpha at most (mixture sequential probability ratio test: Robbins 1970; Johari et al., KDD 2017). It is exact for coins.

Looking all the time costs power, so of alpha a tenth is spent on that, and the rest on one exact sign test at the horizon that was set before.
"""

from typing import NamedTuple

import numpy as np
import scipy  # loads its parts when they are asked for: a service that compares nothing starts a second sooner
from numpy.typing import NDArray

SPREAD = 50.0
"""Both parameters of the mixture: win rates around .45 and .55 are what experiments in ranking are about."""
EARLY_SHARE = 0.1
STOP_LOSS_SESSIONS, STOP_LOSS_RATE, STOP_LOSS_TAIL = 200, 0.40, 0.002
Credits = NDArray[np.int8]


class Verdict(NamedTuple):
    """``outcome``: "running", "better", "worse" or "same" (no difference was found at the horizon); ``reason`` says how it came about.

    ``win_rate`` is that of the sessions that are not tied, with an interval that holds at any time; ``p`` is always valid too.
    """

    outcome: str
    reason: str
    sessions: int
    wins: int
    losses: int
    win_rate: float
    low: float
    high: float
    p: float


def always_valid_p(credits_: Credits) -> float:
    """The least p over all looks so far at sessions in their order (+1 won, -1 lost, 0 tied)."""
    decided = credits_[credits_ != 0]
    wins = np.cumsum(decided > 0)
    ratios = log_ratio(wins, np.arange(1, len(decided) + 1) - wins)
    return float(np.exp(-max(0.0, ratios.max(initial=0.0))))


def log_ratio(wins: NDArray[np.int64], losses: NDArray[np.int64]) -> NDArray[np.float64]:
    """log of the mixture's likelihood over that of the fair coin."""
    return scipy.special.betaln(SPREAD + wins, SPREAD + losses) - scipy.special.betaln(SPREAD, SPREAD) + (wins + losses) * np.log(2.0)


def win_rate_interval(wins: int, losses: int, alpha: float = 0.05) -> tuple[float, float]:
    """The win rates that the same test does not reject: they hold the true one at all times with probability 1 - alpha."""
    evidence = float(scipy.special.betaln(SPREAD + wins, SPREAD + losses) - scipy.special.betaln(SPREAD, SPREAD)) + np.log(alpha)
    rate = wins / max(wins + losses, 1)

    def excess(p: float) -> float:
        return evidence - (wins * np.log(p) + losses * np.log1p(-p))

    edge = 1e-12
    low = 0.0 if not wins or excess(edge) <= 0 else scipy.optimize.brentq(excess, edge, max(rate - edge, 2 * edge))
    high = 1.0 if not losses or excess(1 - edge) <= 0 else scipy.optimize.brentq(excess, min(rate + edge, 1 - 2 * edge), 1 - edge)
    return float(low), float(high)


def verdict(credits_: Credits, horizon: int, alpha: float = 0.05) -> Verdict:
    """What the sessions, in the order they began, say of a challenger; those beyond the ``horizon`` do not count.

    A challenger that has lost more than 60 % of the sessions that are not tied, beyond chance, after at least 200 sessions, is stopped: the
    stop-loss. It is one-sided and never helps a challenger, so it only adds safety.
    """
    credits_ = credits_[:horizon]
    wins, losses = int((credits_ > 0).sum()), int((credits_ < 0).sum())
    p = always_valid_p(credits_)
    outcome, reason = _outcome(credits_, wins, losses, p, horizon, alpha)
    rate = wins / (wins + losses) if wins + losses else 0.5
    return Verdict(outcome, reason, len(credits_), wins, losses, rate, *win_rate_interval(wins, losses, alpha), p)


def _outcome(credits_: Credits, wins: int, losses: int, p: float, horizon: int, alpha: float) -> tuple[str, str]:
    if stop_loss(len(credits_), wins, losses):
        return "worse", f"stop-loss: {wins} sessions won and {losses} lost, below {STOP_LOSS_RATE:.0%}"
    side = "better" if wins > losses else "worse"
    if p <= EARLY_SHARE * alpha and wins != losses:
        return side, f"always-valid p = {p:.2g} at {len(credits_)} sessions"
    if len(credits_) < horizon:
        return "running", f"{len(credits_)} of {horizon} sessions"
    decided = wins + losses
    fixed = float(scipy.stats.binomtest(wins, decided).pvalue) if decided else 1.0
    found = fixed <= (1 - EARLY_SHARE) * alpha
    return (side if found else "same"), f"sign test at the horizon of {horizon} sessions: p = {fixed:.2g}"


def stop_loss(sessions: int, wins: int, losses: int) -> bool:
    """Whether a challenger does harm: at least 200 sessions, under 40 % of the decided ones won, and one chance in 500 of that for an equal."""
    decided = wins + losses
    if sessions < STOP_LOSS_SESSIONS or not decided or wins / decided >= STOP_LOSS_RATE:
        return False
    return bool(scipy.stats.binom.cdf(wins, decided, 0.5) <= STOP_LOSS_TAIL)


class Means(NamedTuple):
    """Mean and variance of a value over sessions."""

    sessions: int
    mean: float
    variance: float


def means_of(values: NDArray[np.float64]) -> Means:
    """Summed up; the variance is that of the sample."""
    return Means(len(values), float(values.mean()) if len(values) else 0.0, float(values.var(ddof=1)) if len(values) > 1 else 0.0)


def always_valid_difference_p(before: Means, now: Means, effect: float) -> float:
    """p that the two means are equal, valid at any time (Johari et al., KDD 2017, eq. 17): a normal mixture of differences of size ``effect``.

    Normal in the limit: meant for hundreds of sessions on each side.
    """
    if before.sessions < 2 or now.sessions < 2:
        return 1.0
    noise = before.variance / before.sessions + now.variance / now.sessions
    if noise <= 0 or effect <= 0:
        return 1.0
    spread = effect * effect
    difference = now.mean - before.mean
    log_odds = 0.5 * np.log(noise / (noise + spread)) + spread * difference**2 / (2 * noise * (noise + spread))
    return float(np.exp(-max(0.0, log_odds)))
