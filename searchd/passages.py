"""Places of terms in a text -> the piece of it to show: where most of the query is, cut between sentences, words and whole characters.

All of it is kernels: places count code points, a text is [first, stop) of ``codes``, and ``places`` int32[n, 3] are start, end and number of its
terms, by start.
"""

from typing import NamedTuple

import numpy as np

from indexer.jit import inlined, kernel
from searchd.graphemes import cut_after, cut_before
from searchd.shapes import JOINT, LETTER, SPACE

# Longer tokens are no words.
_LONGEST = 200
_BLANK, _LINE_FEED = 0x20, 0x0A
_MILLION = 1e6
_WESTERN, _CHINESE = (ord("."), ord("!"), ord("?")), (ord("。"), ord("！"), ord("？"), ord("；"), _LINE_FEED)


class Text(NamedTuple):
    """A text among others: [first, stop) of ``codes`` int32; ``shapes`` see ``shapes.py``."""

    codes: np.ndarray
    first: int
    stop: int
    shapes: np.ndarray


@kernel
def best_passage(text, places, weights, length, widened, inside):
    """(start, end) of the best passage of at most ``length`` code points of a longer text.

    ``weights`` float64 by number of term. Room: ``widened`` int32[len(places), 2]; ``inside`` int32 by number, zeros, as they are left.
    """
    first, last = text.first, text.first
    if len(places):
        _widen(text, places, length, widened)
        first, last = _best_window(widened, places, weights, length, inside)
    start = max(text.first, first - (length - (last - first)) // 2)
    end = min(text.stop, start + length)
    start = max(text.first, end - length)
    start = _begin(text, start, first, places)
    return start, _finish(text, end, max(last, start), start, places)


@kernel
def _widen(text, places, length, widened):
    """Places with the rest of the words and codes they are part of, where these fit into the passage."""
    start = end = text.first
    for i in range(len(places)):
        first, last = np.int64(places[i, 0]), np.int64(places[i, 1])
        # A token without end may have thousands of places, so it is not looked for again.
        if first < start or last > end:
            start = _token_start(text, first, max(text.first, first - _LONGEST))
            end = _token_end(text, last, min(text.stop, last + _LONGEST))
        fits = end - start <= length
        widened[i, 0], widened[i, 1] = start if fits else first, end if fits else last


@kernel
def _best_window(widened, places, weights, length, inside):
    """From the start of one place to the end of another, at most ``length`` apart, covering the most: weight of distinct terms, then places."""
    best, most = -1.0, 0
    covered, left = 0.0, 0
    first, last = widened[0, 0], widened[0, 1]
    for right in range(len(places)):
        term, end = places[right, 2], np.int64(widened[right, 1])
        if inside[term] == 0:
            covered += weights[term]
        inside[term] += 1
        while left < right and end - widened[left, 0] > length:
            out = places[left, 2]
            inside[out] -= 1
            if inside[out] == 0:
                covered -= weights[out]
            left += 1
        # Rounded, so that sums in another order stay ties.
        score, count = np.rint(covered * _MILLION), right - left + 1
        if score > best or (score == best and count > most):
            best, most = score, count
            first, last = widened[left, 0], widened[right, 1]
    for i in range(len(places)):
        inside[places[i, 2]] = 0
    return np.int64(first), min(np.int64(last), np.int64(first) + length)


@inlined
def _is(text, at, bit):
    return text.shapes[text.codes[at]] & bit != 0


@kernel
def _within_token(text, at):
    """Whether a word or a code goes on from before ``at`` to behind it."""
    codes = text.codes
    if not text.first < at < text.stop or codes[at] == _BLANK or codes[at - 1] == _BLANK:
        return False
    left, right = _is(text, at - 1, LETTER), _is(text, at, LETTER)
    if left and not right:
        return _is(text, at, JOINT) and at + 1 < text.stop and _is(text, at + 1, LETTER)
    if right and not left:
        return at > text.first + 1 and _is(text, at - 1, JOINT) and _is(text, at - 2, LETTER)
    return left


@kernel
def _token_start(text, at, floor):
    """Where the token begins that goes on through ``at``; ``at`` when none does."""
    while at > floor and _within_token(text, at):
        at -= 1
    return at


@kernel
def _token_end(text, at, ceiling):
    """Where the token ends that goes on through ``at``; ``at`` when none does."""
    while at < ceiling and _within_token(text, at):
        at += 1
    return at


@kernel
def _sentence(text, at, stop):
    """Where the first sentence begins behind a sentence that ends at ``at`` or later, before ``stop``; -1: none does."""
    while at < stop:
        code = text.codes[at]
        at += 1
        if code in _CHINESE or (code in _WESTERN and at < stop and _is(text, at, SPACE)):
            while at < stop and _is(text, at, SPACE):
                at += 1
            return at
    return -1


@kernel
def _begin(text, start, first, places):
    """A start not behind ``first``: that of a sentence, a word, a character, and not inside a mark."""
    if text.first < start < first:
        sentence = _sentence(text, start - 1, first)
        start = sentence if sentence >= 0 else _behind_marks(start, first, places)
        token = _token_end(text, start, first)
        start = cut_after(text.codes, text.first, text.stop, start if _within_token(text, token) else token, first, text.shapes)
    while start < first and _is(text, start, SPACE):
        start += 1
    return start


@kernel
def _finish(text, end, last, start, places):
    """An end not before ``last``, nor at ``start``: that of a word or a character, and not inside a mark."""
    if end < text.stop:
        before = _before_marks(end, last, places)
        token = _token_start(text, before, last)
        whole = cut_before(text.codes, text.first, text.stop, before if _within_token(text, token) else token, last, text.shapes)
        end = whole if whole > start else cut_before(text.codes, text.first, text.stop, end, start + 1, text.shapes)
    while end > max(last, start + 1) and _is(text, end - 1, SPACE):
        end -= 1
    return end


@kernel
def _behind_marks(at, first, places):
    """``at``, or where the places end that it is inside of, one after the other, of those that end at ``first`` or before."""
    for i in range(len(places)):
        if places[i, 1] <= first and places[i, 0] < at < places[i, 1]:
            at = np.int64(places[i, 1])
    return at


@kernel
def _before_marks(at, last, places):
    """``at``, or where the places begin that it is inside of, one before the other, of those that begin at ``last`` or behind it."""
    for i in range(len(places) - 1, -1, -1):
        if places[i, 0] >= last and places[i, 0] < at < places[i, 1]:
            at = np.int64(places[i, 0])
    return at
