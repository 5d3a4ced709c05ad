"""Where words of a text may begin that have one of a few beginnings: what highlighting looks at, and nothing else.

Compared are letters of ASCII without their case; apostrophes and commas between them are nothing, as they are to terms. A beginning counts where a
word, a number or a hump may begin. The common word, letters between white space and punctuation, is found to its end as well.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from indexer.jit import kernel

_APOSTROPHE, _COMMA = 0x27, 0x2C
# What may stand before a common word; and behind it at once, or before white space.
_BEFORE, _AFTER, _BEFORE_SPACE = b' \t\n("', b" \t\n", b'.,;:!)"'
_UPPER, _LETTER, _DIGIT, _IS_BEFORE, _IS_AFTER, _IS_BEFORE_SPACE = (1 << bit for bit in range(6))


def _kinds() -> np.ndarray:
    kinds = np.zeros(256, np.uint8)
    bits = {_UPPER: range(0x41, 0x5B), _LETTER: (*range(0x41, 0x5B), *range(0x61, 0x7B)), _DIGIT: range(0x30, 0x3A)}
    for bit, codes in {**bits, _IS_BEFORE: _BEFORE, _IS_AFTER: _AFTER, _IS_BEFORE_SPACE: _BEFORE_SPACE}.items():
        kinds[list(codes)] |= bit
    return kinds


KINDS = _kinds()


class Beginnings(NamedTuple):
    """Beginnings in lower case, of ASCII: ``data[ends[i]:ends[i + 1]]``; ``firsts`` bool[256], the bytes in any case that one begins with."""

    data: np.ndarray
    ends: np.ndarray
    firsts: np.ndarray


def pack_beginnings(beginnings: Iterable[str]) -> Beginnings:
    """For the kernel; none is empty."""
    found = [one.encode("ascii") for one in beginnings]
    firsts = np.zeros(256, np.bool_)
    for one in found:
        firsts[[one[0], one[:1].upper()[0]]] = True
    return Beginnings(np.frombuffer(b"".join(found), np.uint8), np.cumsum([0, *map(len, found)]), firsts)


def places_of(text: bytes, wanted: Beginnings) -> list[tuple[int, int]]:
    """(start, end) by start, of every place where a wanted beginning may begin a word; ``end`` of a common word, else 0."""
    places = np.empty((len(text), 2), np.int32)
    count = find_places(np.frombuffer(text, np.uint8), wanted.data, wanted.ends, wanted.firsts, KINDS, places)
    return list(map(tuple, places[:count].tolist()))


@kernel
def find_places(text, begin_data, begin_ends, firsts, kinds, places):
    """Fill ``places`` int32[len(text), 2]: how many there are."""
    count = 0
    for at in range(len(text)):
        if firsts[text[at]] and _may_start(text, at, kinds) and _begins(text, at, begin_data, begin_ends):
            places[count, 0], places[count, 1] = at, _common_end(text, at, kinds)
            count += 1
    return count


@kernel
def _may_start(text, at, kinds):
    """Whether what stands at ``at`` does not merely go on: letters behind a letter only as capitals, digits behind no digit."""
    before, here = kinds[text[at - 1]] if at else 0, kinds[text[at]]
    if here & _LETTER:
        return not before & _LETTER or here & _UPPER != 0
    return not (here & _DIGIT and before & _DIGIT)


@kernel
def _begins(text, at, begin_data, begin_ends):
    """Whether one of the beginnings stands at ``at``."""
    for i in range(len(begin_ends) - 1):
        place, wanted = at, begin_ends[i]
        while wanted < begin_ends[i + 1] and place < len(text):
            byte = text[place]
            if byte != _APOSTROPHE and byte != _COMMA:
                lower = byte + 32 if 0x41 <= byte <= 0x5A else byte
                if lower != begin_data[wanted]:
                    break
                wanted += 1
            place += 1
        if wanted == begin_ends[i + 1]:
            return True
    return False


@kernel
def _common_end(text, at, kinds):
    """The end of the word that begins at ``at`` if it is letters between white space and punctuation, else 0."""
    if at and not kinds[text[at - 1]] & _IS_BEFORE:
        return 0
    end = at
    while end < len(text) and kinds[text[end]] & _LETTER:
        end += 1
    behind = end + 1 if end < len(text) and kinds[text[end]] & _IS_BEFORE_SPACE else end
    return end if end > at and (behind == len(text) or kinds[text[behind]] & _IS_AFTER) else 0
