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
from indexer.interning import append_tagged, await_tagged, number_tagged
from indexer.jit import inlined, kernel
from indexer.swar import prefetch

_HAN1, _HAN2, _HANWORD = 1, 2, 3
_PLANE = 1 << 16
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
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


@kernel
def with_pairs(pairs, count):
    """The table, or a larger one, for so many pairs."""
    size = len(pairs)
    while 3 * count >= 2 * size:
        size *= 2
    if size == len(pairs):
        return pairs
    larger = np.zeros((size, 4), np.uint32)
    for i in range(len(pairs)):
        if i + _AHEAD < len(pairs):
            prefetch(larger, _home(larger, pairs[i + _AHEAD, 0]))
        if pairs[i, 0] != 0:
            larger[_slot(larger, pairs[i, 0])] = pairs[i]
    return larger


@inlined
def number_character(code, rows, names, ends, count, data, start, stop, singles):
    """Number of the term of the character ``data[start:stop]``: ``count`` for a new one, -1 when there is no room for it."""
    if code < _PLANE and singles[code] > 0:
        return np.int64(singles[code]) - 1
    if code >= _PLANE:
        return number_tagged(rows, names, ends, count, data, start, stop, _HAN1)
    number = append_tagged(names, ends, count, data, start, stop, _HAN1)
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
def number_pair(first, second, data, start, stop, tables, pairs, known, rows, names, ends, count):
    """(number of a pair whose characters are ``data[start:stop]``, -1 for no room; its slot, -1 for none). There is room in ``pairs``."""
    key = _key_of(first, second)
    if key == 0:
        return np.int64(number_tagged(rows, names, ends, count, data, start, stop, _HAN2)), np.int64(-1)
    slot = _slot(pairs, key)
    number = np.int64(pairs[slot, 1])
    if pairs[slot, 0] == 0:
        number = np.int64(append_tagged(names, ends, count, data, start, stop, _HAN2))
        if number >= 0:
            root = np.int64(tables[2][first])
            pairs[slot, 0], pairs[slot, 1] = key, number
            pairs[slot, 2] = step(tables[0], tables[3], root, second) if root > 0 else 0
            known[0] += 1
    return number, np.int64(slot)


@inlined
def _await_run(codes, at, end, size, keys, roots, sieve, emits, pairs):
    """Have read what the run [at, end) will ask for: rows of pairs, also of the next run since most are short, and what stands behind the rows that
    are there by now: lines of the trie, of the sieve and of the model."""
    for i in range(at, end):
        code = codes[i]
        if i + _AHEAD < size - 1:
            prefetch(pairs, _home(pairs, _key(codes, i + _AHEAD)))
        root = np.int64(roots[code]) if code < _PLANE else 0
        if root == 0:
            continue
        prefetch(keys, root - 1)
        prefetch(emits, np.int64(code) - FIRST)
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
def _number_pairs(codes, at, end, data, places, tables, seconds, pairs, slots, known, rows, names, ends, count, extra, e):
    """Number the pairs of the run [at, end), and fill ``slots`` (-1 = no row) and ``seconds`` of them: (bytes that found no room, count, e)."""
    for i in range(at, end - 1):
        number, slot = number_pair(
            codes[i], codes[i + 1], data, places[i], places[i + 2], tables, pairs, known, rows, names, ends, count
        )  # fmt: skip
        slots[i] = slot
        seconds[i] = pairs[slot, 2] if slot >= 0 else 0
        if number < 0:
            return places[i + 2] - places[i] + 1, count, e
        count += number == count
        extra[e] = number
        e += 1
    return 0, count, e


@inlined
def _number_words(spans, found, data, places, pairs, slots, rows, names, ends, count, extra, e):
    """Number the words of two and more characters among ``spans[:found]``: (bytes that found no room, count, e)."""
    for i in range(found):
        if spans[i, 1] - spans[i, 0] > 2:
            await_tagged(rows, data, places[spans[i, 0]], places[spans[i, 1]], _HANWORD)
    for i in range(found):
        a, b = spans[i, 0], spans[i, 1]
        if b - a < 2:
            continue
        slot = slots[a] if b - a == 2 else -1
        if slot < 0:
            number = number_tagged(rows, names, ends, count, data, places[a], places[b], _HANWORD)
        elif pairs[slot, 3] > 0:
            number = np.int64(pairs[slot, 3]) - 1
        else:
            number = append_tagged(names, ends, count, data, places[a], places[b], _HANWORD)
            pairs[slot, 3] = number + 1
        if number < 0:
            return places[b] - places[a] + 1, count, e
        count += number == count
        extra[e], e = number, e + 1
    return 0, count, e


@inlined
def number_han(
    codes,
    at,
    end,
    size,
    data,
    places,
    kinds,
    tables,
    scratch,
    spans,
    singles,
    pairs,
    slots,
    known,
    rows,
    names,
    ends,
    count,
    items,
    n,
    extra,
    e,
):
    """Number the characters, pairs and words of the run [at, end) of a text of ``size``: (bytes that found no room, count, n, e).

    There is room for its pairs; ``slots`` int64 and the rest of the scratch have a place for every code.
    """
    keys, values, roots, sieve, unknown, starts, moves, emits = tables
    nexts, scores, states, seconds = scratch
    _await_run(codes, at, end, size, keys, roots, sieve, emits, pairs)
    for i in range(at, end):
        number = number_character(codes[i], rows, names, ends, count, data, places[i], places[i + 1], singles)
        if number < 0:
            return places[i + 1] - places[i] + 1, count, n, e
        count += number == count
        items[n], n = ~number, n + 1
    needed, count, e = _number_pairs(codes, at, end, data, places, tables, seconds, pairs, slots, known, rows, names, ends, count, extra, e)
    if needed > 0:
        return needed, count, n, e
    while at < end:
        stop = at
        while stop < end and kinds[codes[stop]] & HAN_BIT:
            stop += 1
        if stop - at > 1:
            found = segment_run(
                codes, at, stop, keys, values, roots, sieve, unknown, starts, moves, emits, True, True,
                nexts, scores, states, seconds, spans, 0,
            )  # fmt: skip
            needed, count, e = _number_words(spans, found, data, places, pairs, slots, rows, names, ends, count, extra, e)
            if needed > 0:
                return needed, count, n, e
        at = stop + 1
    return 0, count, n, e
