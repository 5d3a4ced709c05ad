"""Compile, or load from the cache, every kernel that changes of documents need, so that nobody's first change waits for it.

Kernels are compiled for the types of what they are given, so a tiny collection goes through all that can happen to a segment: new documents, ones
with other texts and with the same, deleted ones, a batch that waits on disk, segments that are folded and merged, and both analyzers.
"""

from pathlib import Path
from typing import Any

import orjson

from indexer.build import build
from indexer.changes import apply_changes, fold
from indexer.home import Home
from indexer.losses import BATCH
from indexer.merging import merge_as_needed
from indexer.schema import Field, Schema

TYPES = ("keyword", "integer", "float", "date", "boolean", "stored")
SCHEMA = Schema(fields=(Field("title", "text", weight=3.0), Field("body", "text"), *(Field(kind, kind) for kind in TYPES)))
ONE_FIELD = Schema(fields=(Field("text", "text"),))
PLAIN = Schema(fields=(Field("text", "text", analyzer="whitespace"),))
# Enough documents with one term that it is no rare one and gets its tables.
COPIES = 300


def warm_changes(folder: Path, whole: bool = True) -> None:
    """Build and change collections in ``folder``, which is there and empty; not the ``whole``: without what few collections meet."""
    home = _changed(folder / "fields", SCHEMA)
    if whole:
        apply_changes(home, [{"id": f"many {number}", "title": "many", "body": "many"} for number in range(BATCH + 1)])
        _changed(folder / "one", ONE_FIELD)
        _changed(folder / "plain", PLAIN)


def built(folder: Path, documents: list[dict[str, Any]], schema: Schema) -> Home:
    """A home with these documents."""
    folder.mkdir()
    source = folder / "documents.jsonl"
    source.write_bytes(b"".join(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE) for document in documents))
    build(Home(folder), [str(source)], schema)
    return Home(folder)


def document(number: int, more: str = "") -> dict[str, Any]:
    """A document of English, Chinese, codes and numbers, for all the schemas here."""
    values = {"keyword": ["demo", f"k{number % 7}"], "integer": 2000 + number % 20, "float": 0.5, "date": "2026-01-01", "boolean": True}
    text = f"A fast 全文搜索引擎 for text like C++ and UTF-8, number {number % 9}. {more}"
    return {"id": str(number), "title": f"search engine {number % 9}", "body": text, "text": text, "stored": {"a": [number]}, **values}


def _changed(folder: Path, schema: Schema) -> Home:
    home = built(folder, [_kept(document(number), schema) for number in range(COPIES)], schema)
    apply_changes(home, [], ["1"])
    for first in (0, 2, 4, 6, 8):
        same, other = document(first), document(first + 1, "changed 汉字")
        apply_changes(home, [_kept(one, schema) for one in (same, other, document(COPIES + first, "new"))], [str(first + 20)])
    for part in range(4):
        apply_changes(home, [_kept(document(part * COPIES + number, "part"), schema) for number in range(COPIES)])
    merge_as_needed(home)
    fold(home)
    return home


def _kept(fields: dict[str, Any], schema: Schema) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name == schema.id_field or schema.field(name) is not None}
