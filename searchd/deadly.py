"""Queries that kill the process that answers them: noticed by what was being answered when a worker died, and refused for some minutes.

Each worker keeps a file, mapped into memory, with a slot for every search that it may do at once, and writes the hash of what is asked into it before
it begins. When a worker dies the server's first process, which did nothing that could hurt it, reads what stands there. A query that two workers
died over within a minute is blocked for five; one that somebody answers in between is suspected no more, so that what is asked often is not blocked
for what was asked beside it. What is known lies in the names of empty files, which all workers see: a look costs what the time of a folder costs.
"""

import hashlib
import mmap
import os
import re
import signal
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

WITHIN, BLOCKED_FOR, DEATHS = 60.0, 300.0, 2  # seconds; deaths within them
SLOTS = 64
RUNNING = "running"  # the folder's name in that of a server
_SLOT = struct.Struct("<Q")
_NAME = re.compile(r"(died|blocked)-([0-9a-f]{16})-([0-9]+)")
FAILPOINT = "SEARCHD_FAILPOINT"  # "search WORD:1" in the environment: a worker that is to search for WORD dies, for tests of whole programs
log = structlog.get_logger("searchd.deadly")


class Blocked(Exception):
    """This search is refused for ``seconds`` more."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Running:
    """What one worker is answering, in ``folder``, and what nobody should answer. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder, self._lock = folder, threading.Lock()
        with (folder / f"running-{os.getpid()}").open("w+b") as file:
            file.truncate(SLOTS * _SLOT.size)
            self._slots = mmap.mmap(file.fileno(), SLOTS * _SLOT.size)
        self._free = list(range(SLOTS))
        self._seen = -1
        self._known: dict[str, dict[int, float]] = {"died": {}, "blocked": {}}

    @contextmanager
    def answering(self, *asked: object) -> Iterator[None]:
        """Somebody answers inside what was ``asked``; raises Blocked if nobody should."""
        what = _hash_of(asked)
        self._look()
        seconds = self._known["blocked"].get(what, 0.0) - time.time()
        if seconds > 0:
            raise Blocked(seconds)
        slot = self._free.pop() if self._free else None
        try:
            if slot is not None:
                _SLOT.pack_into(self._slots, slot * _SLOT.size, what)
            _fail(asked)
            yield
        finally:
            if slot is not None:
                _SLOT.pack_into(self._slots, slot * _SLOT.size, 0)
                self._free.append(slot)
        if what in self._known["died"]:
            for path in self._folder.glob(f"died-{what:016x}-*"):
                path.unlink(missing_ok=True)

    def num_blocked(self) -> int:
        """How many queries are blocked now."""
        self._look()
        return sum(until > time.time() for until in self._known["blocked"].values())

    def _look(self) -> None:
        """Read the folder if its names have changed."""
        changed = self._folder.stat().st_mtime_ns
        if changed != self._seen:
            with self._lock:
                self._known, self._seen = _names_in(self._folder), changed


def account(folder: Path, pid: int) -> int:
    """Note what a worker that died was answering; how many queries are blocked for that from now on."""
    path, now, blocked = folder / f"running-{pid}", time.time(), 0
    with suppress(FileNotFoundError):
        for (what,) in _SLOT.iter_unpack(path.read_bytes()):
            if what:
                blocked += _count(folder, what, now)
        path.unlink()
    return blocked


def _count(folder: Path, what: int, now: float) -> bool:
    """One more worker died over this."""
    (folder / f"died-{what:016x}-{int(1000 * now)}").touch()
    times = [int(path.name.rpartition("-")[2]) / 1000 for path in folder.glob(f"died-{what:016x}-*")]
    if sum(now - one <= WITHIN for one in times) < DEATHS:
        return False
    (folder / f"blocked-{what:016x}-{int(1000 * (now + BLOCKED_FOR))}").touch()
    log.error("query blocked", hash=f"{what:016x}", seconds=BLOCKED_FOR)
    return True


def _names_in(folder: Path) -> dict[str, dict[int, float]]:
    """The latest time of each hash, in seconds: of its deaths, and until when it is blocked."""
    found: dict[str, dict[int, float]] = {"died": {}, "blocked": {}}
    for name in os.listdir(folder):
        match = _NAME.fullmatch(name)
        if match is not None:
            times, what = found[match[1]], int(match[2], 16)
            times[what] = max(times.get(what, 0.0), int(match[3]) / 1000)
    return found


def _hash_of(asked: tuple[object, ...]) -> int:
    """Never 0."""
    return int.from_bytes(hashlib.blake2b(repr(asked).encode("utf-8", "replace"), digest_size=8).digest(), "little") or 1


def _fail(asked: tuple[object, ...]) -> None:
    """Die of what the environment says."""
    word = os.environ.get(FAILPOINT, "")
    if word.startswith("search ") and word[7:].partition(":")[0] in str(asked[0]).split():
        os.kill(os.getpid(), signal.SIGSEGV)
