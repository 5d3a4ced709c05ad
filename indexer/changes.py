"""Updates and deletes -> the next generation, without building it anew.

New documents go into a small delta segment; deleted and replaced ones are marked in tombstones, with what they counted for in document
frequencies and lengths, so that scores are exactly those of a fresh build. All else is hard-linked. Small segments at the end are folded
together, so that their number stays logarithmic; ``fold`` makes one segment of everything.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import indexer.durable as durable
from indexer.analysis import Analyzer
from indexer.container import Container, FileInfo
from indexer.documents import BadDocument, Document, document_from
from indexer.home import Home
from indexer.index import Index, lexicon_of
from indexer.inverter import Run, analyzers_of, invert, invert_as
from indexer.manifest import SegmentEntry, write_manifest
from indexer.merge import SegmentInfo, write_segment
from indexer.publish import current_generation, discard, publish, stage, writer_lock
from indexer.schema import Schema
from indexer.segment import Segment, write_tombstones

BATCH = 4096
# Folding re-analyses documents; larger segments wait for `indexer merge`.
FOLD_BELOW = 10_000
WAIT_SECONDS = 30.0


def apply_changes(home: Home, upserts: Sequence[dict[str, Any]], deletes: Sequence[str] = ()) -> str:
    """Add or replace ``upserts`` (each with the schema's id field) and delete ``deletes``; returns the new generation.

    All or nothing: raises BadDocument for the first document that does not fit, NoIndex, IndexLocked. Unknown keys in ``deletes`` are no
    error; a key in both is upserted. Without any effect the current generation is returned.
    """
    current_generation(home)  # before the lock, which would make the folder of a home that is none
    with writer_lock(home, WAIT_SECONDS):
        index = Index.open(home)
        documents = _last_of_each([document_from(raw, index.schema.id_field) for raw in upserts])
        gone = {index.doc(key) for key in {*deletes, *(d.key for d in documents)}} - {-1}
        if not documents and not gone:
            return index.generation
        return publish_changes(home, index, documents, gone, analyzers_of(index.schema, lexicon_of(home)))


def fold(home: Home) -> str:
    """Rewrite all live documents as one segment without tombstones: the same bytes as a fresh build of them in this order."""
    current_generation(home)  # before the lock, which would make the folder of a home that is none
    with writer_lock(home, WAIT_SECONDS):
        index = Index.open(home)
        staged = stage(home)
        try:
            info = _write_documents(staged, "0000.seg", live_documents(index.segments), index.schema, lexicon_of(home))
            write_manifest(staged, index.schema, [info], lexicon_of(home))
            return publish(home, staged)
        except BaseException:
            discard(staged)
            raise


def live_documents(segments: Sequence[Segment]) -> Iterator[Document]:
    """The documents of segments as they were given, without the deleted ones."""
    for segment in segments:
        for doc in range(segment.num_docs) if segment.live is None else np.flatnonzero(segment.live).tolist():
            yield Document(segment.key(doc), segment.fields(doc))


def _last_of_each(documents: Sequence[Document]) -> list[Document]:
    last = {document.key: place for place, document in enumerate(documents)}
    return [document for place, document in enumerate(documents) if last[document.key] == place]


def publish_changes(home: Home, index: Index, documents: list[Document], gone: set[int], former: Sequence[Analyzer]) -> str:
    """Publish the index without the documents ``gone`` and with ``documents`` behind the others; under the writer's lock. ``former``: the
    analyzer of every text field by which the index was built."""
    staged = stage(home)
    try:
        _write_changes(staged, index, documents, gone, former)
        return publish(home, staged)
    except BaseException:
        discard(staged)
        raise


def _write_changes(staged: Path, index: Index, documents: list[Document], gone: set[int], former: Sequence[Analyzer]) -> None:
    lexicon = lexicon_of(index.home)
    dying = [_locals(gone, base, segment) for segment, base in zip(index.segments, index.bases.tolist())]
    kept = _keep(index, dying, len(documents))
    entries: list[SegmentEntry | SegmentInfo] = []
    files: list[FileInfo] = []
    for number in range(kept):
        if index.segments[number].num_live > len(dying[number]):
            entry, parts = _carry_over(staged, index, number, dying[number], former)
            entries.append(entry)
            files.extend(parts)
    folded = _without(index.segments[kept:], dying[kept:])
    content = list(folded) + documents
    if content:
        name = f"{1 + max((int(e.file.split('.')[0]) for e in index.manifest.segments), default=-1):04d}.seg"
        entries.append(_write_documents(staged, name, content, index.schema, lexicon))
    write_manifest(staged, index.schema, entries, lexicon, files)


def _locals(gone: set[int], base: int, segment: Segment) -> np.ndarray:
    return np.array(sorted(doc - base for doc in gone if base <= doc < base + segment.num_docs), np.int64)


def _keep(index: Index, dying: Sequence[np.ndarray], added: int) -> int:
    """How many segments stay as they are; those after are folded into the delta: the ones not larger than what follows them, as in an LSM
    tree."""
    kept, following = len(index.segments), added
    while kept and added:
        size = index.segments[kept - 1].num_live - len(dying[kept - 1])
        if size > following or size >= FOLD_BELOW:
            break
        kept, following = kept - 1, following + size
    return kept


def _without(segments: Sequence[Segment], dying: Sequence[np.ndarray]) -> Iterator[Document]:
    for segment, dead in zip(segments, dying):
        doomed = {segment.key(doc) for doc in dead.tolist()}
        yield from (document for document in live_documents([segment]) if document.key not in doomed)


def _carry_over(
    staged: Path, index: Index, number: int, dying: np.ndarray, former: Sequence[Analyzer]
) -> tuple[SegmentEntry, list[FileInfo]]:
    """Link an old segment into the new generation, with its tombstones as they were or grown by ``dying``."""
    entry, folder = index.manifest.segments[number], index.home.index / index.generation
    durable.link_file(folder / entry.file, staged / entry.file)
    files = [index.manifest.file(entry.file)]
    if len(dying):
        name = f"{entry.file.split('.')[0]}.del"
        old = Container(folder / entry.tombstones) if entry.tombstones else None
        files.append(_grow_tombstones(staged / name, index.segments[number], old, dying, index.schema, former))
        entry = entry._replace(tombstones=name, deleted=entry.deleted + len(dying))
    elif entry.tombstones:
        durable.link_file(folder / entry.tombstones, staged / entry.tombstones)
        files.append(index.manifest.file(entry.tombstones))
    return entry, files


def _grow_tombstones(
    path: Path, segment: Segment, old: Container | None, dying: np.ndarray, schema: Schema, former: Sequence[Analyzer]
) -> FileInfo:
    """Analyse the dying documents once more to learn which terms lose them; jieba words stand nowhere else."""
    run = invert_as([Document(segment.key(doc), segment.fields(doc)) for doc in dying.tolist()], schema, former)
    ids = segment.lookup(run.terms.texts())
    minus = np.zeros(segment.num_terms, np.int64)
    minus[ids[ids >= 0]] = np.diff(run.ptr)[ids >= 0]
    deleted = dying
    if old is not None:
        minus[old["terms"]] += old["minus"]
        deleted = np.union1d(dying, old["deleted"])
    terms = np.flatnonzero(minus)
    return write_tombstones(path, deleted, terms, minus[terms])


def _write_documents(staged: Path, name: str, documents: Iterable[Document], schema: Schema, lexicon: Path | None) -> SegmentInfo:
    """One segment of documents, inverted in batches that wait on disk."""
    source = iter(documents)
    runs: list[Run] = []
    while batch := list(islice(source, BATCH)):
        run = invert(batch, schema, lexicon)
        if run.rejected:
            raise BadDocument(run.rejected[0].code, f"document {batch[run.rejected[0].position].key!r}: {run.rejected[0].message}")
        path = staged / f"run-{len(runs)}"
        run.save(path)
        runs.append(Run.load(path, schema))
    info = write_segment(runs, schema, staged / name)
    for number in range(len(runs)):
        (staged / f"run-{number}").unlink()
    return info
