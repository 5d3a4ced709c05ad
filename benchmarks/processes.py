"""A command as a whole: seconds, CPU seconds and memory of it and all processes that it starts, read from /proc while it runs."""

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

INTERVAL = 0.05
TICK = 1 / os.sysconf("SC_CLK_TCK")


class Usage(NamedTuple):
    """``anonymous`` is memory of its own; ``mapped`` are pages of files, which the system may take back; both are peaks of sums, in bytes."""

    seconds: float
    cpu_seconds: float
    anonymous: int
    mapped: int


def run(command: Sequence[str]) -> Usage:
    """Raises CalledProcessError with what the command said."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    cpu: dict[int, float] = {}
    anonymous = mapped = 0
    os.set_blocking(process.stdout.fileno(), False)
    said = b""
    finished, code, rest = os.wait4(process.pid, os.WNOHANG)
    while not finished:
        own, files = _memory(process.pid, cpu)
        anonymous, mapped = max(anonymous, own), max(mapped, files)
        said = (said + (process.stdout.read() or b""))[-10_000:]
        time.sleep(INTERVAL)
        finished, code, rest = os.wait4(process.pid, os.WNOHANG)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(code)
    said += process.stdout.read() or b""
    process.stdout.close()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), said.decode(errors="replace"))
    # The system's own sum has the last moments, but no children that nobody waited for.
    return Usage(seconds, max(sum(cpu.values()), rest.ru_utime + rest.ru_stime), anonymous, mapped)


def _memory(root: int, cpu: dict[int, float]) -> tuple[int, int]:
    """Sums over the process and its descendants; ``cpu`` keeps the last seen CPU seconds of each."""
    own = files = 0
    for pid in _family(root):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
        except (OSError, IndexError):
            continue
        cpu[pid] = (int(fields[11]) + int(fields[12])) * TICK
        own += _kilobytes(status, "RssAnon") * 1024
        files += (_kilobytes(status, "RssFile") + _kilobytes(status, "RssShmem")) * 1024
    return own, files


def _family(root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                waiting += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found


def _kilobytes(status: str, name: str) -> int:
    for line in status.splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0
