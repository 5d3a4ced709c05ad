"""Texts -> their runs, for the standard analyzer: what ``words.ANY_RUN`` finds, as numbers of distinct runs, and Han terms as numbers of terms.

A text of ASCII is scanned as it is, any other as folded code points with their UTF-8 beside them. Word runs are numbered in a table of runs, since
their terms are found by Python, once for each; characters, pairs and words of scripts without spaces are terms already, and so are mixed words
(``mixed.py``, which says the same of one text). Before a run is numbered there is room for all of its terms: where there may be none, the scan
stops at the run, and goes on when the tables have grown.
"""

from typing import NamedTuple

import numpy as np

from indexer.borrowed import borrowed
from indexer.characters import LETTER_BIT, UNSPACED_BIT, WRAPPED_BIT, is_ascii
from indexer.folded_text import FoldedText, fold_text, folded_size, room_for_text
from indexer.han_kernels import NOTHING, Scratch, child_of, new_scratch
from indexer.han_numbers import has_pairs, number_character, number_han, number_pair, room_of_han, with_pairs
from indexer.interning import Names, has_room, number_name, with_room
from indexer.items import add_beside, add_item, add_length, end_text, has_space, items_of, new_found, new_items, with_space
from indexer.jit import inlined, kernel
from indexer.word_runs import is_dot_of_name, run_end, scan_ascii

_SPACE, _TAB, _RETURN = 0x20, 0x09, 0x0D
# Characters that a folded text has at first.
_USUAL = 1 << 10


class _Room(NamedTuple):
    """For one text at a time: see ``folded_text.py``, ``han_kernels.py``, and ``slots`` in ``han_numbers.py``."""

    text: FoldedText
    scratch: Scratch
    slots: np.ndarray


@kernel
def _with_places(room, size):
    """The same, or room for a text of so many code points."""
    return room if size <= len(room.slots) else _new_room(size, room.text.kinds)


@kernel
def _new_room(size, kinds):
    return _Room(room_for_text(size, kinds), new_scratch(size), np.empty(size, np.int64))


@inlined
def _unspaced_end(text, at):
    """End of the run of scripts without spaces at ``at``."""
    at += 1
    while at < text.size and text.kinds[text.codes[at]] & UNSPACED_BIT:
        at += 1
    return at


@inlined
def _is_space(code):
    """One of those that a line is wrapped at."""
    return code == _SPACE or _TAB <= code <= _RETURN


@kernel
def _number_over_space(text, at, tables, names):
    """Number of the pair of the character at ``at``, behind white space, and the one before that; -1 for no pair."""
    codes, places, data = text.codes, text.places, text.data
    before = at - 2
    while before >= 0 and _is_space(codes[before]):
        before -= 1
    if before < 0 or not text.kinds[codes[before]] & text.kinds[codes[at]] & WRAPPED_BIT:
        return -1
    # Put together in the room behind the text.
    start = places[text.size] + 1
    to = start
    for character in (before, at):
        for i in range(places[character], places[character + 1]):
            data[to], to = data[i], to + 1
    return number_pair(codes[before], codes[at], data, start, to, tables, names)[0]


@inlined
def _number_unspaced(text, at, end, tables, room, names, found):
    """Number the terms of the run [at, end) of scripts without spaces; there is room."""
    # Most runs stand behind punctuation, and a call costs as much as a short run.
    pair = _number_over_space(text, at, tables, names) if at > 0 and _is_space(text.codes[at - 1]) else -1
    if end == at + 1:
        # The commonest run where words stand apart; it has no pair, and counts, lest a field of one character be taken for an empty one.
        add_item(found, ~number_character(text, at, names))
        add_length(found, 1)
    else:
        number_han(text, at, end, tables, room, names, found)
        add_length(found, end - at - 1)
    if pair >= 0:
        add_beside(found, pair)


@inlined
def _number_mixed_from(text, start, end, mixed, table, found):
    """Number the mixed words from ``start`` whose first word run ends at ``end``."""
    codes, kinds, lower = text.codes, text.kinds, mixed.lower
    node, stop = 0, end
    for i in range(start, text.size):
        node = child_of(mixed.keys, node, lower[codes[i]] if codes[i] < len(lower) else codes[i])
        if node == 0:
            break
        if i >= stop and kinds[codes[i]] & LETTER_BIT:
            stop = run_end(codes, i, text.size, kinds)
        if mixed.values[node - 1] > NOTHING:
            word = np.int64(mixed.values[node - 1])
            if stop == start + mixed.last_ends[word]:
                add_beside(found, number_name(table, mixed.data, mixed.ends[word], mixed.ends[word + 1]))
                add_length(found, 1)


@kernel
def _number_mixed(text, at, end, mixed, table, found):
    """Number the mixed words whose first word run is [at, end); there is room."""
    codes = text.codes
    start = at
    while start >= max(0, at - mixed.before) and (start == at or not (text.kinds[codes[start]] & LETTER_BIT or codes[start] == _SPACE)):
        _number_mixed_from(text, start, end, mixed, table, found)
        start -= 1


