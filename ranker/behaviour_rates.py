"""A click log to smoothed click rates, of documents and of documents under a query.

Rates are clicks over looks (`ranker.looking`), drawn to a mean by as much as the log itself says (`prior_strength`): those of a document under a
query to the query's, those of documents to that of the log.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ranker.behaviour import Behaviour, Rates, query_hash
from ranker.looking import two_accounts
from ranker.relevance import choose_theta
from ranker.sessions import ClickData

MIN_LOOKS = 3.0  # of a pair or a document, to have a rate
MAX_ENTRIES = 200_000  # pairs, and documents: the most looked at
WEAKEST, STRONGEST = 1.0, 1_000.0  # looks that a mean may be worth

Floats = NDArray[np.float64]


def learn_behaviour(data: ClickData) -> Behaviour:
    """The table of all that ``data`` holds."""
    account = two_accounts(data, choose_theta(data)[0])
    documents = {key: number for number, key in enumerate(dict.fromkeys(data.row_key))}
    owner = np.array([documents[key] for key in data.row_key], np.int64)
    pairs = _pair_rates(data, account.clicks, account.looks)
    clicks, looks = (_summed(owner, values, len(documents)) for values in (account.clicks, account.looks))
    return Behaviour(pairs, _document_rates(list(documents), clicks, looks))


def _pair_rates(data: ClickData, clicks: Floats, looks: Floats) -> dict[str, Rates]:
    query, whole_log = data.row_query.astype(np.int64), np.zeros(len(data.queries), np.int64)
    means, _ = smoothed(_summed(query, clicks, len(whole_log)), _summed(query, looks, len(whole_log)), whole_log)
    rates = drawn(clicks, looks, means[query], prior_strength(clicks, looks, query, means))
    table: dict[str, Rates] = {}
    for row in _most_looked_at(looks):
        name = query_hash(data.queries[query[row]])
        values = rates[row], math.log(rates[row] / means[query[row]]), math.log1p(looks[row])
        table.setdefault(name, {})[data.row_key[row]] = _exact(values)
    return table


def _summed(owner: NDArray[np.int64], values: Floats, owners: int) -> Floats:
    return np.bincount(owner, values, owners).astype(np.float64)


def _document_rates(keys: list[str], clicks: Floats, looks: Floats) -> Rates:
    rates = smoothed(clicks, looks, np.zeros(len(keys), np.int64))[0]
    return {keys[place]: _exact((rates[place], math.log1p(looks[place]))) for place in _most_looked_at(looks)}


def _most_looked_at(looks: Floats) -> list[int]:
    """Places of what was looked at often enough, the most first, as far as there is room."""
    order = np.argsort(-looks, kind="stable")[:MAX_ENTRIES]
    return [int(place) for place in order[looks[order] >= MIN_LOOKS]]


def _exact(values: tuple[float, ...]) -> tuple[float, ...]:
    """As float32 has them, so that a file, a table and a feature hold one number."""
    return tuple(float(np.float32(value)) for value in values)


def smoothed(clicks: Floats, looks: Floats, owner: NDArray[np.int64]) -> tuple[Floats, float]:
    """Rates drawn to the mean rate of their owner, float64[n], and how many looks that mean was worth."""
    totals = np.bincount(owner, looks)
    means = np.clip((np.bincount(owner, clicks) + 0.5) / (totals + 1.0), 1e-4, 1 - 1e-4)
    strength = prior_strength(clicks, looks, owner, means)
    return drawn(clicks, looks, means[owner], strength), strength


def drawn(clicks: Floats, looks: Floats, means: Floats, strength: float) -> Floats:
    """(clicks + strength mean) / (looks + strength): the mean of a Beta posterior."""
    return (clicks + strength * means) / (looks + strength)


def prior_strength(clicks: Floats, looks: Floats, owner: NDArray[np.int64], means: Floats) -> float:
    """Looks that a mean is worth: the strength m of Beta priors with these means, by moments (Kleinman 1973, eq. 2.3, a mean for each owner).

    A rate of n looks varies by v / n + v / (m + 1) (1 - 1 / n), v = mean (1 - mean). No more variation than chance gives: the strongest.
    """
    seen = looks > 0
    n, rate, mine = looks[seen], clicks[seen] / looks[seen], owner[seen]
    v = means[mine] * (1 - means[mine])
    own_share = 1 - n / np.maximum(np.bincount(owner, looks)[mine], 1e-9)  # means were made of the rates: one degree of freedom an owner
    beyond_chance = float((n * (rate - means[mine]) ** 2).sum() - (v * own_share).sum())
    if beyond_chance <= 0:
        return STRONGEST
    return float(np.clip((v * np.maximum(n - 1, 0) * own_share).sum() / beyond_chance - 1, WEAKEST, STRONGEST))
