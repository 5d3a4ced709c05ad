"""The lexicon folder of a home: what its owner knows about words, checked before use.

``user.txt``: one word a line, with its frequency if it is known and a tag that is ignored (``云原生 120 n``), as in jieba's user dictionaries; words
of Han, or across scripts (T恤; see ``mixed.py``). ``stopwords.txt``: one word a line that should weigh little in queries. Both are UTF-8; empty
lines, lines from ``#`` and what follows `` #`` are skipped. Every line is checked before any is used: one bad line, and nothing is loaded.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from indexer.errors import SearchdError
from indexer.folding import fold, fold_keeping_case, same_case
from indexer.scripts import HAN, LETTER, UNSPACED

WORDS, STOPWORDS = "user.txt", "stopwords.txt"
MAX_WORD = 64
MAX_DIGITS = 9
# Bad lines that an error names.
MAX_NAMED = 20
_COMMENT = re.compile(r"(?:^|\s)#.*")
_LINE = re.compile(rf"(\S+)(?:\s+(\d{{1,{MAX_DIGITS}}}))?(?:\s+[A-Za-z]{{1,8}})?", re.ASCII)
_ALL_HAN = re.compile(f"[{HAN}]+")
_SAYS_SOMETHING = re.compile(f"{LETTER}|[{UNSPACED}]")
_T = TypeVar("_T")


class LexiconError(SearchdError):
    """A file of the lexicon that cannot be used; the message names the file and the bad lines."""

    code = "invalid_lexicon"


@dataclass(frozen=True)
class Lexicon:
    """User words with their frequencies (0 = high enough to be a word of its own) and user stop words, folded."""

    words: tuple[tuple[str, int], ...] = ()
    stopwords: frozenset[str] = frozenset()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what an index depends on: the words. Comments, the order of lines and stop words, which only queries know, make no
        difference."""
        return hashlib.sha256(json.dumps(sorted(self.words)).encode()).hexdigest()

    @cached_property
    def han_words(self) -> tuple[tuple[str, int], ...]:
        """The words of Han alone, which take part in segmentation, sorted."""
        return tuple(sorted((word, freq) for word, freq in self.words if _ALL_HAN.fullmatch(word)))


def read_lexicon(folder: Path | None) -> Lexicon:
    """The lexicon in ``folder``; missing files are empty ones. Raises LexiconError."""
    if folder is None:
        return Lexicon()
    return Lexicon(tuple(dict(_read(folder / WORDS, _word)).items()), frozenset(_read(folder / STOPWORDS, _stopword)))


def lexicon_state(folder: Path | None) -> tuple[tuple[int, int], ...]:
    """Changes whenever a file of the lexicon does: (size, time of change in ns) of each."""
    if folder is None:
        return ()
    stats = [path.stat() for path in (folder / WORDS, folder / STOPWORDS) if path.exists()]
    return tuple((stat.st_size, stat.st_mtime_ns) for stat in stats)


def _read(path: Path, parse: Callable[[str], _T]) -> list[_T]:
    """What every line that says something stands for; raises LexiconError with all lines that are bad."""
    found: list[_T] = []
    bad: list[str] = []
    for number, line in _lines(path):
        try:
            found.append(parse(line))
        except ValueError as error:
            bad.append(f"{path}, line {number}: {error}, found {line[:80]!r}")
    if bad:
        more = f"; and {len(bad) - MAX_NAMED} more" if len(bad) > MAX_NAMED else ""
        raise LexiconError("; ".join(bad[:MAX_NAMED]) + more + "; correct or remove these lines: nothing was loaded")
    return found


def _lines(path: Path) -> list[tuple[int, str]]:
    """(number, text) of every line that says something."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise LexiconError(f"{path}: expected a UTF-8 text file, found {error}; correct or remove the file") from error
    lines = [(number, _COMMENT.sub("", line).strip()) for number, line in enumerate(text.split("\n"), 1)]
    return [line for line in lines if line[1]]


def _word(line: str) -> tuple[str, int]:
    columns = _LINE.fullmatch(line)
    if columns is None:
        raise ValueError(f"expected `word`, `word frequency` or `word frequency tag`, a frequency of at most {MAX_DIGITS} digits")
    word = same_case(fold_keeping_case(_checked(columns[1])))
    if len(word.split()) != 1:
        raise ValueError("expected one word, which this is not once its characters are normalised")
    return word, int(columns[2] or 0)


def _stopword(line: str) -> str:
    if " " in line:
        raise ValueError("expected one word")
    return fold(_checked(line))


def _checked(word: str) -> str:
    if len(word) > MAX_WORD or not word.isprintable():
        raise ValueError(f"expected one word of at most {MAX_WORD} printable characters")
    if not _SAYS_SOMETHING.search(word):
        raise ValueError("expected a word with a letter, a digit or a Chinese character")
    return word
