"""Texts and the places of their terms -> HTML with the places marked, all texts of some results in one call of a kernel.

Text that is not marked is escaped as ``html.escape`` does it. Marks that overlap, touch or have but a joint between them are one.
"""

from html import escape

import numpy as np

from indexer.borrowed import borrowed
from indexer.code_points import put_code
from indexer.jit import inlined, kernel
from indexer.joined import JoinedTexts
from searchd.graphemes import cut_after, cut_before
from searchd.passages import Text, best_passage
from searchd.shapes import MARK_JOINT, shapes

_ESCAPED = 64  # code points from here on are never escaped
_WHOLE = -1


def _entities() -> tuple[np.ndarray, np.ndarray]:
    """(what characters below ``_ESCAPED`` are escaped as, how long that is; 1: as themselves)."""
    found = [escape(chr(code)).encode() for code in range(_ESCAPED)]
    rows = np.zeros((_ESCAPED, max(map(len, found))), np.uint8)
    for row, entity in zip(rows, found):
        row[: len(entity)] = list(entity)
    return rows, np.array(list(map(len, found)))


_ENTITIES, _ENTITY_SIZES = _entities()
_OPEN, _CLOSE = (np.frombuffer(tag, np.uint8) for tag in (b"<mark>", b"</mark>"))


def marked(texts: JoinedTexts, places: np.ndarray, weights: np.ndarray, crop_length: int | None) -> list[str]:
    """HTML of each text, or of its best passage of at most ``crop_length`` code points.

    ``places`` int32[n, 3] by start: start, end and number of terms, which have ``weights`` float64.
    """
    length = _WHOLE if crop_length is None else max(1, crop_length)
    table = shapes().of(texts.codes)
    out, ends = mark_texts(texts.codes, texts.borders, np.ascontiguousarray(places), weights, length, table)
    joined, borders = out.tobytes().decode("utf-8", "surrogatepass"), ends.tolist()
    return [joined[start:end] for start, end in zip(borders, borders[1:])]


@kernel
def mark_texts(codes, borders, places, weights, length, shapes):
    """(the HTML of the texts one after the other, UTF-8; where they end in code points, int64[N + 1], the first is 0)."""
    codes, borders, places = borrowed(codes), borrowed(borders), borrowed(places)
    weights, shapes = borrowed(weights), borrowed(shapes)
    number = len(borders) - 1
    passages, marks, mark_ends = np.empty((number, 2), np.int64), np.empty((len(places), 2), np.int64), np.zeros(number + 1, np.int64)
    widened, inside = np.empty((len(places), 2), np.int32), np.zeros(len(weights), np.int32)
    ends, size = np.zeros(number + 1, np.int64), 0
    place = count = 0
    for i in range(number):
        text, found = Text(codes, borders[i], borders[i + 1], shapes), place
        while place < len(places) and places[place, 0] < text.stop:
            place += 1
        here = places[found:place]
        start, end = text.first, text.stop
        if 0 < length < end - start:
            start, end = best_passage(text, here, weights, length, widened, inside)
        passages[i, 0], passages[i, 1] = start, end
        count = _merge_marks(text, here, start, end, marks, count)
        mark_ends[i + 1] = count
        tags = (count - mark_ends[i]) * (len(_OPEN) + len(_CLOSE))
        points, units = _sizes(codes, start, end)
        ends[i + 1] = ends[i] + tags + points
        size += tags + units
    out, to = np.empty(size, np.uint8), 0
    for i in range(number):
        to = _write(codes, passages[i, 0], passages[i, 1], marks[mark_ends[i] : mark_ends[i + 1]], out, to)
    return out, ends


@kernel
def _merge_marks(text, places, start, end, marks, count):
    """Append marks for the places in [start, end), of whole characters; returns how many marks there are now."""
    codes, first_mark = text.codes, count
    for i in range(len(places)):
        first, last = max(np.int64(places[i, 0]), start), min(np.int64(places[i, 1]), end)
        if first >= last or (count > first_mark and last <= marks[count - 1, 1]):
            continue
        floor = marks[count - 1, 1] if count > first_mark else start
        first = cut_before(codes, text.first, text.stop, max(first, floor), floor, text.shapes)
        last = cut_after(codes, text.first, text.stop, last, end, text.shapes)
        if count > first_mark and (first <= floor or (first == floor + 1 and text.shapes[codes[floor]] & MARK_JOINT)):
            marks[count - 1, 1] = last
        else:
            marks[count, 0], marks[count, 1] = first, last
            count += 1
    return count


@kernel
def _sizes(codes, start, end):
    """(code points, bytes of UTF-8) of [start, end) when it is escaped."""
    points = units = 0
    for at in range(start, end):
        code = codes[at]
        size = _ENTITY_SIZES[code] if code < _ESCAPED else np.int64(1)
        points += size
        units += size + (code >= 0x80) + (code >= 0x800) + (code >= 0x10000)
    return points, units


@kernel
def _write(codes, start, end, marks, out, to):
    """Write [start, end) escaped and with its marks; returns the end of what is written."""
    for i in range(len(marks)):
        to = _escape(codes, start, marks[i, 0], out, to)
        to = _copy(_OPEN, len(_OPEN), out, to)
        to = _escape(codes, marks[i, 0], marks[i, 1], out, to)
        to = _copy(_CLOSE, len(_CLOSE), out, to)
        start = marks[i, 1]
    return _escape(codes, start, end, out, to)


@kernel
def _escape(codes, start, end, out, to):
    for at in range(start, end):
        code = codes[at]
        if code >= _ESCAPED:
            to = put_code(code, out, to)
        elif _ENTITY_SIZES[code] == 1:
            out[to] = code
            to += 1
        else:
            to = _copy(_ENTITIES[code], _ENTITY_SIZES[code], out, to)
    return to


@inlined
def _copy(source, size, out, to):
    for i in range(size):
        out[to + i] = source[i]
    return to + size
