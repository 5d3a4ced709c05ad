"""Answers of before, for whoever asks the same again: many people ask few things.

An answer is kept as long as all it came from is the same: the snapshot (index, model, synonyms) and the tables that are made behind searches. When
any of them is another one, all that was kept is let go. What explored, took part in an experiment, was explained or ran out of time is never kept,
and a search whose answer was kept is logged and counted like any other, under an id of its own.
"""

import sys
import threading
import time
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np

from searchd.answering import Answer, Wanted
from searchd.ranking import Ranked
from searchd.results import Page
from searchd.snapshot import Snapshot

# Features that somebody wrote may look at the clock.
KEPT_SECONDS = 300.0
State = tuple[object, ...]
# Names of models that mean the same as long as the snapshot is the same.
_STEADY_MODELS = (None, "none", "active")


class _Kept(NamedTuple):
    answer: Answer
    size: int
    until: float


class KeptAnswers:
    """At most ``most`` bytes of them, the least recently asked for leave first. Threads may share it."""

    def __init__(self, most: int) -> None:
        self._most = most
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
        answer = answer._replace(page=_compact(answer.page), made={})
        size = _size(wanted) + 2 * sum(_size(hit) for hit in answer.hits) + _size(answer.facets) + _size(answer.page.ranked)
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


def _size(value: Any) -> int:
    """Bytes of a value and what is in it, roughly; hits count twice since their JSON is kept beside them."""
    if isinstance(value, np.ndarray):
        return value.nbytes + 100
    if isinstance(value, dict):
        return sys.getsizeof(value) + sum(map(_size, value.values()))
    if isinstance(value, list | tuple):
        return sys.getsizeof(value) + sum(map(_size, value))
    return sys.getsizeof(value)
