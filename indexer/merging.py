"""Many small segments -> few large ones, while others search and write.

Four neighbours or more become one if none is larger than the others together, so a document is written anew only when its segment doubles at least
(the logarithmic method; Bentley and Saxe 1980), and what is left are sizes that fall like powers of two. A segment of which a third is deleted is
written anew by itself. Neighbours only: the order of the documents, which decides between equal scores, stays.

The new segment is written without the writer's lock, of the documents as they were at the beginning. Under the lock it takes the place of its
sources, if they are all still there, with tombstones for what was deleted from them meanwhile; theirs say which terms lost how much.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import indexer.durable as durable
from indexer.changes import WAIT_SECONDS, carry_over, grow_tombstones, live_documents, next_segment, write_documents
from indexer.container import FileInfo
from indexer.home import Home
from indexer.index import Index, lexicon_of
from indexer.manifest import SegmentEntry, read_manifest, write_manifest
from indexer.merge import SegmentInfo
from indexer.publish import current_generation, discard, publish, stage, writer_lock
from indexer.segment import Segment

FAN = 4
# Batches of very different sizes may leave more segments than powers of two: of more than these the smallest neighbours become one.
MOST_SEGMENTS = 24
MOST_DELETED = 1 / 3
LEAST_DELETED = 1_000  # fewer are not worth a generation
# What a merge in the background writes at most, so that the searches' pages and the writers' syncs come first.
BYTES_A_SECOND = 32 << 20
NICE = 19
MERGING = ".merging"
NOTHING = np.zeros(0, np.int64)


def stand_back() -> None:
    """Make this process one that others need not wait for: of the lowest priority, and slow to write."""
    os.nice(NICE)
    durable.limit_writing(BYTES_A_SECOND)


def is_needed(home: Home) -> bool:
    """Whether the published segments are to be merged; reads the manifest alone. Raises NoIndex."""
    return choose(read_manifest(home.index / current_generation(home)).segments) is not None


def merge_as_needed(home: Home) -> list[str]:
    """Merge until nothing is left to; returns the generations published. Of several processes one does it, the others return at once.

    Raises NoIndex, IndexLocked."""
    current_generation(home)  # before the locks, which would make the folder of a home that is none
    published: list[str] = []
    with durable.exclusive(home.index / "MERGE") as held:
        while held and (generation := _merge_once(home)):
            published.append(generation)
    return published


def choose(entries: Sequence[SegmentEntry]) -> range | None:
    """The segments to merge next, by their places; None when all is well."""
    sizes = [entry.documents - entry.deleted for entry in entries]
    if chosen := _even(sizes, 0, len(sizes)):
        return chosen
    if len(sizes) > MOST_SEGMENTS:
        first = min(range(len(sizes) - FAN + 1), key=lambda at: sum(sizes[at : at + FAN]))
        return range(first, first + FAN)
    for place, entry in enumerate(entries):
        if entry.deleted >= LEAST_DELETED and entry.deleted > MOST_DELETED * entry.documents:
            return range(place, place + 1)
    return None


def _even(sizes: Sequence[int], start: int, stop: int) -> range | None:
    """Neighbours among ``start`` to ``stop`` - 1 of which none is larger than the others together."""
    if stop - start < FAN:
        return None
    largest = max(range(start, stop), key=lambda place: sizes[place])
    if 2 * sizes[largest] <= sum(sizes[start:stop]):
        return range(start, stop)
    return _even(sizes, largest + 1, stop) or _even(sizes, start, largest)


def _merge_once(home: Home) -> str | None:
    folder = home.index / MERGING
    _forget(home, folder)
    before = Index.open(home)
    chosen = choose(before.manifest.segments)
    if chosen is None:
        return None
    durable.make_folder(folder)
    try:
        sources = [before.segments[place] for place in chosen]
        info = write_documents(folder, "merged.seg", live_documents(sources), before.schema, lexicon_of(home))
        with writer_lock(home, WAIT_SECONDS):
            return _publish_in_place(home, folder, info, before, chosen)
    finally:
        _forget(home, folder)


def _forget(home: Home, folder: Path) -> None:
    """Remove what a merge wrote, this one or one that was killed; under the writer's lock, since writers remove what is half removed."""
    if folder.exists():
        with writer_lock(home, WAIT_SECONDS):
            durable.remove_folder(folder)


