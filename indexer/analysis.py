"""Text -> terms, the same for documents and queries: the door to the analyzers.

    text ─> folded text ─> runs ─> sequence: one term a position (stems of words, parts of codes, Han characters)
                                   extra:    what spans positions (whole codes, pairs of Han characters, Han words)

``standard`` is for what people write, ``whitespace`` for text that is tokenised already. What is decided where: ``folding.py`` (which characters are
the same), ``scripts.py`` (which are words by themselves), ``words.py`` (stems and codes), ``han.py`` (Han words), ``stopwords.py``, ``lexicon.py``.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from indexer.errors import SearchdError
from indexer.lexicon import Lexicon, LexiconError, lexicon_state, read_lexicon
from indexer.tokens import STREAM_HAN1, STREAM_HAN2, STREAM_HANWORD, STREAM_WORD, Analyzer, IndexTerms, QueryTerm, Token, stream_of
from indexer.whitespace import WhitespaceAnalyzer

__all__ = [
    "STREAM_HAN1",
    "STREAM_HAN2",
    "STREAM_HANWORD",
    "STREAM_WORD",
    "Analyzer",
    "IndexTerms",
    "LexiconError",
    "QueryTerm",
    "Token",
    "UnknownAnalyzer",
    "former_analyzer",
    "get_analyzer",
    "stream_of",
]


class UnknownAnalyzer(SearchdError):
    """A name that is no analyzer's."""

    code = "unknown_analyzer"


def get_analyzer(name: str, lexicon: Path | None = None) -> Analyzer:
    """The analyzer of that name with the words of a lexicon folder, shared and thread-safe; raises UnknownAnalyzer, LexiconError.

    A changed lexicon gives another analyzer; what holds the old one goes on with the old words.
    """
    return _analyzer(name, lexicon, lexicon_state(lexicon))


def former_analyzer(name: str, words: tuple[tuple[str, int], ...]) -> Analyzer:
    """The analyzer of that name as it was with these words of a user; raises UnknownAnalyzer."""
    return _made(name, lambda: Lexicon(words))


@lru_cache(maxsize=32)
def _analyzer(name: str, folder: Path | None, _state: tuple[tuple[int, int], ...]) -> Analyzer:
    return _made(name, lambda: read_lexicon(folder))


def _made(name: str, lexicon: Callable[[], Lexicon]) -> Analyzer:
    if name == "standard":
        # Its regular expressions take a while to compile, and pre-tokenised text needs none of them.
        from indexer.standard import StandardAnalyzer

        return StandardAnalyzer(lexicon())
    if name == "whitespace":
        return WhitespaceAnalyzer()
    raise UnknownAnalyzer(f'expected the analyzer "standard" or "whitespace", found {name!r}; correct `analyzer` in the schema')
