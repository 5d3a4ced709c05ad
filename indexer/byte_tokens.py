"""UTF-8 texts -> numbers of their tokens between white space, as ``str.split()`` cuts them.

The common token, up to 15 bytes before a space, is found by a few operations on eight bytes each; everything else (longer ones, control characters,
what may be white space beyond ASCII) is walked character by character.
"""

import numpy as np

from indexer.interning import Names, number_row, tail_of, with_room
from indexer.jit import inlined, kernel
from indexer.swar import TOPS, first_bytes, first_mark, marks_below, marks_equal, word_at
from indexer.texts import GAP, Numbered, Texts

_QUADS = np.uint64(0xFCFCFCFCFCFCFCFC)


@inlined
def _ascii_space(byte):
    return byte == 0x20 or 9 <= byte <= 13 or 28 <= byte <= 31


@kernel
def space_bytes(data, at):
    """Bytes of the white-space character at ``at``, 0 when there is another: what ``str.isspace`` calls white space."""
    first = data[at]
    if first < 0x80:
        return 1 if _ascii_space(first) else 0
    second, third = data[at + 1], data[at + 2]
    if first == 0xC2:  # U+0085, U+00A0
        return 2 if second == 0x85 or second == 0xA0 else 0
    found = False
    if first == 0xE1:  # U+1680
        found = second == 0x9A and third == 0x80
    elif first == 0xE2:  # U+2000..200A, 2028, 2029, 202F; U+205F
        found = (second == 0x80 and (0x80 <= third <= 0x8A or third == 0xA8 or third == 0xA9 or third == 0xAF)) or (
            second == 0x81 and third == 0x9F
        )
    elif first == 0xE3:  # U+3000
        found = second == 0x80 and third == 0x80
    return 3 if found else 0


@inlined
def _may_space(head, tail):
    """Whether white space beyond ASCII may be among the bytes of two words: it begins with 0xC2 or 0xE1 to 0xE3."""
    blank = marks_equal(head, 0xC2) | marks_equal(tail, 0xC2)
    return (blank | marks_equal(head & _QUADS, 0xE0) | marks_equal(tail & _QUADS, 0xE0)) != 0


@kernel
def _token_end(data, at, stop):
    """End of the token at ``at``, whatever it is made of."""
    while at < stop and space_bytes(data, at) == 0:
        at += 1
        while at < stop and data[at] & 0xC0 == 0x80:
            at += 1
    return at


@kernel
def _number_text(data, at, stop, table, tokens, n):
    """Number tokens from ``at`` up to ``stop``, or to a new one that finds no room; returns (where it stopped, bytes of that token, n)."""
    while at < stop:
        head, tail = word_at(data, at), word_at(data, at + 8)
        size = first_mark(marks_below(head, 0x21))
        # Selected, not branched on: how long a word is cannot be predicted.
        size += first_mark(marks_below(tail, 0x21)) if size == 8 else 0
        end = min(at + size, stop)
        size = end - at
        head, tail = first_bytes(head, size), first_bytes(tail, max(size - 8, 0))
        # Known without another look at the byte, on which the next token would wait.
        after = end + 1
        if size == 0 or size == 16 or (data[end] != 0x20 and end < stop) or ((head | tail) & TOPS != 0 and _may_space(head, tail)):
            space = space_bytes(data, at)
            if space > 0:
                at += space
                continue
            end = after = _token_end(data, at, stop)
            head, tail = first_bytes(word_at(data, at), end - at), tail_of(data, at, end)
        number = number_row(table, head, tail, data, at, end)
        if number < 0:
            return at, end - at, n
        tokens[n] = number
        n += 1
        at = after
    return at, 0, n


def number_tokens(texts: Texts, names: Names) -> tuple[Names, Numbered]:
    """The tokens of texts by number, and the table of names with them."""
    num_docs = len(texts.ends) - 1
    size = int((texts.stops - texts.starts).sum())
    found = Numbered(
        np.empty((size + 1) // 2 + 2 * len(texts.starts), np.int32), np.zeros(num_docs + 1, np.int64),
        np.empty(0, np.int32), np.zeros(num_docs + 1, np.int64), np.empty(num_docs, np.uint32),
    )  # fmt: skip
    names = names._replace(table=_number(texts, names.table, found))
    return names, found._replace(tokens=found.tokens[: found.ends[-1]])


@kernel
def _number(texts, table, found):
    """Fill ``found`` but for its extra terms; returns the table of names, grown."""
    tokens, token_ends, _, _, lengths = found
    n = 0
    for doc in range(len(lengths)):
        gaps = 0
        for text in range(texts.ends[doc], texts.ends[doc + 1]):
            first = n + 1 if n > token_ends[doc] else n
            at, stop = texts.starts[text], texts.stops[text]
            at, needed, after = _number_text(texts.data, at, stop, table, tokens, first)
            while at < stop:
                table = with_room(table, 1, 1, needed)
                at, needed, after = _number_text(texts.data, at, stop, table, tokens, after)
            if after > first and first > n:
                tokens[n] = GAP
                gaps += 1
            n = after if after > first else n
        token_ends[doc + 1] = n
        lengths[doc] = n - token_ends[doc] - gaps
    return table
