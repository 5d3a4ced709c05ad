"""Places of single Han characters and of pairs in folded texts, pairs with white space between them too."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from indexer.borrowed import borrowed
from indexer.characters import WRAPPED_BIT
from indexer.growing import with_room
from indexer.jit import inlined, kernel

_SLOTS = 1 << 12
_TAB, _RETURN, _SPACE = 0x09, 0x0D, 0x20
SINGLE = -1


class HanTerms(NamedTuple):
    """Terms by the low bits of their first characters: ``rows`` int32[n, 3] of first character, second or SINGLE, number; ``slots`` int32[4096]:
    the first row of the bits, and one."""

    rows: np.ndarray
    slots: np.ndarray


def pack_han_terms(terms: Sequence[tuple[str, int]]) -> HanTerms:
    """One or two characters each, with a number; a character comes before its pairs."""
    rows = sorted((ord(term[0]) % _SLOTS, ord(term[0]), ord(term[1]) if len(term) > 1 else SINGLE, number) for term, number in terms)
    slots = np.zeros(_SLOTS, np.int32)
    for i in range(len(rows) - 1, -1, -1):
        slots[rows[i][0]] = i + 1
    return HanTerms(np.array([row[1:] for row in rows], np.int32).reshape(-1, 3), slots)


@inlined
def _is_space(code):
    return _TAB <= code <= _RETURN or code == _SPACE


@kernel
def _behind_space(codes, at, stop, kinds):
    """Where the character stands that only white space parts from that at ``at``, both of a script written over the ends of lines; -1: none."""
    behind = at + 1
    while behind < stop and _is_space(codes[behind]):
        behind += 1
    wrapped = behind > at + 1 and behind < stop and kinds[codes[at]] & WRAPPED_BIT and kinds[codes[behind]] & WRAPPED_BIT
    return behind if wrapped else -1


@kernel
def _added(rows, count, start, end, number):
    """The rows with one more, perhaps at another place in memory."""
    rows = with_room(rows, count)
    rows[count, 0], rows[count, 1], rows[count, 2] = start, end, number
    return rows


@kernel
def _add_places(rows, count, codes, at, place, terms, first, singles):
    """The places at ``at`` of terms from row ``first`` on: pairs with the character at ``place`` (-1: none), ``singles`` too."""
    code = codes[at]
    for row in range(first, len(terms.rows)):
        known, second = terms.rows[row, 0], terms.rows[row, 1]
        if known & (_SLOTS - 1) != code & (_SLOTS - 1):
            break
        if known == code and singles and second == SINGLE:
            rows, count = _added(rows, count, at, at + 1, terms.rows[row, 2]), count + 1
        if known == code and place >= 0 and codes[place] == second:
            rows, count = _added(rows, count, at, place + 1, terms.rows[row, 2]), count + 1
    return rows, count


@kernel
def find_han(codes, borders, chosen, terms, kinds):
    """int32[n, 3]: start, end and number of every place of a term in the ``chosen`` texts, by start and end."""
    codes, borders, terms, kinds = borrowed(codes), borrowed(borders), borrowed(terms), borrowed(kinds)
    rows, count = np.empty((64, 3), np.int32), 0
    for text in chosen:
        stop = borders[text + 1]
        for at in range(borders[text], stop):
            first = np.int64(terms.slots[codes[at] & (_SLOTS - 1)]) - 1
            if first >= 0:
                rows, count = _add_places(rows, count, codes, at, at + 1 if at + 1 < stop else -1, terms, first, True)
                behind = _behind_space(codes, at, stop, kinds)
                if behind >= 0:
                    rows, count = _add_places(rows, count, codes, at, behind, terms, first, False)
    return rows[:count]
