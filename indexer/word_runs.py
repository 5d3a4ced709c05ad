"""Where word runs begin and end, as ``words.WORD_RUN`` finds them, and the numbers of those of ASCII texts.

The common run of a text of ASCII, up to 15 letters and digits before white space or punctuation, is found by a few operations on eight bytes each;
its bytes are then at hand for the table of runs. Everything else is walked character by character.
"""

import numpy as np

from indexer.borrowed import borrowed
from indexer.characters import LETTER_BIT, MARK_BIT, WORD_BIT
from indexer.interning import number_row, tail_of
from indexer.items import add_item
from indexer.jit import inlined, kernel
from indexer.swar import TOPS, first_bytes, first_mark, marks_from, word_at

_INSIDE = LETTER_BIT | MARK_BIT
_PLUS, _HASH, _UNDERSCORE, _COMMA, _SPACE, _DOT = 0x2B, 0x23, 0x5F, 0x2C, 0x20, 0x2E
_LOWER = np.uint64(0x2020202020202020)


@inlined
def _connects(code):
    """One of ``. @ & '``."""
    return code == 0x2E or code == 0x40 or code == 0x26 or code == 0x27


@inlined
def _is_digit(code):
    return 0x30 <= code <= 0x39


@kernel
def _groups_digits(codes, start, at, stop):
    """Whether the comma at ``at`` parts groups of digits: up to three before it, in the run that began at ``start``, and three behind it."""
    before = at
    while before > start and at - before < 4 and _is_digit(codes[before - 1]):
        before -= 1
    after = at + 1
    while after < stop and after - at < 5 and _is_digit(codes[after]):
        after += 1
    return 1 <= at - before <= 3 and after - at == 4


@inlined
def is_dot_of_name(codes, first, at, stop, kinds):
    """Whether the code at ``at``, in a text that begins at ``first``, is the dot of .NET: before a Latin letter and behind no word or dot."""
    if codes[at] != _DOT or at + 1 >= stop or not 0x61 <= (codes[at + 1] | 0x20) <= 0x7A:
        return False
    return at == first or not (kinds[codes[at - 1]] & _INSIDE or codes[at - 1] == _UNDERSCORE or codes[at - 1] == _DOT)


@kernel
def run_end(codes, at, stop, kinds):
    """End of the word run that begins at ``at``, where a letter stands or the dot of a name."""
    start = at
    while True:
        at += 1
        while at < stop and kinds[codes[at]] & _INSIDE:
            at += 1
        after = at
        while after < stop and codes[after] == _UNDERSCORE:
            after += 1
        if after == at and after < stop and (_connects(codes[at]) or (codes[at] == _COMMA and _groups_digits(codes, start, at, stop))):
            after += 1
        if after == at or after >= stop or not kinds[codes[after]] & LETTER_BIT:
            return _tail_end(codes, at, stop, kinds)
        at = after


@kernel
def _tail_end(codes, at, stop, kinds):
    """Where a run ends whose letters end at ``at``: behind ``++`` or ``#``, as of C++ and C#."""
    if at + 1 < stop and codes[at] == _PLUS and codes[at + 1] == _PLUS and (at + 2 >= stop or codes[at + 2] != _PLUS):
        return at + 2
    if at < stop and codes[at] == _HASH and (at + 1 >= stop or (codes[at + 1] != _HASH and not kinds[codes[at + 1]] & WORD_BIT)):
        return at + 1
    return at


@inlined
def marks_no_letter(word):
    """Marks of the bytes of ASCII that are neither letters nor digits, all of them."""
    lower = word | _LOWER
    letters = marks_from(lower, 0x61) & ~marks_from(lower, 0x7B)
    digits = marks_from(word, 0x30) & ~marks_from(word, 0x3A)
    return ~(letters | digits) & TOPS


@inlined
def _ends_run(data, end, stop, kinds):
    """Whether a run whose letters end at ``end`` ends there for certain."""
    if end >= stop or data[end] <= _SPACE:
        return True
    code = data[end]
    if code in (_UNDERSCORE, _PLUS, _HASH):
        return False
    return not (_connects(code) or code == _COMMA) or end + 1 >= stop or not kinds[data[end + 1]] & LETTER_BIT


@kernel
def scan_ascii(data, first, at, stop, kinds, table, found):
    """Number the word runs from ``at`` of ASCII text that begins at ``first``; returns where it stopped: at the end or at a run that finds no room.
    There is room for the items."""
    data, kinds, table, found = borrowed(data), borrowed(kinds), borrowed(table), borrowed(found)
    while at < stop:
        head, tail = word_at(data, at), word_at(data, at + 8)
        size = first_mark(marks_no_letter(head))
        if size == 0 and not is_dot_of_name(data, first, at, stop, kinds):
            at += 1
            continue
        # Selected, not branched on: how long a word is cannot be predicted.
        size += first_mark(marks_no_letter(tail)) if size == 8 else 0
        end = min(at + size, stop)
        size = end - at
        head, tail = first_bytes(head, size), first_bytes(tail, max(size - 8, 0))
        if size == 0 or size == 16 or not _ends_run(data, end, stop, kinds):
            end = run_end(data, at, stop, kinds)
            head, tail = first_bytes(word_at(data, at), end - at), tail_of(data, at, end)
        number = number_row(table, head, tail, data, at, end)
        if number < 0:
            return at
        add_item(found, number)
        # Known without another look at the bytes: a space begins no run.
        at = end + (end < stop and data[end] == _SPACE)
    return at
