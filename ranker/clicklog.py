"""Impressions and events to one durable SQLite file, and back in order: the click log.

What ``append`` and ``write`` have returned is on the disk (WAL, ``synchronous=FULL``), whatever kills the process next; an event that is
sent again is stored once. Several processes may write one file. Reading never blocks writing.
"""

import atexit
import logging
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self

from ranker.clicklog_schema import (
    BUSY_SECONDS,
    EVENT_SELECT,
    IMPRESSION_SELECT,
    ClickLogBusy,
    ClickLogCorrupt,
    ClickLogError,
    ClickLogFull,
    Event,
    Impression,
    connect,
    event_of,
    event_row,
    explain,
    impression_of,
    impression_row,
    normalised,
    now_ms,
)
from ranker.log_file import LogFile
from ranker.log_writer import Job, LogWriter, Stored

__all__ = [
    "Accepted",
    "ClickLog",
    "ClickLogBusy",
    "ClickLogCorrupt",
    "ClickLogError",
    "ClickLogFull",
    "Event",
    "Impression",
    "Refused",
    "Stats",
]

DAY_MS = 86_400_000
log = logging.getLogger(__name__)


class Refused(NamedTuple):
    """Why one event of a batch was not stored: its place in the batch, a code for programs, a sentence for people."""

    index: int  # type: ignore[assignment]  # the place in the batch, as in the answer, not tuple.index
    code: str
    message: str


class Accepted(NamedTuple):
    """What became of a batch: ``accepted`` are durable now, ``duplicates`` of them were so before."""

    accepted: int
    refused: list[Refused]
    duplicates: int = 0


class Stats(NamedTuple):
    """Counts over the whole file; times in milliseconds since the epoch, None when the log is empty."""

    impressions: int
    simulated_impressions: int
    events: int
    clicks: int
    simulated_clicks: int
    queries: int
    clients: int
    first: int | None
    last: int | None
    bytes: int
    models: dict[str, int]
    actions: dict[str, int]


