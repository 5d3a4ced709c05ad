"""Changes of documents handed to a process of their own (``writing.py``); it is started by the first change, or before, and again after its end."""

import subprocess
import sys
import threading
from collections.abc import Sequence

import msgspec

from indexer.changes import Change
from indexer.documents import BadDocument
from indexer.errors import SearchdError
from indexer.home import Home
from searchd.merger import environment
from searchd.writing import Reply, read_frame, write_frame

COMMAND = (sys.executable, "-P", "-m", "searchd.writing")


class Refused(SearchdError):
    """What the other process raised, under its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WriterGone(SearchdError):
    """The process ended before it answered."""

    code = "writer_gone"


class Writer:
    """Publishes changes of one home in another process; thread-safe, one request at a time."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process if it does not run; returns at once, while its kernels are made ready."""
        with self._lock:
            self._running()

    def apply(self, changes: Sequence[Change]) -> str:
        """The generation that all the changes are in; raises what applying them raises, and WriterGone.

        UnicodeEncodeError or OverflowError: the documents hold what JSON cannot, and nothing was sent.
        """
        frames = [msgspec.json.encode(change) for change in changes]
        with self._lock:
            data = self._asked(frames)
        reply = msgspec.json.decode(data, type=Reply)
        if reply.error == "document":
            raise BadDocument(reply.code, reply.message)
        if reply.error == "searchd":
            raise Refused(reply.code, reply.message)
        if reply.error:
            raise OSError(int(reply.code), reply.message)
        return reply.generation

    def close(self) -> None:
        """End the process when it has done what it was asked."""
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()
                self._process.wait()
                self._process = None

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            command = [*COMMAND, str(self._home.root)]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
        return self._process

    def _asked(self, frames: Sequence[bytes]) -> bytes:
        process = self._running()
        requests, replies = process.stdin, process.stdout
        assert requests is not None and replies is not None
        try:
            for frame in (msgspec.json.encode(len(frames)), *frames):
                write_frame(requests, frame)
            requests.flush()
            data = read_frame(replies)
        except BrokenPipeError:
            data = None
        if data is None:
            process.kill()
            process.wait()
            self._process = None
            raise WriterGone(
                "the process that publishes changes ended before it answered; the change may or may not be there: send it again"
            )
        return data
