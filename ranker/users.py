"""Lists of documents with known grades to clicks: four simulated users, after the click models of the literature.

All sessions go down their lists side by side, one rank at a time. A document attracts with probability .1 + .9 (2^g - 1) / (2^gmax - 1);
the users differ in which ranks they look at and when they leave.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
User = Callable[[Floats, Floats, np.random.Generator], Bools]

CASCADE_PATIENCE = 0.85
DBN_PATIENCE = 0.9


def attractiveness(grades: NDArray[np.float64], highest: float) -> Floats:
    """P(click | looked at) of a document of each grade, where ``highest`` is the best grade of the collection."""
    return 0.1 + 0.9 * (2.0**grades - 1) / max(2.0**highest - 1, 1e-9)


def pbm(attraction: Floats, quality: Floats, rng: np.random.Generator) -> Bools:
    """Position-based: rank k is looked at with probability 1 / k, whatever happened before."""
    ranks = np.arange(1, attraction.shape[1] + 1)
    return rng.random(attraction.shape) < attraction / ranks


def cascade(attraction: Floats, quality: Floats, rng: np.random.Generator) -> Bools:
    """From the top down to the first click; gives up after each unclicked document with probability .15."""
    clicked = np.zeros(attraction.shape, bool)
    going = np.ones(len(attraction), bool)
    for k in range(attraction.shape[1]):
        clicked[:, k] = going & (rng.random(len(going)) < attraction[:, k])
        going &= ~clicked[:, k] & (rng.random(len(going)) < CASCADE_PATIENCE)
    return clicked


def dbn(attraction: Floats, quality: Floats, rng: np.random.Generator) -> Bools:
    """Dynamic Bayesian network: from the top down until satisfied (.1 + .8 quality after a click) or out of patience (.1 after each)."""
    clicked = np.zeros(attraction.shape, bool)
    going = np.ones(len(attraction), bool)
    for k in range(attraction.shape[1]):
        clicked[:, k] = going & (rng.random(len(going)) < attraction[:, k])
        satisfied = clicked[:, k] & (rng.random(len(going)) < 0.1 + 0.8 * quality[:, k])
        going &= ~satisfied & (rng.random(len(going)) < DBN_PATIENCE)
    return clicked


def ubm(attraction: Floats, quality: Floats, rng: np.random.Generator) -> Bools:
    """User browsing model: whether a rank is looked at hangs on the rank and on how far up the last click was."""
    clicked = np.zeros(attraction.shape, bool)
    last = np.full(len(attraction), -1)
    for k in range(attraction.shape[1]):
        after_click = 1 / (1 + 0.25 * (k - last) * (1 + 0.05 * k))
        looked = np.where(last < 0, 1 / (1 + 0.35 * k), after_click)
        clicked[:, k] = rng.random(len(last)) < looked * attraction[:, k]
        last[clicked[:, k]] = k
    return clicked


USERS: dict[str, User] = {"pbm": pbm, "cascade": cascade, "dbn": dbn, "ubm": ubm}


def click(user: str, grades: Floats, highest: float, rng: np.random.Generator) -> Bools:
    """Clicks bool[S, K] of one kind of ``user`` on S lists of documents with ``grades`` float64[S, K]; -1 where a list has ended."""
    known = np.maximum(grades, 0.0)
    attraction = np.where(grades < 0, 0.0, attractiveness(known, highest))
    return USERS[user](attraction, known / max(highest, 1e-9), rng)
