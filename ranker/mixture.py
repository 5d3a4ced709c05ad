"""A log to the click models that explain it, and to the looks of each row: users differ, so each model has its share of the sessions.

The shares are those that make held-out sessions likeliest: a session is explained by one model or another, and EM over the sessions finds how often
by which. Then each session's looks are told by the models as far as they explain it, so that who clicked at rank 9 alone is not taken for a reader
from the top. Choosing the one best model instead is as good for users of one kind and loses points of nDCG for the others.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ranker.browsing_models import PBM, UBM, TrustBias
from ranker.click_models import ClickModel, Floats
from ranker.reading_models import DBN
from ranker.sessions import ClickData, Sessions, chosen_sessions, counts_of

MODELS: dict[str, Callable[..., ClickModel]] = {"pbm": PBM, "trust": TrustBias, "ubm": UBM, "dbn": DBN}
USUAL = ("pbm", "trust", "dbn")
"""UBM is left out: of its 400 cells nothing fixes what a rank is worth where documents hardly move between ranks."""
LEAST_SHARE = 0.05
SAMPLE = 100_000
"""Sessions are enough to tell models apart to a hundredth; a larger log is sampled."""
HELD_OUT = 0.2
STEPS = 300
BLOCK = 50_000


class Account(NamedTuple):
    """What the models say of each row: its looks, and the clicks that it owes to itself; float64[R] each."""

    looks: Floats
    clicks: Floats


class ClickMixture:
    """Estimator: ``fit`` learns ``shares_``, a share of the users for each of ``models`` that explains some, the held-out
    ``log_likelihoods_`` of each (nats a document), and ``models_``, those with a share fitted to everything."""

    shares_: dict[str, float]
    log_likelihoods_: dict[str, float]
    models_: dict[str, ClickModel]

    def __init__(self, models: Sequence[str] = USUAL, least_share: float = LEAST_SHARE, random_state: int = 0) -> None:
        self.models = models
        self.least_share = least_share
        self.random_state = random_state

    def fit(self, data: ClickData) -> Self:
        """Learn the shares from four fifths of the sessions, by what is explained of the last one; then the models from all."""
        turn = np.random.default_rng(self.random_state).permutation(data.num_sessions)
        tested = max(int(HELD_OUT * min(data.num_sessions, SAMPLE)), 1)
        test, train = chosen_sessions(data.sessions, turn < tested), part(data, (turn >= tested) & (turn < SAMPLE))
        told = np.stack([self._made(name).fit(train).session_log_likelihoods(test) for name in self.models], axis=1)
        shares = explained_shares(told)
        kept = np.where(shares >= self.least_share, shares, 0.0)
        self.shares_ = {name: float(share) for name, share in zip(self.models, kept / kept.sum()) if share > 0}
        self.log_likelihoods_ = {name: float(total) / max(len(test.rows), 1) for name, total in zip(self.models, told.sum(axis=0))}
        self.models_ = {name: self._made(name).fit(data) for name in self.shares_}
        return self

    def refit(self, data: ClickData, prior: Floats, strength: float) -> Self:
        """The models anew, with ``prior`` float64[R] believed of each row beforehand as if from ``strength`` looks; the shares stay."""
        self.models_ = {name: self._made(name, strength=strength).fit(data, prior) for name in self.shares_}
        return self

    def account(self, data: ClickData) -> Account:
        """Looks and clicks of each row: in each session those of the models, weighed by how likely each made it."""
        looks, clicks = np.zeros(data.num_rows), np.zeros(data.num_rows)
        for block in _blocks(data.sessions):
            session = np.repeat(np.arange(len(block)), np.diff(block.offsets))
            for model, chance in zip(self.models_.values(), self._posterior(block).T):
                seen, owed = model.looks(block)
                looks += np.bincount(block.rows, chance[session] * seen, data.num_rows)
                clicks += np.bincount(block.rows, chance[session] * owed, data.num_rows)
        return Account(looks, np.clip(clicks, 0.0, looks))

    def _posterior(self, sessions: Sessions) -> Floats:
        """P(model | session), float64[S, M]."""
        told = np.stack([model.session_log_likelihoods(sessions) for model in self.models_.values()], axis=1)
        return _posterior(_likelihoods(told), np.array([self.shares_[name] for name in self.models_]))

    def _made(self, name: str, **more: float) -> ClickModel:
        return MODELS[name](random_state=self.random_state, **more)


def explained_shares(log_likelihoods: Floats) -> Floats:
    """Shares float64[M] of models that make S sessions likeliest, from log P(session | model) float64[S, M].

    EM of a mixture of known components: a model's share is the mean of its posterior chances.
    """
    likelihoods = _likelihoods(log_likelihoods)
    shares = np.full(likelihoods.shape[1], 1 / likelihoods.shape[1])
    for _ in range(STEPS):
        shares = _posterior(likelihoods, shares).mean(axis=0)
    return shares


def _likelihoods(log_likelihoods: Floats) -> Floats:
    """Up to a factor a session, which cancels."""
    return np.exp(log_likelihoods - log_likelihoods.max(axis=1, keepdims=True))


def _posterior(likelihoods: Floats, shares: Floats) -> Floats:
    weighed = likelihoods * shares
    return weighed / weighed.sum(axis=1, keepdims=True)


def _blocks(sessions: Sessions) -> Iterator[Sessions]:
    """Some sessions at a time, to bound what is held by position."""
    for first in range(0, len(sessions), BLOCK):
        offsets = sessions.offsets[first : first + BLOCK + 1]
        where = slice(offsets[0], offsets[-1])
        yield Sessions(offsets - offsets[0], sessions.rows[where], sessions.ranks[where], sessions.clicked[where])


def part(data: ClickData, keep: NDArray[np.bool_]) -> ClickData:
    """The sessions of ``data`` that are kept, bool[S], over the same rows."""
    sessions = chosen_sessions(data.sessions, keep)
    shown, clicked = counts_of(sessions, data.num_rows)
    return replace(data, sessions=sessions, shown=shown, clicked=clicked)
