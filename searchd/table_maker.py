"""The tables of a generation made once for all workers, by a process of the lowest priority, while searches go on with those there were.

Making them takes seconds of Python. In a worker that would hold its lock against searches, and every worker would do it for itself and keep the
result in memory of its own. One worker at a time, by a lock on a file, starts the process and waits for it; the others wait for the file.
"""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from indexer.durable import exclusive
from indexer.errors import SearchdError
from indexer.home import Home
from searchd.merger import environment
from searchd.shared_tables import folder_of, is_fresh, path_of, read_tables

COMMAND = (sys.executable, "-P", "-m", "searchd.making_tables")
_POLL_SECONDS = 0.25


class TablesNotMade(SearchdError):
    """The process that makes tables failed."""

    code = "tables_not_made"


class TableMaker:
    """Tables of one home; thread-safe. ``otherwise`` is a folder for them if the home cannot be written to."""

    def __init__(self, home: Home, otherwise: Path) -> None:
        self._home, self._folder = home, folder_of(home, otherwise)

    def at_hand(self, kind: str, index: Any) -> Any:
        """The tables of an index that are there, however old; None without."""
        return read_tables(path_of(self._folder, kind, index), kind)

    def get(self, kind: str, index: Any, stop: threading.Event) -> Any:
        """The tables of an index, once they are made; None if they are not, since ``stop`` is set or the generation is gone.

        Raises TablesNotMade, and OSError where nothing can be written any more.
        """
        path = path_of(self._folder, kind, index)
        while not stop.is_set():
            with exclusive(self._folder / f".{kind}.lock") as mine:
                found = read_tables(path, kind) if is_fresh(path, kind) else None
                if found is None and mine:
                    self._make(kind, index, stop)
                    return read_tables(path, kind)
            if found is not None:
                return found
            stop.wait(_POLL_SECONDS)
        return None

    def _make(self, kind: str, index: Any, stop: threading.Event) -> None:
        """Run the process to its end, or until it is to stop."""
        command = [*COMMAND, str(self._home.root), str(self._folder), kind, index.generation]
        nothing = subprocess.DEVNULL
        with subprocess.Popen(command, env=environment(), stdin=nothing, stdout=nothing, stderr=subprocess.PIPE) as process:
            said = _said(process, stop)
        if process.returncode and not stop.is_set():
            told = f"found that it ended with {process.returncode}: {said[-500:].strip()}"
            raise TablesNotMade(f"{self._folder}: expected a process to make {kind} there, {told}")


def _said(process: "subprocess.Popen[bytes]", stop: threading.Event) -> str:
    """What a process says until its end."""
    while True:
        try:
            return process.communicate(timeout=_POLL_SECONDS)[1].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            if stop.is_set():
                process.terminate()
