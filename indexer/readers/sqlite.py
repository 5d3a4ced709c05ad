"""A table or view of an SQLite database, opened read-only, in the order SQLite gives its rows."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from indexer.quarantine import Entry
from indexer.readers.chunk import SourceError
from indexer.readers.rows import RowsChunk, check_columns, grouped
from indexer.readers.streams import plain_file


def cut(path: Path, table: str, source: str, chunk_bytes: int, id_field: str) -> Iterator[RowsChunk | Entry]:
    """Chunks of the rows; raises SourceError for a damaged database, an unknown table, or when there is no id column."""
    with plain_file(path, source) as plain:
        # joblib reads the stream in turns from several threads, never at once.
        connection = sqlite3.connect(f"file:{quote(str(plain))}?mode=ro", uri=True, check_same_thread=False)
        connection.text_factory = _text
        try:
            _check_table(connection, table, source)
            rows = connection.execute(f"SELECT * FROM {_quoted(table)}")
            columns = check_columns([column[0] for column in rows.description], id_field, source)
            yield from grouped(source, columns, _rows(rows), chunk_bytes)
        except sqlite3.Error as error:
            raise SourceError(f"{source}: not a readable SQLite database ({error}); check the file") from error
        finally:
            connection.close()


def _text(raw: bytes) -> str | bytes:
    """Text that is not UTF-8 stays bytes, so that its row alone is set aside."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw


def _check_table(connection: sqlite3.Connection, table: str, source: str) -> None:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name")
    tables = [name for (name,) in found]
    if table not in tables:
        listed = ", ".join(map(str, tables[:20])) or "none"
        raise SourceError(f"{source}: expected a table as FILE#TABLE, found {table!r}; the tables are: {listed}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _rows(cursor: sqlite3.Cursor) -> Iterator[tuple[int, int, Sequence[Any], int]]:
    for number, row in enumerate(cursor, 1):
        yield number, 0, row, sum(len(cell) if isinstance(cell, (str, bytes)) else 8 for cell in row)
