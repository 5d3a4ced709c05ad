"""A word of a query -> words of the dictionary that are spelt like it, and what they are worth: character 4-grams without postings of their own.

A fragment is four characters of ``^word$``. Fragments of all words of the documents, indexed like words, find compounds, derivations and names run
together, and would make four fifths of an English index. But which words hold a fragment says the dictionary, and which documents hold a word its
postings: a fragment is treated as if its documents were those of its words. A word then earns the idf of every fragment that it shares with the
query's word, and the few that earn most join the query. The word itself is among them: what is long and rarely spelt so tells most.

Only words of ASCII characters take part (accents are folded by then); other scripts have their own streams. The lists of fragments are made of
the dictionary when the first word is asked for, in stretches of words, which bounds the memory this takes, and hold nine bytes a word. A segment's
lists go from generation to generation; what its deleted documents change is counted beside them, by the words that lost some since the last one.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import structlog

import indexer.bm25 as bm25
from indexer.errors import SearchdError
from indexer.strings import Strings
from searchd.kernels_subwords import COLUMNS, DF, GRAM, LAST, SIZE, add_gains, fill_table, measure_lists, write_lists

log = structlog.get_logger("searchd.subwords")
SHORTEST = 3  # letters of a word that is worth it
# The best of the words that share fragments, the word itself among them; more cost time, and 8 or 16 are a little worse.
MOST = 4
# Fragments of one word say the same thing again and again: n of them weigh like 5 ** .5 * n ** .5.
USUAL_FRAGMENTS = 5
# Terms whose lists are made while a search waits: half a second of CPU time.
AT_ONCE = 300_000
STRETCH = 1 << 16  # words that are looked at together
# In larger dictionaries words of one document take no part: most are misspelt or numbers, and the lists would have more than 40 MB.
MOST_WORDS = 4_000_000
CACHE_SIZE = 1 << 16
FIRST_ROOM = 1 << 12


class Words(NamedTuple):
    """Some words of a dictionary, the first of which is number ``first``; ``df`` int64[n] is 0 for what takes no part."""

    words: Strings
    df: np.ndarray
    first: int


class Fragments(NamedTuple):
    """Distinct fragments uint32[G] ascending; the numbers of the words that hold the i-th are the varints ``data[starts[i]:starts[i + 1]]``.

    ``df`` int64[G]: documents of the words that hold each, one counted as often as it has such words; ``size``: words of the dictionary.
    """

    grams: np.ndarray
    starts: np.ndarray
    data: np.ndarray
    df: np.ndarray
    size: int


class Losses(NamedTuple):
    """What deleted documents take from a segment's Fragments: terms ``ids`` uint32[n] ascending are in ``minus`` int64[n] documents fewer, fragments
    ``grams`` uint32[G] ascending in ``df`` int64[G] fewer; ``dead`` bool[size]: words by number that take no part any more."""

    ids: np.ndarray
    minus: np.ndarray
    grams: np.ndarray
    df: np.ndarray
    dead: np.ndarray


class Lists(NamedTuple):
    """The fragments of a segment as it was written, and what its deleted documents take from them."""

    fragments: Fragments
    losses: Losses | None


def fragments_of(stretches: Callable[[], Iterable[Words]]) -> Fragments:
    """The fragments of ASCII words; ``stretches`` gives the same words twice, in ascending order."""
    table, count, size = np.zeros((FIRST_ROOM, COLUMNS), np.int64), 0, 0
    for some in stretches():
        at, size = 0, some.first + len(some.words)
        while at < len(some.df):
            at, count = measure_lists(some.words.data, some.words.offsets, some.df, some.first, at, table, count)
            table = table if at == len(some.df) else _doubled(table)
    taken = np.flatnonzero(table[:, GRAM])
    taken = taken[np.argsort(table[taken, GRAM])]
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(table[taken, SIZE])])
    table[taken, SIZE], table[:, LAST] = starts[:-1], -1
    data = np.empty(int(starts[-1]), np.uint8)
    for some in stretches():
        write_lists(some.words.data, some.words.offsets, some.df, some.first, table, data)
    return Fragments((table[taken, GRAM] - 1).astype(np.uint32), starts, data, table[taken, DF], size)


def _doubled(table: np.ndarray) -> np.ndarray:
    larger = np.zeros((2 * len(table), COLUMNS), np.int64)
    fill_table(larger, table)
    return larger


def words_of(segment: Any, stop: threading.Event | None = None) -> Iterator[Words]:
    """The words of a segment's dictionary, in the order of their bytes, with the documents (deleted ones too) of those that take part; until
    ``stop`` is set."""
    first, last = segment.terms.words_range()
    least = _least(first, last)
    for at in range(first, last, STRETCH):
        if stop is not None and stop.is_set():
            return
        words, ids = segment.terms.packed(at, min(at + STRETCH, last))
        yield Words(words, _counted(segment.terms.df(ids), least), at)


def _least(first: int, last: int) -> int:
    """Documents that a word must have to take part."""
    return 2 if last - first > MOST_WORDS else 1


def _counted(df: np.ndarray, least: int) -> np.ndarray:
    return np.where(df < least, 0, df)


def losses_of(segment: Any, size: int, older: Losses | None = None) -> Losses | None:
    """What the deleted documents take from a segment's fragments of ``size`` words; None for nothing. ``older``: the same of fewer deletions."""
    ids, minus = segment.lost
    if not len(ids):
        return None
    before = np.zeros(len(ids), np.int64)
    if older is not None and bool(np.isin(older.ids, ids).all()):
        before[np.searchsorted(ids, older.ids)] = older.minus
    else:
        older = None
    first, last = segment.terms.words_range()
    least, base, places = _least(first, last), segment.terms.df(ids), segment.terms.places(ids).astype(np.int64)
    of_words = (places >= first) & (places < last)
    changed = np.flatnonzero(of_words & (minus != before))
    gone = _counted((base - before)[changed], least) - _counted((base - minus)[changed], least)
    words = Words(segment.terms.packed_at(places[changed]), gone, 0)
    new = fragments_of(lambda: [words])
    dead = np.zeros(size, np.bool_)
    dead[places[of_words & (base - minus < least)]] = True
    return Losses(ids, minus, *_added(new, older), dead)


