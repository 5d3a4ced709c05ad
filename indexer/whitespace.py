"""The analyzer of text that is tokenised already, for benchmarks and research: what stands between white space is a term, untouched.

Only characters that no term may have are replaced: the tags of the Han streams, which would make a word look like one of those, and lone
surrogates, which no file can hold.
"""

import hashlib
import json
import re
from collections.abc import Set
from typing import TYPE_CHECKING, Any

from indexer.format import HAN1, HAN2, HANWORD
from indexer.tokens import STREAM_WORD, IndexTerms, QueryTerm, Token, all_places, merge_repeats

if TYPE_CHECKING:
    import numpy as np

    from indexer.interning import Names
    from indexer.joined import JoinedTexts
    from indexer.texts import Numbered, Texts

RULES = 1
_TAGS = HAN1 + HAN2 + HANWORD
_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACED = {**dict.fromkeys(map(ord, _TAGS), "\ufffd"), **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}
_RUN = re.compile(r"\S+")


def _clean(text: str) -> str:
    """``text`` with one replacement character for each forbidden one; three searches by memchr when there is none."""
    if HAN1 in text or HAN2 in text or HANWORD in text or not (text.isascii() or not _SURROGATE.search(text)):
        return text.translate(_REPLACED)
    return text


class WhitespaceAnalyzer:
    """See the module; has no state."""

    name = "whitespace"
    words: tuple[tuple[str, int], ...] = ()

    def __init__(self) -> None:
        self.spec: dict[str, Any] = {"name": self.name, "rules": RULES}
        self.fingerprint = hashlib.sha256(json.dumps(self.spec, sort_keys=True).encode()).hexdigest()

    def cleaned(self, text: str) -> str:
        return _clean(text)

    def number_terms(self, texts: "Texts", names: "Names") -> "tuple[Names, Numbered]":
        # What only asks queries never loads the kernels.
        from indexer.byte_tokens import number_tokens

        return number_tokens(texts, names)

    def index_terms(self, text: str) -> IndexTerms:
        sequence = _clean(text).split()
        return IndexTerms(sequence, [], len(sequence))

    def sequence(self, text: str) -> list[str]:
        return _clean(text).split()

    def tokens(self, text: str) -> list[Token]:
        runs = enumerate(_RUN.finditer(_clean(text)))
        return [Token(m[0], STREAM_WORD, i, 1, m.start(), m.end(), text[m.start() : m.end()]) for i, m in runs]

    def query_terms(self, text: str) -> list[QueryTerm]:
        runs = enumerate(_RUN.finditer(_clean(text)))
        return merge_repeats([QueryTerm(m[0], STREAM_WORD, 1.0, i, m.start(), m.end()) for i, m in runs])

    def finder(self, terms: frozenset[str], prefixes: tuple[str, ...] = ()) -> "TokenFinder":
        return TokenFinder(terms, prefixes)

    def occurrences(self, text: str, terms: Set[str], prefixes: tuple[str, ...] = ()) -> list[tuple[int, int, str]]:
        return all_places(self.finder(frozenset(terms), prefixes), text)


class TokenFinder:
    """Looks for tokens; belongs to one search."""

    def __init__(self, terms: frozenset[str], prefixes: tuple[str, ...]) -> None:
        self.names = sorted(terms)
        self._numbers = {name: number for number, name in enumerate(self.names)}
        self._prefixes = prefixes

    def places(self, texts: "JoinedTexts", chosen: "np.ndarray") -> "np.ndarray":
        import numpy as np

        found = [(m.start() + start, m.end() + start, m[0]) for start, text in texts.chosen(chosen) for m in _RUN.finditer(_clean(text))]
        rows = [
            (start, end, self._number(token)) for start, end, token in found if token in self._numbers or token.startswith(self._prefixes)
        ]
        return np.array(rows, np.int32).reshape(-1, 3)

    def _number(self, token: str) -> int:
        if token not in self._numbers:
            self._numbers[token] = len(self.names)
            self.names.append(token)
        return self._numbers[token]
