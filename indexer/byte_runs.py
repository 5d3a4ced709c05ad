"""Texts -> their runs, for the standard analyzer: what ``words.ANY_RUN`` finds, as numbers of distinct runs, and Han terms as numbers of terms.

A text of ASCII is scanned as it is, any other as folded code points with their UTF-8 beside them. Word runs are numbered in a table of runs, since
their terms are found by Python, once for each; characters, pairs and words of scripts without spaces are terms already, and so are mixed words
(``mixed.py``, which says the same of one text). Before a run is numbered there is room for all of its terms: where there may be none, the scan
stops at the run, and goes on when the tables have grown.
"""

import numpy as np

from indexer.borrowed import borrowed
from indexer.characters import LETTER_BIT, UNSPACED_BIT, WRAPPED_BIT, is_ascii
from indexer.folded_text import fold_text, folded_size, room_for_text
from indexer.han_kernels import NOTHING, child_of, new_scratch
from indexer.han_numbers import number_character, number_han, number_pair, room_of_han, with_pairs
from indexer.interning import HanTerms, Names, has_room, number_name, with_room
from indexer.items import add_beside, add_item, add_length, end_text, items_of, new_found, new_items, with_space
from indexer.jit import inlined, kernel
from indexer.word_runs import is_dot_of_name, run_end, scan_ascii

_SPACE, _TAB, _RETURN = 0x20, 0x09, 0x0D
# Characters that a folded text has at first.
_USUAL = 1 << 10


@inlined
def _unspaced_end(text, at):
    """End of the run of scripts without spaces at ``at``."""
    at += 1
    while at < text.size and text.kinds[text.codes[at]] & UNSPACED_BIT:
        at += 1
    return at


@kernel
def _number_over_space(text, at, tables, names):
    """Number of the pair of the character at ``at`` and the one before white space before it; -1 for no pair."""
    codes, places, data = text.codes, text.places, text.data
    before = at - 1
    while before >= 0 and (codes[before] == _SPACE or _TAB <= codes[before] <= _RETURN):
        before -= 1
    if before == at - 1 or before < 0 or not text.kinds[codes[before]] & text.kinds[codes[at]] & WRAPPED_BIT:
        return -1
    # Put together in the room behind the text.
    start = places[text.size] + 1
    to = start
    for character in (before, at):
        for i in range(places[character], places[character + 1]):
            data[to], to = data[i], to + 1
    return number_pair(codes[before], codes[at], data, start, to, tables, names)[0]


@inlined
def _number_unspaced(text, at, end, tables, scratch, slots, names, found):
    """Number the terms of the run [at, end) of scripts without spaces; there is room."""
    pair = _number_over_space(text, at, tables, names)
    if end == at + 1:
        # The commonest run where words stand apart; it has no pair, and counts, lest a field of one character be taken for an empty one.
        add_item(found, ~number_character(text, at, names))
        add_length(found, 1)
    else:
        number_han(text, at, end, tables, scratch, slots, names, found)
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
def _scan_text(text, at, tables, mixed, scratch, slots, runs, names, found):
    """Number the runs of a folded text from ``at``: (where it stopped, the end of the run there that may find no room)."""
    text, tables, mixed, scratch, slots = borrowed(text), borrowed(tables), borrowed(mixed), borrowed(scratch), borrowed(slots)
    runs, names, found = borrowed(runs), borrowed(names), borrowed(found)
    while at < text.size:
        kind = text.kinds[text.codes[at]]
        if kind & UNSPACED_BIT:
            end = _unspaced_end(text, at)
            if not has_room(names.table, *room_of_han(text, at, end)):
                return at, end
            _number_unspaced(text, at, end, tables, scratch, slots, names, found)
            at = end
        elif kind & LETTER_BIT or is_dot_of_name(text.codes, 0, at, text.size, text.kinds):
            end = run_end(text.codes, at, text.size, text.kinds)
            if not (has_room(runs, 1, 1, text.places[end] - text.places[at]) and has_room(names.table, *_room_of_mixed(mixed))):
                return at, end
            _number_word(text, at, end, mixed, runs, names, found)
            at = end
        else:
            at += 1
    return at, at


@kernel
def _with_room_for_run(text, at, end, mixed, runs, names):
    """(runs, names) grown for the run [at, end)."""
    if text.kinds[text.codes[at]] & UNSPACED_BIT:
        return runs, Names(with_room(names.table, *room_of_han(text, at, end)), names.han)
    runs = with_room(runs, 1, 1, text.places[end] - text.places[at])
    return runs, Names(with_room(names.table, *_room_of_mixed(mixed)), names.han)


@kernel
def _number_folded(text, tables, mixed, scratch, slots, runs, names, found):
    """Number the runs of a folded text: (runs, names, found), grown."""
    han = names.han
    names = Names(names.table, HanTerms(han.singles, with_pairs(han.pairs, han.known[0] + text.size), han.known))
    found = with_space(found, text.size, (4 + mixed.nested) * text.size)
    at = 0
    while at < text.size:
        at, end = _scan_text(text, at, tables, mixed, scratch, slots, runs, names, found)
        if at < text.size:
            runs, names = _with_room_for_run(text, at, end, mixed, runs, names)
    return runs, names, found


@kernel
def _number_ascii(data, start, stop, kinds, runs, found):
    """Number the word runs of a text of ASCII: (runs, found), grown."""
    found = with_space(found, stop - start, 0)
    at, n = start, found.sizes[0]
    while at < stop:
        at, needed, n = scan_ascii(data, start, at, stop, kinds, runs, found.items, n)
        if needed > 0:
            runs = with_room(runs, 1, 1, needed)
    found.sizes[0] = n
    return runs, found


@kernel
def number_runs(texts, characters, tables, mixed, runs, names):
    """Items of every text: (items, the table of runs, names); the tables grow."""
    items, found = new_items(len(texts.starts)), new_found()
    room, scratch, slots = room_for_text(_USUAL, characters.kinds), new_scratch(_USUAL), np.empty(_USUAL, np.int64)
    for i in range(len(texts.starts)):
        start, stop = texts.starts[i], texts.stops[i]
        if is_ascii(texts.data, start, stop) and not mixed.ascii:
            runs, found = _number_ascii(texts.data, start, stop, characters.kinds, runs, found)
        else:
            size = folded_size(texts.data, start, stop, characters)
            if size > len(slots):
                room, scratch, slots = room_for_text(size, characters.kinds), new_scratch(size), np.empty(size, np.int64)
            text = fold_text(texts.data, start, stop, characters, size, room)
            runs, names, found = _number_folded(text, tables, mixed, scratch, slots, runs, names, found)
        end_text(found, i, items)
    return items_of(found, items), runs, names
