"""The one door to the disk: every write to a home goes through here.

What is written is durable when the function returns: the data is fsynced before its name appears, and the folder after. A failed fsync is an
error and never retried, since the kernel may have dropped the pages it could not write.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np


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


# Of this process; 0 for as fast as can be.
_bytes_a_second = 0


def limit_writing(bytes_a_second: int) -> None:
    """From now on this process writes new files no faster than this."""
    global _bytes_a_second
    _bytes_a_second = bytes_a_second


class FileWriter:
    """A new file written front to back under a temporary name; ``close`` makes it durable and gives it its own name, ``abort`` drops it.

    ``sync=False`` is for scratch files that need not survive the process.
    """

    BUFFER, AT_ONCE = 1 << 18, 1 << 22

    def __init__(self, path: Path, sync: bool = True) -> None:
        self.path, self.sync, self.size = path, sync, 0
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._descriptor: int | None = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self._pending = bytearray()

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes; small pieces are gathered."""
        self.size += len(data)
        if len(data) < self.BUFFER:
            self._pending += data
            if len(self._pending) < self.BUFFER:
                return
            data = b""
        self._flush()
        self._write_all(memoryview(data))

    def close(self) -> None:
        """Sync, then rename: the name never stands for half a file."""
        self._flush()
        assert self._descriptor is not None
        if self.sync:
            os.fsync(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = None
        os.replace(self._temporary, self.path)
        if self.sync:
            sync_folder(self.path.parent)

    def abort(self) -> None:
        """Drop the file unless it was closed."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._temporary.unlink(missing_ok=True)

    def _flush(self) -> None:
        self._write_all(memoryview(self._pending))
        self._pending = bytearray()

    def _write_all(self, view: memoryview) -> None:
        assert self._descriptor is not None
        while view:
            written = os.write(self._descriptor, view[: self.AT_ONCE])
            view = view[written:]
            if _bytes_a_second:
                time.sleep(written / _bytes_a_second)


def scratch_array(folder: Path, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """An array of zeros in a nameless temporary file of ``folder``: larger than memory if it must be, gone when the process is."""
    if not all(shape):
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.asarray(np.memmap(file, dtype, mode="w+", shape=shape))


def remove_folder(path: Path) -> None:
    """Remove a folder of files, name first, so that a crash leaves nothing that looks whole."""
    doomed = path.with_name(f".staging-removed-{path.name.lstrip('.')}")
    os.replace(path, doomed)
    shutil.rmtree(doomed)
    sync_folder(path.parent)


def rename_folder(source: Path, target: Path) -> None:
    """Give a finished folder its final name, durably; the files in it must be synced already."""
    os.rename(source, target)
    sync_folder(target.parent)


@contextmanager
def exclusive(path: Path, wait: float = 0.0) -> Iterator[bool]:
    """Hold the lock file ``path`` while inside; yields False when another holder kept it for ``wait`` seconds. Its death frees it.

    The file says who holds it: the process id as text.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        held = _try_lock(descriptor, time.monotonic() + wait)
        if held:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield held
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
