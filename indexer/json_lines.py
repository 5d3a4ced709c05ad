"""Lines of plain JSON -> where their values are and how they are stored, without a Python object a record.

*Plain* is what nearly all records are: an object of strings, whole numbers, booleans, nulls and lists of those, strict JSON in strict UTF-8, no
name twice. A record that is anything else is left to ``readers/record.py``, which also knows what is wrong with it; for plain ones the two agree
to the byte, which the tests hold against each other. The stored form is what ``stored.encode_document`` would make of it: no spaces, no
id, no nulls, and only the escapes that JSON demands; then a newline.
"""

import numpy as np

from indexer.code_points import put_code
from indexer.jit import inlined, kernel
from indexer.swar import TOPS, first_mark, marks_below, marks_equal, put_word, word_at

MAX_MEMBERS, MAX_KEY_BYTES, MAX_DIGITS = 64, 512, 18
_QUOTE, _BACKSLASH, _COMMA, _COLON, _OPEN, _CLOSE = 0x22, 0x5C, 0x2C, 0x3A, 0x7B, 0x7D
_LIST, _LIST_END, _NEWLINE, _N = 0x5B, 0x5D, 0x0A, 0x6E
_TRUE, _FALSE, _NULL = 0x65757274, 0x736C6166, 0x6C6C756E  # the first four letters as a little-endian word
_THREE_MASK, _THREE = np.uint64(0xC0C0F0), np.uint64(0x8080E0)  # bits of a lead byte and two that follow it
# Two-letter escapes: letter -> character, and character -> letter.
_MEANT, _LETTER = np.zeros(128, np.uint8), np.zeros(128, np.uint8)
for _letter, _char in zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t'):
    _MEANT[_letter] = _char
    _LETTER[_char] = 0 if _letter == ord("/") else _letter


@inlined
def _after_blanks(data, at):
    while data[at] == 0x20 or data[at] == 0x09 or data[at] == 0x0D:
        at += 1
    return at


@kernel
def _char_bytes(data, at):
    """Bytes of the character beyond ASCII at ``at``; 0 when they are not UTF-8."""
    a, b = data[at], data[at + 1]
    if b & 0xC0 != 0x80 or a < 0xC2 or a > 0xF4:
        return 0
    if a < 0xE0:
        return 2
    if data[at + 2] & 0xC0 != 0x80 or (a == 0xE0 and b < 0xA0) or (a == 0xED and b > 0x9F):
        return 0
    if a < 0xF0:
        return 3
    if data[at + 3] & 0xC0 != 0x80 or (a == 0xF0 and b < 0x90) or (a == 0xF4 and b > 0x8F):
        return 0
    return 4


@inlined
def _copy_common(data, at, out, to):
    """Copy the characters of three bytes from ``at``, as Chinese ones are, each with the space after it; returns their bytes."""
    start = at
    while True:
        word = word_at(data, at)
        put_word(out, to, word)
        lead = word & np.uint64(0xFF)
        if word & _THREE_MASK != _THREE or lead == 0xE0 or lead == 0xED:  # these two have stricter rules
            return at - start
        size = 4 if (word >> np.uint64(24)) & np.uint64(0xFF) == 0x20 else 3
        at, to = at + size, to + size


@kernel
def _hex4(data, at):
    """The number of four hexadecimal digits, or -1."""
    code = 0
    for i in range(at, at + 4):
        byte = np.int64(data[i])
        lower = byte | 0x20
        if 0x30 <= byte <= 0x39:
            digit = byte - 0x30
        elif 0x61 <= lower <= 0x66:
            digit = lower - 0x57
        else:
            return -1
        code = code << 4 | digit
    return code


@kernel
def _escaped(data, at):
    """(character, where it ends) of the escape at ``at``; (-1, at) for a bad one, half a pair, or a character that no term may have."""
    letter = data[at + 1]
    if letter != 0x75:
        return (np.int64(_MEANT[letter]), at + 2) if letter < 128 and _MEANT[letter] != 0 else (np.int64(-1), at)
    code, at = _hex4(data, at + 2), at + 6
    if 0xD800 <= code < 0xDC00 and data[at] == _BACKSLASH and data[at + 1] == 0x75:
        low = _hex4(data, at + 2)
        if 0xDC00 <= low < 0xE000:
            return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), at + 6
    if code < 0 or 0xD800 <= code < 0xE000 or 1 <= code <= 3:
        return np.int64(-1), at
    return code, at


@kernel
def _put_escaped(out, to, code):
    """Append a character of a JSON string, with the escape that it needs."""
    if code >= 0x20 and code != _QUOTE and code != _BACKSLASH:
        return put_code(code, out, to)
    out[to] = _BACKSLASH
    if _LETTER[code] != 0:
        out[to + 1] = _LETTER[code]
        return to + 2
    out[to + 1], out[to + 2], out[to + 3] = 0x75, 0x30, 0x30
    out[to + 4], low = 0x30 + (code >> 4), code & 15
    out[to + 5] = 0x30 + low if low < 10 else 0x57 + low
    return to + 6


