"""The changes that this server carried out, newest first: a small SQLite file that its workers share.

It lies in the server's own temporary folder and ends with it: what a change did is durable in the index and in the models, this is only the story.
"""

import datetime
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from searchd.answers import Task

KEPT = 1000
_TABLE = """create table if not exists tasks (uid integer primary key autoincrement, status text not null, type text not null,
    enqueued_at text not null, started_at text not null, finished_at text, error text)"""


class Tasks:
    """The story of one server, in ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(self._connect()) as connection, connection:
            connection.execute(_TABLE)

    @contextmanager
    def record(self, kind: str) -> Iterator[int]:
        """Write down that a change of ``kind`` starts, and how it ends; yields its uid."""
        uid = self._write("insert into tasks (status, type, enqueued_at, started_at) values ('processing', ?, ?, ?)", kind, _now(), _now())
        try:
            yield uid
        except Exception as error:
            self._write("update tasks set status = 'failed', finished_at = ?, error = ? where uid = ?", _now(), str(error)[:500], uid)
            raise
        self._write("update tasks set status = 'succeeded', finished_at = ? where uid = ?", _now(), uid)
        self._write("delete from tasks where uid <= ?", uid - KEPT)

    def latest(self, limit: int = 100, status: str | None = None, kind: str | None = None) -> list[Task]:
        """The newest tasks first; of one status or kind, if these are given."""
        return self._read("where (?1 is null or status = ?1) and (?2 is null or type = ?2) order by uid desc limit ?3", status, kind, limit)

    def get(self, uid: int) -> Task | None:
        """One task, None when it is not remembered."""
        return next(iter(self._read("where uid = ?1", uid)), None)

    def _read(self, where: str, *values: Any) -> list[Task]:
        with closing(self._connect()) as connection:
            sql = f"select uid, status, type, enqueued_at, started_at, finished_at, error from tasks {where}"
            return [Task(*row) for row in connection.execute(sql, values).fetchall()]

    def _write(self, sql: str, *values: Any) -> int:
        with closing(self._connect()) as connection, connection:
            return int(connection.execute(sql, values).lastrowid or 0)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=5.0)
        connection.execute("pragma synchronous = off")  # nothing here needs to outlive the server
        return connection


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
