"""Where terms of the standard analyzer stand in a text: only what may be one of them is looked at.

Every form of a word begins like its term, up to what stemming rewrites at the end. So a text is searched for these beginnings, by a kernel
(``beginnings.py``), and only the runs around what is found are analysed. That tells the same places as analysing all of the text, in a tenth of
the time.
"""

import re
from collections.abc import Iterator, Set
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from indexer.beginnings import Beginnings, pack_beginnings, places_of
from indexer.characters import UNSEEN, characters, joining_characters
from indexer.folding import Folded, same_case
from indexer.format import HAN1, HAN2, HANWORD
from indexer.mixed import Head, MixedWords
from indexer.scripts import MARKS, OVER_SPACE, UNSPACED
from indexer.words import WORD_RUN, Code, Words

# What may stand inside a run.
_INSIDE = re.compile(rf"[^\W{UNSPACED}]|[.@&',{MARKS}]")
# More beginnings than these are shortened, until several are one: a prefix may stand for a hundred words.
_MANY = 16


class Wanted:
    """What is looked for: Han terms, word terms and beginnings of word terms. Made once for all texts of a search."""

    def __init__(self, terms: frozenset[str], prefixes: tuple[str, ...]) -> None:
        self.characters = tuple(term for term in terms if term[:1] in (HAN1, HAN2))
        self.pairs = frozenset(term for term in terms if term[:1] == HAN2)
        self.terms = frozenset(term for term in terms if term[:1] not in (HAN1, HAN2, HANWORD))
        self.prefixes = prefixes
        self.any_words = bool(self.terms or prefixes)
        self._searched: dict[bool, Searched] = {}

    def has(self, term: str) -> bool:
        """Whether a term is one of the words."""
        return term in self.terms or (bool(self.prefixes) and term.startswith(self.prefixes))

    def searched(self, dots: bool) -> "Searched":
        """How runs with a wanted word begin; ``dots``: initials too. Two threads may both make it."""
        found = self._searched.get(dots)
        if found is None:
            beginnings = _beginnings(self, dots)
            found = Searched(beginnings, pack_beginnings(beginnings) if all(map(str.isascii, beginnings)) else None)
            self._searched[dots] = found
        return found


class Searched(NamedTuple):
    """Beginnings, and the same for the kernel, when all are of ASCII."""

    beginnings: list[str]
    packed: Beginnings | None


_wanted = lru_cache(256)(Wanted)


def occurrences(text: str, terms: Set[str], prefixes: tuple[str, ...], words: Words, mixed: MixedWords) -> list[tuple[int, int, str]]:
    """(start, end, term) of every place of one of ``terms``, or of a word term with one of ``prefixes``, by start."""
    folded, wanted = _folded(text), _wanted(frozenset(terms), prefixes)
    spans: list[tuple[int, int, str]] = []
    if not folded.text.isascii():
        spans += [span for term in wanted.characters for span in _characters(folded.text, term)]
        spans += _over_space(folded.text, wanted.pairs)
    if wanted.any_words:
        spans += _words(folded.text, wanted, words)
        spans += _mixed(folded.text, mixed.heads_of(wanted.terms, prefixes))
    if folded.unmoved:
        return sorted(spans)
    return sorted((folded.start(start), folded.end(end), term) for start, end, term in spans)


def _folded(text: str) -> Folded:
    """``Folded(text)``, by the tables of characters."""
    if text.isascii():
        return Folded(text)
    found = characters()
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    if joining_characters()[codes].any():
        return Folded(text)
    folded, origins = found.folded[codes], None
    if folded.min() < 0:
        found.learn(np.unique(codes[folded == UNSEEN]))
        _, _, expansions, ends = found.tables
        origins, folded = _expanded(found.folded[codes], expansions, ends)
    return Folded(text, folded.tobytes().decode("utf-32-le", "surrogatepass"), origins)