@kernel
def _copy_string(data, at, out, to):
    """Copy a string whose letters begin at ``at``, and its closing quote: (its end behind the quote, end of the copy, escapes); end -1 = not
    plain."""
    escapes = 0
    while True:
        word = word_at(data, at)
        put_word(out, to, word)
        size = first_mark(marks_below(word, 0x20) | marks_equal(word, _QUOTE) | marks_equal(word, _BACKSLASH) | (word & TOPS))
        at, to = at + size, to + size
        if size == 8:
            continue
        byte = data[at]
        if byte >= 0x80:
            size = _copy_common(data, at, out, to)
            if size == 0:
                size = _char_bytes(data, at)
                put_word(out, to, word_at(data, at))
            if size == 0:
                return np.int64(-1), to, escapes
            at, to = at + size, to + size
        elif byte == _QUOTE:
            return at + 1, to + 1, escapes
        elif byte == _BACKSLASH:
            code, at = _escaped(data, at)
            if code < 0:
                return np.int64(-1), to, escapes
            to = _put_escaped(out, to, code)
            escapes += 1
        else:
            return np.int64(-1), to, escapes


@kernel
def _copy_token(data, at, out, to):
    """The same for a number or a literal."""
    start = at
    first = np.uint32(word_at(data, at) & np.uint64(0xFFFFFFFF))
    if first in (_TRUE, _NULL):
        at += 4
    elif first == _FALSE and data[at + 4] == 0x65:
        at += 5
    else:
        at += data[at] == 0x2D
        digits = at
        while 0x30 <= data[at] <= 0x39:
            at += 1
        if at == digits or at - digits > MAX_DIGITS or (data[digits] == 0x30 and at - start > 1):
            return np.int64(-1), to
    after = data[at]
    if after != _COMMA and after != _CLOSE and after != _LIST_END and after > 0x20:
        return np.int64(-1), to
    for i in range(start, at):
        out[to] = data[i]
        to += 1
    return at, to


@kernel
def _copy_list(data, at, out, to):
    """The same for a list of strings, numbers and literals, from behind its bracket."""
    at = _after_blanks(data, at)
    if data[at] == _LIST_END:
        out[to] = _LIST_END
        return at + 1, to + 1
    while True:
        if data[at] == _QUOTE:
            out[to] = _QUOTE
            at, to, _ = _copy_string(data, at + 1, out, to + 1)
        else:
            at, to = _copy_token(data, at, out, to)
        if at < 0:
            return at, to
        at = _after_blanks(data, at)
        out[to] = data[at]
        to += 1
        if data[at] == _LIST_END:
            return at + 1, to
        if data[at] != _COMMA:
            return np.int64(-1), to
        at = _after_blanks(data, at + 1)


@kernel
def _which(data, start, stop, names, name_ends):
    """The number of a name among those that are wanted, or -1."""
    for i in range(len(name_ends) - 1):
        if name_ends[i + 1] - name_ends[i] == stop - start:
            same = True
            for j in range(stop - start):
                same &= data[start + j] == names[name_ends[i] + j]
            if same:
                return i
    return -1


@kernel
def _is_new(data, members, count):
    """Whether the last member has another name than those before."""
    start, size = members[count, 0], members[count, 1]
    for i in range(count):
        if members[i, 1] == size:
            same = True
            for j in range(size):
                same &= data[members[i, 0] + j] == data[start + j]
            if same:
                return False
    return True


@kernel
def _is_key(data, start, stop):
    """Whether a value may be a document's key as it is; what is doubtful may not."""
    if data[start] != _QUOTE:
        return data[start] == 0x2D or 0x30 <= data[start] <= 0x39
    if stop - start < 3 or stop - start - 2 > MAX_KEY_BYTES:
        return False
    for at in range(start + 1, stop - 1):
        byte = data[at]
        if byte == _BACKSLASH or byte == 0x7F or (byte == 0xC2 and data[at + 1] < 0xA0):
            return False
    return True


@kernel
def _unescape(data, start, stop, out, to):
    """Append the letters of a plain string that has escapes."""
    while start < stop:
        if data[start] == _BACKSLASH:
            code, start = _escaped(data, start)
            to = put_code(code, out, to)
        else:
            out[to] = data[start]
            start, to = start + 1, to + 1
    return to


