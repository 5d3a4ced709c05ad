"""Updates and deletes -> the next generation, without building it anew.

New documents go into a small delta segment; deleted and replaced ones are marked in tombstones, with what they counted for in document
frequencies and lengths, so that scores are exactly those of a fresh build. All else is hard-linked. The smallest segments at the end are folded
together at once; ``fold`` makes one segment of everything.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import indexer.durable as durable
from indexer.analysis import Analyzer
from indexer.container import FileInfo
from indexer.documents import BadDocument, Document, document_from
from indexer.home import Home
from indexer.index import Index, lexicon_of
from indexer.inverter import Run, analyzers_of, invert
from indexer.losses import BATCH, Analysed, losses_of
from indexer.manifest import SegmentEntry, write_manifest
from indexer.merge import SegmentInfo, write_segment
from indexer.publish import current_generation, discard, publish, stage, writer_lock
from indexer.schema import Schema
from indexer.segment import Segment, write_tombstones

# Folding re-analyses documents while somebody waits.
FOLD_BELOW = 256
# Where nobody merges, or has no time to, whoever adds the next segment folds larger ones too.
CROWDED, FOLD_CROWDED = 32, 10_000
WAIT_SECONDS = 30.0


class Change(NamedTuple):
    """Documents to add or replace, each with the schema's id field, and ids of others to delete; an id in both is replaced."""

    upserts: Sequence[dict[str, Any]]
    deletes: Sequence[str] = ()


def apply_changes(home: Home, upserts: Sequence[dict[str, Any]], deletes: Sequence[str] = ()) -> str:
    """Add or replace ``upserts`` (each with the schema's id field) and delete ``deletes``; returns the new generation.

    All or nothing: raises BadDocument for the first document that does not fit, NoIndex, IndexLocked. Unknown keys in ``deletes`` are no
    error; a key in both is upserted. Without any effect the current generation is returned.
    """
    return apply_all(home, [Change(upserts, deletes)])


def apply_all(home: Home, changes: Iterable[Change], older: Index | None = None) -> str:
    """The same for changes one after another, which become one generation, all of them or none. ``older``: an index that is open, whose
    segments are not read and checked again."""
    current_generation(home)  # before the lock, which would make the folder of a home that is none
    with writer_lock(home, WAIT_SECONDS):
        index = Index.open(home, older=older)
        documents, touched = _together(changes, index.schema.id_field)
        gone = set(index.docs(list(touched)).tolist()) - {-1}
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
            info = write_documents(staged, "0000.seg", live_documents(index.segments), index.schema, lexicon_of(home))
            write_manifest(staged, index.schema, [info], lexicon_of(home))
            return publish(home, staged)
        except BaseException:
            discard(staged)
            raise


def live_documents(segments: Sequence[Segment]) -> Iterator[Document]:
    """The documents of segments as they were given, without the deleted ones."""
    for segment in segments:
        yield from _documents_of(segment, np.arange(segment.num_docs) if segment.live is None else np.flatnonzero(segment.live))


def _documents_of(segment: Segment, docs: np.ndarray) -> Iterator[Document]:
    for first in range(0, len(docs), BATCH):
        some = docs[first : first + BATCH]
        yield from map(Document, segment.keys(some), map(segment.fields, some.tolist()))


def _together(changes: Iterable[Change], id_field: str) -> tuple[list[Document], set[str]]:
    """The documents that are there after all changes, the last of every key in its place, and the keys that were replaced or deleted."""
    documents: dict[str, Document] = {}
    touched: set[str] = set()
    for upserts, deletes in changes:
        touched.update(deletes)
        for key in deletes:
            documents.pop(key, None)
        for document in (document_from(raw, id_field) for raw in upserts):
            documents.pop(document.key, None)
            documents[document.key] = document
    return list(documents.values()), touched | documents.keys()


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
    left = [number for number in range(kept) if index.segments[number].num_live > len(dying[number])]
    content = [*_without(index.segments[kept:], dying[kept:]), *documents]
    runs = _inverted(staged, content, index.schema, lexicon)
    new = _analysed(runs, content, former, analyzers_of(index.schema, lexicon))
    losses = losses_of([index.segments[number] for number in left], [dying[number] for number in left], index.schema, former, new)
    for number, loss in zip(left, losses):
        entry, parts = carry_over(staged, index, number, dying[number], loss)
        entries.append(entry)
        files.extend(parts)
    if content:
        entries.append(_write_runs(staged, next_segment(index), runs, index.schema))
    write_manifest(staged, index.schema, entries, lexicon, files)


