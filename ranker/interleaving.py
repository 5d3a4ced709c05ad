"""Several rankings of the same candidates to one list whose clicks say which ranking is better: team-draft interleaving and multileaving.

The rankers take turns as captains do when they pick teams: in every round each gives its best document that nobody has given yet, in an order
drawn anew (two rankers: Radlinski et al., CIKM 2008; more: Schuth et al., CIKM 2014). A click counts for the ranker that gave the document.

Where all rankers would give the same documents in a round, the list is the same whoever was drawn first, so a click there tells nothing about
them; such documents belong to nobody. That is the mean of the credit over all drafts that give the shown list: the same expectation, less noise.

A click weighs more, the further apart the rankings place the documents of its round. One weight for all of a round keeps the draft fair: whoever
gives a document of the round, and that is drawn, gets the same for a click on it.
"""

import math
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NOBODY = "-"
MAX_RANKERS = 6
DEEP = 20
"""Ranks from here on are as far away as each other."""
MOST = 6.0
"""A session counts at most so much: as two clicks where the rankings disagree most."""


class Draft(NamedTuple):
    """``docs`` int64[n] as they are shown; ``teams`` has one character a document: the number of its ranker, or ``-``.

    ``weights`` float32[n] are those of a click on each.
    """

    docs: NDArray[np.int64]
    teams: str
    weights: NDArray[np.float32]


def team_draft(
    rankings: Sequence[NDArray[np.int64]], length: int, chance: Random, alive: Sequence[int] | None = None, shared: bool = True
) -> Draft:
    """The first ``length`` documents of a draft between ``rankings``, which hold the same documents, best first.

    ``alive`` numbers the rankers that take part (all unless given). ``shared`` False gives every document to a team, also where the rankers agree:
    for a ranker against itself, whose clicks would otherwise never count. The same state of ``chance`` gives the same list, and a longer draft
    begins with the shorter one.
    """
    numbers = list(range(len(rankings)) if alive is None else alive)
    lists = {number: rankings[number].tolist() for number in numbers}
    length = min(length, *(len(one) for one in lists.values()))
    at = dict.fromkeys(numbers, 0)
    taken: set[int] = set()
    docs: list[int] = []
    teams: list[str] = []
    weights: list[float] = []
    ranks = [{doc: rank for rank, doc in enumerate(one[: DEEP - 1], 1)} for one in lists.values()]
    while len(docs) < length:
        round_ = min(len(numbers), length - len(docs))
        agreed = shared and _agree(lists, at, taken, round_)
        for number in chance.sample(numbers, len(numbers))[:round_]:
            docs.append(_next(lists[number], at, number, taken))
            teams.append(NOBODY if agreed else str(number))
        weights += [_disagreement(ranks, docs[-round_:]) if shared else 1.0] * round_
    return Draft(np.array(docs, np.int64), "".join(teams), np.array(weights, np.float32))


def _disagreement(ranks: Sequence[dict[int, int]], docs: Sequence[int]) -> float:
    """How many times deeper one ranking has the documents of a round than another, as a logarithm; the mean over the documents."""
    places = [[of.get(doc, DEEP) for of in ranks] for doc in docs]
    return sum(math.log(max(one) / min(one)) for one in places) / len(docs)


def _next(ranking: list[int], at: dict[int, int], number: int, taken: set[int]) -> int:
    """The best document of a ranking that nobody has; it is taken now."""
    while ranking[at[number]] in taken:
        at[number] += 1
    doc = ranking[at[number]]
    taken.add(doc)
    return doc


def _agree(lists: dict[int, list[int]], at: dict[int, int], taken: set[int], count: int) -> bool:
    """Whether all rankings go on with the same ``count`` documents."""
    nexts = [_upcoming(ranking, at[number], taken, count) for number, ranking in lists.items()]
    return all(one == nexts[0] for one in nexts)


def _upcoming(ranking: list[int], start: int, taken: set[int], count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count and start < len(ranking):
        if ranking[start] not in taken:
            found.append(ranking[start])
        start += 1
    return found


def preference(clicks: NDArray[np.int64]) -> NDArray[np.int8]:
    """Who a session preferred: the sign of each ranker's clicks less those of ranker 0, int8[S, R - 1] from clicks int64[S, R].

    A session counts once however often it clicked, so a busy one weighs no more than another.
    """
    return np.sign(clicks[:, 1:] - clicks[:, :1]).astype(np.int8)


def margins(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much: float64[S, R - 1] in -MOST..MOST from the weights of the clicks for each ranker, float64[S, R].

    If no ranker is better, a margin is as likely as its opposite.
    """
    return np.clip(worth[:, 1:] - worth[:, :1], -MOST, MOST)