class ClickLog:
    """The click log at ``path``.

    Made when absent. Safe to share between threads and to hold over a fork; use as a context manager or ``close``. ``steady`` is for services,
    which go on whatever the file does: a damaged one is set aside, and one that cannot be opened is tried again with every write.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        queue_size: int = 10_000,
        batch_size: int = 1_000,
        busy_seconds: float = BUSY_SECONDS,
        steady: bool = False,
    ) -> None:
        self.path = Path(path)
        self.queue_size = queue_size
        self.batch_size = batch_size
        self.busy_seconds = busy_seconds
        self.steady = steady
        self.dropped = 0
        self._lock = threading.Lock()
        self._writer: LogWriter | None = None
        self._process = 0
        self._try_to_open()
        atexit.register(_close_if_alive, weakref.ref(self))

    def _try_to_open(self) -> None:
        file = LogFile(self.path, self.busy_seconds, self.steady)
        try:
            file.store(lambda connection: None)
        except ClickLogError as error:
            if not self.steady:
                raise
            log.error("click log: %s", error)
        finally:
            file.close()

    def log_query(self, impression: Impression) -> bool:
        """Store an impression soon, without waiting.

        False (and one more ``dropped``) when the queue is full: a search never fails for its log.
        """
        try:
            self._submit([impression], [], None)
        except ClickLogBusy:
            self.dropped += 1
            return False
        return True

    def append(self, events: Iterable[Event]) -> Accepted:
        """Store checked events; returns once they are durable. Raises a ``ClickLogError`` when nothing was stored."""
        events = list(events)
        stored = self.write((), events)
        return Accepted(len(events), [], len(events) - stored.events)

    def write(self, impressions: Iterable[Impression], events: Iterable[Event]) -> Stored:
        """Store impressions and events in one transaction; returns, once it is durable, how many of each were new."""
        done: Future[Stored] = Future()
        self._submit(impressions, events, done)
        return done.result()

    def flush(self) -> None:
        """Wait until everything logged so far by this process is durable."""
        self.write((), ())

    def _submit(self, impressions: Iterable[Impression], events: Iterable[Event], done: "Future[Stored] | None") -> None:
        received = now_ms()
        pairs = [impression_row(impression, received) for impression in impressions]
        matrices = list({matrix[0]: matrix for _, matrix in pairs if matrix is not None}.values())
        self._started().submit(Job([row for row, _ in pairs], matrices, [event_row(event, received) for event in events], done))

    def _started(self) -> LogWriter:
        """The writer of this process: after a fork the child has the object but not the thread, so it starts its own."""
        if self._process != os.getpid() or self._writer is None:
            with self._lock:
                if self._process != os.getpid() or self._writer is None:
                    self._writer = LogWriter(LogFile(self.path, self.busy_seconds, self.steady), self.queue_size, self.batch_size)
                    self._process = os.getpid()
        return self._writer

    @property
    def waiting(self) -> int:
        """Writes of this process that wait for the disk."""
        return 0 if self._writer is None else self._writer.waiting

    @property
    def lost(self) -> int:
        """Impressions that were queued by this process and could not be stored."""
        return self._writer.lost if self._writer is not None else 0

    def query(self, query_id: str) -> Impression | None:
        """What was shown under a query id (its first page), or None."""
        rows = self._read(f"{IMPRESSION_SELECT} WHERE query_id = ? ORDER BY first_rank LIMIT 1", (query_id,))
        return next((impression_of(row) for row in rows), None)

    def events_of(self, query_id: str) -> list[Event]:
        """The events of a query id, in the order of their arrival."""
        return [event_of(row) for row in self._read(f"{EVENT_SELECT} WHERE query_id = ? ORDER BY rowid", (query_id,))]

    def impressions(self) -> Iterator[Impression]:
        """All impressions, in the order of their arrival."""
        return map(impression_of, self._read(f"{IMPRESSION_SELECT} ORDER BY impressions.rowid"))

    def events(self, action_name: str | None = None) -> Iterator[Event]:
        """All events, or those of one action, in the order of their arrival."""
        where, values = (" WHERE action_name = ?", (action_name,)) if action_name else ("", ())
        return map(event_of, self._read(f"{EVENT_SELECT}{where} ORDER BY rowid", values))

    def rows(self, sql: str, values: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Rows of a query of the caller's; the schema is that of ``clicklog_schema``."""
        return self._read(sql, values)

    def _read(self, sql: str, values: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        with closing(connect(self.path, self.busy_seconds)) as connection:
            try:
                connection.execute("PRAGMA query_only = ON")
                connection.create_function("normalised", 1, lru_cache(normalised), deterministic=True)
                yield from connection.execute(sql, values)
            except sqlite3.Error as error:
                raise explain(error, self.path) from error

    def stats(self) -> Stats:
        """Counts over the whole file."""
        shown, simulated, first, last = next(
            self._read("SELECT count(*), coalesce(sum(simulated), 0), min(timestamp), max(timestamp) FROM impressions")
        )
        queries, clients = next(self._read("SELECT count(DISTINCT user_query), count(DISTINCT client_id) FROM impressions"))
        actions = dict(self._read("SELECT action_name, count(*) FROM events GROUP BY 1 ORDER BY 2 DESC, 1"))
        (fake,) = next(self._read("SELECT count(*) FROM events WHERE action_name = 'click' AND simulated"))
        models = dict(self._read("SELECT model, count(*) FROM impressions GROUP BY 1 ORDER BY 2 DESC, 1"))
        size = sum(p.stat().st_size for p in (self.path, Path(f"{self.path}-wal")) if p.exists())
        total = sum(actions.values())
        return Stats(shown, simulated, total, actions.get("click", 0), fake, queries, clients, first, last, size, models, actions)

    def purge(
        self, retention_days: float | None = None, client_id: str | None = None, user_id: str | None = None, simulated: bool = False
    ) -> int:
        """Erase what arrived more than ``retention_days`` ago, all of one client or user, or all that was simulated.

        Returns the number of rows erased. Erased bytes are overwritten (``secure_delete``) and the write-ahead log is emptied.
        """
        doomed: list[tuple[str, Any]] = []
        if retention_days is not None:
            doomed.append(("received < ?", now_ms() - int(retention_days * DAY_MS)))
        if client_id:
            doomed.append(("client_id = ?", client_id))
        if user_id:
            doomed.append(("user_id = ?", user_id))
        if simulated:
            doomed.append(("simulated = ?", 1))
        if self._writer is not None and self._process == os.getpid():
            self.flush()
        with closing(connect(self.path, self.busy_seconds)) as connection:
            try:
                erased = _erase(connection, doomed)
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                raise explain(error, self.path) from error
        return erased

    def close(self) -> None:
        """Store what is queued and stop the writer; a later write starts it again."""
        with self._lock:
            writer, self._writer = self._writer, None
        if writer is not None and self._process == os.getpid():
            writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _close_if_alive(reference: "weakref.ref[ClickLog]") -> None:
    click_log = reference()
    if click_log is not None:
        click_log.close()


def _erase(connection: sqlite3.Connection, doomed: list[tuple[str, Any]]) -> int:
    """Delete from both tables what any condition names; an erased impression takes its events along. Returns the rows erased."""
    connection.execute("BEGIN IMMEDIATE")
    erased = 0
    for condition, value in doomed:
        owned = f"DELETE FROM events WHERE query_id IN (SELECT query_id FROM impressions WHERE {condition})"
        for sql in (owned, f"DELETE FROM events WHERE {condition}", f"DELETE FROM impressions WHERE {condition}"):
            erased += connection.execute(sql, (value,)).rowcount
    connection.execute("DELETE FROM matrices WHERE digest NOT IN (SELECT features FROM impressions WHERE features IS NOT NULL)")
    connection.execute("COMMIT")
    return erased
