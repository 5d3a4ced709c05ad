"""``lexicon/synonyms.txt`` -> what else the words of a query ask for.

    KFC, 肯德基                      each stands for the other
    ml => machine learning, 机器学习   who asks for the left gets the right too, not the other way

Sides may have several words; empty lines and lines from ``#`` on are skipped. Words are compared as the analyser of the collection sees them, so
case, width, traditional characters and English endings make no difference. Nothing of it is in the index: a changed file counts from the next search
on, and one with a bad line changes nothing.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from indexer.errors import SearchdError
from indexer.lexicon import LexiconError
from indexer.tokens import STREAM_HANWORD

SYNONYMS = "synonyms.txt"
MAX_SIDE, MAX_SIDES, MAX_WORDS = 100, 32, 16
MAX_NAMED = 20
_SEPARATOR = "\n"  # in no word
_ONE_WORD = 1 << 1
# Beyond this a file is no list that somebody wrote, and reading it would stop the service for seconds.
MAX_BYTES = 32 << 20


Sides = tuple[str, ...]


class BadSynonyms(SearchdError):
    """A line that is no rule."""

    code = "invalid_synonyms"


class Rule(NamedTuple):
    """Who asks for one of ``left`` gets ``right`` too."""

    left: Sides
    right: Sides


class Span(NamedTuple):
    """Words of a query that have synonyms: where they stand in its text, and the texts that may stand there instead."""

    start: int
    end: int
    others: tuple[str, ...]


def read_rules(folder: Path) -> list[tuple[Sides, Sides]]:
    """The rules of ``synonyms.txt`` in a lexicon folder, none without the file; raises LexiconError, which names every bad line up to 20.

    They are equal to records of ``Rule``, but plain tuples, which the collector of garbage lets go once it has seen that they hold strings.
    """
    path = folder / SYNONYMS
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        lines = data.decode("utf-8-sig").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise LexiconError(f"{path}: expected a UTF-8 text file, found {error}; correct or remove the file") from error
    if len(data) > MAX_BYTES:
        raise LexiconError(f"{path}: expected at most {MAX_BYTES >> 20} MiB, found more; shorten the file")
    return _parsed(path, lines)


def _parsed(path: Path, lines: Iterable[str]) -> list[tuple[Sides, Sides]]:
    rules: list[tuple[Sides, Sides]] = []
    bad: list[str] = []
    for number, line in enumerate(lines, 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        found = _rule(content)
        if isinstance(found, str):
            bad.append(f"{path}, line {number}: {found}, found {content[:80]!r}")
        else:
            rules.append(found)
    if bad:
        more = [f"and {len(bad) - MAX_NAMED} more bad lines"] if len(bad) > MAX_NAMED else []
        raise LexiconError("\n".join([*bad[:MAX_NAMED], *more]) + "\ncorrect the file: none of its synonyms is used")
    return rules


def _rule(content: str) -> tuple[Sides, Sides] | str:
    """The rule of a line, or what was expected of it."""
    left, arrow, right = content.partition("=>")
    if "=>" in right:
        return "expected one =>"
    easy = len(content) <= MAX_SIDE and "  " not in content and content.isprintable()
    sides = [_sides(left, easy), _sides(right, easy)] if arrow else [_sides(content, easy)]
    for side in sides:
        if problem := _problem(side, easy):
            return problem
    if not arrow and len(sides[0]) < 2:
        return "expected `a, b` or `a => b`"
    return sides[0], sides[-1]


def _sides(text: str, easy: bool) -> Sides:
    """The words between commas; ``easy``: all of the line is short and printable, and has no space beside another."""
    sides = text.replace("，", ",").split(",")
    return tuple([side.strip() for side in sides] if easy else [" ".join(side.split()) for side in sides])


def _problem(sides: Sides, easy: bool) -> str | None:
    """What is wrong with the words between two commas; ``easy`` as for ``_sides``."""
    if "" in sides:
        return "expected words between the commas"
    if len(sides) > MAX_SIDES:
        return f"expected at most {MAX_SIDES} synonyms in a line"
    if not easy and (max(map(len, sides)) > MAX_SIDE or not all(map(str.isprintable, sides))):
        return f"expected printable words of at most {MAX_SIDE} characters together"
    return None


def line_of(left: str, right: str) -> str:
    """The line by which who asks for ``left`` gets ``right`` too; "" when a line cannot hold them, since a comma, say, means something there."""
    line = f"{left} => {right}"
    return line if "#" not in line and _rule(line) == ((left,), (right,)) else ""


def with_line(folder: Path, line: str) -> bytes:
    """``synonyms.txt`` as it is after ``line`` was added, the rest byte for byte; as it was when the line is there already.

    Raises BadSynonyms for the line, and LexiconError for a file that is bad already: nothing is added to what is not used.
    """
    path, content = folder / SYNONYMS, line.partition("#")[0].strip()
    rule = _rule(content)
    if isinstance(rule, str):
        raise BadSynonyms(f"{rule}, found {content[:80]!r}")
    known = read_rules(folder)
    data = path.read_bytes() if path.exists() else b""
    if rule in known:
        return data
    new = data + (b"\n" if data and not data.endswith(b"\n") else b"") + line.strip().encode() + b"\n"
    if len(new) > MAX_BYTES:
        raise LexiconError(f"{path}: expected at most {MAX_BYTES >> 20} MiB, found more; shorten the file")
    return new


class Synonyms:
    """The rules as an analyser sees them; thread-safe, never changed."""

    def __init__(self, rules: Iterable[tuple[Sides, Sides]], analyzer: Any) -> None:
        self._analyzer = analyzer
        # Strings and numbers, and tuples that rules have already: a hundred thousand lines would keep the collector of garbage busy otherwise.
        self._others: dict[str, Sides] = {}
        # By first word, how many words the sides of several have: the n-th bit stands for n.
        self._lengths: dict[str, int] = {}
        for left, right in rules:
            for sequence in map(analyzer.sequence, left):
                self._add(sequence, right)

    def _add(self, sequence: list[str], right: Sides) -> None:
        count = len(sequence)
        if count == 1:
            (key,) = sequence
        elif 0 < count <= MAX_WORDS:
            key = _SEPARATOR.join(sequence)
            self._lengths[sequence[0]] = self._lengths.get(sequence[0], 0) | 1 << count
        else:
            return
        known = self._others.setdefault(key, right)
        if known is not right:
            self._others[key] = tuple(dict.fromkeys(known + right))

    def _others_of(self, sequence: list[str]) -> tuple[str, ...]:
        """What stands for a side, which is no synonym of itself."""
        others = self._others.get(_SEPARATOR.join(sequence), ())
        return tuple(other for other in others if self._analyzer.sequence(other) != sequence)[:MAX_SIDES]

    def __bool__(self) -> bool:
        return bool(self._others)

    def spans(self, text: str) -> list[Span]:
        """The parts of a query that have synonyms, from left to right, the longest where several begin; none overlap."""
        sequence = self._analyzer.sequence(text)
        lengths, known = self._lengths, self._others
        starts = [at for at, term in enumerate(sequence) if term in known or term in lengths]
        if not starts:
            return []
        places: _Places | None = None
        found: list[Span] = []
        free = 0
        for at in starts:
            for length in _descending(lengths.get(sequence[at], 0) | _ONE_WORD, len(sequence) - at) if at >= free else ():
                others = self._others_of(sequence[at : at + length])
                if not others:
                    continue
                places = places or _Places(self._analyzer.tokens(text))
                if places.whole_words(at, at + length):
                    found.append(Span(*places.range(at, at + length), others))
                    free = at + length
                    break
        return found


def _descending(lengths: int, most: int) -> list[int]:
    """The numbers whose bits are set, up to ``most``, greatest first."""
    return [n for n in range(min(MAX_WORDS, most), 0, -1) if lengths >> n & 1]


class _Places:
    """Where the terms of a text's sequence stand, and where its Han words begin and end."""

    def __init__(self, tokens: list) -> None:
        self._range: dict[int, tuple[int, int]] = {}
        self._inside: set[int] = set()
        for token in tokens:
            if token.stream == STREAM_HANWORD:
                self._inside.update(range(token.position + 1, token.position + token.length))
            elif token.length == 1:
                # The humps of a name stand at one position: the widest of the tokens there is the name.
                start, end = self._range.get(token.position, (token.start, token.end))
                self._range[token.position] = min(start, token.start), max(end, token.end)

    def whole_words(self, first: int, last: int) -> bool:
        """Whether no Han word goes over the borders: 北大 is not meant by 东北大学."""
        return first not in self._inside and last not in self._inside

    def range(self, first: int, last: int) -> tuple[int, int]:
        return self._range[first][0], self._range[last - 1][1]
