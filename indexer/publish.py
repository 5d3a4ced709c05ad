"""A staged folder -> the published generation, in an order that survives a crash at every step.

    stage     index/.staging-N/            files, each durable, then MANIFEST.json
    publish   rename to index/gNNNNNN/     whole, but nobody's yet
              HISTORY                      what it follows, and when it was published
              CURRENT                      one rename: from here on it is the published generation
              collect                      all but the last three generations go

A crash before CURRENT leaves the old generation published; what was left behind goes with the next writer. One writer at a time holds LOCK.
Readers need no lock: they read CURRENT and map files that are never changed, only unlinked.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import orjson

import indexer.durable as durable
from indexer.errors import SearchdError
from indexer.format import Corrupt
from indexer.home import Home
from indexer.manifest import read_manifest

KEEP = 3
STAGING = ".staging-"
_GENERATION = re.compile(r"g(\d{6,12})\Z")


class NoIndex(SearchdError):
    """The home has no published generation (yet)."""

    code = "no_index"

    def __init__(self, home: Home) -> None:
        super().__init__(f"{home.index}: no index is published here; build one with `indexer build SOURCE --home {home.root}`")


class IndexLocked(SearchdError):
    """Another process is writing this index."""

    code = "index_locked"

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(
            f"{path}: another writer (process {holder or 'unknown'}) is at work on this index; wait for it to end and try again"
        )


class NoSuchGeneration(SearchdError):
    """A generation that is not, or no longer, there."""

    code = "no_such_generation"


class Version(NamedTuple):
    """One generation on disk. ``published_at`` ISO 8601, or None when it was never published."""

    generation: str
    current: bool
    published_at: str | None
    documents: int
    bytes: int


def current_generation(home: Home) -> str:
    """Name of the published generation; raises NoIndex."""
    try:
        name = home.current.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError as error:
        raise NoIndex(home) from error
    if not _GENERATION.match(name):
        raise NoSuchGeneration(
            f"{home.current}: expected the name of a generation like g000001, found {name[:40]!r}; write the right one into it"
        )
    return name


@contextmanager
def writer_lock(home: Home, wait: float = 0.0) -> Iterator[None]:
    """Be the one writer of the home's index; raises IndexLocked when another stays it for ``wait`` seconds."""
    durable.make_folder(home.index)
    path = home.index / "LOCK"
    with durable.exclusive(path, wait) as held:
        if not held:
            raise IndexLocked(path, path.read_text(errors="replace").strip())
        yield


def stage(home: Home) -> Path:
    """A new empty folder for a generation in the making; removes what dead writers left. Hold ``writer_lock``."""
    for leftover in sorted(home.index.glob(f"{STAGING}*")):
        durable.remove_folder(leftover)
    staged = home.index / f"{STAGING}{_next_name(home)}"
    durable.make_folder(staged)
    return staged


def discard(staged: Path) -> None:
    """Give up a staged folder."""
    if staged.exists():
        durable.remove_folder(staged)


def publish(home: Home, staged: Path) -> str:
    """Make a staged folder, its manifest written, the published generation; returns its name, durable. Hold ``writer_lock``."""
    manifest = read_manifest(staged)
    for info in manifest.files:
        path = staged / info.name
        if path.stat().st_size != info.bytes:
            raise Corrupt(path, f"expected {info.bytes} bytes, found {path.stat().st_size}, so nothing was published")
        if path.stat().st_nlink == 1:  # one of an earlier generation is durable already
            durable.sync_file(path)
    durable.sync_folder(staged)
    history = {name: entry for name, entry in _history(home).items() if (home.index / name).exists()}
    name, previous = _next_name(home), _current_or_none(home)
    durable.rename_folder(staged, home.index / name)
    history[name] = {"previous": previous, "published_at": datetime.now(UTC).isoformat(timespec="seconds")}
    _write_history(home, history)
    _set_current(home, name)
    _collect(home, history)
    return name


def rollback(home: Home) -> str:
    """Publish again the generation that the current one followed; returns its name. Raises NoSuchGeneration."""
    current_generation(home)  # before the lock, which would make the folder of a home that is none
    with writer_lock(home):
        chain = _chain(home, _history(home))
        if len(chain) < 2 or not (home.index / chain[1]).exists():
            raise NoSuchGeneration(f"{home.index}: expected a generation before {chain[0]} to go back to, found none")
        read_manifest(home.index / chain[1])
        _set_current(home, chain[1])
        return chain[1]


def versions(home: Home) -> list[Version]:
    """All generations on disk, newest first."""
    current, history = current_generation(home), _history(home)
    found = []
    for name in sorted(_generations(home), reverse=True):
        statistics = read_manifest(home.index / name).statistics
        published_at = history.get(name, {}).get("published_at")
        found.append(Version(name, name == current, published_at, statistics["documents"], statistics["bytes"]))
    return found


def _set_current(home: Home, name: str) -> None:
    durable.write_file(home.current, f"{name}\n".encode("ascii"))


def _current_or_none(home: Home) -> str | None:
    try:
        return current_generation(home)
    except NoIndex:
        return None


def _generations(home: Home) -> list[str]:
    return sorted(p.name for p in home.index.iterdir() if _GENERATION.match(p.name))


def _next_name(home: Home) -> str:
    known = [*_generations(home), *_history(home), _current_or_none(home) or "g000000"]
    return f"g{max(int(name[1:]) for name in known) + 1:06d}"


def _history(home: Home) -> dict[str, dict[str, str | None]]:
    """HISTORY: generation -> what it followed and when it was published. Only a convenience: without it there is nothing to roll back
    to."""
    try:
        found = orjson.loads((home.index / "HISTORY").read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {name: entry for name, entry in entries if _GENERATION.match(name) and isinstance(entry, dict)}


def _write_history(home: Home, history: dict[str, dict[str, str | None]]) -> None:
    durable.write_file(home.index / "HISTORY", orjson.dumps(history, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n")


def _chain(home: Home, history: dict[str, dict[str, str | None]]) -> list[str]:
    """The current generation, the one it followed, and so on."""
    chain: list[str] = []
    name: str | None = current_generation(home)
    while name and name not in chain:
        chain.append(name)
        name = history.get(name, {}).get("previous")
    return chain


def _collect(home: Home, history: dict[str, dict[str, str | None]]) -> None:
    """Remove generations that are neither current nor one of those before it that are kept."""
    keep = _chain(home, history)[:KEEP]
    for name in _generations(home):
        if name not in keep:
            durable.remove_folder(home.index / name)
