"""Where words of a text begin that have one of a few beginnings: what highlighting looks at, and nothing else.

Compared are letters of ASCII without their case; apostrophes and commas between them are nothing, as they are to terms, and dots may be nothing, as
they are to initials (U.S.A.). A beginning counts where a word, a number or a hump may begin; the run around it is what is found. The common word,
letters between white space and punctuation, is known to its end at once.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from indexer.borrowed import borrowed
from indexer.characters import LETTER_BIT, MARK_BIT, UNSPACED_BIT, WORD_BIT
from indexer.code_points import codes_of
from indexer.growing import with_room
from indexer.jit import inlined, kernel
from indexer.word_runs import is_dot_of_name, run_end

_APOSTROPHE, _COMMA, _DOT = 0x27, 0x2C, 0x2E
_SHARP_S, _CAPITAL_SHARP_S = 0xDF, 0x1E9E
_SEVEN, _PAIR = np.uint64(7), np.uint64((1 << 14) - 1)
# What may stand before a common word; and behind it at once, or before white space.
_BEFORE, _AFTER, _BEFORE_SPACE = b' \t\n("', b" \t\n", b'.,;:!)"'
_UPPER, _LETTER, _DIGIT, _IS_BEFORE, _IS_AFTER, _IS_BEFORE_SPACE, _CONNECTS = (1 << bit for bit in range(7))


def _sorts() -> np.ndarray:
    sorts = np.zeros(128, np.uint8)
    bits = {_UPPER: range(0x41, 0x5B), _LETTER: (*range(0x41, 0x5B), *range(0x61, 0x7B)), _DIGIT: range(0x30, 0x3A), _CONNECTS: b".@&',"}
    for bit, codes in {**bits, _IS_BEFORE: _BEFORE, _IS_AFTER: _AFTER, _IS_BEFORE_SPACE: _BEFORE_SPACE}.items():
        sorts[list(codes)] |= bit
    return sorts


_SORTS = _sorts()


class Beginnings(NamedTuple):
    """Beginnings in lower case: the code points ``data[ends[i]:ends[i + 1]]``, int32; ``pairs`` bool[16384]: which low seven bits of two characters,
    first and second, may begin one, in any case."""

    data: np.ndarray
    ends: np.ndarray
    pairs: np.ndarray


def pack_beginnings(beginnings: Iterable[str]) -> Beginnings:
    """For the kernel; none is empty."""
    found = list(beginnings)
    pairs = bytearray(1 << 14)
    for one in found:
        seconds = {ord(char) & 127 for char in one[1] + one[1].upper() + "',."} if len(one) > 1 else range(128)
        for first in one[0] + one[0].upper():
            for second in seconds:
                pairs[(ord(first) & 127) << 7 | second] = 1
    ends = np.array([0, *map(len, found)]).cumsum()
    return Beginnings(codes_of("".join(found)), ends, np.frombuffer(pairs, np.bool_))


@inlined
def _sort(code):
    return _SORTS[code] if code < 128 else np.uint8(0)


@inlined
def may_start(codes, first, at):
    """Whether what stands at ``at`` does not merely go on: letters behind a letter only as capitals, digits behind no digit."""
    before, here = _sort(codes[at - 1]) if at > first else np.uint8(0), _sort(codes[at])
    if here & _LETTER:
        return not before & _LETTER or here & _UPPER != 0
    return not (here & _DIGIT and before & _DIGIT)


@inlined
def _next_pair(codes, at, stop, pairs):
    """The first place from ``at`` on where a beginning may be, by its first two characters; the last character of a text always may."""
    bits = np.uint64(codes[at] & 127)
    while at < stop - 1:
        # Unsigned, since for a signed index Numba asks whether it counts from the end.
        bits = (bits << _SEVEN | np.uint64(codes[np.uint64(at + 1)] & 127)) & _PAIR
        if pairs[bits]:
            return at
        at += 1
    return at


@kernel
def begins(lowered, at, stop, wanted):
    """Whether one of the beginnings stands at ``at``."""
    for i in range(len(wanted.ends) - 1):
        place, known = at, wanted.ends[i]
        while known < wanted.ends[i + 1] and place < stop:
            code = lowered[place]
            if (code + 32 if 0x41 <= code <= 0x5A else code) == wanted.data[known]:
                known += 1
            elif code != _APOSTROPHE and code != _COMMA and code != _DOT:
                break
            place += 1
        if known == wanted.ends[i + 1]:
            return True
    return False


@kernel
def common_end(codes, first, at, stop):
    """The end of the word that begins at ``at`` if it is letters between white space and punctuation, else 0."""
    if at > first and not _sort(codes[at - 1]) & _IS_BEFORE:
        return 0
    end = at
    while end < stop and _sort(codes[end]) & _LETTER:
        end += 1
    behind = end + 1 if end < stop and _sort(codes[end]) & _IS_BEFORE_SPACE else end
    return end if end > at and (behind >= stop or _sort(codes[behind]) & _IS_AFTER) else 0


@inlined
def _goes_on(code, kinds):
    """Whether a character may stand inside a run."""
    kind = kinds[code]
    return (kind & WORD_BIT and not kind & UNSPACED_BIT) or kind & MARK_BIT or _sort(code) & _CONNECTS


@kernel
def _next_run(codes, first, at, stop, kinds):
    """(start, end) of the first word run that begins at ``at`` or behind it, at ``stop`` where there is none."""
    while at < stop:
        if kinds[codes[at]] & LETTER_BIT or is_dot_of_name(codes, first, at, stop, kinds):
            return at, run_end(codes, at, stop, kinds)
        at += 1
    return stop, stop


@kernel
def _run_over(codes, first, place, stop, floor, kinds):
    """(start, end) of the first run that ends behind ``place``; none goes on at ``floor``, which is not behind it."""
    start = place
    while start > floor and _goes_on(codes[start - 1], kinds):
        start -= 1
    start, end = _next_run(codes, first, start, stop, kinds)
    while start < stop and end <= place:
        start, end = _next_run(codes, first, end, stop, kinds)
    return start, end


@inlined
def _has_sharp_s(codes, first, stop):
    found = np.int32(0)
    for at in range(first, stop):
        found |= np.int32(codes[at] == _SHARP_S) | np.int32(codes[at] == _CAPITAL_SHARP_S)
    return found != 0


@kernel
def _added(rows, count, start, end):
    """The rows with one more, perhaps at another place in memory."""
    rows = with_room(rows, count)
    rows[count, 0], rows[count, 1] = start, end
    return rows


@kernel
def find_runs(codes, lowered, borders, chosen, wanted, everything, kinds):
    """int32[n, 2]: start and end of the word runs in the ``chosen`` texts that have one of the beginnings, by start; or of all runs.

    ``lowered`` has the beginnings where ``codes`` has them, in lower case but for ASCII; ``kinds`` as in ``characters.py``. A sharp s is two letters
    of a term, so where one is, all runs are found.
    """
    codes, lowered, borders, kinds, wanted = borrowed(codes), borrowed(lowered), borrowed(borders), borrowed(kinds), borrowed(wanted)
    rows, count = np.empty((64, 2), np.int32), 0
    for text in chosen:
        first, stop = borders[text], borders[text + 1]
        every = everything or _has_sharp_s(codes, first, stop)
        at = first
        while at < stop:
            if not every:
                at = _next_pair(lowered, at, stop, wanted.pairs)
                if not (may_start(codes, first, at) and begins(lowered, at, stop, wanted)):
                    at += 1
                    continue
            start, end = at, np.int64(0) if every else common_end(codes, first, at, stop)
            if end == 0:
                floor = np.int64(rows[count - 1, 1]) if count else first
                start, end = _run_over(codes, first, at, stop, max(first, floor), kinds)
            if start < stop:
                rows = _added(rows, count, start, end)
                count += 1
            at = max(end, at + 1)
    return rows[:count]
