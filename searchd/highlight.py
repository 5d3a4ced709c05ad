"""A stored text and what was searched -> HTML with the matches marked, cropped to the best passage.

Nothing is stored for it: the text is searched again, by the places of the terms in the original text, so marks are right for folded text too.
Removing the tags and unescaping gives back exactly the text, or exactly the passage; no character as people see it is cut.

What is marked of Chinese are the longest searched runs: pairs of characters that follow one another in the text as in a word of the query make one
mark. What only bridges two words of the query (器学 in 机器学习), and single characters, are marked where nothing better is: in levels.
"""

from bisect import bisect_left
from collections.abc import Iterable, Set
from html import escape
from typing import NamedTuple

from indexer.analysis import STREAM_HAN1, STREAM_HAN2, STREAM_HANWORD, STREAM_WORD, Analyzer, QueryTerm, stream_of
from indexer.stopwords import HALF_STOP_WEIGHT, STOP_WEIGHT
from searchd.graphemes import cut_after, cut_before
from searchd.passages import Span, best_passage

OPEN, CLOSE = "<mark>", "</mark>"
# Characters of a text that are searched for a passage.
MOST = 100_000

# Between two marks it is marked too: lru_cache, COVID-19.
_JOINTS = frozenset("._@&-'’")
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

    def spans(self, text: str, level: Level) -> list[Span]:
        """What is marked in ``text``, by start."""
        found = [Span(*place) for place in self._analyzer.occurrences(text, level.terms, self._prefixes)]
        if level.whole is not None:
            found = _whole_runs(found, level.whole, self._free)
        if not level.phrases:
            return found
        return sorted([*found, *(span for sequence in self._phrases for span in self._phrase_spans(text, sequence))])

    def _phrase_spans(self, text: str, sequence: list[str]) -> list[Span]:
        """The places where the terms of a sequence stand side by side."""
        places = self._analyzer.occurrences(text, frozenset(sequence))
        starts = [start for start, _, _ in places]
        found: list[Span] = []
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
                found.append(Span(start, end, _name(sequence)))
                at = end
        return found

    def _following(self, text: str, places: list[tuple[int, int, str]], starts: list[int], end: int, wanted: str) -> int | None:
        """The end of ``wanted``, when it is the next term behind ``end``."""
        first = bisect_left(starts, end)
        for start, stop, term in places[first : first + 8]:
            if start > starts[first]:
                return None
            if term == wanted:
                return None if self._analyzer.sequence(text[end:start]) else stop
        return None

    def cut(self, text: str, cropped: bool) -> str:
        """As much of ``text`` as is searched."""
        return text[: cut_after(text, MOST, MOST + 100)] if cropped and len(text) > MOST else text

    def render(self, text: str, spans: list[Span], crop_length: int | None = None) -> str:
        """HTML of the text, or of its best passage of at most ``crop_length`` code points."""
        if crop_length is None or len(text) <= crop_length:
            return _render(text, spans, 0, len(text)) if spans else escape(text)
        return _render(text, spans, *best_passage(text, spans, self.weights, max(1, crop_length)))


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
    texts = [(marker.cut(text, crop_length is not None), marker) for text, marker in fields]
    spans: list[list[Span]] = [[] for _ in texts]
    for number in range(max((len(marker.levels) for _, marker in texts), default=0)):
        spans = [marker.spans(text, marker.levels[min(number, len(marker.levels) - 1)]) for text, marker in texts]
        if any(spans):
            break
    return [marker.render(text, found, crop_length) for (text, marker), found in zip(texts, spans)]


def _name(sequence: list[str]) -> str:
    """A phrase as a term; no term has spaces at both ends."""
    return f" {' '.join(sequence)} "


def _atoms(terms: list[QueryTerm]) -> list[str]:
    """The shortest Han words of the query: those that hold no other."""
    words = {term.term[1:] for term in terms if term.stream == STREAM_HANWORD}
    return [word for word in words if not any(other != word and other in word for other in words)]


def _whole_runs(spans: list[Span], whole: frozenset[str], free: frozenset[str]) -> list[Span]:
    """The spans without runs of pairs that hold no pair of ``whole``, and without what is at the edge of a run and part of no word."""
    found: list[Span] = []
    run: list[Span] = []
    for span in spans:
        if stream_of(span.term) != STREAM_HAN2:
            found.append(span)
            continue
        if run and span.start >= run[-1].end:
            found += _solid(run, whole, free)
            run = []
        run.append(span)
    return sorted([*found, *_solid(run, whole, free)])


def _solid(run: list[Span], whole: frozenset[str], free: frozenset[str]) -> list[Span]:
    """Pairs that overlap, from the first that is sure to belong to the query to the last."""
    if not any(span.term in whole for span in run):
        return []
    first = next(i for i, span in enumerate(run) if span.term in whole or span.term[1] in free)
    last = next(i for i in range(len(run) - 1, -1, -1) if run[i].term in whole or run[i].term[2:] in free)
    return run[first : last + 1]


def _render(text: str, spans: list[Span], start: int, end: int) -> str:
    """The escaped text of [start, end) with the spans marked; overlapping and touching ones as one."""
    pieces, at = [], start
    for first, last in _merged(text, spans, start, end):
        pieces += [escape(text[at:first]), OPEN, escape(text[first:last]), CLOSE]
        at = last
    pieces.append(escape(text[at:end]))
    return "".join(pieces)


def _merged(text: str, spans: list[Span], start: int, end: int) -> list[tuple[int, int]]:
    """Spans in [start, end) as marks of whole characters, those that touch or have but a joint between them as one."""
    merged: list[tuple[int, int]] = []
    for span in spans:
        first, last = max(span.start, start), min(span.end, end)
        if first >= last or (merged and last <= merged[-1][1]):
            continue
        floor = merged[-1][1] if merged else start
        first, last = cut_before(text, max(first, floor), floor), cut_after(text, last, end)
        if merged and (first <= floor or (first == floor + 1 and text[floor] in _JOINTS)):
            merged[-1] = merged[-1][0], last
        else:
            merged.append((first, last))
    return merged
