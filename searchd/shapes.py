"""What every character is to a cut and to a mark, as a table of bits by code point that kernels read and that learns what it meets."""

import re
import threading
from functools import cache
from unicodedata import category

import numpy as np

from indexer.jit import kernel
from indexer.scripts import MARKS, UNSPACED

# ENDS and BEGINS: jamo that a character of Hangul ends and begins with.
KNOWN, SPACE, LETTER, JOINT, MARK_JOINT, EXTENDS, SYMBOL, FLAG, HIGH, LOW = (1 << bit for bit in range(10))
ENDS_LEADING, ENDS_VOWEL, ENDS_TRAILING, BEGINS_LEADING, BEGINS_VOWEL, BEGINS_TRAILING = (1 << bit for bit in range(10, 16))
_ENDS, _BEGINS = (ENDS_LEADING, ENDS_VOWEL, ENDS_TRAILING), (BEGINS_LEADING, BEGINS_VOWEL, BEGINS_TRAILING)
_LEADING, _VOWEL, _TRAILING = range(3)

# What is not cut: words, codes, addresses and numbers.
_LETTER, _JOINTS = re.compile(rf"[^\W{UNSPACED}]|[\u0300-\u036f{MARKS}]"), frozenset(".@&'’,-")
# Between two marks it is marked too: lru_cache, COVID-19.
_MARK_JOINTS = frozenset("._@&-'’")
# Extending characters that are no marks: joiners, half-width sound marks, Thai and Lao AM, skin tones, tags.
_EXTENDING = frozenset("\u200c\u200d\uff9e\uff9f\u0e33\u0eb3") | {
    chr(code) for code in (*range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080))
}


class Shapes:
    """``table`` uint16 by code point. Shared by threads: entries only ever appear."""

    def __init__(self) -> None:
        self.table = np.zeros(0x110000, np.uint16)
        self._lock = threading.Lock()
        self._learn(range(128))

    def of(self, codes: np.ndarray) -> np.ndarray:
        """The table, which knows all these code points, int32[n]."""
        if has_unknown(codes, self.table):
            with self._lock:
                self._learn(np.unique(codes).tolist())
        return self.table

    def _learn(self, codes: "range | list[int]") -> None:
        for code in codes:
            if not self.table[code]:
                self.table[code] = _shape(chr(code))


@cache
def shapes() -> Shapes:
    """The table of this process."""
    return Shapes()


@kernel
def has_unknown(codes, table):
    """Whether a code point is not in the table."""
    known = KNOWN
    for code in codes:
        known &= table[code]
    return known == 0


def _shape(char: str) -> int:
    """The bits of a character."""
    tests = {
        KNOWN: True,
        SPACE: char.isspace(),
        LETTER: _LETTER.match(char) is not None,
        JOINT: char in _JOINTS,
        MARK_JOINT: char in _MARK_JOINTS,
        EXTENDS: char in _EXTENDING or category(char)[0] == "M",
        SYMBOL: category(char) == "So",
        FLAG: "\U0001f1e6" <= char <= "\U0001f1ff",
        HIGH: "\ud800" <= char <= "\udbff",
        LOW: "\udc00" <= char <= "\udfff",
    }
    jamo = _jamo(ord(char))
    return sum(bit for bit, found in tests.items() if found) | (_BEGINS[jamo[0]] | _ENDS[jamo[-1]] if jamo else 0)


def _jamo(code: int) -> tuple[int, ...]:
    """What a character of Hangul is made of, () for any other."""
    if 0xAC00 <= code <= 0xD7A3:
        return (_LEADING, _VOWEL) if (code - 0xAC00) % 28 == 0 else (_LEADING, _VOWEL, _TRAILING)
    if 0x1100 <= code <= 0x115F or 0xA960 <= code <= 0xA97C:
        return (_LEADING,)
    if 0x1160 <= code <= 0x11A7 or 0xD7B0 <= code <= 0xD7C6:
        return (_VOWEL,)
    if 0x11A8 <= code <= 0x11FF or 0xD7CB <= code <= 0xD7FB:
        return (_TRAILING,)
    return ()
