"""Clicks to soft relevance grades: what a ranker is trained to reproduce.

The default has three steps. How often each row was looked at, by two accounts of how people look (`ranker.looking`); then a model f of the features
that maximises the likelihood of the clicks given the looks (`ranker.click_likelihood`); last the empirical-Bayes grade, with a prior that the rows
tell that f rates alike (`ranker.learned_prior`): rows with many impressions speak for themselves, the others for their features. (Shrinking to a
constant instead costs points: it lifts what was hardly seen to the mean.)

"mixture" lets the log say which click models explain it, and what share of the users each (`ranker.mixture`), and fits them again with
sigmoid(f(x)) believed of each row beforehand. In worlds that its models describe it is better by a little; on real text, where documents hardly move
between ranks, it corrects too much and costs what the clicks gave (docs/ltr.md), so it has to be asked for.

How much a model may weigh against the order that was served hangs on the size of the log (`Tier`).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranker.click_likelihood import CAUTIOUS_BELOW, EXPOSURE_CAP, Foretelling, learn_to_foretell
from ranker.click_models import NaiveCTR
from ranker.learned_prior import posterior_means
from ranker.looking import two_accounts
from ranker.mixture import MODELS, USUAL, Account, ClickMixture
from ranker.propensity import harvest, power_law
from ranker.reading_models import SDBN
from ranker.sessions import ClickData

Floats = NDArray[np.float64]


class Tier(NamedTuple):
    """What a log of fewer than ``below`` sessions is good for: ``blend`` is the most that a model may weigh, the rest is the order served."""

    name: str
    below: float
    blend: float
    says: str


TIERS = (
    Tier("none", 300, 0.0, "below 300 nothing is learned from clicks: a model would be worse than none"),
    Tier("small", 5_000, 0.5, "below 5,000 a model is at most half of the score"),
    Tier("medium", 50_000, 1.0, "below 50,000 an ensemble of losses is worth its time"),
    Tier("large", math.inf, 1.0, "enough for one model"),
)
MIN_SESSIONS = TIERS[0].below
PRIOR_IMPRESSIONS = 20.0
ROUNDS = 2
TOP_QUANTILE = 0.995


class Targets(NamedTuple):
    """What to train on, a value a row of ``ClickData``.

    ``grades`` float64[R] in [0, 1]: relevance, where 1 is the best 0.5 % of rows; cut them into 31 levels with linear gains for lambdarank.
    ``weights`` float64[R]: impressions that were looked at, at most 50; for pointwise losses only. ``theta`` float64[K]: propensities of the
    ranks. ``chosen`` names the method, "none" when there are too few sessions to train at all; ``why`` is a sentence for the model card.
    ``rates`` float64[R]: clicks over looks, scaled like the grades but not shrunk. ``blend``: the most a model may weigh (see `Tier`).
    ``models``: share and held-out log-likelihood of each click model. ``foretell``: grades of rows that nobody was shown, from their features.
    """

    grades: Floats
    weights: Floats
    theta: Floats
    chosen: str
    why: str
    rates: Floats | None = None
    blend: float = 1.0
    models: Mapping[str, Mapping[str, float]] = {}
    foretell: Callable[[NDArray[np.float32]], Floats] | None = None

    def card(self) -> dict[str, Any]:
        """The choices, for the model card."""
        theta = [round(float(value), 3) for value in self.theta]
        return {"chosen": self.chosen, "why": self.why, "blend": self.blend, "click_models": self.models, "propensities": theta}


def estimate_relevance(data: ClickData, method: str = "default", seed: int = 0) -> Targets:
    """Grades for all rows of ``data``.

    ``method``: "default" (two accounts of looking), "mixture" (of click models), one click model ("pbm", "trust", "ubm", "dbn", "sdbn"), or "naive"
    (click rates, not corrected).
    Raises ``ValueError`` for another name.
    """
    known = ("default", "mixture", "naive", "sdbn", *MODELS)
    if method not in known:
        raise ValueError(f"expected a method of {', '.join(known)}, found {method!r}")
    tier, num_ranks = tier_of(data.num_sessions), data.shown.shape[1]
    says = f"{data.num_sessions} sessions: {tier.says}"
    if tier.name != "none" and not 0 < data.num_clicks < data.shown.sum():
        tier, says = (
            TIERS[0],
            f"{data.num_sessions} sessions, {data.num_clicks} clicks on {data.shown.sum()} documents: they tell none apart",
        )
    if tier.name == "none" or method == "naive":
        chosen = "none" if tier.name == "none" else "naive"
        naive = NaiveCTR().fit(data)
        account = Account(naive.exposure_, naive.clicks_)
        return _targets(naive.attractiveness_, account, power_law(num_ranks), chosen, f"{says}; click rates, not corrected", tier)
    if method == "sdbn":
        sdbn = SDBN().fit(data)
        account = Account(sdbn.exposure_, sdbn.clicks_)
        grades = empirical_bayes(account, _foretold(data, account, seed))
        return _targets(grades, account, np.ones(num_ranks), "sdbn", f"{says}; the simplified DBN, as asked", tier)
    if method == "default":
        return _by_two_accounts(data, tier, says, seed)
    return _by_models(data, method, tier, says, seed)


def tier_of(sessions: int) -> Tier:
    """What a log of so many sessions is good for."""
    return next(tier for tier in TIERS if sessions < tier.below)


def _by_two_accounts(data: ClickData, tier: Tier, says: str, seed: int) -> Targets:
    theta, harvested = choose_theta(data)
    account = two_accounts(data, theta)
    why = f"{says}; looks by two accounts, by rank and down to the last click; {harvested}"
    foretell = _foretelling(data, account, seed)
    relevance = posterior_means(*account, foretell(data.X))
    targets = _targets(relevance, account, theta, "two accounts", why, tier)
    return targets._replace(foretell=lambda X: foretell(X) / _top(relevance))


def _by_models(data: ClickData, method: str, tier: Tier, says: str, seed: int) -> Targets:
    theta, harvested = choose_theta(data)
    mixture = ClickMixture(USUAL if method == "mixture" else (method,), random_state=seed).fit(data)
    account = mixture.account(data)
    for _ in range(ROUNDS):
        foretold = _foretold(data, account, seed)
        account = mixture.refit(data, foretold, PRIOR_IMPRESSIONS).account(data)
    told = {
        name: {"share": round(mixture.shares_.get(name, 0.0), 3), "log_likelihood": round(value, 4)}
        for name, value in mixture.log_likelihoods_.items()
    }
    parts = ", ".join(f"{name} {share:.0%}" for name, share in sorted(mixture.shares_.items(), key=lambda item: -item[1]))
    asked = "by what they explain of held-out sessions" if method == "mixture" else "as asked"
    why = f"{says}; click models {asked}: {parts}; {harvested}"
    return _targets(empirical_bayes(account, foretold), account, theta, method, why, tier)._replace(models=told)


def _foretold(data: ClickData, account: Account, seed: int) -> Floats:
    """What features say of each row's attractiveness, float64[R]."""
    return np.clip(_foretelling(data, account, seed)(data.X), 1e-4, 0.999)


