"""Kernels within the time limit of the search that calls them: what they did not look at is told, or is an error where a part is of no use."""

from collections.abc import Callable
from typing import Any

import numpy as np

from searchd.kernels_layout import NUM_DOCS
from searchd.kernels_time import SEEN, STOPPED, UNTIL
from searchd.scratch import Scratch
from searchd.stages import OutOfTime, covers, deadline, leave_out


def ranked_in_time(scratch: Scratch, kernel: Callable[..., Any], segments: np.ndarray, *given: Any) -> int:
    """What a kernel found, at the end of its time at the latest: the best of the documents that it looked at, whose share the search is told."""
    until = deadline()
    if not until:
        return int(kernel(segments, *given))
    found, stopped, seen = _within(until, scratch, kernel, (segments, *given))
    if stopped:
        leave_out("documents")
        covers(seen / int(segments[:, NUM_DOCS].sum()))
    return found


def whole_in_time(scratch: Scratch, kernel: Callable[..., Any], *given: Any) -> int:
    """What a kernel that looks at all documents counted; raises OutOfTime where it could not."""
    until = deadline()
    if not until:
        return int(kernel(*given))
    found, stopped, _ = _within(until, scratch, kernel, given)
    if stopped:
        raise OutOfTime
    return found


def _within(until: int, scratch: Scratch, kernel: Callable[..., Any], given: tuple[Any, ...]) -> tuple[int, int, int]:
    """What the kernel found, whether it was stopped, and the documents that it looked at. Whoever uses the scratch next may have no limit."""
    time = scratch.time
    time[UNTIL], time[SEEN] = until, 0  # kernels without a limit count too
    try:
        return int(kernel(*given)), time[STOPPED], time[SEEN]
    finally:
        time[UNTIL] = time[STOPPED] = 0
