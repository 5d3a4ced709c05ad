"""The file under a click log: a connection to it, and what becomes of it when it is damaged or another file has come in its place.

A service has to go on: it begins a new log and keeps the damaged one beside it, as ``clicks.sqlite3.corrupt-<stamp>``, for whoever can recover it
(``sqlite3 FILE .recover``). Several processes may find the damage at once, and one may write to a file that another has set aside; so the name is
looked at after every commit, and what was stored elsewhere is stored once more.
"""

import logging
import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import indexer.durable as durable
from ranker.clicklog_schema import ClickLogCorrupt, ClickLogError, connect, create, explain

T = TypeVar("T")
ASIDE = ".corrupt-"
LOCK_SECONDS = 5.0
log = logging.getLogger(__name__)


class LogFile:
    """The log at ``path``, for one thread. ``steady``: a damaged file is set aside, instead of an error for good."""

    def __init__(self, path: Path, busy_seconds: float, steady: bool) -> None:
        self.path, self.busy_seconds, self.steady = path, busy_seconds, steady
        self._connection: sqlite3.Connection | None = None
        self._opened: int | None = None

    def store(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What ``work``, which commits, returns; done again where the file was not, or no longer, the one of this name, so it must bear that.

        Raises ClickLogError.
        """
        while True:
            try:
                found = work(self._open())
                if _file_at(self.path) == self._opened:
                    return found
            except (sqlite3.Error, ClickLogError) as error:
                named = error if isinstance(error, ClickLogError) else explain(error, self.path)
                if _file_at(self.path) == self._opened and not self._replaced(named):
                    raise named from error
            self.close()

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._opened = _file_at(self.path)
            create(self.path, self.busy_seconds)
            self._opened = _file_at(self.path)
            self._connection = connect(self.path, self.busy_seconds)
        return self._connection

    def _replaced(self, error: ClickLogError) -> bool:
        """Set the file aside if that is what its error asks for."""
        if not (self.steady and isinstance(error, ClickLogCorrupt)):
            return False
        try:
            aside = set_aside(self.path, self._opened)
        except OSError as failure:
            log.error("click log: %s cannot be set aside: %s", self.path, failure)
            return False
        if aside is not None:
            log.error("click log: %s; kept as %s, a new one is begun", error, aside)
        return True


def set_aside(path: Path, damaged: int | None) -> Path | None:
    """Give the file of this inode, and what SQLite has beside it, another name; None when another process has done so, or is about to."""
    with durable.exclusive(path.with_name(f".{path.name}.lock"), LOCK_SECONDS) as held:
        if not held or damaged is None or _file_at(path) != damaged:
            return None
        aside = path.with_name(f"{path.name}{ASIDE}{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z")
        wal = Path(f"{path}-wal")
        if wal.exists():
            durable.link_file(wal, Path(f"{aside}-wal"))
        durable.link_file(path, aside)
        durable.sync_folder(path.parent)
        # The log last: whoever makes a new one finds nothing of the old one beside it, or SQLite removes it.
        for name in (wal, Path(f"{path}-shm"), path):
            durable.remove_file(name)
        durable.sync_folder(path.parent)
        return aside


def logs_aside(path: Path) -> list[Path]:
    """Damaged logs that were set aside, oldest first."""
    return sorted(one for one in path.parent.glob(f"{path.name}{ASIDE}*") if one.name.endswith("Z"))


def _file_at(path: Path) -> int | None:
    """Which file bears a name now; None for none."""
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None
