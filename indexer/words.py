"""Word runs -> terms: stems of words, codes whole and in parts.

What a run between spaces becomes (case is folded last):

    running           run                             Porter's stem; only ASCII letters are stemmed
    don't, Bob's      dont, bob                       the possessive goes, an apostrophe is nothing
    U.S.A             usa                             single letters with dots
    C++ C# 3.14       c++ / c# / 3.14                 kept whole
    .NET .gitignore   net / gitignor, plus the whole  a dot before a word, behind what is no word, belongs to a name
    1,000             1 000, plus 1000                groups of digits in sequence, and the number
    re.sub  WAP1.2    re sub / wap 1.2, plus the whole    a term for each part, in sequence, and one for the code
    getElementById    getelementbyid, plus get element by id

The parts of a code take a position each, so that the phrase "iphone 15" finds iPhone15 and "path join" finds os.path.join; the code itself is
an additional term at the first of them, so that exactly it ranks highest. Humps depend on how somebody typed, so they are only additional terms
at the word's one position. Names of two humps (JavaScript, GitHub) are not divided: a search for java does not want them.
"""

import re
from typing import Any, NamedTuple

import Stemmer

from indexer.bounded_cache import BoundedCache
from indexer.scripts import LETTERS, MARKS, UNSPACED

_TAIL = r"(?:\+\+(?!\+)|\#(?![#\w]))?"
# A comma between groups of digits: up to three before it, three behind.
_JOINT = r"(?:[.@&']|_+|(?<=[0-9])(?<![0-9]{4}),(?=[0-9]{3}(?![0-9])))"
_ASCII_DOT = r"(?:(?<![\w.])\.(?=[A-Za-z]))?"
_DOT = rf"(?:(?<![^\W{UNSPACED}])(?<![.{MARKS}])\.(?=[A-Za-z]))?"
ASCII_RUN = re.compile(rf"{_ASCII_DOT}[A-Za-z0-9]+(?:{_JOINT}[A-Za-z0-9]+)*{_TAIL}")
_RUN = rf"{_DOT}(?:{LETTERS})(?:{_JOINT}{LETTERS})*{_TAIL}"
WORD_RUN = re.compile(_RUN)
# (run of characters, word run): exactly one of the two groups is not empty.
ANY_RUN = re.compile(rf"([{UNSPACED}]+)|({_RUN})")

_PIECE = re.compile(r"\d+(?:\.\d+)*(?:\+\+|\#)?|[^\d.@&_+\#',][^\d.@&_+\#,]*(?:\+\+|\#)?")
_CHUNK = re.compile(r"[^.@&_,]+")
_GROUPED = re.compile(r"(?<![\w.])[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)*(?![0-9])")
_INITIALS = re.compile(r"[^\W\d](?:\.[^\W\d])+\Z")
_POSSESSIVE = re.compile(r"(?<=.)'[sS]\Z")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

# A run of many letters and digits by turns is a hash, not a name with a number.
MAX_PIECES = 8
MAX_TERM = 100
_CACHED_WORD = 40
_CACHE_SIZE = 400_000


# What a term is to its run; a GROUP is digits of a larger number.
WHOLE, PART, HUMP, GROUP = range(4)


class Part(NamedTuple):
    """A term and the letters it stands for: ``start`` and ``end`` in the run, ``position`` from the run's first."""

    term: str
    start: int
    end: int
    position: int
    role: int


class Code(NamedTuple):
    """A run that is more than one term. ``parts`` make the sequence; ``extra`` are indexed beside it."""

    sequence: tuple[str, ...]
    extra: tuple[str, ...]
    whole: str


