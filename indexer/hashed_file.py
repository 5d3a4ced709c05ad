"""A new file and its SHA-256, which is computed beside the writing instead of after it."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from indexer.durable import FileWriter

GATHERED = 1 << 20  # bytes worth handing to another thread


class HashedFile:
    """A ``FileWriter`` that knows the hash of what it wrote, "" for a scratch file (``sync=False``), which nobody compares.

    The thread appears with the first MiB and is gone when the file is finished.
    """

    def __init__(self, path: Path, sync: bool = True) -> None:
        self.size = 0
        self._file = FileWriter(path, sync)
        self._sha256 = hashlib.sha256() if sync else None
        self._pool: ThreadPoolExecutor | None = None
        self._pending = bytearray()

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes; they may change as soon as this returns."""
        self.size += len(data)
        if len(data) < GATHERED:
            self._pending += data
            if len(self._pending) < GATHERED:
                return
            data = b""
        self._flush()
        if data:
            self._write_hashed(data)

    def close(self) -> str:
        """Finish the file as ``FileWriter.close`` does; its SHA-256 in hex."""
        self._flush()
        self._end_thread()
        self._file.close()
        return self._sha256.hexdigest() if self._sha256 else ""

    def abort(self) -> None:
        """Drop the file unless it was closed."""
        self._end_thread()
        self._file.abort()

    def _flush(self) -> None:
        pending, self._pending = self._pending, bytearray()
        if len(pending) >= GATHERED:
            self._write_hashed(pending)
            return
        if self._sha256:
            self._sha256.update(pending)
        self._file.write(memoryview(pending))

    def _write_hashed(self, data: bytes | bytearray | memoryview) -> None:
        """Hash in the thread while this one writes; both let go of the interpreter."""
        if self._sha256 is None:
            self._file.write(memoryview(data))
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "sha256")
        hashing = self._pool.submit(self._sha256.update, data)
        self._file.write(memoryview(data))
        hashing.result()

    def _end_thread(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
