"""Pieces of work on threads, results in order: kernels and compressors let go of the interpreter's lock while they work."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition, Thread
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = min(4, len(os.sched_getaffinity(0)))


def in_order(work: Callable[[Item], Result], items: Iterable[Item], threads: int = THREADS) -> Iterator[Result]:
    """``work(item)`` of every item, in the order of the items; only a few results wait at a time, so memory is that of a few pieces.

    Raises what ``work`` raised, at its place in the order.
    """
    if threads == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


class Ahead(Generic[Result]):
    """Results that are computed before they are asked for, by a thread of their own: iterate over it, once, inside its ``with``.

    The thread waits while ``room`` bytes of results do, ``size`` saying how many one has. What ``results`` raises comes at its place.
    """

    def __init__(self, results: Generator[Result, None, None], size: Callable[[Result], int], room: int) -> None:
        self._results, self._size, self._room = results, size, room
        self._waiting: deque[Result] = deque()
        self._held, self._ended, self._unwanted = 0, False, False
        self._error: BaseException | None = None
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="ahead", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        with self._changed:
            self._unwanted = True
            self._changed.notify_all()
        self._thread.join()

    def __iter__(self) -> Iterator[Result]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if not self._waiting:
                    break
                result = self._waiting.popleft()
                self._held -= self._size(result)
                self._changed.notify_all()
            yield result
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            for result in self._results:
                if not self._keep(result):
                    self._results.close()
        except BaseException as error:
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _keep(self, result: Result) -> bool:
        """Let a result wait, when there is room; False when nobody wants it."""
        with self._changed:
            self._changed.wait_for(lambda: self._held < self._room or self._unwanted)
            self._waiting.append(result)
            self._held += self._size(result)
            self._changed.notify_all()
            return not self._unwanted
