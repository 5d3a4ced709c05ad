"""Chunks of sources -> runs, on threads of this process or in others.

Plain JSON lines are read and inverted by kernels, which let go of the interpreter's lock: threads work on them at once and need no start, no second
set of imports, and no files between them and the merge. All other kinds of sources are parsed by Python, so their chunks go to processes, from
which only the name of the run's file and what was set aside come back. This process keeps its runs in memory as long as there is room. Results
come back in the order of the source.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from indexer.documents import BadDocument, Document
from indexer.errors import SearchdError
from indexer.inverter import Run, analyzers_of, invert, invert_gathered
from indexer.memory import keep_freed
from indexer.plain_records import are_plain, gather_lines, rejected
from indexer.pool import Pool
from indexer.quarantine import Entry
from indexer.readers.chunk import Chunk
from indexer.readers.jsonl import LinesChunk
from indexer.schema import Schema
from indexer.threads import in_order


class BackendMissing(SearchdError):
    """The library of a backend is not installed."""

    code = "backend_missing"


class Job(NamedTuple):
    """What every batch of a build has in common; ``owner`` is the process that waits for the results, and may keep ``room`` bytes of runs if
    it makes them itself. ``lines``: no source can be anything but JSON."""

    schema: Schema
    lexicon: Path | None
    folder: Path
    owner: int
    room: int = 0
    lines: bool = False


class Room:
    """Bytes that are left for runs in memory and for the pools of their terms; threads take from it at once. It is closed to terms, for good, when
    there was no room for a run."""

    def __init__(self, size: int = 0) -> None:
        self._left, self._closed, self._lock = size, not size, threading.Lock()
        self._thread, self._pools = threading.local(), list[Pool]()

    def pool(self) -> Pool | None:
        """The pool of this thread."""
        if self._closed:
            return None
        if not hasattr(self._thread, "pool"):
            self._thread.pool = Pool()
            self._pools.append(self._thread.pool)
        return self._thread.pool

    def take(self, run: Run) -> bool:
        """Take what a run and its terms need, if that is left."""
        size = run.nbytes + (run.pool.grown() if run.pool is not None else 0)
        with self._lock:
            enough = size <= self._left
            self._left -= size if enough else 0
            self._closed |= not enough
        return enough

    def seal(self) -> None:
        """No run follows: pools need their strings alone."""
        for pool in self._pools:
            pool.seal()


class Batch(NamedTuple):
    """One piece of work: the records before the chunk that could not even be cut, then the chunk (None: only the records)."""

    number: int
    entries: list[Entry]
    chunk: Chunk | None
    consumed: int


class Inverted(NamedTuple):
    """A finished batch: its run, or the path of the saved one, None when no document was good; ``consumed`` bytes of source up to its end."""

    run: Run | Path | None
    documents: int
    entries: list[Entry]
    consumed: int


class Feed:
    """The batches of a stream of chunks, numbered.

    An error of the source ends the stream and waits in ``error``: with several processes the stream is read by a helper thread of joblib, where
    an exception would be lost.
    """

    def __init__(self, chunks: Iterable[Chunk | Entry], consumed: Callable[[], int]):
        self.error: Exception | None = None
        self._chunks, self._consumed = chunks, consumed

    def __iter__(self) -> Iterator[Batch]:
        number, waiting = 0, []
        try:
            for one in self._chunks:
                if isinstance(one, Entry):
                    waiting.append(one)
                    continue
                yield Batch(number, waiting, one, self._consumed())
                number, waiting = number + 1, []
        except Exception as error:
            self.error = error
            return
        if waiting:
            yield Batch(number, waiting, None, self._consumed())


def invert_all(feed: Feed, job: Job, jobs: int, backend: str = "loky") -> Iterator[Inverted]:
    """Invert every batch, in order; raises what the source raised after the batches before it."""
    batches = iter(feed)
    first = list(islice(batches, 1))
    batches = chain(first, batches)
    if jobs == 1 or (backend == "loky" and job.lines and all(_is_for_threads(one.chunk, job.schema) for one in first)):
        room = Room(job.room)
        yield from in_order(partial(invert_batch, job=job, room=room), batches, jobs)
        room.seal()
    else:
        yield from _invert_in_processes(batches, job, jobs, backend)
    if feed.error is not None:
        raise feed.error


def _is_for_threads(chunk: Chunk | None, schema: Schema) -> bool:
    """Whether kernels do nearly all the work of chunks like this one, the first."""
    return isinstance(chunk, LinesChunk) and are_plain(chunk, schema)


def _invert_in_processes(batches: Iterable[Batch], job: Job, jobs: int, backend: str) -> Iterator[Inverted]:
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor

    if backend == "ray":
        _register_ray()
    # Ordered results as they come from loky; Ray's backend returns all at the end. Two batches more than processes keep all of them busy.
    mode = "generator" if backend == "loky" else "list"
    parallel = Parallel(n_jobs=jobs, backend=backend, return_as=mode, pre_dispatch=jobs + 2, batch_size=1, max_nbytes=None)
    try:
        yield from parallel(delayed(invert_batch)(batch, job) for batch in batches)
    finally:
        if backend == "loky":
            get_reusable_executor().shutdown(wait=True, kill_workers=True)


def _register_ray() -> None:
    try:
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise BackendMissing("--backend ray needs Ray, which is not installed; install it with: pip install ray") from error
    register_ray()


def invert_batch(batch: Batch, job: Job, room: Room | None = None) -> Inverted:
    """Parse, analyse and invert one batch; its run is saved unless there is room for it."""
    if os.getpid() != job.owner:
        _be_a_worker(job.owner)
    run, entries = _invert(batch.chunk, job, room.pool() if room is not None else None)
    entries.sort(key=lambda one: (one.line, one.offset))
    return Inverted(_put_away(run, batch.number, job, room), len(run.keys), batch.entries + entries, batch.consumed)


def _put_away(run: Run, number: int, job: Job, room: Room | None) -> Run | Path | None:
    if not len(run.keys):
        return None
    if room is not None and room.take(run):
        return run.copied(job.schema)
    path = job.folder / f"run-{number:06d}"
    run.save(path)
    return path


def _invert(chunk: Chunk | None, job: Job, pool: Pool | None) -> tuple[Run, list[Entry]]:
    """The run of a chunk's good documents, of lines by the terms of the pool, and what is to be set aside."""
    if isinstance(chunk, LinesChunk):
        analyzers = analyzers_of(job.schema, job.lexicon)
        gathered, entries = gather_lines(chunk, job.schema, analyzers)
        return invert_gathered(gathered, analyzers, pool), entries
    documents, entries = _parse(chunk, job.schema.id_field)
    run = invert(documents, job.schema, job.lexicon)
    bad = [rejected(documents[position], BadDocument(code, message)) for position, code, message in run.rejected]
    return run, entries + bad


def _parse(chunk: Chunk | None, id_field: str) -> tuple[list[Document], list[Entry]]:
    found = list(chunk.documents(id_field)) if chunk is not None else []
    return [one for one in found if isinstance(one, Document)], [one for one in found if isinstance(one, Entry)]


_workers_guard: list[threading.Thread] = []


def _be_a_worker(owner: int) -> None:
    """Once a process: leave Ctrl-C to the owner, and end when the owner is gone, however it went."""
    if _workers_guard:
        return
    keep_freed()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.getppid() == owner:
        _workers_guard.append(threading.Thread(target=_end_with, args=(owner,), daemon=True))
        _workers_guard[0].start()


def _end_with(owner: int) -> None:
    while os.getppid() == owner:
        time.sleep(0.2)
    os._exit(1)
