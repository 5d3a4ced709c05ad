"""Documents that arrive over HTTP to a new generation of the index, all of a request or nothing.

Two requests, or a request and `indexer update`, cannot write at once: threads of one worker put theirs together, other processes queue on the index's
own lock.
"""

from collections.abc import Iterator
from typing import Any

from flask import request

from indexer.changes import Change
from searchd.answers import ChangeAnswer
from searchd.errors_http import HttpProblem
from searchd.params import JSON, LINES, decode_json, require_media_type
from searchd.service import Service

_LINE_TYPES = (LINES, "application/jsonl", "application/x-jsonlines")


def read_documents() -> list[dict[str, Any]]:
    """The documents of the current request: an array, one object, or one object a line. Raises a 4xx that names the bad one."""
    require_media_type(JSON, *_LINE_TYPES)
    documents = list(_lines(request.get_data(cache=False)) if request.mimetype in _LINE_TYPES else _values(request.get_data(cache=False)))
    for number, document in enumerate(documents, 1):
        if not isinstance(document, dict):
            raise HttpProblem(400, "invalid_document", f"document {number}: expected a JSON object, found {type(document).__name__}")
    return documents


def _values(data: bytes) -> Iterator[Any]:
    value = decode_json(data)
    yield from value if isinstance(value, list) else [value]


def _lines(data: bytes) -> Iterator[Any]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                yield decode_json(line)
            except (HttpProblem, ValueError) as error:
                raise HttpProblem(400, "invalid_document", f"line {number}: {error}") from error


def change(service: Service, kind: str, upserts: list[dict[str, Any]], deletes: list[str], refresh: bool = False) -> ChangeAnswer:
    """Publish the change; with ``refresh`` every worker's next search sees it, without as soon as it has been opened behind searches."""
    with service.tasks.record(kind) as uid, service.metrics.changes.track_inprogress():
        generation = service.committer.commit(Change(upserts, deletes)) if upserts or deletes else service.engine.index.generation
        if refresh:
            service.show_at_once()
    service.metrics.documents_changed.inc(len(upserts) + len(deletes))
    return ChangeAnswer(len(upserts), len(deletes), str(generation), uid)
