"""The watch over what is tried on people: now and then, in the background, an experiment or a fresh model that does harm is ended.

Requests only look at a clock; the look into the click log is a thread of its own, at most one in a home, and never more than a twentieth of the time.
"""

import threading
import time
from collections.abc import Callable

import structlog

from indexer.durable import exclusive
from indexer.errors import SearchdError
from indexer.home import Home
from ranker.clicklog import ClickLog
from ranker.experiment_results import settle
from ranker.experiments import Experiments
from ranker.watch import watch

SHARE_OF_TIME = 20
log = structlog.get_logger("searchd.guard")


class Guard:
    """Looks every ``seconds`` at most, 0 for never; ``click_log`` gives the log when there is something to look for. Thread-safe."""

    def __init__(self, home: Home, seconds: int, click_log: Callable[[], ClickLog]) -> None:
        self.home, self.seconds, self._click_log = home, seconds, click_log
        self._lock = threading.Lock()
        self._next = time.monotonic() + seconds

    def tick(self) -> None:
        """Start a look if it is time; returns at once."""
        if not self.seconds or time.monotonic() < self._next or not self._lock.acquire(blocking=False):
            return
        threading.Thread(target=self._look, name="guard", daemon=True).start()

    def _look(self) -> None:
        started = time.monotonic()
        try:
            self.check()
        finally:
            now = time.monotonic()
            self._next = now + max(self.seconds, SHARE_OF_TIME * (now - started))
            self._lock.release()

    def check(self) -> None:
        """Look now, unless another worker does; what is found is done and logged, and what cannot be read is logged."""
        experiments = Experiments(self.home)
        if not experiments.running_file.exists() and not (self.home.models / "WATCH.json").exists():
            return
        with exclusive(self.home.root / ".guard") as mine:
            if not mine:
                return
            try:
                self._end_what_does_harm(experiments)
            except SearchdError as error:
                log.warning("not watched", reason=str(error), code=error.code)

    def _end_what_does_harm(self, experiments: Experiments) -> None:
        found = settle(experiments, self._click_log())
        if found is not None and found.status != "running":
            log.info("experiment ended", experiment=found.name, reason=found.reason)
        regression = watch(self.home, self._click_log())
        if regression is not None:
            log.warning("model rolled back", **regression)
