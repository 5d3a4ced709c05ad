"""Arrays that could be made again, kept in a mapped file that processes share.

A file is used only if it belongs to this user, nobody else may write to it, and its bytes have the SHA-256 that stands in a file beside it: one that
was cut, changed or left half written is no file, and made again. Nobody reads what another user left there.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import orjson

import indexer.durable as durable
from indexer.container import file_sha256
from indexer.scratch import load_arrays, save_arrays

SUFFIX = ".tables"


def cached(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays of a mapped file if it is whole; changes to them, which nobody makes, would not reach the file."""
    if not (is_ours(path) and is_ours(_hash_of(path))):
        return None
    try:
        if file_sha256(path) != _hash_of(path).read_text():
            return None
        return load_arrays(path, "c")
    except (OSError, ValueError, orjson.JSONDecodeError):
        return None


def keep(path: Path, arrays: Mapping[str, np.ndarray], names: str, most: int) -> None:
    """Write a file, and remove all but the ``most`` youngest of those whose ``names`` (a pattern) are like its own."""
    save_arrays(path, arrays)
    path.chmod(0o600)
    durable.write_file(_hash_of(path), file_sha256(path).encode(), 0o600)
    by_age = sorted(path.parent.glob(names), key=lambda one: one.stat().st_mtime_ns)
    for old in by_age[:-most]:
        durable.remove_file(old)
        durable.remove_file(_hash_of(old))


def is_ours(path: Path) -> bool:
    """Whether a file or folder, no link, belongs to this user and nobody else may write to it."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _hash_of(path: Path) -> Path:
    return path.with_suffix(".sha256")
