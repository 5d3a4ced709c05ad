"""Amounts that sum up -> rectangles of a picture 100 wide: one behind the other, so that the last one ends at the sum."""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH = 100.0
SMALLEST = 0.6  # so that what is hardly anything is still seen


class Bar(NamedTuple):
    """Where a rectangle begins and how wide it is, of 100; ``zero`` is where nothing is; ``up``: whether it adds."""

    start: float
    width: float
    zero: float
    up: bool


def waterfall(amounts: Sequence[float]) -> list[Bar]:
    """Each amount from where the one before ended, in one scale that shows zero and every step."""
    ends, at = [0.0], 0.0
    for amount in amounts:
        at += amount
        ends.append(at)
    low, high = min(ends), max(ends)
    scale = WIDTH / (high - low) if high - low > 1e-12 else 0.0
    return [_bar(begin, end, low, scale) for begin, end in zip(ends, ends[1:])]


def _bar(begin: float, end: float, low: float, scale: float) -> Bar:
    width = max(abs(end - begin) * scale, SMALLEST)
    start = min((min(begin, end) - low) * scale, WIDTH - width)
    return Bar(round(start, 3), round(width, 3), round(-low * scale, 3), end >= begin)
