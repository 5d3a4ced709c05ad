"""What may be typed to find a text: where its words and first characters begin, and how its Chinese is said, by one pass over all texts.

A key is a piece of an array of bytes, mostly the rest of a text from somewhere on, so that half a million texts with two million keys take
numbers and no strings.
"""

import re
from typing import NamedTuple

import numpy as np

from indexer.characters import decode
from indexer.jit import inlined, kernel
from indexer.strings import Strings
from indexer.swar import PADDING
from searchd.key_table import Pieces
from searchd.pinyin import readings

WORD = re.compile(r"[^\W\d_]{2,40}")
_LETTER = re.compile(r"[^\W\d_]")
_LONGEST_WORD = 40
STARTS = 4  # words of a text at which it may begin to be typed, and characters if the first is Chinese
SPOKEN = 8  # Han characters of it that are found by pinyin
_MOST = 1 + 2 * STARTS + 1  # keys of a text
_HAN, _HAN_END, _GAP, _GAP_END = 0x3400, 0xA000, 0x4DC0, 0x4E00
_ALL = 0x110000


class _Characters(NamedTuple):
    """``letters`` bool by code point; ``said`` int32 by code point from U+3400 on: 1 + number of its reading, 0 for none; reading r is
    ``readings[ends[r]:ends[r + 1]]``."""

    letters: np.ndarray
    said: np.ndarray
    readings: np.ndarray
    ends: np.ndarray


class _Out(NamedTuple):
    """Where keys go: ``used`` int64[2] counts keys and bytes of ``data``."""

    data: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    owners: np.ndarray
    used: np.ndarray


def keys_of(texts: Strings) -> tuple[Pieces, np.ndarray]:
    """The keys of folded texts: each as a whole, from its first words on, and a Chinese one from its first characters on, in pinyin and initials;
    and the text that each leads to, int32, rising."""
    seen = np.zeros(_ALL, np.bool_)
    _mark(texts.data, texts.offsets, seen)
    found = _characters(np.flatnonzero(seen).tolist())
    longest = int(np.max(np.diff(found.ends), initial=0))
    bound = len(texts.data) + len(texts) * SPOKEN * (longest + 1)
    most = len(texts) * _MOST
    out = _Out(
        np.empty(bound + PADDING, np.uint8),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.int32),
        np.zeros(2, np.int64),
    )
    out.data[: len(texts.data)] = texts.data
    out.used[1] = len(texts.data)
    _find_keys(texts.offsets, found, out)
    keys, size = out.used.tolist()
    out.data[size : size + PADDING] = 0
    return Pieces(out.data[: size + PADDING].copy(), out.starts[:keys].copy(), out.stops[:keys].copy()), out.owners[:keys].copy()


def _characters(codes: list[int]) -> _Characters:
    """The tables for the characters there are."""
    letters, said = np.zeros(_ALL, np.bool_), np.zeros(_HAN_END - _HAN, np.int32)
    letters[[code for code in codes if _LETTER.match(chr(code))]] = True
    ways = [(code, ways[0].encode()) for code in codes if _is_han(code) and (ways := readings(chr(code)))]
    said[[code - _HAN for code, _ in ways]] = np.arange(1, len(ways) + 1)
    ends = np.cumsum([0] + [len(way) for _, way in ways])
    return _Characters(letters, said, np.frombuffer(b"".join(way for _, way in ways), np.uint8), ends)


@inlined
def _is_han(code):
    return _HAN <= code < _HAN_END and not _GAP <= code < _GAP_END


@kernel
def _mark(data, offsets, seen):
    at = np.int64(0)
    while at < offsets[len(offsets) - 1]:
        code, at = decode(data, at)
        seen[code] = True


@kernel
def _find_keys(offsets, characters, out):
    for text in range(len(offsets) - 1):
        first = out.used[0]
        start, stop = np.int64(offsets[text]), np.int64(offsets[text + 1])
        _add(out, first, text, start, stop)
        _add_words(out, first, text, start, stop, characters.letters)
        if start < stop and _is_han(decode(out.data, start)[0]):
            _add_characters(out, first, text, start, stop)
            _add_spoken(out, first, text, start, stop, characters)


@inlined
def _add(out, first, text, start, stop):
    """Add a key, unless it begins where another one of the text, whose keys begin at ``first``."""
    n = out.used[0]
    new = True
    for i in range(first, n):
        new &= out.starts[i] != start
    if new:
        out.starts[n], out.stops[n], out.owners[n] = start, stop, text
        out.used[0] = n + 1


@kernel
def _add_words(out, first, text, start, stop, letters):
    """The rest of the text from each of its first words on, as ``WORD`` finds them."""
    words, size, begin, at = 0, 0, start, start
    while at < stop and words < STARTS:
        code, after = decode(out.data, at)
        if not letters[code] or size == _LONGEST_WORD:
            size = 0
        if letters[code]:
            begin = at if size == 0 else begin
            size += 1
            if size == 2:
                words += 1
                _add(out, first, text, begin, stop)
        at = after


@kernel
def _add_characters(out, first, text, start, stop):
    at = start
    for _ in range(1, STARTS):
        _, at = decode(out.data, at)
        if at >= stop:
            break
        _add(out, first, text, at, stop)


@kernel
def _add_spoken(out, first, text, start, stop, characters):
    """How the Han characters at the beginning are said, in letters and in initials, if all of them are."""
    begin = out.used[1]
    end, count, at = begin, 0, start
    while at < stop and count < SPOKEN:
        code, at = decode(out.data, at)
        if not _is_han(code):
            break
        way = characters.said[code - _HAN]
        if way == 0:
            return
        for i in range(characters.ends[way - 1], characters.ends[way]):
            out.data[end] = characters.readings[i]
            end += 1
        count += 1
    _add(out, first, text, begin, end)
    at, initials = start, end
    for _ in range(count):
        code, at = decode(out.data, at)
        out.data[end] = characters.readings[characters.ends[characters.said[code - _HAN] - 1]]
        end += 1
    if initials - begin > count:  # of one letter each there is nothing new
        _add(out, first, text, initials, end)
        out.used[1] = end
    else:
        out.used[1] = initials
