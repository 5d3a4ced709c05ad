"""What folding makes of every character and what it is to a run, as tables by code point that kernels read.

The regular expressions of ``scripts.py`` and the folding of ``folding.py`` remain the definitions: the tables ask them once for every character that
a collection has. Texts with characters that compose with the one before are composed here first.
"""

import re
import threading
from functools import cache
from typing import NamedTuple

import numpy as np

from indexer.folding import compose, folded_character, joins
from indexer.jit import kernel
from indexer.scripts import HAN, LETTER, MARKS, UNSPACED, WRAPPED
from indexer.swar import PADDING, TOPS, word_at
from indexer.texts import Texts

# Bits of a kind.
LETTER_BIT, MARK_BIT, UNSPACED_BIT, HAN_BIT, WORD_BIT, WRAPPED_BIT = (1 << i for i in range(6))
_CLASSES = [
    (LETTER, LETTER_BIT), (f"[{MARKS}]", MARK_BIT), (f"[{UNSPACED}]", UNSPACED_BIT),
    (f"[{HAN}]", HAN_BIT), (r"\w", WORD_BIT), (f"[{WRAPPED}]", WRAPPED_BIT),
]  # fmt: skip
UNSEEN = -1
_ALL = 0x110000


class CharacterTables(NamedTuple):
    """``kinds`` uint8 by code point; ``folded`` int32 by code point: the one it becomes, UNSEEN, or -2 - i: those of expansion i, which are
    ``expansions[ends[i]:ends[i + 1]]``."""

    kinds: np.ndarray
    folded: np.ndarray
    expansions: np.ndarray
    ends: np.ndarray


class Characters:
    """``CharacterTables`` that learn. Shared by threads: entries only ever appear, kinds before what folds to them."""

    def __init__(self) -> None:
        self.kinds, self.folded = np.zeros(_ALL, np.uint8), np.full(_ALL, UNSEEN, np.int32)
        self.expansions, self.ends = np.zeros(0, np.int32), np.zeros(1, np.int64)
        self._classes = [(re.compile(pattern), bit) for pattern, bit in _CLASSES]
        self._lock = threading.Lock()
        self.learn(np.arange(128))

    def learn(self, codes: np.ndarray) -> None:
        """Fill the tables for characters that are not in them."""
        with self._lock:
            for code in codes.tolist():
                if self.folded[code] == UNSEEN:
                    self._learn(code, folded_character(code))

    def _learn(self, code: int, folded: str) -> None:
        for char in folded:
            self.kinds[ord(char)] = sum(bit for pattern, bit in self._classes if pattern.match(char))
        if len(folded) == 1:
            self.folded[code] = ord(folded)
            return
        self.expansions = np.append(self.expansions, np.array([ord(char) for char in folded], np.int32))
        self.ends = np.append(self.ends, len(self.expansions))
        self.folded[code] = -len(self.ends)

    @property
    def tables(self) -> CharacterTables:
        """For kernels."""
        return CharacterTables(self.kinds, self.folded, self.expansions, self.ends)

    def prepare(self, texts: Texts) -> tuple[Texts, bool]:
        """Learn every character of the texts; returns them composed, and whether there may be Han in them."""
        joined, han = self._survey(texts)
        if not len(joined):
            return texts, han
        pieces = [compose(texts.text(i)).encode("utf-8", "surrogatepass") for i in joined.tolist()]
        starts, stops = texts.starts.copy(), texts.stops.copy()
        stops[joined] = len(texts.data) + np.cumsum([len(piece) for piece in pieces])
        starts[joined] = stops[joined] - [len(piece) for piece in pieces]
        data = np.concatenate([texts.data, np.frombuffer(b"".join(pieces), np.uint8), np.zeros(PADDING, np.uint8)])
        composed = Texts(data, starts, stops, texts.ends)
        return composed, self._survey(composed)[1]

    def _survey(self, texts: Texts) -> tuple[np.ndarray, bool]:
        """Learn the characters; returns the numbers of the texts that have joining ones, and whether there is Han in any."""
        seen, joined = np.zeros(_ALL, np.bool_), np.zeros(len(texts.starts), np.bool_)
        _mark(texts.data, texts.starts, texts.stops, joining_characters(), seen, joined)
        self.learn(np.flatnonzero(seen & (self.folded == UNSEEN)))
        found = self.folded[np.flatnonzero(seen)]
        irregular = self.kinds[self.expansions] if np.any(found < 0) else self.kinds[:1]
        han = np.any(self.kinds[found[found >= 0]] & HAN_BIT) or np.any(irregular & HAN_BIT)
        return np.flatnonzero(joined), bool(han)


_making = threading.Lock()


def characters() -> Characters:
    """The tables of this process, the same ones for all its threads: by themselves two that ask at once would get a set each, of which one is
    forgotten with what it learned."""
    with _making:
        return _characters()


@cache
def _characters() -> Characters:
    return Characters()


@cache
def joining_characters() -> np.ndarray:
    """Which characters join, bool by code point."""
    found = np.zeros(_ALL, np.bool_)
    found[[code for code in range(128, 0x20000) if joins(chr(code))]] = True
    return found


@kernel
def is_ascii(data, start, stop):
    """Whether a text has ASCII alone."""
    bits = np.uint64(0)
    for at in range(start, stop - 7, 8):
        bits |= word_at(data, at)
    for at in range(max(start, stop - 7), stop):
        bits |= np.uint64(data[at])
    return bits & TOPS == 0


@kernel
def decode(data, at):
    """(code point, where the next one begins) of valid UTF-8, surrogates included."""
    first = np.int32(data[at])
    if first < 0x80:
        return first, at + 1
    second = np.int32(data[at + 1]) & 63
    if first < 0xE0:
        return (first & 31) << 6 | second, at + 2
    third = np.int32(data[at + 2]) & 63
    if first < 0xF0:
        return (first & 15) << 12 | second << 6 | third, at + 3
    return (first & 7) << 18 | second << 12 | third << 6 | (np.int32(data[at + 3]) & 63), at + 4


@kernel
def _mark(data, starts, stops, joining, seen, joined):
    for text in range(len(starts)):
        if is_ascii(data, starts[text], stops[text]):
            continue
        at = starts[text]
        while at < stops[text]:
            code, at = decode(data, at)
            seen[code] = True
            joined[text] |= joining[code]
