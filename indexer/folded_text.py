"""A text as folded code points with their UTF-8 beside them: what kernels scan and take the names of terms from."""

from typing import NamedTuple

import numpy as np

from indexer.characters import decode
from indexer.jit import inlined, kernel
from indexer.swar import PADDING


class FoldedText(NamedTuple):
    """``codes`` int32, of which the first ``size`` are the text; code i is ``data[places[i]:places[i + 1]]`` in UTF-8, from the second byte on.
    ``kinds`` uint8 by code point, see ``characters.py``."""

    codes: np.ndarray
    size: int
    data: np.ndarray
    places: np.ndarray
    kinds: np.ndarray


@kernel
def room_for_text(size, kinds):
    """Room for a text of so many code points, and behind it for eight bytes that are put together there."""
    return FoldedText(np.empty(size, np.int32), size, np.empty(4 * size + 2 * PADDING, np.uint8), np.empty(size + 1, np.int64), kinds)


@kernel
def folded_size(data, start, stop, tables):
    """Number of code points of a text when it is folded."""
    n, at = 0, start
    while at < stop:
        code, at = decode(data, at)
        found = tables.folded[code]
        n += 1 if found >= 0 else tables.ends[-1 - found] - tables.ends[-2 - found]
    return n


@kernel
def fold_text(data, start, stop, tables, size, room):
    """The folded text of ``data[start:stop]``, which has ``size`` code points, in a room for it."""
    _fold_codes(data, start, stop, tables, room.codes)
    _encode_codes(room.codes, size, room.data, room.places)
    return FoldedText(room.codes, size, room.data, room.places, room.kinds)


@inlined
def _fold_codes(data, start, stop, tables, codes):
    n, at = 0, start
    while at < stop:
        code, at = decode(data, at)
        found = tables.folded[code]
        if found >= 0:
            codes[n] = found
            n += 1
        else:
            for i in range(tables.ends[-2 - found], tables.ends[-1 - found]):
                codes[n] = tables.expansions[i]
                n += 1


@inlined
def _encode_codes(codes, size, data, places):
    to = 1
    for i in range(size):
        code = codes[i]
        places[i] = to
        if code < 0x80:
            data[to] = code
            to += 1
        elif code < 0x800:
            data[to], data[to + 1] = 0xC0 | code >> 6, 0x80 | (code & 63)
            to += 2
        elif code < 0x10000:
            data[to], data[to + 1], data[to + 2] = 0xE0 | code >> 12, 0x80 | (code >> 6 & 63), 0x80 | (code & 63)
            to += 3
        else:
            data[to], data[to + 1] = 0xF0 | code >> 18, 0x80 | (code >> 12 & 63)
            data[to + 2], data[to + 3] = 0x80 | (code >> 6 & 63), 0x80 | (code & 63)
            to += 4
    places[size] = to
