"""The one door to the disk: every write to a home goes through here.

What is written is durable when the function returns: the data is fsynced before its name appears, and the folder after. A failed fsync is an
error and never retried, since the kernel may have dropped the pages it could not write.
"""

import os
from pathlib import Path


def write_file(path: Path, data: bytes | memoryview, mode: int = 0o644) -> None:
    """Replace ``path`` by ``data`` in one atomic, durable step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write_synced(temporary, data, mode)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _write_synced(path: Path, data: bytes | memoryview, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        view = memoryview(data).cast("B")
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the bytes of a finished file durable."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Make the names inside a folder durable."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Create a folder and its parents, each durable in its own parent."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def link_file(source: Path, target: Path) -> None:
    """Give an immutable file a second name."""
    os.link(source, target)


def replace_file(source: Path, target: Path) -> None:
    """Rename atomically and durably; ``source`` must be synced already."""
    os.replace(source, target)
    sync_folder(target.parent)
