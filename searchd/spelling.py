"""A Latin word that no document has -> words that some have, one edit away, or two where it is long.

The term dictionary holds stems, so the scan asks for stems near the word or near a beginning of it; the words themselves are read from the best
documents for each stem, and only those within the allowed edits count. A word is no nearer than its stem is to a beginning of what was typed, so
stems that are farther away than a word that was found are not read at all.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from indexer.folding import fold
from indexer.joined import JoinedTexts
from indexer.values import texts
from searchd.kernels_edits import MAX_FOUND, MAX_TYPED, distance, scan

ONE_EDIT, TWO_EDITS = 5, 9  # letters
# The longest ending that a stem lacks, as "ization".
SPARE = 7
# Stems whose words are read from documents, and how much is read.
MAX_STEMS, READ_DOCS, MAX_READ = 12, 3, 4000
# Of many near terms in one segment those with the fewest edits, then the commonest.
MAX_NEAR = 256
_LATIN = re.compile(r"[a-z]+\Z")
_WORD = re.compile(r"[a-z]+")


class Candidate(NamedTuple):
    """A word that may have been meant; ``df`` documents have it or another form of it."""

    word: str
    term: str
    edits: int
    df: int


def allowed_edits(word: str, num_typos: int) -> int:
    """How many edits of a word may be put right: none below 5 letters, one below 9, else two, and never more than ``num_typos``."""
    return min(num_typos, (len(word) >= ONE_EDIT) + (len(word) >= TWO_EDITS))


def candidates(snapshot: Any, word: str, num_typos: int = 2) -> list[Candidate]:
    """What may have been meant by a word: the words with the fewest edits, those in most documents first; none for what is not plain Latin."""
    word = fold(word)
    most = allowed_edits(word, num_typos)
    if most == 0 or len(word) > MAX_TYPED or not _LATIN.match(word):
        return []
    found: dict[str, Candidate] = {}
    for least, stems in groupby(_near_terms(snapshot, word, most), key=lambda stem: stem.edits):
        if least > most:
            break
        for one in _spelt(snapshot, word, list(stems)):
            if 0 < one.edits <= most and (one.word not in found or found[one.word].df < one.df):
                found[one.word], most = one, one.edits
    return sorted((one for one in found.values() if one.edits == most), key=lambda one: (-one.df, one.word))


def _spelt(snapshot: Any, word: str, stems: list[Candidate]) -> Iterable[Candidate]:
    """The words of the stems, with their edits."""
    for stem, spellings in zip(stems, snapshot.spellings.of([one.term for one in stems])):
        for spelling in spellings:
            yield stem._replace(word=spelling, edits=_edits(word, spelling))


def _edits(a: str, b: str) -> int:
    return int(distance(np.frombuffer(a.encode(), np.uint8), np.frombuffer(b.encode(), np.uint8)))


def _near_terms(snapshot: Any, word: str, most: int) -> list[Candidate]:
    """Terms of the dictionary that may be the stem of what was meant, the likeliest first."""
    stemmed = any(analyzer.name != "whitespace" for analyzer in snapshot.query_terms.analyzers)
    found: dict[str, Candidate] = {}
    for segment in snapshot.index.segments:
        for one in _scanned(segment, word, most, SPARE if stemmed else 0):
            known = found.get(one.term)
            found[one.term] = one if known is None else one._replace(df=one.df + known.df)
    return sorted(found.values(), key=lambda one: (one.edits, -one.df, one.term))[:MAX_STEMS]


def _scanned(segment: Any, word: str, most: int, spare: int) -> list[Candidate]:
    """Terms of Latin letters in one segment that some document has."""
    first, last = segment.terms.between("a", "z")
    if first >= last:
        return []
    typed = np.frombuffer(word.encode(), np.uint8)
    places, edits = np.empty(MAX_FOUND, np.int64), np.empty(MAX_FOUND, np.int64)
    n = scan(*segment.terms.coded(first, last), first, last, typed, most, spare, places, edits)
    df = segment.df(segment.terms.ids(places[:n]))
    best = np.lexsort((-df, edits[:n]))[:MAX_NEAR]
    best = best[df[best] > 0]
    near = zip(segment.terms.texts(places[best]), edits[best].tolist(), df[best].tolist())
    return [Candidate(term, term, edit, df) for term, edit, df in near if _LATIN.match(term)]


class Spellings:
    """How documents spell the words of a stem; remembered, since popular words are asked for again. Thread-safe."""

    MAX_KEPT = 4096

    def __init__(self, snapshot: Any) -> None:
        self._index, self._retriever, self._query_terms = snapshot.index, snapshot.retriever, snapshot.query_terms
        self._found: dict[str, tuple[str, ...]] = {}

    def of(self, terms: Sequence[str]) -> list[tuple[str, ...]]:
        """The words of each term, in lower case; none of one that no document has."""
        known = {term: self._found.get(term) for term in terms}
        if missing := [term for term, words in known.items() if words is None]:
            found = self._read(missing)
            if len(self._found) + len(found) > self.MAX_KEPT:
                self._found = {}
            self._found.update(found)
            known |= found
        return [known[term] or () for term in terms]

    def _read(self, terms: list[str]) -> dict[str, tuple[str, ...]]:
        """Each term's words in the best documents for it, the commonest first."""
        best = {term: set(self._retriever.top([term], [1.0], READ_DOCS)[0].tolist()) for term in terms}
        docs = sorted(set().union(*best.values()))
        documents = self._index.documents(np.array(docs, np.int64))
        counted: dict[str, Counter[str]] = {term: Counter() for term in terms}
        for analyzer in self._query_terms.analyzers:
            names = [name for name in self._query_terms.fields if self._query_terms.analyzer(name) is analyzer]
            read = [
                (doc, text[:MAX_READ]) for doc, one in zip(docs, documents) for name in names for text in texts(one.get(name))[:READ_DOCS]
            ]
            for doc, word, term in _places(analyzer, terms, read):
                if doc in best[term]:
                    counted[term][fold(word)] += 1
        return {term: tuple(word for word, _ in words.most_common()) for term, words in counted.items()}


def _places(analyzer: Any, terms: list[str], read: list[tuple[int, str]]) -> Iterable[tuple[int, str, str]]:
    """(document, word, term) of every place of a term in (document, text), all texts at once."""
    joined, finder = JoinedTexts([text for _, text in read]), analyzer.finder(frozenset(terms))
    found = finder.places(joined, np.arange(len(read)))
    owners = joined.borders.searchsorted(found[:, 0], "right") - 1
    for owner, (start, end, number) in zip(owners.tolist(), found.tolist()):
        yield read[owner][0], joined.text[start:end], finder.names[number]
