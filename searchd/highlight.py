"""A stored text and what was searched -> HTML with the matches marked, cropped to the best passage.

Nothing is stored for it: the text is searched again, by the places of the terms in the original text, so marks are right for folded text too.
Removing the tags and unescaping gives back exactly the text, or exactly the passage; no character as people see it is cut.

What is marked of Chinese are the longest searched runs: pairs of characters that follow one another in the text as in a word of the query make one
mark. What only bridges two words of the query (器学 in 机器学习), and single characters, are marked where nothing better is: in levels.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple

import numpy as np

from indexer.analysis import STREAM_HAN1, STREAM_HAN2, STREAM_HANWORD, STREAM_WORD, Analyzer, QueryTerm, stream_of
from indexer.joined import JoinedTexts
from indexer.stopwords import HALF_STOP_WEIGHT, STOP_WEIGHT
from searchd.graphemes import shortened
from searchd.han_runs import run_bits, whole_runs
from searchd.marks import marked

# Characters of a text that are searched for a passage.
MOST, AT_MOST = 100_000, 100_100
# Repeats add up, so a stop word may weigh a few times its weight.
_STOP = 3 * STOP_WEIGHT
# Steps spent on the phrases of a text: a phrase of one word repeated, in a text of nothing else, would take the square of its length.
_MOST_STEPS = 100_000


class Level(NamedTuple):
    """What is looked for: terms, beginnings of words, and whether phrases stand for their words.

    ``whole``: Han runs are to have one of these pairs, or are no match; None: all are.
    """

    terms: frozenset[str]
    phrases: bool = False
    whole: frozenset[str] | None = None


class Marker:
    """One query, as it is marked in the texts of one analyser.

    ``phrases`` are texts whose words count only side by side, ``prefixes`` beginnings of words as the dictionary has them, ``further`` terms beyond
    the query (of synonyms and the like) with their weights. ``levels`` are tried in order, on all texts of a document, until something is marked.
    """

    def __init__(
        self,
        analyzer: Analyzer,
        query_terms: Iterable[QueryTerm],
        phrases: Iterable[str] = (),
        prefixes: Iterable[str] = (),
        further: Iterable[tuple[str, float]] = (),
    ) -> None:
        self._analyzer, self._prefixes = analyzer, tuple(prefixes)
        terms = [*query_terms, *(QueryTerm(term, stream_of(term), weight, 0, 0, 0) for term, weight in further)]
        self.weights = {term.term: term.weight for term in terms}
        self._phrases = [sequence for text in phrases if len(sequence := analyzer.sequence(text)) > 1]
        self._free: frozenset[str] = frozenset()
        self.levels = self._levels([term for term in terms if term.stream in (STREAM_WORD, STREAM_HAN1, STREAM_HAN2)], _atoms(terms))
        if self._phrases:
            self._add_phrases(list(phrases))

    def _levels(self, searched: list[QueryTerm], atoms: list[str]) -> list[Level]:
        """Runs of Han that hold a word of the query, then any pair of it, then single characters; words always.

        Stop words are marked when there is nothing else to the query.
        """
        content = [term for term in searched if term.weight > _STOP] or searched
        words = {term.term for term in content if term.stream == STREAM_WORD}
        pairs = {term.term: term.weight for term in searched if term.stream == STREAM_HAN2}
        paired = {char for pair in pairs for char in pair[1:]}
        singles = {term.term for term in content if term.stream == STREAM_HAN1}
        lone = {term for term in singles if term[1:] not in paired}
        self._free = frozenset(term[1:] for term in singles if not any(term[1:] in atom for atom in atoms))
        firm = [pair for pair, weight in pairs.items() if weight > HALF_STOP_WEIGHT]
        whole = [pair for pair in firm if self._is_whole(pair[1:], atoms)] or firm or [t.term for t in content if t.stream == STREAM_HAN2]
        levels = [Level(frozenset(words | lone | pairs.keys()), whole=frozenset(whole) if pairs else None)]
        if len(whole) < len(firm):
            levels.append(Level(frozenset(words | lone | set(firm))))
        return [*levels, Level(frozenset(words | singles))] if singles - lone else levels

    def fall_back(self, terms: Set[str]) -> None:
        """Mark these terms where nothing else is marked."""
        if terms:
            self.levels.append(Level(frozenset(terms)))
            self.weights = dict.fromkeys(terms, 1.0) | self.weights

    def _is_whole(self, pair: str, atoms: list[str]) -> bool:
        """Whether a pair is part of one word of the query, or of no word at all."""
        return any(pair in atom for atom in atoms) or self._free.issuperset(pair)

    def _add_phrases(self, texts: list[str]) -> None:
        """A first level where phrases stand for the words that are in the query for them alone."""
        inside: dict[str, float] = {}
        for term in (term for text in texts for term in self._analyzer.query_terms(text)):
            inside[term.term] = inside.get(term.term, 0.0) + term.weight
        first = self.levels[0]
        outside = frozenset(term for term in first.terms if self.weights.get(term, 0.0) > inside.get(term, 0.0) + 1e-6)
        self.levels.insert(0, Level(outside, True, first.whole))
        self.weights |= {_name(sequence): 1.0 + sum(self.weights.get(term, 0.0) for term in sequence) for sequence in self._phrases}

    def places(self, texts: JoinedTexts, chosen: np.ndarray, level: Level) -> tuple[np.ndarray, np.ndarray]:
        """What is marked in the ``chosen`` texts: int32[n, 3] of start, end and number of a term, by start; and float64, the terms' weights."""
        finder = self._analyzer.finder(level.terms, self._prefixes)
        found = finder.places(texts, chosen)
        if level.whole is not None and len(found):
            found = whole_runs(found, run_bits(finder.names, level.whole, self._free))
        names = finder.names
        if level.phrases:
            known = len(names)
            names = [*names[:known], *map(_name, self._phrases)]
            found = np.array(sorted([*found.tolist(), *self._phrase_places(texts, chosen, known)]), np.int32).reshape(-1, 3)
        return found, np.array([self.weights.get(name, 0.0) for name in names])

    def _phrase_places(self, texts: JoinedTexts, chosen: np.ndarray, number: int) -> Iterator[list[int]]:
        """The places of all phrases, whose numbers are ``number`` and those that follow."""
        for i, sequence in enumerate(self._phrases):
            finder = self._analyzer.finder(frozenset(sequence))
            found = finder.places(texts, chosen).tolist()
            starts = [place[0] for place in found]
            for start, text in texts.chosen(chosen):
                first, last = bisect_left(starts, start), bisect_left(starts, start + len(text))
                here = sorted((begin - start, end - start, finder.names[term]) for begin, end, term in found[first:last])
                yield from ([start + begin, start + end, number + i] for begin, end in self._side_by_side(text, here, sequence))

    def _side_by_side(self, text: str, places: list[tuple[int, int, str]], sequence: list[str]) -> Iterator[tuple[int, int]]:
        """Where the terms of a sequence stand side by side in a text that has them at ``places``."""
        starts = [start for start, _, _ in places]
        steps = at = 0
        for start, end, term in places:
            if term != sequence[0] or start < at or steps > _MOST_STEPS:
                continue
            for wanted in sequence[1:]:
                steps += 1
                following = self._following(text, places, starts, end, wanted)
                if following is None:
                    break
                end = following
            else:
                yield start, end
                at = end

    def _following(self, text: str, places: list[tuple[int, int, str]], starts: list[int], end: int, wanted: str) -> int | None:
        """The end of ``wanted``, when it is the next term behind ``end``."""
        first = bisect_left(starts, end)
        for start, stop, term in places[first : first + 8]:
            if start > starts[first]:
                return None
            if term == wanted:
                return None if self._analyzer.sequence(text[end:start]) else stop
        return None


