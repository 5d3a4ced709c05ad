"""Documents that arrive over HTTP to a new generation of the index, all of a request or nothing.

Two requests, or a request and `indexer update`, cannot write at once: threads of one worker queue on a lock, other processes on the index's own
lock file, for which a request waits ``wait_for_writer`` seconds before it answers that the index is busy.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import request

from indexer.changes import apply_changes
from indexer.errors import SearchdError
from searchd.answers import ChangeAnswer
from searchd.errors_http import HttpProblem
from searchd.params import decode_json, require_media_type
from searchd.service import Service

JSON, LINES = "application/json", "application/x-ndjson"
_LINE_TYPES = (LINES, "application/jsonl", "application/x-jsonlines")
_RETRY_SECONDS = 0.1


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


def change(service: Service, kind: str, upserts: list[dict[str, Any]], deletes: list[str]) -> ChangeAnswer:
    """Publish the change, and serve it from this worker; the others notice at their next search."""
    with service.changing, service.tasks.record(kind) as uid:
        if upserts or deletes:
            generation = _patiently(lambda: apply_changes(service.home, upserts, deletes), service.settings.wait_for_writer)
            service.engine.reload_if_changed()
        else:
            generation = service.engine.index.generation
    return ChangeAnswer(len(upserts), len(deletes), str(generation), uid)


def _patiently(step: Callable[[], Any], seconds: float) -> Any:
    """Run ``step``, again and again while another program holds the index's lock."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return step()
        except SearchdError as error:
            if error.code != "locked" or time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_SECONDS)
