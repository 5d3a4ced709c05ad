"""CSV (RFC 4180) and TSV with a header line, in UTF-8.

In CSV a quoted cell may hold commas, quotes and line ends. A quote that is never closed would swallow the rest of the file, so a row
of several lines that does not fit the header is given up at its first line and reading goes on at the second. TSV is read the way it
was written: with quoting when the first part of the file fits the header that way, and otherwise with quotes as ordinary characters.
"""

import csv
import itertools
from collections.abc import Iterator
from typing import NamedTuple

from indexer.documents import BadDocument
from indexer.quarantine import Entry, entry
from indexer.readers.chunk import MAX_RECORD, SourceError
from indexer.readers.rows import RowsChunk, check_columns, grouped
from indexer.readers.streams import Reader, numbered_lines, without_mark

_SAMPLE_LINES = 10_000


class _Line(NamedTuple):
    number: int
    offset: int
    raw: bytes


class _Lines:
    """Physical lines with a way back: what a row took can be returned."""

    def __init__(self, lines: Iterator[tuple[int, int, bytes]]):
        self._lines = map(_Line._make, lines)
        self._returned: list[_Line] = []
        self.taken: list[_Line] = []
        self._bytes = 0

    def start_row(self) -> _Line | None:
        """Forget the row before; returns the line where the next row starts, skipping blank ones."""
        self.taken, self._bytes = [], 0
        while (line := self._next()) is not None:
            if line.raw.strip(b" \r\n"):
                self._returned.append(line)
                return line
        return None

    def give_back(self) -> None:
        """Return all lines of the row but its first."""
        self._returned.extend(reversed(self.taken[1:]))

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._next()
        if line is None or self._bytes > MAX_RECORD:
            if line is not None:
                self._returned.append(line)
            raise StopIteration
        self.taken.append(line)
        self._bytes += len(line.raw)
        return line.raw.decode("utf-8", "surrogateescape")

    def _next(self) -> _Line | None:
        return self._returned.pop() if self._returned else next(self._lines, None)


def cut_csv(stream: Reader, source: str, chunk_bytes: int, id_field: str) -> Iterator[RowsChunk | Entry]:
    """Chunks of the rows of a CSV file; raises SourceError when the header has no id column."""
    lines, _ = _open(stream, source)
    yield from _cut(lines, source, chunk_bytes, id_field, ",", True)


def cut_tsv(stream: Reader, source: str, chunk_bytes: int, id_field: str) -> Iterator[RowsChunk | Entry]:
    """Chunks of the rows of a TSV file; raises SourceError when the header has no id column."""
    lines, sample = _open(stream, source)
    yield from _cut(lines, source, chunk_bytes, id_field, "\t", _is_quoted_tsv(sample))


def _open(stream: Reader, source: str) -> tuple[Iterator[tuple[int, int, bytes]], list[str]]:
    stream, offset = without_mark(stream, source)
    lines = numbered_lines(stream, offset)
    head = list(itertools.islice(lines, _SAMPLE_LINES))
    sample = [raw.decode("utf-8", "replace") for _, _, raw in head[:1000]] if any(b'"' in raw for _, _, raw in head) else []
    return itertools.chain(head, lines), sample


def _is_quoted_tsv(sample: list[str]) -> bool:
    """Whether all rows of the sample, but perhaps the last one, which it may cut, fit the header when quotes mean something."""
    try:
        rows = list(csv.reader(sample, delimiter="\t", strict=True))
    except csv.Error:
        return False
    return bool(rows) and all(len(row) == len(rows[0]) for row in rows[:-1] if row)


def _cut(
    raw_lines: Iterator[tuple[int, int, bytes]], source: str, chunk_bytes: int, id_field: str, delimiter: str, quoted: bool
) -> Iterator[RowsChunk | Entry]:
    csv.field_size_limit(MAX_RECORD * 2)
    lines = _Lines(raw_lines)
    rows = _rows(lines, source, delimiter, quoted)
    header = next(rows, None)
    if header is None:
        return
    if isinstance(header, Entry):
        raise SourceError(f"{source}: expected a header line with the names of the columns, found {header.sample[:80]} ({header.message})")
    columns = check_columns([name.strip() for name in header[2]], id_field, source)
    fitting = (_fits(one, lines, len(columns), source) for one in rows)
    yield from grouped(source, columns, fitting, chunk_bytes)


def _rows(lines: _Lines, source: str, delimiter: str, quoted: bool) -> Iterator[tuple[int, int, list[str], int] | Entry]:
    """Every row as (line, offset, cells, bytes), or the entry that stands for its first line."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
    while (first := lines.start_row()) is not None:
        try:
            if len(first.raw) > MAX_RECORD:
                next(lines)
                raise BadDocument("line_too_long", f"the line has more than {MAX_RECORD >> 20} MiB; split it or leave it out")
            cells = next(reader)
            if not all(map(_is_unicode, (line.raw for line in lines.taken))):
                raise BadDocument("invalid_utf8", "bytes that are not UTF-8; convert the file to UTF-8")
            yield first.number, first.offset, cells, sum(len(line.raw) for line in lines.taken)
        except (csv.Error, StopIteration) as error:
            reader = csv.reader(lines, delimiter=delimiter, strict=True, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
            lines.give_back()
            yield entry(BadDocument("invalid_csv", f"quotes do not match ({error})"), source, first.number, first.offset, first.raw)
        except BadDocument as error:
            yield entry(error, source, first.number, first.offset, first.raw)


def _fits(one: tuple[int, int, list[str], int] | Entry, lines: _Lines, width: int, source: str) -> tuple[int, int, list[str], int] | Entry:
    """A row with a cell for every column; otherwise only its first line is given up."""
    if isinstance(one, Entry) or len(one[2]) == width:
        return one
    lines.give_back()
    error = BadDocument("wrong_column_count", f"expected {width} cells, found {len(one[2])}")
    return entry(error, source, one[0], one[1], lines.taken[0].raw)


def _is_unicode(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
