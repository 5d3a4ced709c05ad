"""A chunk of JSON lines -> gathered documents: plain records by a kernel, the others one by one, all in the order of their lines."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import orjson

from indexer.analysis import Analyzer
from indexer.columns import ColumnBuilder
from indexer.documents import BadDocument, Document
from indexer.gathering import Gathered, Gathering, columns_of
from indexer.json_lines import copy_spans, scan_lines
from indexer.quarantine import Entry, entry
from indexer.readers.jsonl import LinesChunk, count_lines
from indexer.readers.record import read_record
from indexer.schema import Schema
from indexer.strings import Strings, pack
from indexer.swar import PADDING
from indexer.texts import Texts

_LOOKED_AT, _NEARLY_ALL = 1 << 18, 0.9


class Scanned(NamedTuple):
    """What ``json_lines.scan_lines`` found, cut to the lines there are; ``data`` has the chunk, then what was unescaped."""

    data: np.ndarray
    lines: np.ndarray
    plain: np.ndarray
    spans: np.ndarray
    members_stored: np.ndarray
    stored: Strings


def gather_lines(chunk: LinesChunk, schema: Schema, analyzers: Sequence[Analyzer]) -> tuple[Gathered, list[Entry]]:
    """The good documents of a chunk, and what is to be set aside."""
    scanned = _scan(chunk.data, schema)
    values = _plain_values(scanned, schema)
    rest = Gathering(schema, analyzers)
    entries: list[Entry] = []
    lines = [line for line in np.flatnonzero(~scanned.plain).tolist() if _add(chunk, scanned, line, schema.id_field, rest, entries)]
    return _together(scanned, values, rest, np.array(lines, np.int64), schema), entries


def are_plain(chunk: LinesChunk, schema: Schema) -> bool:
    """Whether nearly all records of a chunk are plain, by its first ones."""
    end = chunk.data.rfind(b"\n", 0, _LOOKED_AT) + 1
    plain = _scan(chunk.data[: end or None], schema).plain
    return int(np.count_nonzero(plain)) >= _NEARLY_ALL * len(plain)


def _scan(content: bytes, schema: Schema) -> Scanned:
    texts, numbers = _places(schema)
    return scan(content, [schema.id_field, *texts, *(name for name, at in numbers.items() if at > len(texts))], len(texts))


def _places(schema: Schema) -> tuple[list[str], dict[str, int]]:
    """The names of text fields, and for every column which of the scanned members it is: a text field's own where it is both."""
    texts = [f.name for f in schema.text_fields]
    names = dict.fromkeys([*texts, *(f.name for f in schema.columns)])
    return texts, {f.name: 1 + list(names).index(f.name) for f in schema.columns}


def scan(content: bytes, wanted: Sequence[str], num_texts: int) -> Scanned:
    """Scan lines for members: the id, ``num_texts`` fields of text, and others."""
    size, num_lines = len(content), count_lines(content) + 1
    data = np.empty(2 * size + 2 * PADDING, np.uint8)
    data[:size] = np.frombuffer(content, np.uint8)
    names = pack(wanted)
    lines, plain, members = np.empty(num_lines + 1, np.int64), np.empty(num_lines, np.bool_), np.empty(num_lines, np.int32)
    spans = np.empty((num_lines, len(names), 2), np.int64)
    out, ends = np.empty(size + num_lines + 2 * PADDING, np.uint8), np.zeros(num_lines + 1, np.int64)
    count, end = scan_lines(data, size, names.data, names.offsets, num_texts, lines, plain, spans, members, out, ends)
    return Scanned(
        data[: end + PADDING], lines[: count + 1], plain[:count], spans[:count], members[:count], Strings(out, ends[: count + 1])
    )


def _plain_values(scanned: Scanned, schema: Schema) -> list[list[object]]:
    """For every column a value by line; records with a value that does not fit are no longer plain, so that one place tells what is wrong."""
    found: list[list[object]] = []
    texts, numbers = _places(schema)
    for one in schema.columns:
        builder = ColumnBuilder(one)
        values: list[object] = [None] * len(scanned.plain)
        plain = np.flatnonzero(scanned.plain)
        read = strings if one.name in texts else loads
        for line, value in zip(plain.tolist(), read(scanned.data, scanned.spans[plain, numbers[one.name]])):
            try:
                values[line] = builder.read(value)
            except BadDocument:
                scanned.plain[line] = False
        found.append(values)
    return found


