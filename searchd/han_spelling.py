"""Han text of which some pair of characters is in no document -> the words that were probably meant.

Whole words of the segmenter are put together to windows of two to eight characters around such a pair. A window is replaced by a word of the
collection that sounds the same, looks the same but for one character, or sounds alike, in this order. Words that the collection has are left alone,
unless all of a longer window is one word.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from indexer.folding import Folded
from indexer.format import HAN2
from indexer.tokens import STREAM_HAN1, STREAM_HANWORD
from searchd.han_words import LONGEST, SHORTEST, HanWords
from searchd.look_alikes import look_alikes

MAX_WINDOWS = 64


class Change(NamedTuple):
    """Characters of a text to be replaced by as many others."""

    start: int
    end: int
    word: str


def changes(text: str, pairs: set[str], snapshot: Any) -> list[Change]:
    """What to replace in a text, places in the original; none when it would not have fewer unknown pairs."""
    table = snapshot.han_words.get()
    if table is None:
        return []
    folded = Folded(text)
    if len(folded.text) != len(text):
        return []
    found: list[Change] = []
    for window in _windows(folded.text, pairs, snapshot):
        word = _meant(folded.text[slice(*window)], table)
        if word is not None and not any(window[0] < one.end and one.start < window[1] for one in found):
            found.append(Change(*window, word))
    return found if found and _better(folded.text, found, snapshot) else []


def _windows(text: str, pairs: set[str], snapshot: Any) -> Iterator[tuple[int, int]]:
    """Whole words side by side around a pair that is in no document, longest first."""
    tokens = snapshot.query_terms.words_analyzer.tokens(text)
    inside = {place for token in tokens if token.stream == STREAM_HANWORD for place in range(token.start + 1, token.end)}
    han = {token.start for token in tokens if token.stream == STREAM_HAN1}
    unknown = [place for place in sorted(han) if text[place : place + 2] in pairs]
    found: set[tuple[int, int]] = set()
    for place in unknown:
        for start in range(max(0, place + 2 - LONGEST), place + 1):
            for end in range(max(place + 2, start + SHORTEST), min(len(text), start + LONGEST) + 1):
                if start not in inside and end not in inside and han.issuperset(range(start, end)):
                    found.add((start, end))
    yield from sorted(found, key=lambda window: (window[0] - window[1], window))[:MAX_WINDOWS]


def _meant(typed: str, table: HanWords) -> str | None:
    """The word that a window was meant to be."""
    if table.df(typed):
        return None
    alike = table.alike(typed)
    shaped = sorted(filter(table.df, look_alikes(typed)), key=lambda one: -table.df(one))
    return next(iter([*alike[:1], *shaped]), None)


def _better(text: str, found: list[Change], snapshot: Any) -> bool:
    """Whether fewer pairs of the text are in no document afterwards."""
    changed = text
    for change in found:
        changed = changed[: change.start] + change.word + changed[change.end :]
    return _unknown(changed, snapshot) < _unknown(text, snapshot)


def _unknown(text: str, snapshot: Any) -> int:
    terms = [term.term for term in snapshot.query_terms.analyse(text) if term.term.startswith(HAN2)]
    return snapshot.retriever.numbers_of_postings(terms).count(0)
