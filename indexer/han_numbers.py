"""Runs of characters -> numbers of their characters, pairs and words, by a table of pairs that is asked once for each pair of a text.

Chinese waits for memory: a pair is a term, and the first step of every word of two and more characters. So what either way needs of a pair stands in
one short row, read ahead of its use, and the dictionary is asked when a pair is met for the first time. Terms of characters, pairs and words of two
are numbered by these tables alone (of a batch, ``interning.Names.han``); longer words and characters beyond the first plane by the table of names.

    singles int32[65536]    number of a character's term + 1, by character; 0 = not met
    pairs uint32[size, 4]   open addressing, at most two thirds full: characters a << 16 | b (0 = empty), number of the pair's term, node of the pair
                            in the dictionary, number of the term of the word that the pair is + 1 (0 = not met)
    known int64[1]          number of pairs
"""

import numpy as np

from indexer.characters import HAN_BIT
from indexer.han_kernels import FIRST, await_step, segment_run, step
from indexer.interning import HanTerms, append_tagged, await_tagged, number_tagged
from indexer.items import add_beside, add_item
from indexer.jit import inlined, kernel
from indexer.swar import prefetch

_HAN1, _HAN2, _HANWORD = 1, 2, 3
_PLANE = 1 << 16
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
# Bytes of a pair at most, with its tag.
_PAIR_BYTES = 9
# Pairs whose rows are read ahead.
_AHEAD = 10


@inlined
def _home(pairs, key):
    """Slot where the search for a pair begins."""
    return np.int64(((np.uint64(key) * _SPREAD) >> np.uint64(32)) & np.uint64(len(pairs) - 1))


@inlined
def _slot(pairs, key):
    """The slot of a pair, or the empty one where it belongs."""
    at = _home(pairs, key)
    while pairs[at, 0] != 0 and pairs[at, 0] != key:
        at = (at + 1) & (len(pairs) - 1)
    return at


@inlined
def has_pairs(han, more):
    """Whether the table of pairs has room for so many more."""
    return 3 * (han.known[0] + more) < 2 * len(han.pairs)


@kernel
def with_pairs(han, more):
    """The same with a table for so many more pairs."""
    if has_pairs(han, more):
        return han
    pairs, size = han.pairs, len(han.pairs)
    while 3 * (han.known[0] + more) >= 2 * size:
        size *= 2
    larger = np.zeros((size, 4), np.uint32)
    for i in range(len(pairs)):
        if i + _AHEAD < len(pairs):
            prefetch(larger, _home(larger, pairs[i + _AHEAD, 0]))
        if pairs[i, 0] != 0:
            larger[_slot(larger, pairs[i, 0])] = pairs[i]
    return HanTerms(han.singles, larger, han.known)


@inlined
def number_character(text, i, names):
    """Number of the term of the character at ``i``; there is room for a new one."""
    code, singles = text.codes[i], names.han.singles
    if code >= _PLANE:
        return number_tagged(names.table, text.data, text.places[i], text.places[i + 1], _HAN1)
    if singles[code] > 0:
        return np.int64(singles[code]) - 1
    number = append_tagged(names.table, text.data, text.places[i], text.places[i + 1], _HAN1)
    singles[code] = number + 1
    return number


@inlined
def _key(codes, i):
    """What the pair at ``i`` is in the table; 0 when it has no row."""
    return _key_of(codes[i], codes[i + 1])


@inlined
def _key_of(a, b):
    return np.uint32(a << 16 | b) if a < _PLANE and b < _PLANE else np.uint32(0)


@inlined
def number_pair(first, second, data, start, stop, tables, names):
    """(number of the pair whose characters are ``data[start:stop]``, its slot, -1 for none). There is room for a new one."""
    key, pairs = _key_of(first, second), names.han.pairs
    if key == 0:
        return number_tagged(names.table, data, start, stop, _HAN2), np.int64(-1)
    slot = _slot(pairs, key)
    if pairs[slot, 0] == 0:
        root = np.int64(tables.roots[first])
        pairs[slot, 0], pairs[slot, 1] = key, append_tagged(names.table, data, start, stop, _HAN2)
        pairs[slot, 2] = step(tables.keys, tables.sieve, root, second) if root > 0 else 0
        names.han.known[0] += 1
    return np.int64(pairs[slot, 1]), np.int64(slot)


