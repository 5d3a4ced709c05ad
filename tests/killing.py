"""SIGKILL after a chosen operation on the disk, in a forked child."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import indexer.durable as durable


def killed_at(step: int, work: Callable[[], object], torn: bool = False, below: Path = Path("/")) -> bool:
    """Run ``work`` in a child that kills itself after its ``step``-th operation on the disk, before all of them for 0; False when it ended first.

    ``torn``: the operation is done half if it writes, and otherwise not at all. What is not ``below`` a folder does not count.
    """
    child = os.fork()
    if not child:
        try:
            durable.watch(_killing(step, torn, below))
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def counting(below: Path, act: Callable[[int, durable.Step, Callable[[], Any]], Any]) -> durable.Observer:
    """An observer that leaves it to ``act(number, step, do)`` what becomes of the operations below a folder, which are numbered from 1."""
    count = 0

    def observe(step, do):
        nonlocal count
        if not step.path.is_relative_to(below):
            return do()
        count += 1
        return act(count, step, do)

    return observe


def _killing(last, torn, below):
    def act(number, step, do):
        if not last:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == last and torn and step.name == "write":
            descriptor, data = step.arguments
            os.write(descriptor, data[: len(data) // 2])
        elif number != last or not torn:
            result = do()
        if number == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return counting(below, act)


def operations(work: Callable[[], object], below: Path = Path("/")) -> list[durable.Step]:
    """What ``work`` does to the disk ``below`` a folder, done here."""
    found: list[durable.Step] = []

    def observe(what, do):
        result = do()
        if what.path.is_relative_to(below):
            found.append(what)
        return result

    durable.watch(observe)
    try:
        work()
    finally:
        durable.watch(None)
    return found
