"""SQLite FTS5 (standard library): positions and stored text in one database file.

Its BM25 has the same k1 and b but another idf, never below 1e-6, and ranks by scoring every document that matches: no pruning. The page cache is
large enough for the whole index, and a query is one prepared statement.
"""

import sqlite3
from pathlib import Path
from typing import Any

from engines.base import Engine, texts_of

JOINED = {"or": " OR ", "and": " AND ", "phrase": " + "}
QUERY = "SELECT rowid, rank FROM docs WHERE docs MATCH ? ORDER BY rank LIMIT ?"


class SqliteEngine(Engine):
    name = "sqlite"
    modes = ("or", "and", "phrase")
    slow = True

    @classmethod
    def missing(cls) -> str:
        try:
            sqlite3.connect(":memory:").execute("CREATE VIRTUAL TABLE t USING fts5(x)")
        except sqlite3.OperationalError as error:
            return str(error)
        return ""

    @classmethod
    def version(cls) -> str:
        return sqlite3.sqlite_version

    @classmethod
    def build(cls, source: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        connection = sqlite3.connect(folder / "docs.sqlite3")
        # Letters and digits are tokens of unicode61, Han characters too; all stand between spaces.
        connection.execute("CREATE VIRTUAL TABLE docs USING fts5(text, tokenize = 'unicode61 remove_diacritics 0')")
        with connection:
            connection.executemany("INSERT INTO docs (rowid, text) VALUES (?, ?)", enumerate(texts_of(source)))
        with connection:
            connection.execute("INSERT INTO docs (docs) VALUES ('optimize')")
        connection.close()

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "docs.sqlite3", check_same_thread=False)
        self._connection.execute("PRAGMA cache_size = -4000000")
        self._connection.execute("PRAGMA mmap_size = 8000000000")

    def retrieve(self, text: str, k: int, mode: str) -> Any:
        words = JOINED[mode].join(f'"{word}"' for word in text.split())
        return self._connection.execute(QUERY, (words, k)).fetchall()

    def numbers(self, found: Any) -> list[int]:
        return [number for number, _ in found]

    @classmethod
    def structures(cls, folder: Path) -> dict[str, int]:
        """One file; what its tables take is counted where SQLite was built with dbstat."""
        return {"database": sum(path.stat().st_size for path in folder.iterdir())}

    def close(self) -> None:
        self._connection.close()