def _expanded(folded: np.ndarray, expansions: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
    """(where every folded character comes from, the folded characters) when some may become none or several."""
    places = np.flatnonzero(folded < 0)
    if not len(places):
        return None, folded
    numbers = -2 - folded[places]
    sizes = np.ones(len(folded), np.int64)
    sizes[places] = ends[numbers + 1] - ends[numbers]
    origins = np.repeat(np.arange(len(folded)), sizes)
    filled, firsts = folded[origins], np.cumsum(sizes) - sizes
    for place, number in zip(places.tolist(), numbers.tolist()):
        filled[firsts[place] : firsts[place] + sizes[place]] = expansions[ends[number] : ends[number + 1]]
    return origins, filled


def _characters(folded: str, term: str) -> Iterator[tuple[int, int, str]]:
    """Every place of a tagged Han term, overlapping ones too."""
    searched = term[1:]
    at = folded.find(searched) if searched else -1
    while at >= 0:
        yield at, at + len(searched), term
        at = folded.find(searched, at + 1)


def _over_space(folded: str, pairs: Set[str]) -> Iterator[tuple[int, int, str]]:
    """Every place of a wanted pair of Han characters with white space between them."""
    if pairs:
        found = ((match.start(), match.end() + 1, HAN2 + match[1] + match[2]) for match in OVER_SPACE.finditer(folded))
        yield from (place for place in found if place[2] in pairs)


def _words(folded: str, wanted: Wanted, words: Words) -> Iterator[tuple[int, int, str]]:
    """Every place of a wanted word."""
    for at, end in _runs(folded, wanted):
        run = folded[at:end]
        entry = words[run]
        if type(entry) is Code:
            yield from ((at + part.start, at + part.end, part.term) for part in words.parts(run) if wanted.has(part.term))
        elif wanted.has(str(entry)):
            yield at, end, str(entry)


def _mixed(folded: str, heads: list[Head]) -> Iterator[tuple[int, int, str]]:
    """Every place of words across scripts."""
    lowered = same_case(folded) if heads else ""
    for head in heads:
        for at in _finds(lowered, head.word):
            first = at + head.before
            starts = (run.start() for run in WORD_RUN.finditer(folded, _run_start(folded, first, 0)))
            if next((start for start in starts if start >= first), -1) == first and head.ends_in(folded, at):
                yield at, at + len(head.word), head.word


def _runs(folded: str, wanted: Wanted) -> Iterator[tuple[int, int]]:
    """The runs that may have a wanted term: (start, end)."""
    searched = wanted.searched("." in folded)
    places = _ascii_places(folded, searched.packed) if searched.packed is not None else _places(folded, searched.beginnings)
    if places is None:
        yield from (run.span() for run in WORD_RUN.finditer(folded))
        return
    at = 0
    for place, end in places:
        if place < at:
            continue
        if end:
            at = end
            yield place, end
            continue
        for run in WORD_RUN.finditer(folded, _run_start(folded, place, at)):
            at = run.end()
            if at > place:
                yield run.span()
                break


def _run_start(folded: str, place: int, floor: int) -> int:
    """A place not before ``floor`` where no run goes on, nor behind the start of the one at ``place``."""
    while place > floor and _INSIDE.match(folded, place - 1):
        place -= 1
    return place


def _beginnings(wanted: Wanted, dots: bool) -> list[str]:
    """How runs and parts of runs with a wanted term begin, in lower case, without apostrophes and commas; ``dots``: initials too, as U.S.A."""
    found = {beginning for term in (*wanted.terms, *wanted.prefixes) for beginning in beginnings(term)}
    if dots:
        found |= {".".join(beginning) if len(beginning) > 1 else beginning + "." for beginning in found if beginning.isalpha()}
    shortest: list[str] = []
    for beginning in sorted(found):
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


def _ascii_places(folded: str, wanted: Beginnings) -> list[tuple[int, int]] | None:
    """Where in ``folded`` one of the beginnings stands at the start of a word, a part or a hump, and the end of a common word; None: cannot
    be told."""
    if not folded.isascii() and ("ß" in folded or "ẞ" in folded):
        # It is two letters of a term.
        return None
    return places_of(folded.encode("ascii", "replace"), wanted)


def _places(folded: str, searched: list[str]) -> list[tuple[int, int]] | None:
    """The same for any beginnings; no end is known."""
    lowered = folded.casefold()
    if len(lowered) != len(folded):
        # A character became several, so places are no longer the same.
        return None
    codes = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), np.uint32)
    lowered, removed = lowered.replace("'", "").replace(",", ""), _removed(codes)
    return sorted({(place, 0) for one in searched for place in _starts(codes, _finds(lowered, one), removed, one[0])})


def _removed(codes: np.ndarray) -> np.ndarray:
    """Places of apostrophes and commas, in the text without those before."""
    places = np.flatnonzero((codes == ord("'")) | (codes == ord(",")))
    return places - np.arange(len(places))


def _finds(text: str, searched: str) -> list[int]:
    found = []
    at = text.find(searched)
    while at >= 0:
        found.append(at)
        at = text.find(searched, at + 1)
    return found


def _starts(codes: np.ndarray, found: list[int], removed: np.ndarray, first: str) -> list[int]:
    """Places found without what was removed, as places in ``codes``; only those that are no mere middles of words or numbers.

    A letter behind a letter starts something only where it is a capital.
    """
    places = np.array(found, np.int64)
    places += np.searchsorted(removed, places, "right")
    before, here = np.where(places > 0, codes[places - 1], 0), codes[places]
    if first.isascii() and first.isdigit():
        kept = (before < ord("0")) | (before > ord("9"))
    elif first.isascii() and first.isalpha():
        kept = ((before | 32) < ord("a")) | ((before | 32) > ord("z")) | ((here >= ord("A")) & (here <= ord("Z")))
    else:
        kept = np.ones(len(places), np.bool_)
    return list(places[kept].tolist())