def loads(data: np.ndarray, spans: np.ndarray) -> list[object]:
    """The values of whole JSON values."""
    content = data.tobytes()
    return orjson.loads(b"[" + b",".join([content[start:stop] if start >= 0 else b"null" for start, stop in spans.tolist()]) + b"]")


def strings(data: np.ndarray, spans: np.ndarray) -> list[object]:
    """The values of strings without their quotes and escapes; None where there is none."""
    content = data.tobytes()
    return [content[start:stop].decode("utf-8", "surrogatepass") if start >= 0 else None for start, stop in spans.tolist()]


def _add(chunk: LinesChunk, scanned: Scanned, line: int, id_field: str, rest: Gathering, entries: list[Entry]) -> bool:
    """Add one record that is not plain to ``rest``; False when it is none or bad."""
    start, stop = int(scanned.lines[line]), int(scanned.lines[line + 1]) - 1
    raw = chunk.data[start:stop]
    if not raw or raw.isspace():
        return False
    one = read_record(raw, id_field, chunk.source, chunk.line + line, chunk.offset + start)
    if not isinstance(one, Document):
        entries.append(one)
        return False
    try:
        rest.add(one)
    except BadDocument as error:
        entries.append(rejected(one, error))
        return False
    return True


def rejected(document: Document, error: BadDocument) -> Entry:
    """The entry of a document that does not fit the schema."""
    raw = orjson.dumps({"id": document.key, **document.fields}, default=str)
    return entry(error, document.source, document.line, document.offset, raw)


def _together(scanned: Scanned, values: list[list[object]], rest: Gathering, lines: np.ndarray, schema: Schema) -> Gathered:
    """Plain records and the rest, by line."""
    for column, others in zip(values, rest.values):
        for line, value in zip(lines.tolist(), others):
            column[line] = value
    plain = np.flatnonzero(scanned.plain)
    both, ends, slow = np.concatenate([plain, lines]), scanned.stored.offsets, rest.gathered()
    order = np.argsort(both, kind="stable")
    kept = both[order].tolist()
    return Gathered(
        _joined(scanned.data, scanned.spans[plain, 0, 0], scanned.spans[plain, 0, 1], slow.keys, order),
        _joined(scanned.stored.data, ends[plain], ends[plain + 1], slow.documents, order),
        [_texts(scanned, scanned.spans[plain, 1 + i], slow.texts[i], order) for i in range(len(schema.text_fields))],
        tuple(columns_of([ColumnBuilder(f) for f in schema.columns], [[column[line] for line in kept] for column in values])),
    )


def _joined(data: np.ndarray, starts: np.ndarray, stops: np.ndarray, rest: Strings, order: np.ndarray) -> Strings:
    """Strings ``data[starts[i]:stops[i]]`` and then ``rest``, put in order."""
    if not len(rest) and len(starts) and np.array_equal(starts[1:], stops[:-1]):
        return Strings(data[starts[0] : stops[-1]], np.append(starts, stops[-1]) - starts[0])
    if len(rest):
        starts = np.concatenate([starts, rest.offsets[:-1] + len(data)])[order]
        stops = np.concatenate([stops, rest.offsets[1:] + len(data)])[order]
        data = np.concatenate([data, rest.data])
    offsets = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(stops - starts, out=offsets[1:])
    return Strings(copy_spans(data, starts, offsets), offsets)


def _texts(scanned: Scanned, spans: np.ndarray, rest: Texts, order: np.ndarray) -> Texts:
    """The texts of a field: of plain records one or none, at ``spans``."""
    counts = np.concatenate([spans[:, 0] >= 0, np.diff(rest.ends)])
    ends = np.concatenate([[0], np.cumsum(counts[order])])
    have = spans[spans[:, 0] >= 0]
    if not len(rest.starts):
        return Texts(scanned.data, have[:, 0].copy(), have[:, 1].copy(), ends)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    by_document = np.argsort(np.repeat(place, counts), kind="stable")
    starts = np.concatenate([have[:, 0], rest.starts + len(scanned.data)])[by_document]
    stops = np.concatenate([have[:, 1], rest.stops + len(scanned.data)])[by_document]
    return Texts(np.concatenate([scanned.data, rest.data]), starts, stops, ends)
