"""Answers of before, for whoever asks the same again: many people ask few things.

An answer is kept as long as all it came from is the same: the snapshot (index, model, synonyms) and the tables that are made behind searches. When
any of them is another one, all that was kept is let go. What explored, took part in an experiment, was explained or ran out of time is never kept,
and a search whose answer was kept is logged and counted like any other, under an id of its own.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from searchd.answering import Answer, Wanted
from searchd.hits import Hit
from searchd.ranking import Ranked
from searchd.results import Page
from searchd.snapshot import Snapshot

# Features that somebody wrote may look at the clock.
KEPT_SECONDS = 300.0
State = tuple[object, ...]
# Names of models that mean the same as long as the snapshot is the same.
_STEADY_MODELS = (None, "none", "active")
# An answer takes so many bytes besides, and its hits as many as their JSON besides that.
_OTHERWISE = 3000


class _Kept(NamedTuple):
    answer: Answer
    size: int
    until: float


class KeptAnswers:
    """At most ``most`` bytes of them, the least recently asked for leave first. Threads may share it."""

    def __init__(self, most: int, made_of: Callable[[list[Hit]], bytes]) -> None:
        """``made_of``: what is made of the hits and kept with them, such as their JSON, by whose size that of the hits is told."""
        self._most, self._made_of = most, made_of
        self._lock = threading.Lock()
        self._state: State = ()
        self._kept: OrderedDict[Wanted, _Kept] = OrderedDict()
        self.size = 0

    def get(self, wanted: Wanted, state: State) -> Answer | None:
        """The answer that was kept in this very state (see ``state_of``)."""
        with self._lock:
            self._require(state)
            kept = self._kept.get(wanted)
            if kept is None:
                return None
            if kept.until < time.monotonic():
                self._forget(wanted)
                return None
            self._kept.move_to_end(wanted)
            return kept.answer

    def keep(self, wanted: Wanted, state: State, answer: Answer) -> Answer:
        """Keep an answer that was found in ``state``, unless that has gone by or it is too large; returns it as it is kept."""
        made = self._made_of(answer.hits)
        answer = answer._replace(page=_compact(answer.page), made=made)
        features = answer.page.ranked.features
        size = _OTHERWISE + 2 * len(made) + (0 if features is None else features.nbytes) + 200 * sum(map(len, answer.facets.values()))
        with self._lock:
            if self._is(state) and size <= self._most // 8:
                if wanted in self._kept:
                    self._forget(wanted)
                self._kept[wanted] = _Kept(answer, size, time.monotonic() + KEPT_SECONDS)
                self.size += size
                while self.size > self._most:
                    self._forget(next(iter(self._kept)))
        return answer

    def __len__(self) -> int:
        return len(self._kept)

    def _require(self, state: State) -> None:
        if not self._is(state):
            self._kept.clear()
            self._state, self.size = state, 0

    def _is(self, state: State) -> bool:
        return len(state) == len(self._state) and all(one is other for one, other in zip(state, self._state))

    def _forget(self, wanted: Wanted) -> None:
        self.size -= self._kept.pop(wanted).size


def state_of(snapshot: Snapshot) -> State:
    """What answers come from. Tables made behind searches change them when they are ready, and when they are made again."""
    return snapshot, snapshot.suggestions.made, snapshot.han_words.made, snapshot.query_terms.subwords.made


def keepable(wanted: Wanted) -> bool:
    """Whether the answer is the same next time; a model's newest version may be another one by then."""
    return not wanted.shown.explain and wanted.model in _STEADY_MODELS


def _compact(page: Page) -> Page:
    """The page alone: its arrays may be views of all candidates'."""
    arrays = [None if values is None else np.array(values) for values in page.ranked]
    return page._replace(ranked=Ranked(*arrays))  # type: ignore[arg-type]