def highlight(
    text: str,
    analyzer: Analyzer,
    query_terms: Iterable[QueryTerm],
    crop_length: int | None = None,
    phrases: Iterable[str] = (),
    prefixes: Iterable[str] = (),
    further: Iterable[tuple[str, float]] = (),
) -> str:
    """Escape ``text`` and mark the query's terms; with ``crop_length``, only the best passage of at most so many code points.

    The best passage has the greatest weight of distinct terms, then the most of them, then stands first; without a match it is the beginning.
    """
    return highlight_texts([text], Marker(analyzer, query_terms, phrases, prefixes, further), crop_length)[0]


def highlight_texts(texts: list[str], marker: Marker, crop_length: int | None = None) -> list[str]:
    """The same for texts of one document: what is marked in one is not marked by less in another."""
    return highlight_fields([(text, marker) for text in texts], crop_length)


def highlight_fields(fields: list[tuple[str, Marker]], crop_length: int | None = None) -> list[str]:
    """The same for texts of several analysers."""
    numbers = np.arange(len(fields))
    return highlight_documents([text for text, _ in fields], [marker for _, marker in fields], numbers, 0 * numbers, crop_length)


def highlight_documents(
    texts: list[str], markers: list[Marker], fields: np.ndarray, owners: np.ndarray, crop_length: int | None = None
) -> list[str]:
    """The same for texts of several documents at once: ``fields`` int64[N], the number of each text's marker; ``owners`` int64[N], ascending, that
    of its document."""
    if crop_length is not None and max(map(len, texts), default=0) > MOST:
        texts = [text if len(text) <= MOST else shortened(text, MOST, AT_MOST) for text in texts]
    joined = JoinedTexts(texts)
    distinct = list(dict.fromkeys(markers))
    if len(distinct) > 1:
        fields = np.array([distinct.index(marker) for marker in markers])[fields]
    chosen = [np.arange(len(texts))] if len(distinct) == 1 else [np.flatnonzero(fields == number) for number in range(len(distinct))]
    return marked(joined, *_first_found(joined, dict(zip(distinct, chosen)), owners), crop_length)


def _first_found(texts: JoinedTexts, by_marker: dict[Marker, np.ndarray], owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is marked of each document by the first level that has anything of it: as ``Marker.places``."""
    places, weights, known = [np.zeros((0, 3), np.int32)], [np.zeros(0)], 0
    for number in range(max((len(marker.levels) for marker in by_marker), default=0)):
        settled = np.zeros(owners[-1] + 1 if len(owners) else 0, np.bool_)
        for marker, chosen in by_marker.items():
            found, more = marker.places(texts, chosen, marker.levels[min(number, len(marker.levels) - 1)])
            if len(found):
                settled[owners[texts.borders.searchsorted(found[:, 0], "right") - 1]] = True
                found[:, 2] += known
                places, weights, known = [*places, found], [*weights, more], known + len(more)
        by_marker = {marker: left for marker, chosen in by_marker.items() if len(left := chosen[~settled[owners[chosen]]])}
        if not by_marker:
            break
    if len(places) == 2:
        return places[1], weights[1]
    joined = np.concatenate(places)
    return joined[joined[:, 0].argsort(kind="stable")], np.concatenate(weights)


def _name(sequence: list[str]) -> str:
    """A phrase as a term; no term has spaces at both ends."""
    return f" {' '.join(sequence)} "


def _atoms(terms: list[QueryTerm]) -> list[str]:
    """The shortest Han words of the query: those that hold no other."""
    words = {term.term[1:] for term in terms if term.stream == STREAM_HANWORD}
    return [word for word in words if not any(other != word and other in word for other in words)]
