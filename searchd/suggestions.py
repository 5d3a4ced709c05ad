"""What the documents and the click log hold -> tables that complete what is being typed in microseconds.

Made when it is first needed: at once for a small collection, else in the background, where it takes at most half of a core; until then what an older
generation had goes on. Nobody's request reads documents.
"""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import structlog

from indexer.analysis import former_analyzer
from indexer.errors import SearchdError, reason
from indexer.folding import fold
from indexer.strings import Strings, encode, pack
from indexer.values import texts
from ranker.popular import popular_queries
from searchd.asked import Asked
from searchd.key_table import KeyTable
from searchd.suggestion_keys import WORD, keys_of

log = structlog.get_logger("searchd.suggestions")
KIND = "suggestions"
AT_ONCE = 2_000
MAX_TITLES, MAX_WORDS = 200_000, 300_000
# Documents and characters of each that are read for words.
READ_DOCS, MAX_READ = 20_000, 4_000
# Of more words than these, those that were read once are no suggestion: most are names, numbers and slips.
FEW_WORDS = 50_000
MAX_TITLE = 80
REFRESH_SECONDS = 600.0
# A new generation's tables wait so long after those of the one before: documents that change all the time must not keep a core busy.
SOON_SECONDS = 30.0
TITLE_WEIGHT, QUERY_WEIGHT = 1, 1 << 20
_NOT_HAN = re.compile(r"[^\u3400-\u4dbf\u4e00-\u9fff]")


class Entry(NamedTuple):
    """Something to suggest, with the documents that have it (0: not counted); ``group``: of the entries of one term only the best is shown."""

    text: str
    df: int
    group: str


class Table:
    """Entries found by the beginning of any of their keys; immutable. They are arrays: half a million objects would take four times the room."""

    def __init__(self, texts: Strings, groups: Strings, df: np.ndarray, keys: KeyTable) -> None:
        self.texts, self.groups, self.df, self.keys = texts, groups, df, keys

    def __len__(self) -> int:
        return len(self.texts)

    def beginning(self, prefix: str, limit: int) -> list[Entry]:
        """The best entries, each group once."""
        found: dict[str, Entry] = {}
        for number in self.keys.beginning(encode(prefix), 4 * limit).tolist():
            group = self.groups.text(number)
            if group not in found:
                found[group] = Entry(self.texts.text(number), int(self.df[number]), group)
        return list(found.values())[:limit]

    def any_beginning(self, prefixes: list[str]) -> list[str]:
        """Those of the prefixes that some key begins with."""
        return [prefix for prefix, found in zip(prefixes, self.keys.begun([encode(one) for one in prefixes])) if found]


class Tables(NamedTuple):
    """What completes a query: whole ones (asked before, or titles), and words; ``asked``: those asked before, to correct by."""

    phrases: Table
    words: Table
    asked: Asked


def make_tables(index: Any, query_terms: Any, stop: threading.Event | None = None) -> Tables:
    """Read an index and its home's click log; with ``stop`` (set: read no more) leave the processor to others half of the time."""
    counted: Counter[str] = Counter()
    titles: dict[str, str] = {}
    name = max(index.schema.text_fields, key=lambda field: field.weight).name
    for number, document in enumerate(_documents(index, stop)):
        title = " ".join(" ".join(texts(document.get(name))[:1]).split())
        if title and len(title) <= MAX_TITLE:
            titles.setdefault(fold(title), title)
        if number < READ_DOCS:
            for field in query_terms.fields:
                for text in texts(document.get(field))[:4]:
                    counted.update(WORD.findall(fold(text[:MAX_READ])))
    popular = _popular(index)
    return Tables(phrase_table(popular, titles), _word_table(counted, index, query_terms), Asked(popular))


def _documents(index: Any, stop: threading.Event | None) -> Iterator[dict[str, Any]]:
    started = time.monotonic()
    for number, doc in enumerate(index.live_docs()):
        if number >= MAX_TITLES or (stop is not None and stop.is_set()):
            return
        segment, local = index.locate(doc)
        yield segment.fields(local)  # without its key, which costs as much as its text
        if stop is not None and number % 64 == 63:
            stop.wait(min(0.1, time.monotonic() - started))
            started = time.monotonic()


def _popular(index: Any) -> list[tuple[str, int]]:
    try:
        return popular_queries(index.home.clicks)
    except SearchdError as error:
        log.warning("no suggestions from the click log", reason=str(error), code=error.code)
        return []


