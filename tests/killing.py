"""SIGKILL at a chosen call of the door to the disk, in a forked child."""

import os
import signal
from collections.abc import Callable

import indexer.durable as durable

DOOR = ("write_file", "sync_file", "sync_folder", "rename_folder", "remove_folder", "make_folder", "link_file", "replace_file")


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Run ``work`` in a child that kills itself before (even ``step``) or after (odd) its ``step // 2``-th call; False when it ended first."""
    child = os.fork()
    if not child:
        try:
            _arm(step)
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _arm(step: int) -> None:
    calls = 0

    def reach(number: int) -> None:
        if number == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(function: Callable) -> Callable:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal calls
            before, calls = calls, calls + 2
            reach(before)
            result = function(*args, **kwargs)
            reach(before + 1)
            return result

        return call

    for name in DOOR:
        setattr(durable, name, wrap(getattr(durable, name)))
