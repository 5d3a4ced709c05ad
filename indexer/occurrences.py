"""Where terms of the standard analyzer stand in texts: only what may be one of them is looked at.

Every form of a word begins like its term, up to what stemming rewrites at the end. So the texts are searched for these beginnings, by a kernel
(``beginnings.py``), and only the runs around what is found are analysed, each distinct one once. That tells the same places as analysing all of the
texts. Han characters and pairs are found by a kernel of their own (``han_places.py``); a third one brings all together (``merged_places.py``).
"""

import threading
from collections.abc import Iterator, Set

import numpy as np

from indexer.beginnings import find_runs, pack_beginnings
from indexer.bounded_cache import BoundedCache
from indexer.characters import characters
from indexer.code_points import codes_of
from indexer.folding import same_case
from indexer.format import HAN1, HAN2, HANWORD
from indexer.han_places import find_han, pack_han_terms
from indexer.joined import FoldedTexts, JoinedTexts
from indexer.merged_places import merged_places
from indexer.mixed import Head, MixedWords
from indexer.words import WORD_RUN, Code, Words

# More beginnings than these are shortened, until several are one: a prefix may stand for a hundred words.
_MANY = 16
# Runs whose terms are kept; longer ones are no words.
_CACHE_SIZE, _CACHED_RUN = 10_000, 40
_NOWHERE = np.zeros((0, 3), np.int32)


class WordFinder:
    """What is looked for, made once for all texts of a search; ``names`` are its terms by number.

    Shared by threads. Terms that only have one of the ``prefixes`` get their numbers as they are found.
    """

    def __init__(self, words: Words, mixed: MixedWords, terms: frozenset[str], prefixes: tuple[str, ...]) -> None:
        # Of places that are the same the term is in order too.
        self.names = sorted(term for term in terms if term[:1] != HANWORD)
        self._numbers = {name: number for number, name in enumerate(self.names)}
        self._lock = threading.Lock()
        han = [(name[1:], number) for name, number in self._numbers.items() if name[:1] in (HAN1, HAN2)]
        self._han = pack_han_terms(han) if han else None
        wanted = frozenset(name for name in self.names if name[:1] not in (HAN1, HAN2))
        searched = _shortest(wanted | set(prefixes))
        self._beginnings = pack_beginnings(searched) if searched else None
        self._ascii = all(map(str.isascii, searched))
        self._terms = _Terms(self, words, wanted, prefixes)
        self._heads = mixed.heads_of(wanted, prefixes) if self._beginnings else []

    def number(self, term: str) -> int:
        """The number of a term, perhaps a new one."""
        known = self._numbers.get(term)
        if known is not None:
            return known
        with self._lock:
            if term not in self._numbers:
                self.names.append(term)
                self._numbers[term] = len(self.names) - 1
            return self._numbers[term]

    def places(self, texts: JoinedTexts, chosen: np.ndarray) -> np.ndarray:
        """int32[n, 3]: start, end and number of every place of a term in the ``chosen`` texts (their numbers, ascending int64), by start."""
        folded = texts.folded
        words = self._words(folded, chosen)
        han = _NOWHERE
        if self._han is not None and not texts.text.isascii():
            han = find_han(folded.codes, folded.borders, chosen, self._han, characters().kinds)
        if len(han) or len(folded.origins):
            return merged_places(words, han, folded.origins, folded.borders, texts.borders)
        return words

    def _words(self, folded: FoldedTexts, chosen: np.ndarray) -> np.ndarray:
        """The places of words in the folded texts, by start."""
        if self._beginnings is None:
            return _NOWHERE
        lowered, everything, text = folded.codes, False, folded.text
        if not self._ascii:
            other = text.casefold()
            # Where a character becomes several, places are no longer the same.
            lowered, everything = (codes_of(other), False) if len(other) == len(text) else (lowered, True)
        runs = find_runs(folded.codes, lowered, folded.borders, chosen, self._beginnings, everything, characters().kinds)
        terms = self._terms
        found: list[int] = []
        for start, end in runs.tolist():
            for first, last, number in terms[text[start:end]]:
                found += start + first, start + last, number
        rows = np.array(found, np.int32).reshape(-1, 3)
        if self._heads and (mixed := list(self._mixed(folded, chosen))):
            rows = np.array(sorted(rows.tolist() + mixed), np.int32)
        return rows

    def _mixed(self, folded: FoldedTexts, chosen: np.ndarray) -> Iterator[list[int]]:
        """The places of words across scripts."""
        lowered = same_case(folded.text)
        for head in self._heads:
            if head.word in lowered:
                number = self.number(head.word)
                for text in chosen.tolist():
                    start, end = int(folded.borders[text]), int(folded.borders[text + 1])
                    places = _mixed_places(folded.text[start:end], lowered[start:end], head)
                    yield from ([start + at, start + at + len(head.word), number] for at in places)


class _Terms(BoundedCache[tuple[tuple[int, int, int], ...]]):
    """Run -> start, end and number of every term in it that is looked for, in order."""

    def __init__(self, finder: WordFinder, words: Words, wanted: frozenset[str], prefixes: tuple[str, ...]) -> None:
        super().__init__(self._found_in, _CACHE_SIZE, _CACHED_RUN)
        self._finder, self._words, self._wanted, self._prefixes = finder, words, wanted, prefixes

    def _found_in(self, run: str) -> tuple[tuple[int, int, int], ...]:
        entry = self._words[run]
        if type(entry) is Code:
            parts = [part for part in self._words.parts(run) if self._has(part.term)]
            return tuple(sorted((part.start, part.end, self._finder.number(part.term)) for part in parts))
        return ((0, len(run), self._finder.number(str(entry))),) if self._has(str(entry)) else ()

    def _has(self, term: str) -> bool:
        return term in self._wanted or (bool(self._prefixes) and term.startswith(self._prefixes))


def _shortest(terms: Set[str]) -> list[str]:
    """How runs and parts of runs with a wanted term begin, in lower case, without apostrophes and commas."""
    shortest: list[str] = []
    for beginning in sorted({beginning for term in terms for beginning in beginnings(term)}):
        if not shortest or not beginning.startswith(shortest[-1]):
            shortest.append(beginning)
    size = max(map(len, shortest), default=0)
    while len(shortest) > _MANY and size > 2:
        size -= 1
        shortest = list({beginning[:size] for beginning in shortest})
    return shortest


def beginnings(term: str) -> set[str]:
    """Beginnings of which every word with the stem ``term`` has one: what Porter's rules write that was not there is i for y, e, and le."""
    if not (term.isascii() and term.isalpha()):
        return {term} - {""}
    if term.endswith("i"):
        return {term, term[:-1] + "y"}
    kept = 2 if term.endswith("le") else 1 if term[-1] in "el" else 0
    return {term[: max(1, len(term) - kept)]}


def _mixed_places(folded: str, lowered: str, head: Head) -> Iterator[int]:
    """Where a word across scripts begins in a text: its first and its last word run are runs of the text."""
    at = lowered.find(head.word)
    if at >= 0:
        starts = {run.start() for run in WORD_RUN.finditer(folded)}
    while at >= 0:
        if at + head.before in starts and head.ends_in(folded, at):
            yield at
        at = lowered.find(head.word, at + 1)
