"""What takes long to count, counted behind the page: a request waits a moment for it, and else is told that it is on its way.

Nothing is counted twice at once, nor again before it has become old; what takes long becomes old later, so that counting never takes more than a
twentieth of a core. Each worker has its own.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

FRESH_SECONDS = 30.0
SHARE_OF_TIME = 20
KEPT = 4
"""Each may be some tens of megabytes of a large log."""


class Found(NamedTuple):
    """A value and how many seconds old it is; ``value`` is None while it has never been counted."""

    value: Any
    age: float


class _Entry:
    def __init__(self) -> None:
        self.value: Any = None
        self.error: BaseException | None = None
        self.counted = self.old = 0.0  # by time.monotonic
        self.done = threading.Event()
        self.running = False


class Latest:
    """The latest value of each of a few slow computations; thread-safe."""

    def __init__(self, fresh_seconds: float = FRESH_SECONDS) -> None:
        self.fresh_seconds = fresh_seconds
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, count: Callable[[], Any], wait: float = 3.0) -> Found:
        """The value under ``key``, counted by ``count`` if it is old; raises what ``count`` raised.

        Waits at most ``wait`` seconds for a new one, then gives the old one, or None.
        """
        entry = self._started(key, count)
        entry.done.wait(wait)
        with self._lock:
            if entry.error is not None and not entry.running:
                raise entry.error
            return Found(entry.value, time.monotonic() - entry.counted if entry.counted else 0.0)

    def forget(self) -> None:
        """Count everything anew when it is asked for next: something has changed."""
        with self._lock:
            self._entries.clear()

    def _started(self, key: Hashable, count: Callable[[], Any]) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > KEPT:
                self._entries.popitem(last=False)
            if not entry.running and time.monotonic() >= entry.old:
                entry.running = True
                entry.done.clear()
                threading.Thread(target=self._count, args=(entry, count), name="dashboard", daemon=True).start()
        return entry

    def _count(self, entry: _Entry, count: Callable[[], Any]) -> None:
        started = time.monotonic()
        value, error = entry.value, None
        try:
            value = count()
        except Exception as found:  # told to whoever asked for it
            error = found
        with self._lock:
            now = time.monotonic()
            entry.value, entry.error, entry.running = value, error, False
            entry.counted = now
            entry.old = now + (0.0 if error else max(self.fresh_seconds, SHARE_OF_TIME * (now - started)))
        entry.done.set()