@inlined
def _number_word(text, at, end, mixed, runs, names, found):
    """Number the word run [at, end) and the mixed words that it is the first of; there is room."""
    add_item(found, number_name(runs, text.data, text.places[at], text.places[end]))
    _number_mixed(text, at, end, mixed, names.table, found)


@inlined
def _room_of_mixed(mixed):
    """What ``has_room`` is to be asked before mixed words are numbered: (rows, names, bytes)."""
    names = (mixed.before + 1) * mixed.nested
    return names, names, names * mixed.longest


@kernel
def _scan_text(text, at, tables, mixed, room, runs, names, found):
    """Number the runs of a folded text from ``at``; returns where it stopped: at the end or at a run that may find no room."""
    text, tables, mixed, room = borrowed(text), borrowed(tables), borrowed(mixed), borrowed(room)
    runs, names, found = borrowed(runs), borrowed(names), borrowed(found)
    while at < text.size:
        kind = text.kinds[text.codes[at]]
        if kind & UNSPACED_BIT:
            end = _unspaced_end(text, at)
            if not has_room(names.table, *room_of_han(text, at, end)):
                return at
            _number_unspaced(text, at, end, tables, room, names, found)
            at = end
        elif kind & LETTER_BIT or is_dot_of_name(text.codes, 0, at, text.size, text.kinds):
            end = run_end(text.codes, at, text.size, text.kinds)
            if not (has_room(runs, 1, 1, text.places[end] - text.places[at]) and has_room(names.table, *_room_of_mixed(mixed))):
                return at
            _number_word(text, at, end, mixed, runs, names, found)
            at = end
        else:
            at += 1
    return at


@inlined
def _beside_at_most(size, mixed):
    """How many terms may stand beside the items of a text of so many code points."""
    return (4 + mixed.nested) * size


@kernel
def _number_texts(texts, i, at, characters, tables, mixed, room, runs, names, found, items):
    """Number the runs of the texts from text ``i`` on, there from ``at``: (the text where something finds no room, where in it), or the number of
    texts."""
    texts, characters, tables, mixed, room = borrowed(texts), borrowed(characters), borrowed(tables), borrowed(mixed), borrowed(room)
    runs, names, found, items = borrowed(runs), borrowed(names), borrowed(found), borrowed(items)
    while i < len(texts.starts):
        start, stop = texts.starts[i], texts.stops[i]
        if is_ascii(texts.data, start, stop) and not mixed.ascii:
            size = stop - start
            if not has_space(found, size, 0):
                return i, at
            at = scan_ascii(texts.data, start, start + at, stop, characters.kinds, runs, found) - start
        else:
            size = folded_size(texts.data, start, stop, characters)
            if size > len(room.slots) or not (has_space(found, size, _beside_at_most(size, mixed)) and has_pairs(names.han, size)):
                return i, at
            text = fold_text(texts.data, start, stop, characters, size, room.text)
            at = _scan_text(text, at, tables, mixed, room, runs, names, found)
        if at < size:
            return i, at
        end_text(found, i, items)
        i, at = i + 1, 0
    return i, at


@kernel
def _with_room_for_text(texts, i, at, characters, mixed, room, runs, names, found):
    """(room, runs, names, found) grown for text ``i`` and its run at ``at``."""
    start, stop = texts.starts[i], texts.stops[i]
    if is_ascii(texts.data, start, stop) and not mixed.ascii:
        runs = with_room(runs, 1, 1, run_end(texts.data, start + at, stop, characters.kinds) - start - at)
        return room, runs, names, with_space(found, stop - start, 0)
    size = folded_size(texts.data, start, stop, characters)
    room = _with_places(room, size)
    found = with_space(found, size, _beside_at_most(size, mixed))
    text = fold_text(texts.data, start, stop, characters, size, room.text)
    if text.kinds[text.codes[at]] & UNSPACED_BIT:
        table = with_room(names.table, *room_of_han(text, at, _unspaced_end(text, at)))
    else:
        runs = with_room(runs, 1, 1, text.places[run_end(text.codes, at, size, text.kinds)] - text.places[at])
        table = with_room(names.table, *_room_of_mixed(mixed))
    return room, runs, Names(table, with_pairs(names.han, size)), found


@kernel
def number_runs(texts, characters, tables, mixed, runs, names):
    """Items of every text: (items, the table of runs, names); the tables grow."""
    items, found, room = new_items(len(texts.starts)), new_found(), _new_room(_USUAL, characters.kinds)
    i, at = 0, 0
    while True:
        # By one call for as many texts as there is room for: handing over so many arrays costs as much as a short text.
        i, at = _number_texts(texts, i, at, characters, tables, mixed, room, runs, names, found, items)
        if i == len(texts.starts):
            return items_of(found, items), runs, names
        room, runs, names, found = _with_room_for_text(texts, i, at, characters, mixed, room, runs, names, found)
