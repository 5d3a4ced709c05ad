"""A Latin word that no document has -> words that some have, one edit away, or two where it is long.

The term dictionary holds stems, so the scan asks for stems near the word or near a beginning of it; the words themselves are read from the best
documents for each stem, and only those within the allowed edits count.
"""

import re
from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from indexer.folding import fold
from indexer.values import texts
from searchd.kernels_edits import MAX_FOUND, MAX_TYPED, distance, scan

ONE_EDIT, TWO_EDITS = 5, 9  # letters
# The longest ending that a stem lacks, as "ization".
SPARE = 7
# Stems whose words are read from documents, and how much is read.
MAX_STEMS, READ_DOCS, MAX_READ = 12, 3, 4000
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
    """What may have been meant by a word, fewest edits first, then those in most documents; none for what is not plain Latin."""
    word = fold(word)
    most = allowed_edits(word, num_typos)
    if most == 0 or len(word) > MAX_TYPED or not _LATIN.match(word):
        return []
    found: dict[str, Candidate] = {}
    for term in _near_terms(snapshot, word, most):
        for spelling in snapshot.spellings.of(term.term):
            edits = _edits(word, spelling)
            if 0 < edits <= most and (spelling not in found or found[spelling].df < term.df):
                found[spelling] = Candidate(spelling, term.term, edits, term.df)
    return sorted(found.values(), key=lambda one: (one.edits, -one.df, one.word))


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
    terms, ids = segment.terms.at(places[:n])
    near = zip(terms, edits[:n].tolist(), segment.df(ids).tolist())
    return [Candidate(term, term, edit, df) for term, edit, df in near if df and _LATIN.match(term)]


class Spellings:
    """How documents spell the words of a stem; remembered, since popular words are asked for again. Thread-safe."""

    MAX_KEPT = 4096

    def __init__(self, snapshot: Any) -> None:
        self._index, self._retriever, self._query_terms = snapshot.index, snapshot.retriever, snapshot.query_terms
        self._found: dict[str, tuple[str, ...]] = {}

    def of(self, term: str) -> tuple[str, ...]:
        """The words, in lower case, commonest in the best documents first; none when no document has the term."""
        known = self._found.get(term)
        if known is None:
            if len(self._found) >= self.MAX_KEPT:
                self._found = {}
            known = self._found[term] = tuple(word for word, _ in self._count(term).most_common())
        return known

    def _count(self, term: str) -> Counter[str]:
        counted: Counter[str] = Counter()
        docs, _ = self._retriever.top([term], [1.0], READ_DOCS)
        for doc in docs.tolist():
            document = self._index.stored(doc)
            for name in self._query_terms.fields:
                analyzer = self._query_terms.analyzer(name)
                for text in texts(document.get(name))[:READ_DOCS]:
                    for start, end, _ in analyzer.occurrences(text[:MAX_READ], {term}):
                        counted[fold(text[start:end])] += 1
        return counted
