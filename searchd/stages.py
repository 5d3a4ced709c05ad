"""How long each stage of a search takes, and whether its time is up: a stopwatch that belongs to the thread that searches.

When the time of a search is up, what it has is its answer: whatever comes next asks ``time_is_up`` and is left out, which the answer then says.
Kernels ask the clock themselves (``time_limits.py``): retrieval stops between two superblocks, and its answer is that of the documents before.
A set of documents, such as a filter or a phrase in a query, is of no use in part: what makes one raises OutOfTime. Stages far below the engine
find the stopwatch by their thread, so that nobody has to hand it on; outside of a search nothing is measured and no time is ever up.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

STAGES = ("open", "kept", "plan", "retrieve", "features", "score", "count", "correct", "hits", "facets", "log")


class OutOfTime(Exception):
    """Something that is needed whole could not be made in time; never leaves the engine."""


class Watch:
    """One search: ``seconds`` by stage, what was ``left_out`` for want of time, and the share of the documents that retrieval looked at."""

    __slots__ = ("coverage", "last", "left_out", "seconds", "until")

    def __init__(self, timeout_ms: float | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self.left_out: set[str] = set()
        self.coverage = 1.0
        self.last = perf_counter()
        self.until = None if timeout_ms is None else self.last + timeout_ms / 1000


class _Local(threading.local):
    watch: Watch | None = None


_LOCAL = _Local()


@contextmanager
def stopwatch(timeout_ms: float | None = None) -> Iterator[Watch]:
    """Measure the search that this thread does inside; ``timeout_ms`` from now its time is up."""
    watch = _LOCAL.watch = Watch(timeout_ms)
    try:
        yield watch
    finally:
        _LOCAL.watch = None


def lap(stage: str) -> None:
    """A stage ends here: what has passed since the one before is its own."""
    watch = _LOCAL.watch
    if watch is not None:
        now = perf_counter()
        watch.seconds[stage] = watch.seconds.get(stage, 0.0) + now - watch.last
        watch.last = now


def limited() -> bool:
    """Whether the search has a time limit."""
    return deadline() > 0


def time_is_up(stage: str) -> bool:
    """Whether ``stage`` has to be left out."""
    watch = _LOCAL.watch
    if watch is None or watch.until is None or perf_counter() < watch.until:
        return False
    watch.left_out.add(stage)
    return True


def deadline() -> int:
    """When the search's time is up, in nanoseconds of the monotonic clock; 0: never."""
    watch = _LOCAL.watch
    return 0 if watch is None or watch.until is None else max(1, int(watch.until * 1e9))


def need_time() -> None:
    """Raise OutOfTime if the search's time is up."""
    watch = _LOCAL.watch
    if watch is not None and watch.until is not None and perf_counter() >= watch.until:
        raise OutOfTime


def leave_out(stage: str) -> None:
    """``stage`` is missing for want of time."""
    watch = _LOCAL.watch
    if watch is not None:
        watch.left_out.add(stage)


def complete() -> bool:
    """Whether retrieval has looked at all documents."""
    watch = _LOCAL.watch
    return watch is None or watch.coverage >= 1.0


def covers(share: float) -> None:
    """Retrieval has looked at this share of the documents only."""
    watch = _LOCAL.watch
    if watch is not None:
        watch.coverage = min(watch.coverage, share)
