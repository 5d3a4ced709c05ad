"""Changes of documents that wait while one is published -> one generation for all of them.

A generation costs tens of milliseconds, most of it waiting for the disk, whether it has one new document or a hundred: many small requests
would queue for seconds. So whoever comes first publishes what has come until then, and the others find theirs done (group commit, as databases
do it: DeWitt and others 1984).
"""

import threading
from collections.abc import Callable, Sequence

from indexer.changes import Change
from indexer.documents import BadDocument
from indexer.errors import SearchdError

# Of more documents than these one generation takes too long for whoever waits for it.
MOST = 20_000


class _Waiting:
    """A change that somebody waits for, and what became of it."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self.generation = ""
        self.error: Exception | None = None

    @property
    def done(self) -> bool:
        return bool(self.generation) or self.error is not None


class Committer:
    """``publish`` makes a generation of changes, all of them or none. Thread-safe."""

    def __init__(self, publish: Callable[[Sequence[Change]], str]) -> None:
        self._publish = publish
        self._queue: list[_Waiting] = []
        self._queued, self._publishing = threading.Lock(), threading.Lock()

    def commit(self, change: Change) -> str:
        """The generation that the change is in, published; raises what publishing raises, and is alone to blame for its own documents."""
        mine = _Waiting(change)
        with self._queued:
            self._queue.append(mine)
        with self._publishing:
            while not mine.done:
                self._publish_all(self._next())
        if mine.error is not None:
            raise mine.error
        return mine.generation

    def _next(self) -> list[_Waiting]:
        """The changes that came first, and at least one."""
        with self._queued:
            size, count = 0, 0
            while count < len(self._queue) and (count == 0 or size + len(self._queue[count].change.upserts) <= MOST):
                size += len(self._queue[count].change.upserts)
                count += 1
            some, self._queue = self._queue[:count], self._queue[count:]
        return some

    def _publish_all(self, some: list[_Waiting]) -> None:
        try:
            generation = self._publish([one.change for one in some])
        except BadDocument as error:
            if len(some) == 1:
                some[0].error = error
            for one in some if len(some) > 1 else ():
                self._publish_all([one])
        except (SearchdError, OSError) as error:
            for one in some:
                one.error = error
        else:
            for one in some:
                one.generation = generation
        finally:
            for one in some:
                if not one.done:  # what nobody expects goes up in this thread; the others must not wait for ever
                    one.error = RuntimeError("the change was not published: another request's thread met an unexpected error")