def _publish_in_place(home: Home, folder: Path, info: SegmentInfo, before: Index, chosen: range) -> str | None:
    """Publish what is there now with the merged segment instead of its sources; None when they are not all there any more."""
    now = Index.open(home, older=before)
    first = _place_of(_hashes(now), _hashes(before)[chosen.start : chosen.stop])
    if first < 0 or now.manifest.analyzers != before.manifest.analyzers:
        return None
    staged = stage(home)
    try:
        entries: list[SegmentEntry | SegmentInfo] = []
        files: list[FileInfo] = []
        for place in range(len(now.segments)):
            if place == first:
                parts = _put(staged, folder, info, next_segment(now), before, now, chosen, first)
            elif first < place < first + len(chosen):
                continue
            else:
                entry, linked = carry_over(staged, now, place, NOTHING, NOTHING)
                parts = [entry], linked
            entries.extend(parts[0])
            files.extend(parts[1])
        write_manifest(staged, now.schema, entries, lexicon_of(home), files)
        return publish(home, staged)
    except BaseException:
        discard(staged)
        raise


def _hashes(index: Index) -> list[str]:
    return [index.manifest.file(entry.file).sha256 for entry in index.manifest.segments]


def _place_of(hashes: Sequence[str], wanted: Sequence[str]) -> int:
    """Where the wanted ones stand side by side, -1 for nowhere."""
    return next((at for at in range(len(hashes)) if hashes[at : at + len(wanted)] == wanted), -1)


def _put(
    staged: Path, folder: Path, info: SegmentInfo, name: str, before: Index, now: Index, chosen: range, first: int
) -> tuple[list[SegmentEntry], list[FileInfo]]:
    """The merged segment in the staged folder under its ``name``, and its tombstones if it needs some; nothing when all of it is deleted."""
    sources = [(before.segments[place], now.segments[first + number]) for number, place in enumerate(chosen)]
    if not any(later.num_live for _, later in sources):
        return [], []
    durable.link_file(folder / info.file.name, staged / name)
    entry, files = SegmentEntry.of(info)._replace(file=name), [info.file._replace(name=name)]
    dead = _deleted_since(sources)
    if len(dead):
        path = staged / f"{name.split('.')[0]}.del"
        merged = Segment(staged / name)
        files.append(grow_tombstones(path, merged, dead, _lost_since(sources, merged)))
        entry = entry._replace(tombstones=path.name, deleted=len(dead))
    return [entry], files


def _deleted_since(sources: Sequence[tuple[Segment, Segment]]) -> np.ndarray:
    """The merged segment's documents that were deleted from its sources (as they were, as they are), int64[n] ascending."""
    live = [
        np.ones(later.num_live, np.bool_) if later.live is None else later.live if source.live is None else later.live[source.live]
        for source, later in sources
    ]
    return np.flatnonzero(~np.concatenate(live))


def _lost_since(sources: Sequence[tuple[Segment, Segment]], merged: Segment) -> np.ndarray:
    """How many of the documents deleted since had each term of the merged segment, int64[T]."""
    total = np.zeros(merged.num_terms, np.int64)
    for source, later in sources:
        lost = np.zeros(source.num_terms, np.int64)
        for sign, (ids, minus) in ((1, later.lost), (-1, source.lost)):
            lost[ids] += sign * minus
        terms = np.flatnonzero(lost)
        total[merged.lookup(source.terms.terms(terms))] += lost[terms]
    return total