@inlined
def _await_run(text, at, end, tables, pairs):
    """Have read what the run [at, end) will ask for: rows of pairs, also of the next run since most are short, and what stands behind the rows that
    are there by now: lines of the trie, of the sieve and of the model."""
    codes, keys, sieve = text.codes, tables.keys, tables.sieve
    for i in range(at, end):
        code = codes[i]
        if i + _AHEAD < text.size - 1:
            prefetch(pairs, _home(pairs, _key(codes, i + _AHEAD)))
        root = np.int64(tables.roots[code]) if code < _PLANE else 0
        if root == 0:
            continue
        prefetch(keys, root - 1)
        prefetch(tables.emits, np.int64(code) - FIRST)
        if i + 1 >= end:
            continue
        key = _key(codes, i)
        home = _home(pairs, key)
        if pairs[home, 0] != key:
            await_step(sieve, root, codes[i + 1])
        elif pairs[home, 2] > 0:
            prefetch(keys, np.int64(pairs[home, 2]) - 1)
            if i + 2 < end:
                await_step(sieve, np.int64(pairs[home, 2]), codes[i + 2])


@inlined
def _number_pairs(text, at, end, tables, scratch, slots, names, found):
    """Number the pairs of the run [at, end), and fill ``slots`` (-1 = no row) and ``seconds`` of them."""
    codes, places = text.codes, text.places
    for i in range(at, end - 1):
        number, slot = number_pair(codes[i], codes[i + 1], text.data, places[i], places[i + 2], tables, names)
        slots[i] = slot
        scratch.seconds[i] = names.han.pairs[slot, 2] if slot >= 0 else 0
        add_beside(found, number)


@inlined
def _number_words(text, spans, slots, names, found):
    """Number the words of two and more characters among ``spans``."""
    table, pairs, data, places = names.table, names.han.pairs, text.data, text.places
    for i in range(len(spans)):
        if spans[i, 1] - spans[i, 0] > 2:
            await_tagged(table, data, places[spans[i, 0]], places[spans[i, 1]], _HANWORD)
    for i in range(len(spans)):
        a, b = spans[i, 0], spans[i, 1]
        if b - a < 2:
            continue
        slot = slots[a] if b - a == 2 else -1
        if slot < 0:
            add_beside(found, number_tagged(table, data, places[a], places[b], _HANWORD))
            continue
        if pairs[slot, 3] == 0:
            pairs[slot, 3] = append_tagged(table, data, places[a], places[b], _HANWORD) + 1
        add_beside(found, np.int64(pairs[slot, 3]) - 1)


@inlined
def room_of_han(text, at, end):
    """What ``has_room`` is to be asked before the run [at, end) is numbered, and the pair over the space before it: (rows, names, bytes).

    Names are a character and a pair at each place, and at most three words. In rows are what lies beyond the first plane, a character and a pair,
    or words of three and more characters, of which two may begin at a place. The bytes of all are nine times the text's, and a tag each.
    """
    count, size = end - at, text.places[end] - text.places[at]
    return 2 * count + 1, 5 * count + 1, 9 * size + 5 * count + _PAIR_BYTES


@inlined
def number_han(text, at, end, tables, room, names, found):
    """Number the characters, pairs and words of the run [at, end) of a text, for which there is room.

    ``room.slots`` int64 and ``room.scratch`` have a place for every code.
    """
    scratch, slots = room.scratch, room.slots
    _await_run(text, at, end, tables, names.han.pairs)
    for i in range(at, end):
        add_item(found, ~number_character(text, i, names))
    _number_pairs(text, at, end, tables, scratch, slots, names, found)
    while at < end:
        stop = at
        while stop < end and text.kinds[text.codes[stop]] & HAN_BIT:
            stop += 1
        if stop - at > 1:
            words = segment_run(text.codes, at, stop, tables, scratch, True, True, 0)
            _number_words(text, scratch.spans[:words], slots, names, found)
        at = stop + 1
