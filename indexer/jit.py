"""One way to compile kernels: Numba with an on-disk cache that can never serve stale code.

Numba's cache notices an edit of the file that holds a kernel, not of the files that the kernel calls into, so the cache directory is keyed by a
hash of every source of the three packages and of the Numba version. It lies in the user's own cache folder, never in a shared temporary one.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import numba

PACKAGES = ("indexer", "ranker", "searchd")


def sources_hash() -> str:
    """Hash of all sources that may hold or feed a kernel, 16 hex digits."""
    digest = hashlib.sha256(numba.__version__.encode())
    root = Path(__file__).resolve().parent.parent
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            source = path.read_bytes()
            if b"indexer.jit" in source:
                digest.update(source)
    return digest.hexdigest()[:16]


def cache_directory() -> Path:
    """Where compiled kernels of exactly these sources live."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "searchd" / f"kernels-{sources_hash()}"


def _can_cache() -> bool:
    """Whether there is a cache folder to write to. Services often have no home; they compile at every start, and ``searchd doctor`` says so."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or cache_directory())
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(cache_directory())  # type: ignore[attr-defined]

# error_model: Numba's zero-division check stops vectorisation. boundscheck: sizes are checked once, at a kernel's Python door.
_OPTIONS: dict[str, Any] = {"cache": _can_cache(), "nogil": True, "error_model": "numpy", "boundscheck": False}

kernel = numba.njit(**_OPTIONS)
inlined = numba.njit(**_OPTIONS, inline="always")
