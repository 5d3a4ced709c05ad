"""The real server as its own process, for the tests that need one."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START = """
import sys
from indexer.home import Home
from searchd.serve import serve
serve(Home.at(sys.argv[1]), port=int(sys.argv[2]), workers=int(sys.argv[3]))
"""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running_server(home: Path, folder: Path, workers: int = 1, port: int | None = None) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A ready server over ``home``; yields its address and process, and ends it with all its workers. Its log is in ``folder``."""
    port = port or free_port()
    command = [sys.executable, "-c", START, str(home), str(port), str(workers)]
    with ready_process(command, port, folder / "server.log") as process:
        yield f"http://127.0.0.1:{port}", process


@contextlib.contextmanager
def ready_process(command: list[str], port: int, log: Path, **options: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """A server that ``command`` starts, once it is ready on ``port``; ended with all its workers. What it prints is in ``log``."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, **options)
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}", process, log)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_ready(base: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 120  # the kernels may have to be compiled first
    while True:
        try:
            with urllib.request.urlopen(f"{base}/ready", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"the server is not ready\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.1)
