"""The one door to the disk: every write to a home goes through here.

What is written is durable when the function returns: the data is fsynced before its name appears, and the folder after. A failed fsync is an
error and never retried, since the kernel may have dropped the pages it could not write.

Whoever wants to see that this holds may ``watch``: each operation on the disk is handed to an observer, which does it, or does it half, or kills
the process, or says that the disk is full.
"""

import ctypes
import errno
import fcntl
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

T = TypeVar("T")


class Step(NamedTuple):
    """One operation: ``create`` ``write`` ``sync`` of a file; ``replace`` ``exchange`` ``link`` ``unlink`` of a name; ``make_folder``
    ``sync_folder`` ``remove_folder``; ``scratch`` for a file without a name, ``lock`` for a lock file. ``path`` is what it is for in the end,
    ``arguments`` are those of the system call."""

    name: str
    path: Path
    arguments: tuple[Any, ...]


Observer = Callable[[Step, Callable[[], Any]], Any]
_observer: Observer | None = None


def watch(observer: Observer | None) -> None:
    """From now on ``observer(step, do)`` is called instead of each operation of this process, and calls ``do``; None: nobody watches."""
    global _observer
    _observer = observer


def _do(name: str, path: Path, call: Callable[..., T], *arguments: Any) -> T:
    try:
        if _observer is None:
            return call(*arguments)
        return _observer(Step(name, path, arguments), partial(call, *arguments))
    except OSError as error:
        if error.filename is None:  # the system knows descriptors alone
            error.filename = str(path)
        raise


def killing_after(failpoint: str) -> Observer:
    """SIGKILL to this process right after an operation: ``replace:2`` is the second of its name, ``replace CURRENT:1`` the first of CURRENT."""
    name, _, number = failpoint.partition(":")
    left = int(number or 1)

    def observe(step: Step, do: Callable[[], Any]) -> Any:
        nonlocal left
        result = do()
        left -= name in (step.name, f"{step.name} {step.path.name}")
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return observe


if "SEARCHD_FAILPOINT" in os.environ:  # for tests of whole programs
    watch(killing_after(os.environ["SEARCHD_FAILPOINT"]))


def write_file(path: Path, data: bytes | memoryview, mode: int = 0o644) -> None:
    """Replace ``path`` by ``data`` in one atomic, durable step."""
    writer = FileWriter(path, mode=mode)
    try:
        writer.write(data)
        writer.close()
    finally:
        writer.abort()


def write_new_file(path: Path, data: bytes | memoryview, mode: int = 0o644) -> None:
    """Make a file in one atomic, durable step; raises FileExistsError when there is one. Of several who try one wins."""
    writer = FileWriter(path, mode=mode)
    try:
        writer.write(data)
        writer.close(new=True)
    finally:
        writer.abort()