class Words(BoundedCache[Any]):
    """Run -> its term (str), or a Code."""

    def __init__(self) -> None:
        super().__init__(self._entry, _CACHE_SIZE, _CACHED_WORD)
        # Porter's own algorithm did best among the stemmers on the judged English collections. Its cache is not needed behind ours.
        self._stem = Stemmer.Stemmer("porter", 0).stemWord

    def term(self, word: str) -> str:
        """The term of a word that is not a code; any case."""
        word = _letters(word)
        # Porter's own program leaves words of two letters alone; Snowball's would make "j" of "js".
        return self._stem(word) if len(word) > 2 and word.isascii() and word.isalpha() else word

    def parts(self, run: str) -> list[Part]:
        """All terms of ``run`` with what they cover: the whole first, then its parts or humps."""
        entry = self[run]
        if type(entry) is not Code:
            return [Part(str(entry), 0, len(run), 0, WHOLE)]
        bare = _POSSESSIVE.sub("", run)
        whole = Part(entry.whole, 0, len(run), 0, WHOLE)
        if run[0] == ".":
            return [whole, *(part._replace(start=part.start + 1, end=part.end + 1, role=part.role or PART) for part in self.parts(run[1:]))]
        if len(entry.sequence) == 1:
            humps = zip(entry.extra, _humps(bare))
            return [whole, *(Part(term, m.start(), m.end(), 0, HUMP) for term, m in humps)]
        parts = [Part(term, m.start(), m.end(), i, PART) for i, (term, m) in enumerate(zip(entry.sequence, _split(bare)))]
        return [whole, *parts] if "," not in bare else [whole, *_with_numbers(parts, bare)]

    def _entry(self, run: str) -> "str | Code":
        if run.islower() and run.isalpha() and run.isascii() and len(run) > 2:
            # Most words: what ``term`` makes of them by more steps.
            return self._stem(run[:MAX_TERM])
        if run.isascii() and run.isalpha():
            return self._plain(run)
        if run[0] == ".":
            return self._dotted(run)
        bare = _POSSESSIVE.sub("", run)
        if _INITIALS.match(bare):
            return self.term(bare.replace(".", ""))
        pieces = _split(bare)
        if len(pieces) < 2:
            return self.term(bare)
        whole = _letters(bare)
        numbers = [_letters(m[0]) for m in _GROUPED.finditer(bare) if m[0] != bare] if "," in bare else []
        return Code(tuple(self.term(m[0]) for m in pieces), (whole, *numbers), whole)

    def _dotted(self, run: str) -> Code:
        """A name with a dot before it, beside all that it is without."""
        rest, whole = self[run[1:]], _letters(run)
        if type(rest) is Code:
            return Code(rest.sequence, (whole, *rest.extra), whole)
        return Code((str(rest),), (whole,), whole)

    def _plain(self, word: str) -> "str | Code":
        humps = () if word.islower() or word.istitle() or word.isupper() else _humps(word)
        term = self.term(word)
        return Code((term,), tuple(self.term(m[0]) for m in humps), term) if humps else term


def _humps(word: str) -> list[re.Match[str]]:
    """The words of a camelCase identifier, without single letters; none for a name of two humps."""
    humps = list(_HUMP.finditer(word))
    if len(humps) < 2 or len(humps) == 2 and word[0].isupper():
        return []
    return [hump for hump in humps if len(hump[0]) > 1]


def _with_numbers(parts: list[Part], run: str) -> list[Part]:
    """The parts of a run with commas: those inside a number are its groups, and a number that is not all of the run is a part before them."""
    found: list[Part] = []
    for number in _GROUPED.finditer(run):
        first, last = number.span()
        if number[0] != run:
            found.append(Part(_letters(number[0]), first, last, next(part.position for part in parts if part.end > first), PART))
        parts = [part._replace(role=GROUP) if first <= part.start and part.end <= last else part for part in parts]
    return found + parts


def _split(run: str) -> list[re.Match[str]]:
    pieces = list(_PIECE.finditer(run))
    return pieces if len(pieces) <= MAX_PIECES else list(_CHUNK.finditer(run))


def _letters(word: str) -> str:
    """The word without case, possessive, apostrophes and commas, of bounded length."""
    return _POSSESSIVE.sub("", word).replace("'", "").replace(",", "").casefold()[:MAX_TERM]
