"""A word of a query -> words of the dictionary that are spelt like it, and what they are worth: character 4-grams without postings of their own.

A fragment is four characters of ``^word$``. Fragments of all words of the documents, indexed like words, find compounds, derivations and names run
together, and would make four fifths of an English index. But which words hold a fragment says the dictionary, and which documents hold a word its
postings: a fragment is treated as if its documents were those of its words. A word then earns the idf of every fragment that it shares with the
query's word, and the few that earn most join the query. The word itself is among them: what is long and rarely spelt so tells most.

Only words of ASCII characters take part (accents are folded by then); other scripts have their own streams. The lists of fragments are made of
the dictionary when the first word is asked for, in blocks of words, which bounds the memory this takes; segments keep them over generations.
"""

import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import indexer.bm25 as bm25
import indexer.strings as strings
from indexer.strings import Strings
from searchd.kernels_subwords import add_gains

GRAM = 4
SHORTEST = 3  # letters of a word that is worth it
# The best of the words that share fragments, the word itself among them; more cost time, and 8 or 16 are a little worse.
MOST = 4
# Fragments of one word say the same thing again and again: n of them weigh like 5 ** .5 * n ** .5.
USUAL_FRAGMENTS = 5
BLOCK_WORDS = 1 << 17
CACHE_SIZE = 1 << 16
_START, _END = ord("^"), ord("$")


class Fragments(NamedTuple):
    """Distinct fragments uint32[G] ascending; owners[starts[i]:starts[i + 1]] are the words that hold the i-th, ascending."""

    grams: np.ndarray
    starts: np.ndarray
    owners: np.ndarray


class Block(NamedTuple):
    """Some words of a segment, in the order of their bytes, with their fragments and ``df``: int64[G], documents of the words that hold each."""

    words: Strings
    fragments: Fragments
    df: np.ndarray


def fragments_of(words: Strings) -> Fragments:
    """The fragments of ASCII words."""
    lengths = np.diff(words.offsets).astype(np.int64)
    owners = np.repeat(np.arange(len(words), dtype=np.uint32), lengths + 2)
    whole = owners[: -GRAM + 1] == owners[GRAM - 1 :]
    pairs = np.unique((_grams(_between_marks(words, lengths))[whole].astype(np.uint64) << 32) | owners[: -GRAM + 1][whole])
    grams, starts = np.unique((pairs >> 32).astype(np.uint32), return_index=True)
    return Fragments(grams, np.append(starts, len(pairs)), pairs.astype(np.uint32))


def _between_marks(words: Strings, lengths: np.ndarray) -> np.ndarray:
    """``^word$`` of all words, one after the other."""
    text = np.empty(len(words.data) + 2 * len(words), np.uint8)
    firsts = words.offsets[:-1].astype(np.int64) + 2 * np.arange(len(words))
    lasts = firsts + lengths + 1
    inside = np.ones(len(text), np.bool_)
    inside[firsts] = inside[lasts] = False
    text[firsts], text[lasts], text[inside] = _START, _END, words.data
    return text


def _grams(text: np.ndarray) -> np.ndarray:
    """Every four bytes that follow each other as a number."""
    wide = text.astype(np.uint32)
    return (wide[:-3] << 24) | (wide[1:-2] << 16) | (wide[2:-1] << 8) | wide[3:]


def blocks_of(segment: Any) -> list[Block]:
    """The ASCII words of a segment's dictionary that live documents have."""
    words, ids = segment.terms.words()
    chosen = np.flatnonzero(_ascii(words) & (segment.df(ids) > 0))
    return [_block(segment, words, ids, chosen[at : at + BLOCK_WORDS]) for at in range(0, len(chosen), BLOCK_WORDS)]


def _ascii(words: Strings) -> np.ndarray:
    foreign = np.concatenate([[0], np.cumsum(words.data >= 128)])
    return foreign[words.offsets[1:].astype(np.int64)] == foreign[words.offsets[:-1].astype(np.int64)]


def _block(segment: Any, words: Strings, ids: np.ndarray, chosen: np.ndarray) -> Block:
    some = strings.take(words, chosen)
    found = fragments_of(some)
    df = segment.df(ids[chosen])
    return Block(some, found, np.add.reduceat(df[found.owners], found.starts[:-1]) if len(found.grams) else np.zeros(0, np.int64))