def phrase_table(popular: list[tuple[str, int]], titles: dict[str, str]) -> Table:
    """Popular queries (text, clients) and titles (by folded text), which may be typed from any of their first words on, or in pinyin."""
    asked = [fold(text) for text, _ in popular]
    known = set(asked)
    rest = titles if known.isdisjoint(titles) else {folded: title for folded, title in titles.items() if folded not in known}
    weights = np.full(len(asked) + len(rest), TITLE_WEIGHT, np.int32)
    weights[: len(asked)] = [QUERY_WEIGHT + min(clients, QUERY_WEIGHT) for _, clients in popular]
    shown, groups = pack([*(" ".join(text.split()) for text, _ in popular), *rest.values()]), pack([*asked, *rest])
    keys, owners = keys_of(groups)
    return Table(shown, groups, np.zeros(len(groups), np.int64), KeyTable(keys, owners, weights))


def _word_table(counted: Counter[str], index: Any, query_terms: Any) -> Table:
    """Words as documents spell them, weighted by how many documents have some form of each."""
    least = 2 if len(counted) > FEW_WORDS else 1
    words = [word for word, count in counted.most_common(MAX_WORDS) if count >= least and _NOT_HAN.match(word)]
    # An analyser of its own, since it remembers every word, which nobody may ever ask for.
    analyzer = former_analyzer(query_terms.words_analyzer.name, query_terms.words_analyzer.words)
    sequences = [analyzer.sequence(word) for word in words]
    known = [(word, sequence[0]) for word, sequence in zip(words, sequences) if len(sequence) == 1]
    counts = index.df([term for _, term in known]).tolist() if known else []
    entries = [Entry(word, df, term) for (word, term), df in zip(known, counts) if df]
    shown, groups = pack([entry.text for entry in entries]), pack([entry.group for entry in entries])
    df = np.array([entry.df for entry in entries], np.int64)
    return Table(shown, groups, df, KeyTable([encode(entry.text) for entry in entries], np.arange(len(entries)), np.minimum(df, 1 << 30)))


class Suggestions:
    """The tables of one index, made again in the background as the click log grows. ``older`` serve until the first are made, which happens no
    sooner than half a minute after theirs were, and never beside them.

    With a ``maker``, as in a service, those of large collections are made by another process, for all who have one."""

    def __init__(self, index: Any, query_terms: Any, older: "Suggestions | None" = None) -> None:
        self._index, self._query_terms = index, query_terms
        self._tables: Tables | None = None
        self._made = -REFRESH_SECONDS
        self._busy_one = older._running() if older else None
        self.maker: Any = older.maker if older else None  # a TableMaker
        if older is not None:
            self._follow(older)
        self._lock = threading.Lock()
        self._busy = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def close(self) -> None:
        """End what goes on in the background, and wait for it."""
        self._stop.set()
        if self._busy_one is not None:
            self._busy_one.close()
        if self._thread is not None:
            self._thread.join()

    @property
    def made(self) -> Tables | None:
        """What there is by now; begins nothing."""
        return self._tables

    def get(self) -> Tables | None:
        """The tables; None until there are any. Who begins to renew them goes on with those there were."""
        found = self._tables
        if time.monotonic() - self._made > REFRESH_SECONDS and not self._busy:
            with self._lock:
                if self._busy_one is not None and not self._busy_one._busy:
                    self._follow(self._busy_one)
                    self._busy_one = None
                if self._busy_one is None and not self._busy and time.monotonic() - self._made > REFRESH_SECONDS:
                    self._renew()
        return found or self._tables

    def _running(self) -> "Suggestions | None":
        """The one of this generation or one before it that makes tables just now."""
        return self if self._busy else self._busy_one

    def _follow(self, older: "Suggestions") -> None:
        self._tables = older._tables
        self._made = older._made - REFRESH_SECONDS + SOON_SECONDS

    def _renew(self) -> None:
        if self._tables is None and self._index.num_docs <= AT_ONCE:
            self._tables = make_tables(self._index, self._query_terms)
            self._made = time.monotonic()
        else:
            self._busy = True
            self._thread = threading.Thread(target=self._renew_slowly, name="suggestions", daemon=True)
            self._thread.start()

    def _renew_slowly(self) -> None:
        try:
            found = self._made_elsewhere() if self.maker else make_tables(self._index, self._query_terms, self._stop)
            self._tables = self._tables if self._stop.is_set() else found or self._tables
        except SearchdError as error:
            log.warning("no new suggestions", reason=str(error), code=error.code)
        except OSError as error:
            log.warning("no new suggestions", reason=reason(error))
        finally:
            self._made = time.monotonic()
            self._busy = False

    def _made_elsewhere(self) -> Tables | None:
        if self._tables is None:
            self._tables = self.maker.at_hand(KIND, self._index)
        found: Tables | None = self.maker.get(KIND, self._index, self._stop)
        return found
