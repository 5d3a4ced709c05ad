"""Sources -> changes of the published index: new and replaced documents, deleted ones.

Bad records are set aside as in a build; what is good becomes one new generation, all of it or nothing.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from indexer.build import NothingIndexed, quarantine_path
from indexer.changes import apply_changes
from indexer.columns import ColumnBuilder
from indexer.documents import BadDocument, Document
from indexer.home import Home
from indexer.index import Index
from indexer.merging import merge_as_needed
from indexer.quarantine import Quarantine, entry
from indexer.schema import Schema
from indexer.sources import read_documents
from indexer.stored import encode_document


class UpdateReport(NamedTuple):
    """What an update did; ``read == indexed + quarantined + duplicates``, duplicates being earlier ones among the documents read."""

    read: int
    indexed: int
    quarantined: int
    duplicates: int
    generation: str
    reasons: dict[str, int]


class RemoveReport(NamedTuple):
    """What a deletion did; ``unknown``: ids that no document has."""

    deleted: int
    unknown: list[str]
    generation: str


def update(home: Home, sources: Sequence[str]) -> UpdateReport:
    """Add or replace the documents of ``sources``; raises NoIndex, SourceError, IndexLocked, or NothingIndexed when all are bad."""
    with Index.open(home) as index:
        schema = index.schema
    with Quarantine(quarantine_path(home)) as quarantine:
        upserts, good = _read(sources, schema, quarantine)
        if quarantine.total and not good:
            quarantine.publish()
            raise NothingIndexed(f"all {quarantine.total} records are bad, so nothing was changed; see {quarantine.path}")
        generation = apply_changes(home, list(upserts.values()))
        quarantine.publish()
    generation = [generation, *merge_as_needed(home)][-1]
    read = good + quarantine.total
    return UpdateReport(read, len(upserts), quarantine.total, good - len(upserts), generation, dict(sorted(quarantine.counts.items())))


def remove(home: Home, keys: Sequence[str]) -> RemoveReport:
    """Delete documents by id; raises NoIndex or IndexLocked."""
    with Index.open(home) as index:
        unknown = [key for key in dict.fromkeys(keys) if index.doc(key) < 0]
    generation = [apply_changes(home, [], keys), *merge_as_needed(home)][-1]
    return RemoveReport(len(set(keys)) - len(unknown), unknown, generation)


def _read(sources: Sequence[str], schema: Schema, quarantine: Quarantine) -> tuple[dict[str, dict[str, Any]], int]:
    """The last document of every key, in order, and how many good ones there were."""
    builders = [ColumnBuilder(field) for field in schema.columns]
    upserts: dict[str, dict[str, Any]] = {}
    good = 0
    for document in read_documents(sources, schema.id_field, quarantine.add):
        try:
            _check(document, builders)
        except BadDocument as error:
            quarantine.add(entry(error, document.source, document.line, document.offset, repr(document.fields)[:400]))
            continue
        good += 1
        upserts.pop(document.key, None)
        upserts[document.key] = {schema.id_field: document.key, **document.fields}
    return upserts, good


def _check(document: Document, builders: Sequence[ColumnBuilder]) -> None:
    """Raise BadDocument as the inverter would, before anything is changed."""
    for builder in builders:
        builder.read(document.fields.get(builder.field.name))
    encode_document(document.fields)