def _added(new: Fragments, older: Losses | None) -> tuple[np.ndarray, np.ndarray]:
    if older is None:
        return new.grams, new.df
    grams = np.union1d(older.grams, new.grams)
    df = np.zeros(len(grams), np.int64)
    df[np.searchsorted(grams, older.grams)] += older.df
    df[np.searchsorted(grams, new.grams)] += new.df
    return grams, df


def _grams(text: np.ndarray) -> np.ndarray:
    """Every four bytes that follow each other as a number."""
    wide = text.astype(np.uint32)
    return (wide[:-3] << 24) | (wide[1:-2] << 16) | (wide[2:-1] << 8) | wide[3:]


def _has_letters(word: str) -> bool:
    """Whether an ASCII word is more than a number: numbers of the same digits mean different things."""
    return word.isascii() and word.lower() != word.upper()


class Subwords:
    """Words spelt alike in one index; thread-safe. ``older`` belongs to an index that may share segments with this one.

    Who needs the same answer every time waits until the lists are made. With ``in_background``, as in a service, those of large segments are made
    in a thread: until then the words are those of ``older``, or none.
    """

    def __init__(self, index: Any, older: "Subwords | None" = None) -> None:
        self._index, self._names = index, list(_names(index))
        # Let go of once there are lists of this index: what was open before must be able to go.
        self._older = None if older is None else older._latest()
        self.in_background: bool = older.in_background if older else False
        self._made: list[Lists] | None = None
        self._known: dict[str, list[tuple[str, float]]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def made(self) -> list[Lists] | None:
        """What there is by now; begins nothing."""
        return self._made

    def similar(self, word: str) -> list[tuple[str, float]]:
        """At most ``MOST`` words of the dictionary, best first, each with the weight that makes it earn what its shared fragments are worth."""
        found = self._known.get(word)
        if found is None:
            if not (_has_letters(word) and len(word) >= SHORTEST):
                found = []
            elif (lists := self._lists()) is None:
                older = self._older
                return older.similar(word) if older else []
            else:
                found = self._similar(word, lists)
            if len(self._known) >= CACHE_SIZE:
                self._known.clear()
            self._known[word] = found
        return found

    def close(self) -> None:
        """End what goes on in the background, and wait for it."""
        self._stop.set()
        self.finish()

    def finish(self) -> None:
        """Wait for what goes on in the background."""
        if self._thread is not None:
            self._thread.join()

    def _latest(self) -> "Subwords | None":
        """The latest that has lists, this one or one before it."""
        return self if self._made is not None else self._older

    def _lists(self) -> list[Lists] | None:
        """Of every segment; None while they are being made."""
        if self._made is None:
            with self._lock:
                if self._made is None and self._thread is None:
                    self._start()
        return self._made

    def _start(self) -> None:
        known = self._inherited()
        new = [segment for (file, _), segment in zip(self._names, self._index.segments) if file not in known]
        if self.in_background and sum(len(segment.terms) for segment in new) > AT_ONCE:
            self._thread = threading.Thread(target=self._make_quietly, name="subwords", daemon=True)
            self._thread.start()
        else:
            self._make()

    def _inherited(self) -> dict[str, tuple[str, Lists]]:
        """File of a segment -> its tombstones and lists."""
        return {file: (dead, made) for (file, dead), made in zip(self._older._names, self._older._made or ())} if self._older else {}

    def _make_quietly(self) -> None:
        try:
            self._make()
        except SearchdError as error:
            log.warning("no words spelt alike", reason=str(error), code=error.code)

    def _make(self) -> None:
        known = self._inherited()
        made = [
            self._lists_of(segment, dead, *known.get(file, ("", None))) for (file, dead), segment in zip(self._names, self._index.segments)
        ]
        if not self._stop.is_set():
            self._made, self._older = made, None

    def _lists_of(self, segment: Any, dead: str, buried: str, known: Lists | None) -> Lists:
        if known is not None and dead == buried:
            return known
        fragments = known.fragments if known else fragments_of(lambda: words_of(segment, self._stop))
        if self._stop.is_set():
            return Lists(fragments, None)  # they may not be whole, and nobody will use them
        return Lists(fragments, losses_of(segment, fragments.size, known.losses if known else None))

    def _similar(self, word: str, lists: list[Lists]) -> list[tuple[str, float]]:
        grams = np.unique(_grams(np.frombuffer(f"^{word}$".encode(), np.uint8)))
        gains = self._idf(grams, lists)
        shares: dict[str, float] = {}
        for segment, one in zip(self._index.segments, lists):
            for other, share in _best(segment, one, grams, gains):
                # A word of several segments shares the same in each.
                shares[other] = share
        best = sorted(shares, key=lambda other: (-shares[other], other))[:MOST]
        idf = bm25.idf(self._index.num_docs, self._index.df(best)) if best else ()
        scale = (USUAL_FRAGMENTS / len(grams)) ** 0.5
        return [(other, scale * shares[other] / float(one)) for other, one in zip(best, idf)]

    def _idf(self, grams: np.ndarray, lists: list[Lists]) -> np.ndarray:
        """float32, that of no documents for fragments nobody has."""
        df = np.zeros(len(grams), np.int64)
        for fragments, losses in lists:
            places, known = _places(fragments.grams, grams)
            df[known] += fragments.df[places]
            if losses is not None:
                places, known = _places(losses.grams, grams)
                df[known] -= losses.df[places]
        return bm25.idf(self._index.num_docs, np.minimum(df, self._index.num_docs)).astype(np.float32)


def _names(index: Any) -> Iterator[tuple[str, str]]:
    """What tells the segments and their deletions from those of other generations."""
    sha256 = {file.name: file.sha256 for file in index.manifest.files}
    return ((sha256[entry.file], sha256.get(entry.tombstones or "", "")) for entry in index.manifest.segments)


def _places(known_grams: np.ndarray, grams: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(places of those ``grams`` that are among the known ones, which these are)."""
    places = np.searchsorted(known_grams, grams)
    known = np.flatnonzero(places < len(known_grams))
    known = known[known_grams[places[known]] == grams[known]]
    return places[known], known


def _best(segment: Any, lists: Lists, grams: np.ndarray, gains: np.ndarray) -> list[tuple[str, float]]:
    """The words of a segment that share most, the first by their bytes of equal ones."""
    fragments, losses = lists
    places, known = _places(fragments.grams, grams)
    starts, stops = fragments.starts[places], fragments.starts[places + 1]
    sums = np.zeros(fragments.size, np.float32)
    touched = np.empty(int((stops - starts).sum()), np.uint32)
    touched = touched[: add_gains(fragments.data, starts, stops, gains[known], sums, touched)]
    touched = touched if losses is None else touched[~losses.dead[touched]]
    if len(touched) > MOST:
        least = np.partition(sums[touched], len(touched) - MOST)[len(touched) - MOST]
        touched = touched[sums[touched] >= least]
    best = touched[np.lexsort((touched, -sums[touched]))[:MOST]]
    return list(zip(segment.terms.texts(best.astype(np.int64)), sums[best].tolist()))
