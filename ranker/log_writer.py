"""Group commit: the rows of many callers to one SQLite transaction after another, by one thread a process.

A commit with ``synchronous=FULL`` costs one fsync, about 2 ms. While the disk works on one batch, the next gathers in a bounded queue; so a
busy server stores tens of thousands of rows a second, and an idle one answers after one fsync.

Workers of a service take turns at the file. SQLite itself would sleep up to 100 ms before it looks again whether the write lock is free, and whoever
has just let go of it would take it again meanwhile: so a writer looks every millisecond, and after a commit leaves the lock free for somewhat longer.
"""

import logging
import queue
import sqlite3
import threading
import time
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

from ranker.clicklog_schema import EVENT_COLUMNS, IMPRESSION_ROW, ClickLogBusy, ClickLogError
from ranker.log_file import LogFile

log = logging.getLogger(__name__)
LOOK_SECONDS, GAP_SECONDS = 0.001, 0.0015
# What nobody waits for is gathered so long in a service, so that searches alone do not cost an fsync each.
LINGER_SECONDS = 0.02


def _insert(table: str, columns: list[str]) -> str:
    return f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


INSERT_IMPRESSION = _insert("impressions", list(IMPRESSION_ROW))
INSERT_EVENT = _insert("events", list(EVENT_COLUMNS))
INSERT_MATRIX = _insert("matrices", ["digest", "data"])


class Stored(NamedTuple):
    """How many rows of a job were new; the others were there already."""

    impressions: int
    events: int


class Job(NamedTuple):
    """Rows that are stored together or not at all. ``done`` is None when nobody waits."""

    impressions: list[tuple[Any, ...]]
    matrices: list[tuple[bytes, bytes]]
    events: list[tuple[Any, ...]]
    done: "Future[Stored] | None"


class LogWriter:
    """The writer thread of one process over one file; threads may submit at once."""

    def __init__(self, file: LogFile, queue_size: int, batch_size: int) -> None:
        self.path, self.batch_size = file.path, batch_size
        self.lost = 0
        self._jobs: queue.Queue[Job | None] = queue.Queue(queue_size)
        self._file = file
        self._gap, self._linger = (GAP_SECONDS, LINGER_SECONDS) if file.steady else (0.0, 0.0)
        self._urgent = threading.Event()  # somebody waits
        self._thread = threading.Thread(target=self._run, name="click-log-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue one job; raises ``ClickLogBusy`` at once when the queue is full."""
        try:
            self._jobs.put_nowait(job)
            if job.done is not None:
                self._urgent.set()
        except queue.Full:
            raise ClickLogBusy(f"{self.path}: {self._jobs.maxsize} writes are waiting already; try again in a second") from None

    @property
    def waiting(self) -> int:
        """Jobs that are queued."""
        return self._jobs.qsize()

    def close(self) -> None:
        """Store what is queued, then stop."""
        self._jobs.put(None)
        self._urgent.set()
        self._thread.join()

    def _run(self) -> None:
        open_ = True
        while open_:
            batch, open_ = self._gather()
            try:
                answers = self._file.store(partial(_commit, batch=batch, busy_seconds=self._file.busy_seconds))
            except Exception as error:  # the thread must outlive any one batch
                self._refuse(batch, error if isinstance(error, ClickLogError) else ClickLogError(f"{self.path}: {error}"))
                continue
            for job, stored in zip(batch, answers):
                if job.done is not None:
                    job.done.set_result(stored)
            if open_ and self._gap:
                time.sleep(self._gap)
        self._file.close()

    def _gather(self) -> tuple[list[Job], bool]:
        """All jobs that wait now, at least one; and whether to go on after them."""
        batch: list[Job] = []
        job = self._jobs.get()
        if self._linger:
            self._urgent.wait(self._linger)
        self._urgent.clear()
        while job is not None:
            batch.append(job)
            if len(batch) >= self.batch_size:
                return batch, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _refuse(self, batch: list[Job], error: ClickLogError) -> None:
        log.error("click log: %s", error)
        for job in batch:
            if job.done is not None:
                job.done.set_exception(error)
            else:
                self.lost += len(job.impressions)


def _commit(connection: sqlite3.Connection, batch: list[Job], busy_seconds: float) -> list[Stored]:
    """Store all jobs in one transaction: durable on return, nothing stored when it raises."""
    if not batch:
        return []
    _begin(connection, busy_seconds)
    try:
        answers = [_store(connection, job) for job in batch]
        connection.execute("COMMIT")
        return answers
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _store(connection: sqlite3.Connection, job: Job) -> Stored:
    connection.executemany(INSERT_MATRIX, job.matrices)
    impressions = connection.executemany(INSERT_IMPRESSION, job.impressions).rowcount if job.impressions else 0
    events = connection.executemany(INSERT_EVENT, job.events).rowcount if job.events else 0
    return Stored(impressions, events)


def _begin(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Take the write lock, or raise sqlite3.OperationalError when others had it for so long."""
    deadline = time.monotonic() + busy_seconds
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while not _begun(connection, time.monotonic() >= deadline):
            time.sleep(LOOK_SECONDS)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(1000 * busy_seconds)}")


def _begun(connection: sqlite3.Connection, last: bool) -> bool:
    """Whether the lock was free; the ``last`` time it raises if it was not."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        return True
    except sqlite3.OperationalError as error:
        if last or error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        return False
