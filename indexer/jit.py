"""One way to compile kernels: Numba with an on-disk cache that can never serve stale code.

Numba's cache notices an edit of the file that holds a kernel, not of the files that the kernel calls into. So every file's kernels are cached in a
folder of their own, named by a hash of that file and of all our modules that it imports, directly or not. It lies in the user's own cache
folder, never in a shared temporary one.
"""

import hashlib
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba

ROOT = Path(__file__).resolve().parent.parent
_IMPORT = re.compile(rb"^(?:from|import)\s+((?:indexer|ranker|searchd)(?:\.\w+)*)", re.MULTILINE)


@cache
def _imports(path: Path) -> tuple[bytes, frozenset[Path]]:
    """A source and the files of our own modules that it imports."""
    source = path.read_bytes() if path.is_file() else b""
    names = (ROOT.joinpath(*name.decode().split(".")) for name in _IMPORT.findall(source))
    return source, frozenset(found for name in names if (found := name.with_suffix(".py")).is_file())


@cache
def sources_hash(path: Path) -> str:
    """Hash of a file and of all our modules that its kernels may call into, 16 hex digits."""
    reached, waiting = {path}, [path]
    while waiting:
        new = _imports(waiting.pop())[1] - reached
        reached |= new
        waiting += new
    digest = hashlib.sha256(numba.__version__.encode())
    for one in sorted(reached):
        digest.update(_imports(one)[0])
    return digest.hexdigest()[:16]


def cache_directory() -> Path:
    """Where compiled kernels live."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "searchd" / "kernels"


def _can_cache() -> bool:
    """Whether there is a cache folder to write to. Services often have no home; they compile at every start, and ``searchd doctor`` says so."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or cache_directory())
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


# error_model: Numba's zero-division check stops vectorisation. boundscheck: sizes are checked once, at a kernel's Python door.
_OPTIONS: dict[str, Any] = {"cache": _can_cache(), "nogil": True, "error_model": "numpy", "boundscheck": False}


def _compiled(function: Callable[..., Any], **more: Any) -> Any:
    """Numba takes the folder for a function's code from its configuration at the moment of decoration."""
    if not os.environ.get("NUMBA_CACHE_DIR"):
        folder = cache_directory() / sources_hash(Path(function.__code__.co_filename))
        numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    return numba.njit(**_OPTIONS, **more)(function)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function at its first call, or take it from the cache."""
    return _compiled(function)


def inlined(function: Callable[..., Any]) -> Any:
    """The same, copied into its callers: for the steps of a kernel, which are many and short. A call costs as much as twenty postings."""
    return _compiled(function, forceinline=True)
