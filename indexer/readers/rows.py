"""Rows of a table (CSV, TSV, Parquet, SQLite): cells under named columns become the fields of a document."""

import datetime
import decimal
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from indexer.documents import BadDocument, Document, take_key
from indexer.quarantine import Entry, entry
from indexer.readers.chunk import SourceError


class RowsChunk(NamedTuple):
    """Some rows of one table; ``places`` holds (line or row number from 1, byte offset or 0) of each."""

    source: str
    columns: tuple[str, ...]
    places: list[tuple[int, int]]
    rows: list[Sequence[Any]]
    size: int

    def documents(self, id_field: str) -> Iterator[Document | Entry]:
        """One document a row; empty cells and nulls are missing fields."""
        for (line, offset), row in zip(self.places, self.rows, strict=True):
            yield _read_row(self.columns, row, id_field, self.source, line, offset)


def check_columns(columns: Sequence[str], id_field: str, source: str) -> tuple[str, ...]:
    """The columns of a table; raises SourceError when the id is not among them or a name is there twice."""
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise SourceError(f"{source}: the column {twice[0]!r} is there twice; give every column its own name")
    if id_field not in columns:
        found = ", ".join(columns[:20]) or "none"
        raise SourceError(f"{source}: no column {id_field!r} for the document id; found {found}; name the right one with --id-field")
    return tuple(columns)


def _read_row(columns: tuple[str, ...], row: Sequence[Any], id_field: str, source: str, line: int, offset: int) -> Document | Entry:
    try:
        fields = {name: cell for name, cell in zip(columns, row, strict=True) if cell is not None and cell != ""}
        for name, cell in fields.items():
            if type(cell) not in _PLAIN:
                fields[name] = plain(cell, name)
        present = {name: cell for name, cell in fields.items() if cell is not None and name}
        return Document(take_key(present, id_field), present, source, line, offset)
    except BadDocument as error:
        return entry(error, source, line, offset, repr(row)[:400])


_PLAIN = (str, int, bool)


def plain(value: Any, name: str) -> Any:
    """A cell as JSON would hold it: times as ISO 8601, decimals as numbers, NaN as null; raises BadDocument for bytes that are not text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [plain(v, name) for v in value]
    if isinstance(value, dict):
        return {str(key): plain(v, name) for key, v in value.items()}
    if isinstance(value, bytes):
        return _text(value, name)
    if value is None or isinstance(value, _PLAIN):
        return value
    raise BadDocument("unsupported_value", f"field {name!r}: a {type(value).__name__} has no form in JSON; convert the column")


def _text(value: bytes, name: str) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise BadDocument("invalid_utf8", f"field {name!r}: bytes that are not UTF-8 text; leave the column out") from None


def grouped(
    source: str, columns: tuple[str, ...], rows: Iterator[tuple[int, int, Sequence[Any], int] | Entry], chunk_bytes: int
) -> Iterator[RowsChunk | Entry]:
    """Gather (line, offset, row, bytes) into chunks of about ``chunk_bytes``; entries pass, in order."""
    places: list[tuple[int, int]] = []
    gathered: list[Sequence[Any]] = []
    size = 0
    for one in rows:
        if isinstance(one, Entry):
            yield one
            continue
        line, offset, row, length = one
        places.append((line, offset))
        gathered.append(row)
        size += length
        if size >= chunk_bytes:
            yield RowsChunk(source, columns, places, gathered, size)
            places, gathered, size = [], [], 0
    if gathered:
        yield RowsChunk(source, columns, places, gathered, size)
