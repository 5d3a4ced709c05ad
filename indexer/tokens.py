"""The records that analysis makes, and the streams of terms."""

from collections.abc import Set
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from indexer.format import HAN1, HAN2, HANWORD

if TYPE_CHECKING:
    import numpy as np

    from indexer.interning import Names
    from indexer.joined import JoinedTexts
    from indexer.texts import Numbered, Texts

# Streams by number, as in schema.STREAMS; Han words come last and have no postings.
STREAM_WORD, STREAM_HAN1, STREAM_HAN2, STREAM_HANWORD = range(4)
STREAM_NAMES = ("word", "han1", "han2", "hanword")
_STREAM_OF_TAG = {HAN1: STREAM_HAN1, HAN2: STREAM_HAN2, HANWORD: STREAM_HANWORD}


def stream_of(term: str) -> int:
    """The number of a term's stream; it is told by the first character."""
    return _STREAM_OF_TAG.get(term[:1], STREAM_WORD)


def shown_term(term: str) -> str:
    """A term as people read it: without the tag of its stream."""
    return term[1:] if term[:1] in _STREAM_OF_TAG else term


class Token(NamedTuple):
    """A term and where it stands. ``position`` counts the sequence, ``length`` is in positions; ``start`` and ``end`` are code points of the
    original text, and ``surface`` is what stands there."""

    term: str
    stream: int
    position: int
    length: int
    start: int
    end: int
    surface: str


class IndexTerms(NamedTuple):
    """Terms of a text: ``sequence`` by position, ``extra`` (pairs and words of Han, whole codes) with repeats, ``length`` for BM25."""

    sequence: list[str]
    extra: list[str]
    length: int


class QueryTerm(NamedTuple):
    """A distinct term of a query; ``weight`` is summed over its repeats, the rest is that of its first place."""

    term: str
    stream: int
    weight: float
    position: int
    start: int
    end: int


class Finder(Protocol):
    """Looks for terms in texts; ``names`` are the terms by number, and grow as words are found that only begin as is asked."""

    names: list[str]

    def places(self, texts: "JoinedTexts", chosen: "np.ndarray") -> "np.ndarray":
        """int32[n, 3]: start, end and number of every place of a term in the ``chosen`` of the texts (int64, ascending), by start."""


class Analyzer(Protocol):
    """What every analyzer does; none of it raises for any str."""

    name: str
    spec: dict[str, Any]
    fingerprint: str
    words: tuple[tuple[str, int], ...]  # the user's words that terms depend on, with their frequencies

    def tokens(self, text: str) -> list[Token]:
        """All terms of ``text`` by place; the same as those of ``index_terms``."""

    def index_terms(self, text: str) -> IndexTerms:
        """The terms of a field's value."""

    def cleaned(self, text: str) -> str:
        """``text`` as ``number_terms`` must get it: without what no term may have."""

    def number_terms(self, texts: "Texts", names: "Names") -> "tuple[Names, Numbered]":
        """``index_terms`` of many cleaned texts, as numbers in ``names``, which grows."""

    def query_terms(self, text: str) -> list[QueryTerm]:
        """The distinct terms of a query, by first place; stop words weigh little, Han words nothing."""

    def sequence(self, text: str) -> list[str]:
        """One term a position, for phrases; that of ``index_terms``."""

    def finder(self, terms: frozenset[str], prefixes: tuple[str, ...] = ()) -> Finder:
        """What finds the places of ``terms``, and of word terms that begin with one of ``prefixes``; Han words are not looked for."""

    def occurrences(self, text: str, terms: Set[str], prefixes: tuple[str, ...] = ()) -> list[tuple[int, int, str]]:
        """(start, end, term) of the same places in one text, in order."""


def all_places(finder: Finder, text: str) -> list[tuple[int, int, str]]:
    """The places in one text."""
    import numpy as np

    from indexer.joined import JoinedTexts

    found = finder.places(JoinedTexts([text]), np.zeros(1, np.int64)).tolist()
    return sorted((start, end, finder.names[number]) for start, end, number in found)


def merge_repeats(terms: list[QueryTerm]) -> list[QueryTerm]:
    """Each term once, at its first place, with the sum of the weights."""
    merged: dict[str, QueryTerm] = {}
    for term in terms:
        first = merged.setdefault(term.term, term)
        if first is not term:
            merged[term.term] = first._replace(weight=first.weight + term.weight)
    return list(merged.values())
