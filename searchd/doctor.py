"""A home and this machine -> what is wrong with them and what to do about it.

Every check is independent and changes nothing; what one cannot look at because of another's failure is told as such. A warning is about comfort or
speed, a failure about answers that are missing or wrong.
"""

import importlib.util
import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from indexer import jit
from indexer.errors import SearchdError
from indexer.home import Home
from indexer.index import Index, verify
from indexer.schema import load_schema
from ranker.log_file import logs_aside

OK, WARNING, FAILURE = "ok", "warning", "failure"
MIN_FREE_BYTES = 1 << 30
LIBRARIES = ("numba", "lightgbm", "jieba", "opencc", "Stemmer", "granian", "flask", "orjson", "ir_measures", "sqlite_utils")


class Check(NamedTuple):
    """What one check found: ``state`` is ok, warning or failure; ``advice`` says what to do, "" when there is nothing."""

    name: str
    state: str
    message: str
    advice: str = ""


def diagnose(home: Home, full: bool = False) -> Iterator[Check]:
    """The checks of a home, one after the other; ``full`` reads every byte of the index."""
    for name, check in _CHECKS:
        try:
            yield check(home, full)._replace(name=name)
        except SearchdError as error:
            yield Check(name, FAILURE, str(error))
        except OSError as error:
            yield Check(name, FAILURE, f"{error.filename}: {error.strerror}", "check that this user may read it")
        except sqlite3.Error as error:
            yield Check(name, FAILURE, f"the database cannot be read: {error}", "restore it, or move it away")


def _environment(home: Home, full: bool) -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        return Check("", FAILURE, f"Python {version}, without {', '.join(missing)}", "install searchd with its requirements again")
    return Check("", OK, f"Python {version}, {len(os.sched_getaffinity(0))} processors")


def _kernels(home: Home, full: bool) -> Check:
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or jit.cache_directory())
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        return Check("", WARNING, f"{folder} cannot be written, so every process compiles anew", "set NUMBA_CACHE_DIR to a folder that can")
    return Check("", OK, f"compiled kernels in {folder}")


def _home(home: Home, full: bool) -> Check:
    if not home.root.is_dir():
        return Check("", FAILURE, f"{home.root}: no such folder", f"run `indexer build SOURCE --home {home.root}`, or check --home")
    free = shutil.disk_usage(home.root).free
    if not os.access(home.root, os.W_OK):
        return Check("", WARNING, f"{home.root} is read-only: nothing can be published or logged")
    if free < MIN_FREE_BYTES:
        return Check(
            "", WARNING, f"{home.root}: {free >> 20} MiB free on its disk", "a build needs room for the new generation beside the old"
        )
    return Check("", OK, f"{home.root}, {free >> 30} GiB free")


def _settings(home: Home, full: bool) -> Check:
    from searchd.config import load_settings

    load_settings(home)
    if not home.settings.exists():
        return Check("", OK, "no searchd.toml: defaults")
    if "[fields" in home.settings.read_text(encoding="utf-8"):
        load_schema(home.settings)
    return Check("", OK, str(home.settings))


def _index(home: Home, full: bool) -> Check:
    with Index.open(home) as index:
        message = f"{index.generation}: {index.num_docs} documents in {len(index.segments)} segments"
        empty = not index.num_docs
    damage = verify(home) if full else []
    if damage:
        found = damage[0]
        return Check("", FAILURE, f"{found.path}: {found.problem}", "`indexer rollback` to an older generation, or build it again")
    if empty:
        return Check("", WARNING, message, "there is nothing to find; build from a source with documents")
    return Check("", OK, message + (", every byte as published" if full else ""))


def _search(home: Home, full: bool) -> Check:
    from searchd.engine import Engine

    with Engine(home) as engine:
        result = engine.search("a", limit=1, model="none", log=False)
    return Check("", OK, f"answers in {result.took:.0f} ms, the first time in a process")


def _model(home: Home, full: bool) -> Check:
    from ranker.registry import Registry
    from searchd.snapshot import load_model

    active = Registry(home).active()
    if active is None:
        return Check("", OK, "none active: results are in the order of BM25F")
    with Index.open(home) as index:
        load_model(index, "active")
    return Check("", OK, "/".join(active))


def _click_log(home: Home, full: bool) -> Check:
    if not home.clicks.exists():
        return Check("", OK, "none yet")
    # SQLite reads a log in WAL mode from a read-only folder only when told that nobody writes it.
    how = "mode=ro" if os.access(home.root, os.W_OK) else "immutable=1"
    with closing(sqlite3.connect(f"file:{quote(str(home.clicks))}?{how}", uri=True)) as database:
        (found,) = database.execute("PRAGMA integrity_check" if full else "PRAGMA quick_check").fetchone()
        if found != "ok":
            return Check("", FAILURE, f"{home.clicks}: {found}", "stop the service, keep a copy, and recover it with sqlite3 `.recover`")
        (impressions,) = database.execute("SELECT count(*) FROM impressions").fetchone()
        (events,) = database.execute("SELECT count(*) FROM events").fetchone()
    aside = logs_aside(home.clicks)
    if aside:
        told = f"{impressions} impressions, {events} events; damaged logs were set aside: {', '.join(one.name for one in aside)}"
        return Check("", WARNING, told, "recover what they hold with sqlite3 `.recover` and import it, then move them away")
    return Check("", OK, f"{impressions} impressions, {events} events")


def _secrets(home: Home, full: bool) -> Check:
    for path in (home.secret, home.keys):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            return Check("", WARNING, f"{path} can be read by others", f"chmod 600 {path}")
    if home.secret.exists() and home.secret.stat().st_size != 32:
        return Check("", FAILURE, f"{home.secret}: expected 32 bytes, found {home.secret.stat().st_size}", "remove it; a new one is made")
    return Check("", OK, "keys and signing secret are private")


_CHECKS: tuple[tuple[str, Callable[[Home, bool], Check]], ...] = (
    ("environment", _environment),
    ("kernels", _kernels),
    ("home", _home),
    ("settings", _settings),
    ("index", _index),
    ("search", _search),
    ("model", _model),
    ("click log", _click_log),
    ("secrets", _secrets),
)