@kernel
def _scan_record(data, at, names, name_ends, num_texts, spans, members, side, out, to):
    """Scan the record at ``at``: (where it ends, -1 if it is not plain; end of its stored form; end of ``side``; members that are stored)."""
    bad, stored = np.int64(-1), 0
    at = _after_blanks(data, at)
    if data[at] != _OPEN:
        return bad, to, side, stored
    count, start, at = 0, to, _after_blanks(data, at + 1)
    out[to] = _OPEN
    to += 1
    while data[at] == _QUOTE and count < MAX_MEMBERS:
        before = to
        value, to = _copy_name(data, at, members, count, out, to, to > start + 1)
        if value < 0:
            return bad, to, side, stored
        which = _which(data, members[count, 0], members[count, 0] + members[count, 1], names, name_ends)
        at, to, escapes = _copy_value(data, value, 0 <= which <= num_texts, out, to)
        if at < 0 or (which == 0 and data[value] != _N and not _is_key(data, value, at)):
            return bad, to, side, stored
        if data[value] == _N or which == 0:  # neither is stored here
            to = before
        if which >= 0 and data[value] != _N:
            side = _place_value(data, value, at, which <= num_texts, escapes, spans, which, side)
        count, stored, at = count + 1, stored + (to > before), _after_blanks(data, at)
        if data[at] != _COMMA:
            break
        at = _after_blanks(data, at + 1)
        if data[at] != _QUOTE:
            return bad, to, side, stored
    if data[at] != _CLOSE or spans[0, 0] < 0:
        return bad, to, side, stored
    out[to], out[to + 1] = _CLOSE, _NEWLINE
    return _after_blanks(data, at + 1), to + 2, side, stored


@inlined
def _copy_name(data, at, members, count, out, to, follows):
    """Copy the name at ``at`` and its colon: (where its value begins, -1 if it is not plain or there twice; end of the copy)."""
    if follows:
        out[to] = _COMMA
        to += 1
    out[to] = _QUOTE
    end, to, escapes = _copy_string(data, at + 1, out, to + 1)
    members[count, 0], members[count, 1] = at + 1, end - at - 2
    if end < 0 or escapes or not _is_new(data, members, count):
        return np.int64(-1), to
    end = _after_blanks(data, end)
    if data[end] != _COLON:
        return np.int64(-1), to
    out[to] = _COLON
    return _after_blanks(data, end + 1), to + 1


@inlined
def _copy_value(data, at, no_list, out, to):
    """Copy the value at ``at``: (where it ends, -1 if it is not plain; end of the copy; whether it is a string with escapes)."""
    if data[at] == _QUOTE:
        out[to] = _QUOTE
        return _copy_string(data, at + 1, out, to + 1)
    if data[at] != _LIST:
        at, to = _copy_token(data, at, out, to)
    elif no_list:
        at = np.int64(-1)
    else:
        out[to] = _LIST
        at, to = _copy_list(data, at + 1, out, to + 1)
    return at, to, 0


@inlined
def _place_value(data, value, end, is_text, escapes, spans, which, side):
    """Write where the value from ``value`` to ``end`` is to be read, a text without its quotes, or without escapes in ``side``; the end of that."""
    spans[which, 0], spans[which, 1] = value, end
    if is_text and data[value] == _QUOTE:
        spans[which, 0], spans[which, 1] = value + 1, end - 1
        if escapes:
            spans[which, 0], spans[which, 1] = side, _unescape(data, value + 1, end - 1, data, side)
            side = spans[which, 1]
    return side


@kernel
def _line_end(data, at, stop):
    while at < stop:
        size = first_mark(marks_equal(word_at(data, at), _NEWLINE))
        at += size
        if size < 8:
            break
    return min(at, stop)


@kernel
def scan_lines(data, size, names, name_ends, num_texts, lines, plain, spans, members_stored, out, stored_ends):
    """Scan the lines of ``data[:size]``; returns their number and the end of what was unescaped.

    ``data`` uint8 has room for as much again and padding: strings with escapes are written, unescaped, behind ``size``. ``names`` are wanted:
    the id, then ``num_texts`` fields of text, then others. Fills for every line its start in ``lines`` int64[n + 1], ``plain`` bool[n], and
    for plain ones ``spans`` int64[n, wanted, 2], -1 where missing: strings of id and texts without their quotes, all else as it stands; how
    many members are stored, in ``members_stored`` int32[n]; and the stored form in ``out``, which ends at stored_ends[n + 1].
    """
    members = np.empty((MAX_MEMBERS, 2), np.int64)
    count, at, to, side = 0, 0, 0, size
    data[size] = 0
    side += 1
    while at < size:
        spans[count] = -1
        end, after, more, members_stored[count] = _scan_record(data, at, names, name_ends, num_texts, spans[count], members, side, out, to)
        plain[count] = end >= 0 and (end == size or data[end] == _NEWLINE)
        if plain[count]:
            to, side = after, more
        else:
            end = _line_end(data, at, size)
        lines[count] = at
        stored_ends[count + 1] = to
        at, count = end + 1, count + 1
    lines[count] = at
    return count, side


def copy_spans(data: np.ndarray, starts: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Pieces of ``data`` that begin at ``starts``, one after the other: piece i takes offsets[i] up to offsets[i + 1] of the result."""
    out = np.empty(int(offsets[-1]), np.uint8)
    _copy_spans(data, starts, offsets, out)
    return out


@kernel
def _copy_spans(data, starts, offsets, out):
    for i in range(len(starts)):
        to, start = offsets[i], starts[i]
        for j in range(offsets[i + 1] - to):
            out[to + j] = data[start + j]
