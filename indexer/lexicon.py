"""The lexicon folder of a home: what its owner knows about words, checked before use.

``words.txt``: one Chinese word a line, with its frequency if it is known (``云原生 120``), as in jieba's user dictionaries; a third column is
ignored. ``stopwords.txt``: one word a line that should weigh little in queries. Both are UTF-8; empty lines and lines from ``#`` are skipped.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import SearchdError
from indexer.folding import fold

WORDS, STOPWORDS = "words.txt", "stopwords.txt"
MAX_WORD = 64
MAX_DIGITS = 9


class LexiconError(SearchdError):
    """A file of the lexicon that cannot be used; the message names the file and the line."""

    code = "invalid_lexicon"


@dataclass(frozen=True)
class Lexicon:
    """User words with their frequencies (0 = high enough to be a word of its own) and user stop words, folded."""

    words: tuple[tuple[str, int], ...] = ()
    stopwords: frozenset[str] = frozenset()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the content; comments and the order of lines make no difference."""
        content = [sorted(self.words), sorted(self.stopwords)]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def read_lexicon(folder: Path | None) -> Lexicon:
    """The lexicon in ``folder``; missing files are empty ones. Raises LexiconError."""
    if folder is None:
        return Lexicon()
    words = tuple(dict(_word(*line) for line in _lines(folder / WORDS)).items())
    return Lexicon(words, frozenset(_checked(text, where) for text, where in _lines(folder / STOPWORDS)))


def lexicon_state(folder: Path | None) -> tuple[tuple[int, int], ...]:
    """Changes whenever a file of the lexicon does: (size, time of change in ns) of each."""
    if folder is None:
        return ()
    stats = [path.stat() for path in (folder / WORDS, folder / STOPWORDS) if path.exists()]
    return tuple((stat.st_size, stat.st_mtime_ns) for stat in stats)


def _lines(path: Path) -> list[tuple[str, str]]:
    """(text, "file, line n") of every line that says something."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise LexiconError(f"{path}: expected a UTF-8 text file, found {error}; correct or remove the file") from error
    lines = [(line.split("#")[0].strip(), f"{path}, line {number}") for number, line in enumerate(text.splitlines(), 1)]
    return [line for line in lines if line[0]]


def _word(line: str, where: str) -> tuple[str, int]:
    word, *rest = line.split()
    frequency = rest[0] if rest else "0"
    if not (frequency.isascii() and frequency.isdigit() and len(frequency) <= MAX_DIGITS):
        raise LexiconError(
            f"{where}: expected `word` or `word frequency`, found {line[:80]!r}; a frequency has at most {MAX_DIGITS} digits"
        )
    return _checked(word, where), int(frequency)


def _checked(word: str, where: str) -> str:
    if len(word) > MAX_WORD or not word.isprintable() or " " in word:
        raise LexiconError(f"{where}: expected one word of at most {MAX_WORD} characters, found {word[:80]!r}; correct the line")
    return fold(word)
