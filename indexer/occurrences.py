"""Where terms of the standard analyzer stand in a text: only what may be one of them is looked at.

Every form of a word begins like its term, up to what stemming rewrites at the end. So a text is searched for these beginnings, at the speed of
``str.find``, and only the runs around what is found are analysed. That tells the same places as analysing all of the text, in a tenth of the time.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Set
from typing import AnyStr, NamedTuple

import numpy as np

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
# Places of which each is looked at by itself; more are looked at by arrays.
_FEW = 16
# ASCII in lower case; what terms have none of is removed.
_LOWER, _REMOVED = bytes(range(256)).lower(), b"',"


class Wanted(NamedTuple):
    """Word terms, and beginnings of word terms."""

    terms: Set[str]
    prefixes: tuple[str, ...]

    def has(self, term: str) -> bool:
        """Whether a term is one of them."""
        return term in self.terms or (bool(self.prefixes) and term.startswith(self.prefixes))


def occurrences(text: str, terms: Set[str], prefixes: tuple[str, ...], words: Words, mixed: MixedWords) -> list[tuple[int, int, str]]:
    """(start, end, term) of every place of one of ``terms``, or of a word term with one of ``prefixes``, by start."""
    folded = _folded(text)
    spans = [span for term in terms if term[:1] in (HAN1, HAN2) for span in _characters(folded.text, term)]
    spans += _over_space(folded.text, terms)
    wanted = Wanted({term for term in terms if term[:1] not in (HAN1, HAN2, HANWORD)}, prefixes)
    if wanted.terms or prefixes:
        spans += _words(folded.text, wanted, words)
        spans += _mixed(folded.text, mixed.heads_of(wanted.terms, prefixes))
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


def _over_space(folded: str, terms: Set[str]) -> Iterator[tuple[int, int, str]]:
    """Every place of a wanted pair of Han characters with white space between them."""
    if not folded.isascii() and any(term[:1] == HAN2 for term in terms):
        found = ((match.start(), match.end() + 1, HAN2 + match[1] + match[2]) for match in OVER_SPACE.finditer(folded))
        yield from (place for place in found if place[2] in terms)


def _words(folded: str, wanted: Wanted, words: Words) -> Iterator[tuple[int, int, str]]:
    """Every place of a wanted word."""
    for run in _runs(folded, wanted):
        entry = words[run[0]]
        if type(entry) is Code:
            at = run.start()
            yield from ((at + part.start, at + part.end, part.term) for part in words.parts(run[0]) if wanted.has(part.term))
        elif wanted.has(str(entry)):
            yield run.start(), run.end(), str(entry)


def _mixed(folded: str, heads: list[Head]) -> Iterator[tuple[int, int, str]]:
    """Every place of words across scripts."""
    lowered = same_case(folded) if heads else ""
    for head in heads:
        for at in _finds(lowered, head.word):
            first = at + head.before
            starts = (run.start() for run in WORD_RUN.finditer(folded, _run_start(folded, first, 0)))
            if next((start for start in starts if start >= first), -1) == first and head.ends_in(folded, at):
                yield at, at + len(head.word), head.word


def _runs(folded: str, wanted: Wanted) -> Iterator[re.Match[str]]:
    """The runs that may have a wanted term."""
    searched = _beginnings(wanted, "." in folded)
    places = _ascii_places(folded, searched) if all(map(str.isascii, searched)) else _places(folded, searched)
    if places is None:
        yield from WORD_RUN.finditer(folded)
        return
    at = 0
    for place in places:
        if place < at:
            continue
        for run in WORD_RUN.finditer(folded, _run_start(folded, place, at)):
            at = run.end()
            if at > place:
                yield run
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


def _ascii_places(folded: str, searched: list[str]) -> list[int] | None:
    """Where in ``folded`` one of the beginnings, all of ASCII, stands at the start of a word, a part or a hump; None: cannot be told."""
    if not folded.isascii() and ("ß" in folded or "ẞ" in folded):
        # It is two letters of a term.
        return None
    data = folded.encode("ascii", "replace")
    removed = _removed(np.frombuffer(data, np.uint8)) if b"'" in data or b"," in data else np.empty(0, np.int64)
    lowered, codes = data.translate(_LOWER, _REMOVED), np.frombuffer(data, np.uint8)
    return sorted({place for one in searched for place in _starts(codes, _finds(lowered, one.encode()), removed, one[0])})


def _places(folded: str, searched: list[str]) -> list[int] | None:
    """The same for any beginnings."""
    lowered = folded.casefold()
    if len(lowered) != len(folded):
        # A character became several, so places are no longer the same.
        return None
    codes = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), np.uint32)
    lowered, removed = lowered.replace("'", "").replace(",", ""), _removed(codes)
    return sorted({place for one in searched for place in _starts(codes, _finds(lowered, one), removed, one[0])})


def _removed(codes: np.ndarray) -> np.ndarray:
    """Places of apostrophes and commas, in the text without those before."""
    places = np.flatnonzero((codes == ord("'")) | (codes == ord(",")))
    return places - np.arange(len(places))


def _finds(text: AnyStr, searched: AnyStr) -> list[int]:
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
    if not found:
        return []
    if len(found) <= _FEW:
        some = found if not len(removed) else [place + bisect_right(removed, place) for place in found]
        return [place for place in some if _is_start(codes.item(place - 1) if place else 0, codes.item(place), first)]
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


def _is_start(before: int, here: int, first: str) -> bool:
    """The same of one place: whether what begins with ``first``, and stands there as ``here``, does not go on from ``before``."""
    if not first.isascii():
        return True
    if first.isdigit():
        return not ord("0") <= before <= ord("9")
    return not (first.isalpha() and ord("a") <= before | 32 <= ord("z")) or ord("A") <= here <= ord("Z")
