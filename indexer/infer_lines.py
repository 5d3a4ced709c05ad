"""JSON lines -> the kinds of values that fields have, without parsing them: ``infer.py`` over ``json_lines.py``.

Most records of a collection tell nothing new. Those that are plain and have only names that were seen before are looked at by kernels and arrays:
the first byte of a value tells its kind. All others are parsed, so that what is inferred is the same.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import orjson

from indexer.documents import Document
from indexer.infer import Inference, kind_of_list
from indexer.infer_keywords import spread
from indexer.plain_records import Scanned, loads, scan
from indexer.quarantine import Entry
from indexer.readers.jsonl import LinesChunk
from indexer.readers.record import read_record

_FIRST_RECORDS = 100  # parsed to learn names
_KIND_OF_BYTE = {b: kind for bytes_, kind in ((b'"', "text"), (b"tf", "boolean"), (b"-0123456789", "integer")) for b in bytes_}
_LIST = ord("[")
_OF_STRINGS = np.array([ord('"'), _LIST], np.uint8)
_LONGEST = 4096  # bytes of a list of short strings, with escapes


def observe_lines(inference: Inference, chunk: LinesChunk, id_field: str) -> tuple[int, Entry | None]:
    """Look at all documents of a chunk: (how many there are, the first record that is none)."""
    if inference.empty:
        first = islice(chunk.documents(id_field), _FIRST_RECORDS)
        inference.observe([one for one in first if isinstance(one, Document)], sampled=False)
    names = inference.names
    scanned = scan(chunk.data, [id_field, *names], 0)
    spans = scanned.spans[:, 1:]
    known = scanned.plain & (np.count_nonzero(spans[:, :, 0] >= 0, axis=1) == scanned.members_stored)
    for number, name in enumerate(names):
        values = spans[known, number]
        inference.add(name, _kinds(scanned.data, values[values[:, 0] >= 0]))
        inference.sample(name, _strings(scanned.data, values[spread(len(values))]))
    parsed = list(_parsed(chunk, scanned, np.flatnonzero(~known), id_field))
    documents = [one for one in parsed if isinstance(one, Document)]
    inference.observe(documents)
    return int(np.count_nonzero(known)) + len(documents), next((one for one in parsed if isinstance(one, Entry)), None)


def _strings(data: np.ndarray, spans: np.ndarray) -> list[object]:
    """The values of some spans that may be strings or lists of them, and are not long."""
    there = spans[spans[:, 0] >= 0]
    kept = there[np.isin(data[there[:, 0]], _OF_STRINGS)]
    if (kept[:, 1] - kept[:, 0] > _LONGEST).any():
        return ["x" * _LONGEST]  # one is enough to know that this is no column
    return list(orjson.loads(b"[" + b",".join(data[start:stop].tobytes() for start, stop in kept.tolist()) + b"]"))


def _kinds(data: np.ndarray, spans: np.ndarray) -> set[str]:
    """The kinds of some values."""
    first = data[spans[:, 0]]
    kinds = {_KIND_OF_BYTE[byte] for byte in np.flatnonzero(np.bincount(first, minlength=1)).tolist() if byte != _LIST}
    lists = spans[first == _LIST]
    return kinds | {kind_of_list(value) for value in loads(data, lists)} if len(lists) else kinds  # type: ignore[arg-type]


def _parsed(chunk: LinesChunk, scanned: Scanned, lines: np.ndarray, id_field: str) -> Iterator[Document | Entry]:
    for line in lines.tolist():
        start, stop = int(scanned.lines[line]), int(scanned.lines[line + 1]) - 1
        raw = chunk.data[start:stop]
        if raw and not raw.isspace():
            yield read_record(raw, id_field, chunk.source, chunk.line + line, chunk.offset + start)
