"""The terms of a query by the standard analyzer: what ``StandardAnalyzer.tokens`` finds, with the weights of a query, in microseconds.

A query has a few dozen terms, and a call of Python for each costs more than finding it: so terms of Han are made by comprehensions, Han is
segmented by one call, from which both its words and its stop words are read, and what a stop word is, is remembered.
"""

from bisect import bisect_left
from collections.abc import Set
from operator import itemgetter
from typing import Any

from indexer.folding import Folded
from indexer.format import HAN1, HAN2, HANWORD
from indexer.han import Segmenter
from indexer.mixed import MixedWords
from indexer.stopwords import HALF_STOP_WEIGHT, STOP_WEIGHT
from indexer.tokens import STREAM_HAN1, STREAM_HAN2, STREAM_HANWORD, STREAM_WORD, QueryTerm, merge_repeats
from indexer.words import ANY_RUN, ASCII_RUN, GROUP, HUMP, WHOLE, Code, Words

# What a part of a code weighs in a query beside the whole code: measured for letters and digits apart, +1 % nDCG@10 on a Chinese web collection.
PART_WEIGHT = 0.5
# Weights of one and of two neighbouring characters, by how many of them belong to stop words.
_CHARACTER_WEIGHTS = (1.0, STOP_WEIGHT)
_PAIR_WEIGHTS = (1.0, HALF_STOP_WEIGHT, STOP_WEIGHT)
_REMEMBERED = 1 << 14
# Half the time of calling the class.
_NEW: Any = tuple.__new__
_TERM = itemgetter(0)


class _Stops(dict[str, bool]):
    """Word -> whether it is a stop word or made of them, as jieba's 是什么; forgotten when there are too many."""

    def __init__(self, stopwords: Set[str]) -> None:
        super().__init__()
        self._stopwords = stopwords

    def __missing__(self, word: str) -> bool:
        if len(self) >= _REMEMBERED:
            self.clear()
        self[word] = found = self._made_of_stops(word)
        return found

    def _made_of_stops(self, word: str) -> bool:
        if word in self._stopwords:
            return True
        return any(word[:i] in self._stopwords and self._made_of_stops(word[i:]) for i in range(1, len(word)))