def _analysed(runs: Sequence[Run], content: Sequence[Document], former: Sequence[Analyzer], now: Sequence[Analyzer]) -> Analysed | None:
    """The content if it is one run, by the analyzers that the index was built by."""
    if len(runs) != 1 or [one.fingerprint for one in former] != [one.fingerprint for one in now]:
        return None
    return Analysed(runs[0], {document.key: (place, document.fields) for place, document in enumerate(content)})


def _locals(gone: set[int], base: int, segment: Segment) -> np.ndarray:
    return np.array(sorted(doc - base for doc in gone if base <= doc < base + segment.num_docs), np.int64)


def next_segment(index: Index) -> str:
    """The name of a segment's file that no segment of the index has."""
    return f"{1 + max((int(e.file.split('.')[0]) for e in index.manifest.segments), default=-1):04d}.seg"


def _keep(index: Index, dying: Sequence[np.ndarray], added: int) -> int:
    """How many segments stay as they are; those after are folded into the delta: the ones not larger than what follows them, as in an LSM
    tree."""
    kept, following = len(index.segments), added
    bound = FOLD_BELOW if kept < CROWDED else FOLD_CROWDED
    while kept and added:
        size = index.segments[kept - 1].num_live - len(dying[kept - 1])
        if size > following or size >= bound:
            break
        kept, following = kept - 1, following + size
    return kept


def _without(segments: Sequence[Segment], dying: Sequence[np.ndarray]) -> Iterator[Document]:
    for segment, dead in zip(segments, dying):
        left = np.ones(segment.num_docs, np.bool_) if segment.live is None else segment.live.copy()
        left[dead] = False
        yield from _documents_of(segment, np.flatnonzero(left))


def carry_over(staged: Path, index: Index, number: int, dying: np.ndarray, loss: np.ndarray) -> tuple[SegmentEntry, list[FileInfo]]:
    """Link an old segment into the new generation, with its tombstones as they were or grown by ``dying`` documents; ``loss``: as in
    ``grow_tombstones``."""
    entry, folder = index.manifest.segments[number], index.home.index / index.generation
    durable.link_file(folder / entry.file, staged / entry.file)
    files = [index.manifest.file(entry.file)]
    if len(dying):
        name = f"{entry.file.split('.')[0]}.del"
        files.append(grow_tombstones(staged / name, index.segments[number], dying, loss))
        entry = entry._replace(tombstones=name, deleted=entry.deleted + len(dying))
    elif entry.tombstones:
        durable.link_file(folder / entry.tombstones, staged / entry.tombstones)
        files.append(index.manifest.file(entry.tombstones))
    return entry, files


def grow_tombstones(path: Path, segment: Segment, dying: np.ndarray, loss: np.ndarray) -> FileInfo:
    """Write the tombstones of a segment that has lost ``dying`` documents more, and each of its terms ``loss`` of them, int64[T]."""
    total = loss.copy()
    buried, lost = segment.lost
    total[buried] += lost
    deleted = dying if segment.live is None else np.union1d(dying, np.flatnonzero(~segment.live))
    growing = np.flatnonzero(total)
    return write_tombstones(path, deleted, growing, total[growing])


def write_documents(staged: Path, name: str, documents: Iterable[Document], schema: Schema, lexicon: Path | None) -> SegmentInfo:
    """One segment of documents."""
    return _write_runs(staged, name, _inverted(staged, documents, schema, lexicon), schema)


def _inverted(staged: Path, documents: Iterable[Document], schema: Schema, lexicon: Path | None) -> list[Run]:
    """The runs of documents, in batches that wait on disk, but for the last one."""
    source = iter(documents)
    runs: list[Run] = []
    while batch := list(islice(source, BATCH)):
        run = invert(batch, schema, lexicon)
        if run.rejected:
            raise BadDocument(run.rejected[0].code, f"document {batch[run.rejected[0].position].key!r}: {run.rejected[0].message}")
        runs.append(run if len(batch) < BATCH else _on_disk(run, staged / f"run-{len(runs)}", schema))
    return runs


def _on_disk(run: Run, path: Path, schema: Schema) -> Run:
    run.save(path)
    return Run.load(path, schema)


def _write_runs(staged: Path, name: str, runs: Sequence[Run], schema: Schema) -> SegmentInfo:
    info = write_segment(runs, schema, staged / name)
    for path in staged.glob("run-*"):
        durable.remove_file(path)
    return info
