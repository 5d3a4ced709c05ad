"""Segments that have become many are merged by a process of their own, of the lowest priority: no search waits for a merge, nor for Python's lock."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import nullcontext

import structlog

from indexer.home import Home
from indexer.jit import ROOT
from indexer.merging import is_needed
from searchd.tasks import Tasks

log = structlog.get_logger("searchd.merger")
COMMAND = (sys.executable, "-P", "-m", "indexer", "merge", "--as-needed", "--home")


def environment() -> dict[str, str]:
    """The environment of a process that is to find this very program."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)}


class NotMerged(Exception):
    """What the process said when it failed."""


class Merger:
    """Merges the segments of one home as needed; thread-safe. Of several servers' and commands' one merges at a time, which their lock sees to."""

    def __init__(self, home: Home, tasks: Tasks | None = None) -> None:
        self._home, self._tasks = home, tasks
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def look(self) -> None:
        """Begin to merge if it is needed and not under way; returns at once."""
        with self._lock:
            if self._closed or (self._thread is not None and self._thread.is_alive()) or not is_needed(self._home):
                return
            self._process = subprocess.Popen(
                [*COMMAND, str(self._home.root)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment(),
            )
            self._thread = threading.Thread(target=self._await, args=(self._process,), name="merger", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Until the merge that is under way has ended."""
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Stop: what is half merged is dropped, and merged by whoever comes next."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.terminate()
        self.wait()

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        try:
            with self._tasks.record("merge") if self._tasks else nullcontext():
                _, problem = process.communicate()
                if process.returncode:
                    raise NotMerged(problem.decode("utf-8", "replace")[-500:].strip())
            log.info("merged")
        except NotMerged as error:
            if not self._closed:
                log.warning("not merged", reason=str(error))
        except sqlite3.Error as error:  # the server's folder went before its merge
            log.warning("merge not recorded", reason=str(error))
