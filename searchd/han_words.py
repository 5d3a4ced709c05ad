"""The Chinese words of a collection by how they are said: for pinyin that was typed, and for words written with another character of the same sound.

The words are those of the term dictionary, the commonest 200,000 of two to eight characters; nothing of it is stored. A large collection's table is
made in the background, and until then there is none.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import structlog

from indexer.errors import SearchdError, reason
from indexer.format import HANWORD
from indexer.strings import Strings, encode, pack
from searchd.key_table import KeyTable, named, within
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
_NONE = np.zeros(0, np.int32)
_TABLES = ("spoken", "initials", "known")
KIND = "han-words"
log = structlog.get_logger("searchd.han_words")
_LETTERS = re.compile(r"(?<![A-Za-z0-9_.@&'+#-])[A-Za-z][A-Za-z']{0,40}(?![A-Za-z0-9_.@&'+#-])")
_PINYIN = re.compile(r"[a-z]{1,40}(?:[ '][a-z]{1,40}){0,7}\Z")


class HanWords:
    """Words with the number of documents of each, by pinyin and by initials; immutable. They are arrays, since strings would take four times the
    room."""

    def __init__(self, words: Sequence[tuple[str, int]]) -> None:
        self._words = pack([word for word, _ in words])
        self._df = np.array([df for _, df in words], np.int32)
        ways = [[(number, way) for way in syllables(word)] for number, (word, _) in enumerate(words)]
        spoken = [(number, "".join(way)) for found in ways for number, way in found]
        initials = [pair for found in ways for pair in dict.fromkeys((n, "".join(part[0] for part in way)) for n, way in found)]
        self._spoken, self._initials = _keyed(spoken, self._df), _keyed(initials, self._df)
        self._known = _keyed(list(enumerate(word for word, _ in words)), self._df)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """The words of what ``arrays`` gave; they share them."""
        found = cls.__new__(cls)
        found._words, found._df = Strings(arrays["words"], arrays["ends"]), arrays["df"]
        found._spoken, found._initials, found._known = (KeyTable.from_arrays(within(name, arrays)) for name in _TABLES)
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """All there is, by name."""
        tables = zip(_TABLES, (self._spoken, self._initials, self._known))
        own = {"words": self._words.data, "ends": self._words.offsets, "df": self._df}
        return own | {key: array for name, table in tables for key, array in named(name, table.arrays()).items()}

    def df(self, word: str) -> int:
        """Documents that have a word; 0 for one that is not here."""
        found = self._known.exactly(encode(word)) if SHORTEST <= len(word) <= LONGEST else _NONE
        return int(self._df[found[0]]) if len(found) else 0

    def said(self, letters: str) -> list[str]:
        """Words of this pinyin, commonest first."""
        return self._of(self._spoken.exactly(letters.encode()))

    def with_initials(self, letters: str) -> list[str]:
        """Words whose syllables begin with these letters, commonest first."""
        return self._of(self._initials.exactly(letters.encode()))

    def beginning(self, letters: str, limit: int) -> list[tuple[str, int]]:
        """The commonest words whose pinyin or initials begin so, with their documents."""
        tables = (self._spoken, self._initials)
        found = dict.fromkeys(entry for table in tables for entry in table.beginning(letters.encode(), 2 * limit).tolist())
        best = sorted(found, key=lambda number: -int(self._df[number]))[:limit]
        return [(self._words.text(number), int(self._df[number])) for number in best]

    def alike(self, word: str) -> list[str]:
        """Other words of as many characters that sound the same, then those that sound alike; commonest first among each."""
        ways = [near(way) for way in syllables(word)]
        same = [one for way in ways[:1] for one in self.said(way[0])]
        others = [one for way in ways for letters in way for one in self.said(letters)]
        others.sort(key=lambda one: -self.df(one))
        return [one for one in dict.fromkeys([*same, *others]) if len(one) == len(word) and one != word]

    def _of(self, entries: np.ndarray) -> list[str]:
        numbers = sorted(dict.fromkeys(entries.tolist()), key=lambda number: -int(self._df[number]))
        return [self._words.text(number) for number in numbers]


def _keyed(pairs: list[tuple[int, str]], df: np.ndarray) -> KeyTable:
    """The keys of numbered words."""
    return KeyTable([encode(key) for _, key in pairs], np.array([number for number, _ in pairs], np.int32), df)


def han_words_of(index: Any) -> HanWords:
    """The commonest Chinese words of an index."""
    found: dict[str, int] = {}
    for segment in index.segments:
        for term, df in segment.prefix(HANWORD, MAX_WORDS):
            if SHORTEST <= len(term) - 1 <= LONGEST:
                found[term[1:]] = found.get(term[1:], 0) + df
    return HanWords(sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_WORDS])


class LazyHanWords:
    """The table of one index, made when it is first asked for; with the ``maker`` of ``older``, as in a service, by another process for all who have
    one, if it is large."""

    def __init__(self, index: Any, older: "LazyHanWords | None" = None) -> None:
        self._index = index
        self.maker: Any = older.maker if older else None  # a TableMaker
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._found: HanWords | None = None
        self._thread: threading.Thread | None = None

    @property
    def made(self) -> HanWords | None:
        """What there is by now; begins nothing."""
        return self._found

    def get(self) -> HanWords | None:
        """The table; None while it is being made."""
        if self._found is None:
            with self._lock:
                if self._found is None and self._thread is None:
                    self._start()
        return self._found

    def close(self) -> None:
        """End what goes on in the background, and wait for it."""
        self._stop.set()
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
            self._found = han_words_of(self._index)
        else:
            self._thread = threading.Thread(target=self._make, name="han-words", daemon=True)
            self._thread.start()

    def _make(self) -> None:
        """Where the other process fails, this one makes them."""
        try:
            self._found = self.maker.get(KIND, self._index, self._stop) if self.maker else None
        except (SearchdError, OSError) as error:
            log.warning("words made here", reason=str(error) if isinstance(error, SearchdError) else reason(error))
        if self._found is None and not self._stop.is_set():
            self._found = han_words_of(self._index)


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
