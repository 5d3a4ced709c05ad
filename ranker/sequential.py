"""Tests that may be looked at as often as one likes: sessions won and lost to a verdict, and clicks of two times to a warning.

*Margins.* If neither side is better, a session's margin x is as likely as -x, whatever the users do. Then exp(l S - l^2 V / 2), with S the sum of
the margins and V that of their squares, is a supermartingale for every l (de la Pena, Annals of Probability 1999), and so is its mean over l from a
normal distribution: by Ville's inequality it exceeds 1 / alpha at any time with probability alpha at most. Exact: nothing is estimated.

*Wins and losses* are coins where neither side is better; a mixture of coins with win rates spread by Beta(50, 50) around one half gives the
interval of the win rate that holds at any time (mixture sequential probability ratio test: Robbins 1970; Johari et al., KDD 2017).

Looking all the time costs power, so of alpha a tenth is spent on that, and the rest on one test at the horizon that was set before, by turning the
signs of all margins at random (Fisher 1935), which is exact as well.
"""

from typing import NamedTuple

import numpy as np
import scipy  # loads its parts when they are asked for: a service that compares nothing starts a second sooner
from numpy.typing import NDArray

SPREAD = 50.0
"""Both parameters of the mixture: win rates around .45 and .55 are what experiments in ranking are about."""
SPREAD_OF_MARGINS = 0.1
"""Standard deviation of l above. For margins of 1 this is the same mixture as that of coins."""
FLIPS, AT_ONCE = 9_999, 500
EARLY_SHARE = 0.1
STOP_LOSS_SESSIONS, STOP_LOSS_RATE, STOP_LOSS_TAIL = 200, 0.40, 0.002
Margins = NDArray[np.float64] | NDArray[np.int8]


class Verdict(NamedTuple):
    """``outcome``: "running", "better", "worse" or "same" (no difference was found at the horizon); ``reason`` says how it came about.

    ``win_rate`` is that of the sessions that are not tied, with an interval that holds at any time. ``p`` is always valid too, and of the margins:
    it knows by how much a session was won.
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


def always_valid_p(margins: Margins) -> float:
    """The least p over all looks so far at sessions in their order (above 0 won, below lost, 0 tied)."""
    return float(np.exp(-log_evidence(margins).max(initial=0.0)))


def log_evidence(margins: Margins) -> NDArray[np.float64]:
    """log of the mixture of exp(l S - l^2 V / 2) over l ~ N(0, SPREAD_OF_MARGINS^2) behind each session, float64[S]."""
    found = margins.astype(np.float64)
    total, room = np.cumsum(found), 1 + SPREAD_OF_MARGINS**2 * np.cumsum(found**2)
    return (SPREAD_OF_MARGINS * total) ** 2 / (2 * room) - np.log(room) / 2


def flip_p(margins: Margins, seed: int = 0) -> float:
    """Share of random signs for which the sum of the margins is as far from 0 as it is, the margins as they are among them (two-sided)."""
    decided = np.abs(margins[margins != 0]).astype(np.float32)
    total, chance, as_far = abs(float(margins.astype(np.float64).sum())), np.random.default_rng(seed), 0
    for start in range(0, FLIPS, AT_ONCE):
        flips = min(AT_ONCE, FLIPS - start)
        ups = np.unpackbits(chance.integers(0, 256, (flips, -(-len(decided) // 8)), np.uint8), axis=1, count=len(decided))
        sums = 2 * (ups.astype(np.float32) @ decided) - decided.sum()
        as_far += int((np.abs(sums) >= total * (1 - 1e-5)).sum())
    return (1 + as_far) / (1 + FLIPS)


def log_ratio(wins: NDArray[np.int64], losses: NDArray[np.int64]) -> NDArray[np.float64]:
    """log of the mixture's likelihood over that of the fair coin."""
    return scipy.special.betaln(SPREAD + wins, SPREAD + losses) - scipy.special.betaln(SPREAD, SPREAD) + (wins + losses) * np.log(2.0)


def win_rate_interval(wins: int, losses: int, alpha: float = 0.05) -> tuple[float, float]:
    """The win rates that the same test does not reject: they hold the true one at all times with probability 1 - alpha."""
    evidence = float(log_ratio(np.array(wins), np.array(losses))) - (wins + losses) * np.log(2.0) + np.log(alpha)
    rate = wins / max(wins + losses, 1)

    def excess(p: float) -> float:
        return evidence - (wins * np.log(p) + losses * np.log1p(-p))

    edge = 1e-12
    low = 0.0 if not wins or excess(edge) <= 0 else scipy.optimize.brentq(excess, edge, max(rate - edge, 2 * edge))
    high = 1.0 if not losses or excess(1 - edge) <= 0 else scipy.optimize.brentq(excess, min(rate + edge, 1 - 2 * edge), 1 - edge)
    return float(low), float(high)


def verdict(margins: Margins, horizon: int, alpha: float = 0.05) -> Verdict:
    """What the margins of the sessions, in the order they began, say of a challenger; those beyond the ``horizon`` do not count.

    A challenger that has lost more than 60 % of the sessions that are not tied, beyond chance, after at least 200 sessions, is stopped: the
    stop-loss. It is one-sided and never helps a challenger, so it only adds safety.
    """
    margins = margins[:horizon]
    wins, losses = int((margins > 0).sum()), int((margins < 0).sum())
    p = always_valid_p(margins)
    outcome, reason = _outcome(margins, wins, losses, p, horizon, alpha)
    rate = wins / (wins + losses) if wins + losses else 0.5
    return Verdict(outcome, reason, len(margins), wins, losses, rate, *win_rate_interval(wins, losses, alpha), p)


def _outcome(margins: Margins, wins: int, losses: int, p: float, horizon: int, alpha: float) -> tuple[str, str]:
    if stop_loss(len(margins), wins, losses):
        return "worse", f"stop-loss: {wins} sessions won and {losses} lost, below {STOP_LOSS_RATE:.0%}"
    total = float(margins.sum())
    side = "better" if total > 0 else "worse"
    if p <= EARLY_SHARE * alpha and total:
        return side, f"always-valid p = {p:.2g} at {len(margins)} sessions"
    if len(margins) < horizon:
        return "running", f"{len(margins)} of {horizon} sessions"
    fixed = flip_p(margins)
    found = fixed <= (1 - EARLY_SHARE) * alpha
    return (side if found else "same"), f"sign-flip test at the horizon of {horizon} sessions: p = {fixed:.2g}"


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