class QueryAnalysis:
    """See the module; thread-safe."""

    def __init__(self, words: Words, segmenter: Segmenter, mixed: MixedWords, stopwords: Set[str]) -> None:
        self._words, self._segmenter, self._mixed, self._stopwords = words, segmenter, mixed, stopwords
        self._stops = _Stops(stopwords)

    def terms(self, text: str) -> list[QueryTerm]:
        """What ``Analyzer.query_terms`` promises."""
        if text.isascii() and not self._mixed.ascii:
            plain = self._plain_terms(text)
            if plain is not None:
                return plain
        folded = Folded(text)
        found = self._places(folded.text)
        if not folded.unmoved:
            found = [term._replace(start=folded.start(term.start), end=folded.end(term.end)) for term in found]
        return found if len(set(map(_TERM, found))) == len(found) else merge_repeats(found)

    def _plain_terms(self, text: str) -> list[QueryTerm] | None:
        """The terms of a query of ASCII words, without a record of every place; None when there is a code among them."""
        words, stopwords = self._words, self._stopwords
        found: dict[str, QueryTerm] = {}
        for position, run in enumerate(ASCII_RUN.finditer(text)):
            word = run[0]
            term = words[word]
            if type(term) is Code:
                return None
            weight = STOP_WEIGHT if word.casefold() in stopwords else 1.0
            first = found.get(term)
            if first is None:
                found[term] = QueryTerm(term, STREAM_WORD, weight, position, *run.span())
            else:
                found[term] = first._replace(weight=first.weight + weight)
        return list(found.values())

    def _places(self, folded: str) -> list[QueryTerm]:
        """Every term with its place, run by run, mixed words last. No pairs over spaces: what a query has apart may stand anywhere."""
        found: list[QueryTerm] = []
        runs = list(ANY_RUN.finditer(folded))
        mixed = list(self._mixed.find(folded)) if [run for run in runs if run[2] and self._mixed.may_have(run[2])] else []
        words, of_one, of_two = self._han_words(folded)
        position = 0
        positions: dict[int, int] = {}  # where in the text a mixed word may begin -> position
        for run in runs:
            start, end = run.span()
            if run[1]:
                _add_characters(found, run[1], start, position - start, of_one, of_two)
                _add_han_words(found, folded, words, start, end, position - start)
                if mixed:
                    positions.update(zip(range(start, end), range(position, position + end - start)))
                position += end - start
            else:
                positions[start] = position
                position += self._add_word(found, run[2], start, position, any(a <= start < b for a, b, _ in mixed))
        found.extend(QueryTerm(term, STREAM_WORD, 1.0, positions[start], start, end) for start, end, term in mixed)
        return found

    def _han_words(self, folded: str) -> tuple[list[tuple[int, int]], list[float], list[float]]:
        """(start, end) of the Han words of two and more characters, in order; the weights of the character and of the pair at each place.

        A stop word inside another word (的 in 目的) is none.
        """
        size = len(folded)
        words, cut = self._segmenter.query_words(folded)
        is_stop = self._stops
        stops = [(start, end) for start, end in cut if is_stop[folded[start:end]]]
        if not stops:
            return words, [1.0] * size, [1.0] * size
        stopped = [0] * (size + 1)
        for start, end in stops:
            stopped[start:end] = [1] * (end - start)
        return words, [_CHARACTER_WEIGHTS[flag] for flag in stopped], [_PAIR_WEIGHTS[a + b] for a, b in zip(stopped, stopped[1:])]

    def _add_word(self, found: list[QueryTerm], run: str, start: int, position: int, inside: bool) -> int:
        """The terms of a word run; returns how many positions it takes. Inside a mixed word it weighs what parts do."""
        weight = PART_WEIGHT if inside else 1.0
        entry = self._words[run]
        if type(entry) is not Code:
            found.append(QueryTerm(str(entry), STREAM_WORD, weight * self._weight(run, WHOLE), position, start, start + len(run)))
            return 1
        parts = self._words.parts(run)
        for part in parts:
            own = weight * self._weight(run[part.start : part.end], part.role)
            if own > 0.0:
                found.append(QueryTerm(part.term, STREAM_WORD, own, position + part.position, start + part.start, start + part.end))
        return 1 + parts[-1].position

    def _weight(self, word: str, role: int) -> float:
        """Humps and groups of digits are for documents: a query for iPhone does not want every phone, nor one for 1,000 every 1."""
        if role in (HUMP, GROUP):
            return 0.0
        if word.casefold() in self._stopwords:
            return STOP_WEIGHT
        return 1.0 if role == WHOLE else PART_WEIGHT


def _add_characters(found: list[QueryTerm], run: str, start: int, shift: int, of_one: list[float], of_two: list[float]) -> None:
    """The characters and pairs of a run that begins at ``start``; ``shift``: what positions are beyond places."""
    found += [_NEW(QueryTerm, (HAN1 + char, STREAM_HAN1, of_one[i], i + shift, i, i + 1)) for i, char in enumerate(run, start)]
    pairs = enumerate(zip(run, run[1:]), start)
    found += [_NEW(QueryTerm, (HAN2 + a + b, STREAM_HAN2, of_two[i], i + shift, i, i + 2)) for i, (a, b) in pairs]


def _add_han_words(found: list[QueryTerm], folded: str, words: list[tuple[int, int]], start: int, end: int, shift: int) -> None:
    """Those of ``words``, sorted, that lie in the run [start, end)."""
    inside = words[bisect_left(words, (start,)) : bisect_left(words, (end,))]
    found += [_NEW(QueryTerm, (HANWORD + folded[a:b], STREAM_HANWORD, 0.0, a + shift, a, b)) for a, b in inside]