def _foretelling(data: ClickData, account: Account, seed: int) -> Foretelling:
    everything, cautious = np.arange(data.num_rows), data.num_sessions < CAUTIOUS_BELOW
    return learn_to_foretell(data.X, everything, np.ones(data.num_rows), *account, seed, cautious)


def empirical_bayes(account: Account, predicted: Floats) -> Floats:
    """(clicks + 20 predicted) / (looks + 20)."""
    return (account.clicks + PRIOR_IMPRESSIONS * predicted) / (account.looks + PRIOR_IMPRESSIONS)


def choose_theta(data: ClickData) -> tuple[Floats, str]:
    """Propensities of the ranks for this log, and how they were found."""
    found = harvest(data.shown, data.clicked)
    seen = f"{found.clicks:.0f} clicks harvested from {found.pairs} pairs of ranks"
    if found.supported:
        return found.theta, f"{seen}: theta by rank, floored at 0.9/k"
    return found.theta, f"{seen}: too few for each rank, theta = k^-{found.exponent:.2f}"


def _targets(relevance: Floats, account: Account, theta: Floats, chosen: str, why: str, tier: Tier) -> Targets:
    top = _top(relevance)
    rates = np.clip(account.clicks / np.maximum(account.looks, 1e-9) / top, 0.0, 1.0)
    return Targets(np.clip(relevance / top, 0.0, 1.0), np.minimum(account.looks, EXPOSURE_CAP), theta, chosen, why, rates, tier.blend)


def _top(relevance: Floats) -> float:
    """What becomes grade 1: the best half per cent of rows, so that a lucky one does not set the scale."""
    return max(float(np.quantile(relevance, TOP_QUANTILE)) if len(relevance) else 1.0, 1e-9)
