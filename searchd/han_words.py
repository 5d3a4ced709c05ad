"""The Chinese words of a collection by how they are said: for pinyin that was typed, and for words written with another character of the same sound.

The words are those of the term dictionary, the commonest 200,000 of two to eight characters; nothing of it is stored. A large collection's table is
made in the background, and until then there is none.
"""

import re
import threading
from typing import Any

import numpy as np

from indexer.format import HANWORD
from searchd.key_table import KeyTable
from searchd.pinyin import near, syllables
from searchd.synonyms import Span

MAX_WORDS, SHORTEST, LONGEST = 200_000, 2, 8
# Making a table of so many words takes a tenth of a second, which one search may wait for.
AT_ONCE = 5_000
# Initials of fewer letters are more often a name than four words.
MIN_INITIALS, MIN_PINYIN, MAX_PINYIN = 4, 3, 40
# Letters of several words that documents have, to be one Chinese word all the same.
MIN_KNOWN = 6
MAX_READ_AS, MAX_SPOKEN = 4, 8
_LETTERS = re.compile(r"(?<![A-Za-z0-9_.@&'+#-])[A-Za-z][A-Za-z']{0,40}(?![A-Za-z0-9_.@&'+#-])")
_PINYIN = re.compile(r"[a-z]{1,40}(?:[ '][a-z]{1,40}){0,7}\Z")


class HanWords:
    """Words with the number of documents of each, by pinyin and by initials; immutable."""

    def __init__(self, words: list[tuple[str, int]]) -> None:
        self.df = dict(words)
        self._words = [word for word, _ in words]
        weights = np.array([df for _, df in words], np.int32)
        spoken: list[bytes] = []
        initials: list[bytes] = []
        spoken_of: list[int] = []
        initials_of: list[int] = []
        for number, word in enumerate(self._words):
            ways = syllables(word)
            spoken += ["".join(way).encode() for way in ways]
            spoken_of += [number] * len(ways)
            short = {"".join(syllable[0] for syllable in way).encode() for way in ways}
            initials += short
            initials_of += [number] * len(short)
        self._spoken = KeyTable(spoken, np.array(spoken_of, np.int32), weights)
        self._initials = KeyTable(initials, np.array(initials_of, np.int32), weights)

    def said(self, letters: str) -> list[str]:
        """Words of this pinyin, commonest first."""
        return self._of(self._spoken, letters)

    def with_initials(self, letters: str) -> list[str]:
        """Words whose syllables begin with these letters, commonest first."""
        return self._of(self._initials, letters)

    def beginning(self, letters: str, limit: int) -> list[str]:
        """The commonest words whose pinyin or initials begin so."""
        tables = (self._spoken, self._initials)
        found = dict.fromkeys(self._words[e] for table in tables for e in table.beginning(letters.encode(), 2 * limit).tolist())
        return sorted(found, key=lambda word: -self.df[word])[:limit]

    def alike(self, word: str) -> list[str]:
        """Other words of as many characters that sound the same, then those that sound alike; commonest first among each."""
        ways = [near(way) for way in syllables(word)]
        same = [one for way in ways[:1] for one in self.said(way[0])]
        others = [one for way in ways for letters in way for one in self.said(letters)]
        others.sort(key=lambda one: -self.df[one])
        return [one for one in dict.fromkeys([*same, *others]) if len(one) == len(word) and one != word]

    def _of(self, table: KeyTable, letters: str) -> list[str]:
        found = dict.fromkeys(self._words[entry] for entry in table.exactly(letters.encode()).tolist())
        return sorted(found, key=lambda word: -self.df[word])


class LazyHanWords:
    """The table of one index, made when it is first asked for."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._found: HanWords | None = None
        self._thread: threading.Thread | None = None

    def get(self) -> HanWords | None:
        """The table; None while it is being made."""
        if self._found is None:
            with self._lock:
                if self._found is None and self._thread is None:
                    self._start()
        return self._found

    def close(self) -> None:
        """Wait for what goes on in the background."""
        if self._thread is not None:
            self._thread.join()

    def wait(self) -> HanWords:
        """The table, once it is made."""
        self.get()
        if self._thread is not None:
            self._thread.join()
        assert self._found is not None
        return self._found

    def _start(self) -> None:
        count = sum(len(segment.prefix_ids(HANWORD)) for segment in self._index.segments)
        if count <= AT_ONCE:
            self._make()
        else:
            self._thread = threading.Thread(target=self._make, name="han-words", daemon=True)
            self._thread.start()

    def _make(self) -> None:
        found: dict[str, int] = {}
        for segment in self._index.segments:
            for term, df in segment.prefix(HANWORD, MAX_WORDS):
                if SHORTEST <= len(term) - 1 <= LONGEST:
                    found[term[1:]] = found.get(term[1:], 0) + df
        self._found = HanWords(sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_WORDS])


def pinyin_spans(text: str, terms: list[str], snapshot: Any) -> list[Span]:
    """What Latin words of a text with these ``terms`` may be the pinyin of.

    All of a text of several words, if together they are one Chinese word; all of one of words that no document has; else each such word by itself.
    """
    places = [word.span() for word in _LETTERS.finditer(text)]
    spoken = bool(_PINYIN.match(text.lower()))
    unknown = _unknown(text, places, terms, snapshot)
    together = spoken and len(places) > 1
    table = snapshot.han_words.get() if unknown or together else None
    if table is None:
        return []
    foreign = spoken and len(unknown) == len(places)
    whole = _read_as(text, table, foreign) if foreign or together else []
    if whole:
        return [Span(0, len(text), tuple(whole))]
    return [Span(start, end, tuple(found)) for start, end in unknown if (found := _read_as(text[start:end], table, True))]


def _unknown(text: str, places: list[tuple[int, int]], terms: list[str], snapshot: Any) -> list[tuple[int, int]]:
    """The places of words that no document has."""
    counts = dict(zip(terms, snapshot.retriever.numbers_of_postings(terms)))
    if not places or all(counts.values()):
        return []
    weighted = snapshot.query_terms.weighted
    return [(start, end) for start, end in places[:MAX_SPOKEN] if not any(counts.get(term, 1) for term in weighted(text[start:end]).terms)]


def _read_as(text: str, table: HanWords, foreign: bool) -> list[str]:
    """The words that letters may be; only those that are ``foreign`` to the documents may be initials, or few."""
    letters = text.lower().replace(" ", "").replace("'", "")
    if not (MIN_PINYIN if foreign else MIN_KNOWN) <= len(letters) <= MAX_PINYIN:
        return []
    found = table.said(letters)
    if not found and foreign and len(letters) >= MIN_INITIALS:
        found = table.with_initials(letters)
    return found[:MAX_READ_AS]
