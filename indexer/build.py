"""Sources -> a published generation.

    find the sources · infer a schema when none is given · cut into chunks · invert them in processes · write one segment · publish

Everything is written into a staged folder beside the published generation, which stays what it is until the very last step: a build that fails,
is interrupted or is killed changes nothing. ``read = indexed + quarantined + duplicates`` holds for every build.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import indexer.durable as durable
from indexer.batches import Feed, Inverted, Job, invert_all
from indexer.choices import MEMORY
from indexer.documents import Document
from indexer.errors import SearchdError
from indexer.home import Home
from indexer.index import lexicon_of
from indexer.infer import Inference
from indexer.infer_lines import observe_lines
from indexer.inverter import Run
from indexer.manifest import write_manifest
from indexer.memory import keep_freed
from indexer.merge import SegmentInfo, write_segment
from indexer.progress import Progress
from indexer.publish import discard, publish, stage, writer_lock
from indexer.quarantine import Entry, Quarantine
from indexer.readers.chunk import Chunk
from indexer.readers.jsonl import LinesChunk
from indexer.readers.streams import BLOCK, Meter, open_stream
from indexer.reorder import reorder
from indexer.schema import Schema
from indexer.sources import Source, bytes_on_disk, cut, find_sources

# Estimated from builds of 60,000 abstracts and 211,026 Chinese poems: a process by itself, and how many times its source a batch takes; of JSON
# lines 8 to 12 were measured, with both analyzers, by kernels and by Python.
_PROCESS_BYTES, _MEMORY_PER_BYTE, _MEMORY_PER_LINES_BYTE = 200 << 20, 32, 16
_SMALLEST_CHUNK, _LARGEST_CHUNK = 256 << 10, 8 << 20
# More than this is enough to know the fields of a collection.
_INFERENCE_BYTES = 1 << 30


class NothingIndexed(SearchdError):
    """Not one document of the sources is good."""

    code = "nothing_indexed"


class TooManyBad(SearchdError):
    """A larger share of the records is bad than the caller allows."""

    code = "too_many_bad"


class BuildReport(NamedTuple):
    """What a build did; ``read == indexed + quarantined + duplicates``. ``reasons``: reason code -> records set aside."""

    read: int
    indexed: int
    quarantined: int
    duplicates: int
    generation: str
    seconds: float
    reasons: dict[str, int]
    schema: Schema


def quarantine_path(home: Home) -> Path:
    """Where the last build or update of a home lists what it set aside."""
    return home.root / "quarantine.jsonl"


def chunk_bytes(memory: int, jobs: int) -> int:
    """Bytes of source a batch may have so that ``jobs`` of them fit into ``memory`` bytes."""
    processes = jobs if jobs == 1 else jobs + 1
    share = (memory - processes * _PROCESS_BYTES) // jobs
    return max(_SMALLEST_CHUNK, min(_LARGEST_CHUNK, share // _MEMORY_PER_BYTE))


def room_for_runs(memory: int, jobs: int, lines: bool) -> int:
    """Bytes of runs that may wait in memory beside the batches, ``lines`` or others, that threads work on; merging takes no more than a batch."""
    per_byte = _MEMORY_PER_LINES_BYTE if lines else _MEMORY_PER_BYTE
    return max(0, memory - _PROCESS_BYTES - jobs * per_byte * chunk_bytes(memory, jobs))


def build(
    home: Home,
    sources: Sequence[str],
    schema: Schema | None = None,
    jobs: int = 1,
    memory: int = MEMORY,
    id_field: str | None = None,
    backend: str = "loky",
    max_quarantined: float = 1.0,
    progress: bool = False,
    on_schema: Callable[[Schema], None] | None = None,
    reordered: bool = False,
) -> BuildReport:
    """Index ``sources`` as a new generation and publish it; raises SearchdError and then changes nothing but the quarantine.

    Without ``schema`` one is inferred, and ``on_schema`` is told which. ``id_field`` overrides the schema's. ``memory`` in bytes, for all
    processes together. ``max_quarantined`` is the share of records that may be bad. ``reordered``: documents that share terms stand together
    (``reorder.py``), instead of in the order of the sources.
    """
    started = time.monotonic()
    keep_freed()
    found = find_sources(sources)
    with _rereadable(found, schema is None) as found:
        if schema is None:
            schema = infer_schema(found, id_field or "id", progress)
            if on_schema is not None:
                on_schema(schema)
        schema = replace(schema, id_field=id_field or schema.id_field)
        with writer_lock(home), Quarantine(quarantine_path(home)) as quarantine:
            staged = stage(home)
            try:
                lines = all(source.kind == "json" for source in found)
                job = Job(schema, lexicon_of(home), staged / "runs", os.getpid(), room_for_runs(memory, jobs, lines), lines)
                work = _Work(job, staged, quarantine, max_quarantined, reordered)
                info = work.segment(found, jobs, chunk_bytes(memory, jobs), backend, progress)
                write_manifest(staged, schema, [info], lexicon_of(home))
                generation = publish(home, staged)
            except BaseException:
                discard(staged)
                raise
            quarantine.publish()
    seconds = time.monotonic() - started
    read = work.inverted + quarantine.total
    return BuildReport(
        read, info.documents, quarantine.total, info.duplicates, generation, seconds, dict(sorted(quarantine.counts.items())), schema
    )


class _Work:
    """One build in its staged folder."""

    def __init__(self, job: Job, staged: Path, quarantine: Quarantine, max_quarantined: float, reordered: bool) -> None:
        self.job, self.schema, self.staged = job, job.schema, staged
        self.quarantine, self.max_quarantined, self.reordered = quarantine, max_quarantined, reordered
        self.inverted = 0

    def segment(self, sources: Sequence[Source], jobs: int, size: int, backend: str, shown: bool) -> SegmentInfo:
        """Invert everything and write the segment; the runs are gone afterwards."""
        durable.make_folder(self.job.folder)
        found = [one.run for one in self._invert(sources, jobs, size, backend, shown) if one.run is not None]
        self._check()
        runs = [one if isinstance(one, Run) else Run.load(one, self.schema) for one in found]
        if self.reordered and runs:
            runs = [reorder(runs, self.schema, self.job.folder)]
        info = write_segment(runs, self.schema, self.staged / "0000.seg")
        del runs, found
        durable.remove_tree(self.job.folder)
        return replace(info, duplicates=self.inverted - info.documents)

    def _invert(self, sources: Sequence[Source], jobs: int, size: int, backend: str, shown: bool) -> Iterator[Inverted]:
        meter = Meter()
        feed = Feed(cut(sources, self.schema.id_field, size, meter), lambda: meter.consumed)
        with Progress("indexing", bytes_on_disk(sources), shown) as bar:
            for one in invert_all(feed, self.job, jobs, backend):
                self.inverted += one.documents
                for bad in one.entries:
                    self.quarantine.add(bad)
                bar.reached(one.consumed, one.documents)
                yield one

    def _check(self) -> None:
        """Refuse to publish what is mostly bad; the quarantine is kept, since it tells why."""
        bad, read = self.quarantine.total, self.inverted + self.quarantine.total
        if not bad or (self.inverted and bad <= self.max_quarantined * read):
            return
        self.quarantine.publish()
        common = ", ".join(f"{reason} {count}" for reason, count in self.quarantine.counts.most_common(3))
        told = f"{bad} of {read} records are bad ({common}), so nothing was published; see {self.quarantine.path}"
        if not self.inverted:
            raise NothingIndexed(told)
        raise TooManyBad(f"{told}, or raise --max-quarantined (now {self.max_quarantined:g})")


def infer_schema(sources: Sequence[Source], id_field: str, shown: bool = False) -> Schema:
    """Look through the documents, up to 1 GiB of them, for the fields they have; raises NothingToInfer."""
    inference, meter, looked_at, bad = Inference(), Meter(), 0, None
    with Progress("inferring the schema", bytes_on_disk(sources), shown) as bar:
        for source in sources:
            for chunk in cut([source], id_field, _LARGEST_CHUNK, meter):
                count, first_bad = _observe(inference, chunk, id_field, source.kind in ("csv", "tsv"))
                bad = bad or first_bad
                bar.reached(meter.consumed, count)
                looked_at += 0 if isinstance(chunk, Entry) else chunk.size
                if looked_at > _INFERENCE_BYTES:
                    break
    if inference.empty and bad is not None:
        raise NothingIndexed(f"no record of the sources is good; the first bad one is {bad.file} line {bad.line}: {bad.message}")
    return inference.schema(id_field)


def _observe(inference: Inference, chunk: Chunk | Entry, id_field: str, untyped: bool) -> tuple[int, Entry | None]:
    """Look at a chunk: (how many documents it has, the first record that is none)."""
    if isinstance(chunk, LinesChunk):
        return observe_lines(inference, chunk, id_field)
    found = [chunk] if isinstance(chunk, Entry) else list(chunk.documents(id_field))
    documents = [one for one in found if isinstance(one, Document)]
    inference.observe(documents, untyped)
    return len(documents), next((one for one in found if isinstance(one, Entry)), None)


@contextmanager
def _rereadable(sources: Sequence[Source], needed: bool) -> Iterator[list[Source]]:
    """The sources, with standard input as a temporary file if it must be read twice."""
    if not needed or all(source.path is not None for source in sources):
        yield list(sources)
        return
    with tempfile.NamedTemporaryFile(prefix="searchd-stdin-") as copy:
        with open_stream(None, "-") as stream:
            while block := stream.read(BLOCK):
                copy.write(block)
        copy.flush()
        yield [source if source.path is not None else source._replace(path=Path(copy.name)) for source in sources]