def _has_letters(word: str) -> bool:
    """Whether an ASCII word is more than a number: numbers of the same digits mean different things."""
    return word.isascii() and word.lower() != word.upper()


class Subwords:
    """Words spelt alike in one index; thread-safe. ``older`` belongs to an index that may share segments with this one."""

    def __init__(self, index: Any, older: "Subwords | None" = None) -> None:
        self._index = index
        # Only the lists are kept: what was open before must be able to go.
        self._inherited: dict[Any, list[Block]] = (older._blocks or older._inherited) if older else {}
        self._blocks: dict[Any, list[Block]] | None = None
        self._known: dict[str, list[tuple[str, float]]] = {}
        self._lock = threading.Lock()

    def similar(self, word: str) -> list[tuple[str, float]]:
        """At most ``MOST`` words of the dictionary, best first, each with the weight that makes it earn what its shared fragments are worth."""
        found = self._known.get(word)
        if found is None:
            found = self._similar(word) if _has_letters(word) and len(word) >= SHORTEST else []
            if len(self._known) >= CACHE_SIZE:
                self._known.clear()
            self._known[word] = found
        return found

    def _similar(self, word: str) -> list[tuple[str, float]]:
        grams = np.unique(_grams(np.frombuffer(f"^{word}$".encode(), np.uint8)))
        blocks = self._all_blocks()
        gains = self._idf(grams, blocks)
        shares: dict[str, float] = {}
        for block in blocks:
            shares.update(_best(block, grams, gains))
        best = sorted(shares, key=lambda other: (-shares[other], other))[:MOST]
        idf = bm25.idf(self._index.num_docs, self._index.df(best)) if best else ()
        scale = (USUAL_FRAGMENTS / len(grams)) ** 0.5
        return [(other, scale * shares[other] / float(one)) for other, one in zip(best, idf)]

    def _idf(self, grams: np.ndarray, blocks: list[Block]) -> np.ndarray:
        """float32, that of no documents for fragments nobody has."""
        df = np.zeros(len(grams), np.int64)
        for block in blocks:
            places, known = _places(block.fragments, grams)
            df[known] += block.df[places]
        return bm25.idf(self._index.num_docs, np.minimum(df, self._index.num_docs)).astype(np.float32)

    def _all_blocks(self) -> list[Block]:
        if self._blocks is None:
            with self._lock:
                if self._blocks is None:
                    older = self._inherited
                    self._blocks = {
                        name: older.get(name) or blocks_of(segment) for name, segment in zip(_names(self._index), self._index.segments)
                    }
                    self._inherited = {}
        return [block for blocks in self._blocks.values() for block in blocks]


def _names(index: Any) -> Iterator[tuple[str, str]]:
    """What tells the segments and their deletions from those of other generations."""
    sha256 = {file.name: file.sha256 for file in index.manifest.files}
    return ((sha256[entry.file], sha256.get(entry.tombstones or "", "")) for entry in index.manifest.segments)


def _places(fragments: Fragments, grams: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(places of those ``grams`` that are there, which these are)."""
    places = np.searchsorted(fragments.grams, grams)
    known = np.flatnonzero(places < len(fragments.grams))
    known = known[fragments.grams[places[known]] == grams[known]]
    return places[known], known


def _best(block: Block, grams: np.ndarray, gains: np.ndarray) -> dict[str, float]:
    """The words of a block that share most, the first by their bytes of equal ones."""
    places, known = _places(block.fragments, grams)
    starts, stops = block.fragments.starts[places], block.fragments.starts[places + 1]
    sums = np.zeros(len(block.words), np.float32)
    touched = np.empty(int((stops - starts).sum()), np.uint32)
    touched = touched[: add_gains(block.fragments.owners, starts, stops, gains[known], sums, touched)]
    if len(touched) > MOST:
        least = np.partition(sums[touched], len(touched) - MOST)[len(touched) - MOST]
        touched = touched[sums[touched] >= least]
    order = np.lexsort((touched, -sums[touched]))[:MOST]
    return {block.words.text(int(owner)): float(sums[owner]) for owner in touched[order]}
