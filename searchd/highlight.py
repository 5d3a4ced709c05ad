"""A stored text and the terms of a query -> HTML with the matches marked, cropped to the best passage.

Nothing is stored for it: the text is searched again, by the places of the terms in the original text, so marks are right for folded text too.
Removing the tags and unescaping gives back exactly the text, or exactly the passage. Only a passage costs little even when the text is long: it is
read in blocks until every term has been met.
"""

import re
from collections import Counter
from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from indexer.analysis import STREAM_HAN1, STREAM_HAN2, STREAM_HANWORD, Analyzer, QueryTerm
from indexer.stopwords import HALF_STOP_WEIGHT, STOP_WEIGHT

OPEN, CLOSE = "<mark>", "</mark>"
# Characters read at a time, and at most, when a passage is looked for.
BLOCK, MOST = 16_384, 65_536

# Repeats add up, so a stop word may weigh a few times its weight.
_STOP = 3 * STOP_WEIGHT
_SENTENCE = re.compile(r"[.!?]\s+|[。！？；\n]\s*")
_CUT_WORD = re.compile(r"[\w'’-]{1,30}\Z")
_REST_OF_WORD = re.compile(r"[\w'’-]{0,30}")


class Span(NamedTuple):
    """A place of a term in the text, in code points."""

    start: int
    end: int
    term: str


def highlight(text: str, analyzer: Analyzer, query_terms: Iterable[QueryTerm], crop_length: int | None = None) -> str:
    """Escape ``text`` and mark the query's terms; with ``crop_length``, only the best passage of at most so many code points.

    The best passage has the greatest weight of distinct terms, then the most of them, then stands first; without a match it is the beginning.
    """
    query_terms = list(query_terms)
    cropped = crop_length is not None and len(text) > crop_length
    first, second = _levels(query_terms)
    spans = _find(text, analyzer, first | second, cropped)
    spans = [span for span in spans if span.term in first] or spans
    if crop_length is None or not cropped:
        return _render(text, spans, 0, len(text))
    start, end = _passage(text, spans, {term.term: term.weight for term in query_terms}, max(1, crop_length))
    return _render(text, spans, start, end)


def _levels(query_terms: list[QueryTerm]) -> tuple[set[str], set[str]]:
    """The terms to mark, and those to mark where none of them is.

    A Han character that is part of a searched pair is marked in that pair only: single characters are everywhere. Stop words are marked when there
    is nothing else to the query.
    """
    searched = [term for term in query_terms if term.stream != STREAM_HANWORD]
    content = [term for term in searched if term.weight > _STOP] or searched
    pairs = [term for term in content if term.stream == STREAM_HAN2 and term.weight > HALF_STOP_WEIGHT]
    inside = {char for pair in pairs for char in pair.term[1:]}
    others = [term for term in content if term.stream != STREAM_HAN2]
    first = {t.term for t in pairs} | {t.term for t in others if t.stream != STREAM_HAN1 or t.term[1:] not in inside}
    return first, {t.term for t in others}


def _find(text: str, analyzer: Analyzer, terms: set[str], cropped: bool) -> list[Span]:
    if not cropped or len(text) <= BLOCK:
        return [Span(*found) for found in analyzer.occurrences(text, terms)]
    spans: list[Span] = []
    missing, at = set(terms), 0
    while missing and at < min(len(text), MOST):
        # A word on the border belongs to the earlier block.
        end = _REST_OF_WORD.match(text, at + BLOCK).end() if at + BLOCK < len(text) else len(text)  # type: ignore[union-attr]
        found = analyzer.occurrences(text[at:end], terms)
        spans += [Span(at + start, at + stop, term) for start, stop, term in found]
        missing.difference_update(term for _, _, term in found)
        at = end
    return spans


def _passage(text: str, spans: list[Span], weights: dict[str, float], length: int) -> tuple[int, int]:
    """(start, end) of the best passage of at most ``length`` characters."""
    first, last = _best_window(spans, weights, length) if spans else (0, 0)
    start = max(0, first - (length - (last - first)) // 2)
    end = min(len(text), start + length)
    start = max(0, end - length)
    return _trim(text, start, end, first, last)


def _best_window(spans: list[Span], weights: dict[str, float], length: int) -> tuple[int, int]:
    """From the start of one span to the end of another, at most ``length`` apart, covering the most; spans are by start."""
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


def _trim(text: str, start: int, end: int, first: int, last: int) -> tuple[int, int]:
    """Begin with a sentence or a word and end with a word, if that loses nothing between ``first`` and ``last``."""
    if start > 0:
        sentence = _SENTENCE.search(text, start - 1, first)
        if sentence:
            start = sentence.end()
        elif text[start - 1].isalnum():
            rest = _REST_OF_WORD.match(text, start, first)
            start = rest.end() if rest and rest.end() < first else start
    if end < len(text) and text[end].isalnum():
        cut = _CUT_WORD.search(text, max(last, end - 31), end)
        end = cut.start() if cut and cut.start() > max(last, start) else end
    while start < first and text[start].isspace():
        start += 1
    while end > max(last, start + 1) and text[end - 1].isspace():
        end -= 1
    return start, end


def _render(text: str, spans: list[Span], start: int, end: int) -> str:
    """The escaped text of [start, end) with the spans marked; overlapping and touching ones as one."""
    pieces, at = [], start
    for first, last in _merged(spans, start, end):
        pieces += [escape(text[at:first]), OPEN, escape(text[first:last]), CLOSE]
        at = last
    pieces.append(escape(text[at:end]))
    return "".join(pieces)


def _merged(spans: list[Span], start: int, end: int) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for span in spans:
        first, last = max(span.start, start), min(span.end, end)
        if first >= last:
            continue
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return merged