def make_file(path: Path, mode: int = 0o644) -> None:
    """Make an empty file, its name durable; raises FileExistsError when there is one."""
    os.close(_do("create", path, os.open, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names inside a folder durable."""
    _sync("sync_folder", path, os.O_RDONLY | os.O_DIRECTORY)


def sync_file(path: Path) -> None:
    """Make the bytes of a finished file durable."""
    _sync("sync", path, os.O_RDONLY)


def _sync(name: str, path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        _do(name, path, os.fsync, descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Create a folder and its parents, each durable in its own parent."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    for folder in reversed(missing):
        _do("make_folder", folder, partial(folder.mkdir, exist_ok=True))
        sync_folder(folder.parent)


def link_file(source: Path, target: Path) -> None:
    """Give an immutable file a second name."""
    _do("link", target, os.link, source, target)


def remove_file(path: Path) -> None:
    """Remove a name, if it is there; nobody waits until that is durable."""
    with suppress(FileNotFoundError):
        _do("unlink", path, os.unlink, path)


# Of this process; 0 for as fast as can be.
_bytes_a_second = 0


def limit_writing(bytes_a_second: int) -> None:
    """From now on this process writes new files no faster than this."""
    global _bytes_a_second
    _bytes_a_second = bytes_a_second


class FileWriter:
    """A new file written front to back under a temporary name; ``close`` makes it durable and gives it its own name, ``abort`` drops it.

    ``sync=False`` is for scratch files that need not survive the process. While it is written the temporary file is locked, so that what a
    killed process left behind can be told, and goes with the next writer of the same name.
    """

    BUFFER, AT_ONCE = 1 << 18, 1 << 22

    def __init__(self, path: Path, sync: bool = True, mode: int = 0o644) -> None:
        self.path, self.sync, self.size = path, sync, 0
        if sync:
            _remove_abandoned(path.parent, f".{path.name}.", ".tmp")
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
        self._descriptor: int | None = _create_locked(path, self._temporary, mode)
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

    def close(self, new: bool = False) -> None:
        """Sync, then rename: the name never stands for half a file. ``new``: raises FileExistsError instead of replacing another file."""
        self._flush()
        if self.sync:
            _do("sync", self.path, os.fsync, self._descriptor)
        _do("replace", self.path, _rename_to_new if new else os.replace, self._temporary, self.path)
        self._close()
        if self.sync:
            sync_folder(self.path.parent)

    def abort(self) -> None:
        """Drop the file unless it was closed."""
        if self._descriptor is not None:
            try:
                remove_file(self._temporary)
            finally:
                self._close()

    def _close(self) -> None:
        """After the last use of the temporary name, so that nobody takes it for one that was left behind."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _flush(self) -> None:
        self._write_all(memoryview(self._pending))
        self._pending = bytearray()

    def _write_all(self, view: memoryview) -> None:
        assert self._descriptor is not None
        view = view.cast("B")
        while view:
            written = _do("write", self.path, os.write, self._descriptor, view[: self.AT_ONCE])
            view = view[written:]
            if _bytes_a_second:
                time.sleep(written / _bytes_a_second)


def _create_locked(path: Path, temporary: Path, mode: int) -> int:
    """Descriptor of a new file, for ``path`` in the end, that is locked for as long as it is open."""
    while True:
        descriptor = _do("create", path, os.open, temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        _lock_if_possible(descriptor)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # in between somebody took it for one that was left behind


def _lock_if_possible(descriptor: int) -> None:
    """On a file system without locks, where somebody may want a report, nothing that was left behind is removed either."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _remove_abandoned(folder: Path, prefix: str, suffix: str = "") -> None:
    """Remove what was written under temporary names by processes that are gone: files and folders that nobody has locked. What cannot be
    removed is left to whoever can."""
    with suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(prefix) and name.endswith(suffix):
                _remove_unlocked(folder / name)


def _remove_unlocked(path: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (remove_tree if path.is_dir() else remove_file)(path)
        finally:
            os.close(descriptor)


@contextmanager
def staging_folder(parent: Path, prefix: str = ".staging-") -> Iterator[Path]:
    """A new folder to fill and then rename; removed at the end if it is still there. Those that were left behind by processes that are gone
    go first."""
    make_folder(parent)
    _remove_abandoned(parent, prefix)
    folder = parent / f"{prefix}{os.getpid()}-{os.urandom(4).hex()}"
    descriptor = _make_locked(folder)
    try:
        yield folder
    finally:
        remove_tree(folder)
        os.close(descriptor)


def _make_locked(folder: Path) -> int:
    """Descriptor of a new folder that is locked for as long as it is open."""
    while True:
        make_folder(folder)
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            _lock_if_possible(descriptor)
            if folder.exists():
                return descriptor
            os.close(descriptor)


def scratch_array(folder: Path, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """An array of zeros in a nameless temporary file of ``folder``: larger than memory if it must be, gone when the process is."""
    if not all(shape):
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile(dir=folder) as file:
        # Its blocks now, since a disk that is full when the array is filled kills the process.
        _do("scratch", folder, os.posix_fallocate, file.fileno(), 0, int(np.prod(shape)) * np.dtype(dtype).itemsize)
        return np.asarray(np.memmap(file, dtype, mode="r+", shape=shape))


def remove_folder(path: Path) -> None:
    """Remove a folder of files, name first, so that a crash leaves nothing that looks whole."""
    doomed = path.with_name(f".staging-removed-{path.name.removeprefix('.staging-removed-').lstrip('.')}")
    if doomed != path:
        remove_tree(doomed)  # which a crash has left
        _do("replace", doomed, os.replace, path, doomed)
    remove_tree(doomed)
    sync_folder(path.parent)


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, if it is there; nobody waits until that is durable."""
    with suppress(FileNotFoundError):
        for entry in list(os.scandir(path)):
            (remove_tree if entry.is_dir(follow_symlinks=False) else remove_file)(Path(entry.path))
        _do("remove_folder", path, os.rmdir, path)


def rename_folder(source: Path, target: Path) -> None:
    """Give a finished folder its final name, durably; the files in it must be synced already. Raises OSError for a name that is taken."""
    _do("replace", target, os.rename, source, target)
    sync_folder(target.parent)


def replace_folder(source: Path, target: Path) -> None:
    """Put a finished folder in the place of another one beside it, which is removed; there is always one of them, if the file system can."""
    if target.exists():
        try:
            _do("exchange", target, _rename, source, target, _RENAME_EXCHANGE)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            remove_folder(target)
            rename_folder(source, target)
            return
        sync_folder(target.parent)
        remove_tree(source)
    else:
        rename_folder(source, target)


_AT_FDCWD, _RENAME_NOREPLACE, _RENAME_EXCHANGE = -100, 1, 2  # linux/fcntl.h, linux/fs.h
_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS)  # by the file system, by the system


def _rename(source: Path, target: Path, flags: int) -> None:
    """renameat2 (Linux 3.15): a rename that leaves another file alone, or by which two names change their places."""
    libc = ctypes.CDLL(None, use_errno=True)
    renameat2 = getattr(libc, "renameat2", None)
    if renameat2 is None or renameat2(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flags):
        number = ctypes.get_errno() if renameat2 else errno.ENOSYS
        raise OSError(number, os.strerror(number), str(target))


def _rename_to_new(source: Path, target: Path) -> None:
    try:
        _rename(source, target, _RENAME_NOREPLACE)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        os.link(source, target)
        os.unlink(source)


@contextmanager
def exclusive(path: Path, wait: float = 0.0) -> Iterator[bool]:
    """Hold the lock file ``path`` while inside; yields False when another holder kept it for ``wait`` seconds. Its death frees it.

    The file says who holds it: the process id as text.
    """
    descriptor = _do("lock", path, os.open, path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        held = _try_lock(descriptor, time.monotonic() + wait)
        if held:
            _do("lock", path, os.ftruncate, descriptor, 0)
            _do("lock", path, os.pwrite, descriptor, str(os.getpid()).encode(), 0)
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
