"""Places of terms in a text -> the piece of it to show: where most of the query is, cut between sentences, words and whole characters."""

import re
from collections import Counter
from typing import NamedTuple

from indexer.scripts import MARKS, UNSPACED
from searchd.graphemes import cut_after, cut_before

_SENTENCE = re.compile(r"[.!?]\s+|[。！？；\n]\s*")
# What is not cut: words, codes, addresses and numbers.
_LETTER, _JOINT = re.compile(rf"[^\W{UNSPACED}]|[\u0300-\u036f{MARKS}]"), frozenset(".@&'’,-")
# Longer tokens are no words.
_LONGEST = 200


class Span(NamedTuple):
    """A place of a term in the text, in code points."""

    start: int
    end: int
    term: str


def best_passage(text: str, spans: list[Span], weights: dict[str, float], length: int) -> tuple[int, int]:
    """(start, end) of the best passage of at most ``length`` characters; spans are by start."""
    first, last = _best_window(_widened(text, spans, length), weights, length) if spans else (0, 0)
    start = max(0, first - (length - (last - first)) // 2)
    end = min(len(text), start + length)
    start = max(0, end - length)
    start = _begin(text, start, first, spans)
    return start, _finish(text, end, max(last, start), start, spans)


def _best_window(spans: list[Span], weights: dict[str, float], length: int) -> tuple[int, int]:
    """From the start of one span to the end of another, at most ``length`` apart, covering the most."""
    inside: Counter[str] = Counter()
    best, covered, left = (-1.0, 0), 0.0, 0
    window = (spans[0].start, min(spans[0].end, spans[0].start + length))
    for right, span in enumerate(spans):
        covered += 0.0 if inside[span.term] else weights.get(span.term, 0.0)
        inside[span.term] += 1
        while left < right and span.end - spans[left].start > length:
            out = spans[left].term
            inside[out] -= 1
            covered -= 0.0 if inside[out] else weights.get(out, 0.0)
            left += 1
        # Rounded, so that sums in another order stay ties.
        score = (round(covered, 6), right - left + 1)
        if score > best:
            best, window = score, (spans[left].start, min(span.end, spans[left].start + length))
    return window


def _widened(text: str, spans: list[Span], length: int) -> list[Span]:
    """Spans with the rest of the words and codes they are part of, where these fit into the passage."""
    found = []
    start = end = 0
    for span in spans:
        # A token without end may have thousands of spans, so it is not looked for again.
        if span.start < start or span.end > end:
            start = _token_start(text, span.start, max(0, span.start - _LONGEST))
            end = _token_end(text, span.end, min(len(text), span.end + _LONGEST))
        found.append(Span(start, end, span.term) if end - start <= length else span)
    return found


def _within_token(text: str, at: int) -> bool:
    """Whether a word or a code goes on from before ``at`` to behind it."""
    if not 0 < at < len(text) or text[at] == " " or text[at - 1] == " ":
        return False
    left, right = _LETTER.match(text, at - 1), _LETTER.match(text, at)
    if left and not right:
        return text[at] in _JOINT and bool(_LETTER.match(text, at + 1))
    if right and not left:
        return at > 1 and text[at - 1] in _JOINT and bool(_LETTER.match(text, at - 2))
    return bool(left)


def _token_start(text: str, at: int, floor: int) -> int:
    """Where the token begins that goes on through ``at``; ``at`` when none does."""
    while at > floor and _within_token(text, at):
        at -= 1
    return at


def _token_end(text: str, at: int, ceiling: int) -> int:
    """Where the token ends that goes on through ``at``; ``at`` when none does."""
    while at < ceiling and _within_token(text, at):
        at += 1
    return at


def _begin(text: str, start: int, first: int, spans: list[Span]) -> int:
    """A start not behind ``first``: that of a sentence, a word, a character, and not inside a mark."""
    if 0 < start < first:
        sentence = _SENTENCE.search(text, start - 1, first)
        start = sentence.end() if sentence else _outside(start, [(span.start, span.end) for span in spans if span.end <= first], 1)
        token = _token_end(text, start, first)
        start = cut_after(text, start if _within_token(text, token) else token, first)
    while start < first and text[start].isspace():
        start += 1
    return start


def _finish(text: str, end: int, last: int, start: int, spans: list[Span]) -> int:
    """An end not before ``last``, nor at ``start``: that of a word or a character, and not inside a mark."""
    if end < len(text):
        before = _outside(end, [(span.start, span.end) for span in reversed(spans) if span.start >= last], 0)
        token = _token_start(text, before, last)
        whole = cut_before(text, before if _within_token(text, token) else token, last)
        end = whole if whole > start else cut_before(text, end, start + 1)
    while end > max(last, start + 1) and text[end - 1].isspace():
        end -= 1
    return end


def _outside(at: int, places: list[tuple[int, int]], side: int) -> int:
    """``at``, or where the places that it is inside of begin (``side`` 0) or end (1), one after the other."""
    for place in places:
        if place[0] < at < place[1]:
            at = place[side]
    return at
