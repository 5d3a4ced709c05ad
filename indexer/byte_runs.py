"""Texts -> their runs, for the standard analyzer: what ``words.ANY_RUN`` finds, as numbers of distinct runs, and Han terms as numbers of terms.

A text of ASCII is scanned as it is, any other as folded code points with their UTF-8 beside them. Word runs are numbered in a table of runs, since
their terms are found by Python, once for each; characters, pairs and words of scripts without spaces are terms already, and so are mixed words
(``mixed.py``, which says the same of one text).
"""

import numpy as np

from indexer.borrowed import borrowed
from indexer.characters import LETTER_BIT, UNSPACED_BIT, WRAPPED_BIT, decode, fold_text, is_ascii
from indexer.han_kernels import NOTHING, child_of, new_scratch
from indexer.han_numbers import number_character, number_han, number_pair, with_pairs
from indexer.interning import number_name as _number
from indexer.interning import with_room
from indexer.jit import kernel
from indexer.texts import GAP
from indexer.word_runs import is_dot_of_name, run_end, scan_ascii

_HAN1 = 1
_SPACE, _TAB, _RETURN = 0x20, 0x09, 0x0D


@kernel
def encode_codes(codes, size, data, places):
    """UTF-8 of code points in ``data`` from its second byte on; places[i] is where code point i begins, places[size] the end."""
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


@kernel
def _number_over_space(codes, at, size, data, places, kinds, tables, pairs, known, rows, names, ends, count):
    """Number of the pair of the character at ``at`` and the one before white space before it: -1 for no room, and its bytes; -2 for no pair."""
    before = at - 1
    while before >= 0 and (codes[before] == _SPACE or _TAB <= codes[before] <= _RETURN):
        before -= 1
    if before == at - 1 or before < 0 or not kinds[codes[before]] & kinds[codes[at]] & WRAPPED_BIT:
        return -2, 0
    # Put together in the room behind the text.
    start = places[size] + 1
    to = start
    for i in range(places[before], places[before + 1]):
        data[to], to = data[i], to + 1
    for i in range(places[at], places[at + 1]):
        data[to], to = data[i], to + 1
    number, _ = number_pair(codes[before], codes[at], data, start, to, tables, pairs, known, rows, names, ends, count)
    return number, to - start + 1


@kernel
def _number_mixed(codes, at, end, size, kinds, mixed, rows, names, ends, count, extra, e):
    """Number the mixed words whose first word run is [at, end): (bytes that found no room, count, e)."""
    keys, values, last_ends, data, word_ends, lower, before, _, _ = mixed
    start = at
    while start >= max(0, at - before) and (start == at or not (kinds[codes[start]] & LETTER_BIT or codes[start] == _SPACE)):
        node, stop = 0, end
        for i in range(start, size):
            node = child_of(keys, node, lower[codes[i]] if codes[i] < len(lower) else codes[i])
            if node == 0:
                break
            if i >= stop and kinds[codes[i]] & LETTER_BIT:
                stop = run_end(codes, i, size, kinds)
            if values[node - 1] > NOTHING:
                word = np.int64(values[node - 1])
                if stop == start + last_ends[word]:
                    number = _number(rows, names, ends, count, data, word_ends[word], word_ends[word + 1])
                    if number < 0:
                        return word_ends[word + 1] - word_ends[word], count, e
                    count += number == count
                    extra[e], e = number, e + 1
        start -= 1
    return 0, count, e


@kernel
def _scan_codes(
    codes,
    at,
    size,
    data,
    places,
    kinds,
    tables,
    mixed,
    scratch,
    spans,
    singles,
    pairs,
    slots,
    known,
    runs,
    run_names,
    run_ends,
    num_runs,
    rows,
    names,
    ends,
    count,
    items,
    n,
    extra,
    e,
    length,
):
    """Number word runs and Han terms of a folded text from ``at``, or to a run that finds no room.

    Returns (where it stopped, bytes that found no room among the runs, among the names, num_runs, count, n, e, length); ``length`` counts
    what Han runs and mixed words are for BM25.
    """
    tables = (
        borrowed(tables[0]), borrowed(tables[1]), borrowed(tables[2]), borrowed(tables[3]),
        tables[4], borrowed(tables[5]), borrowed(tables[6]), borrowed(tables[7]),
    )  # fmt: skip
    scratch = (borrowed(scratch[0]), borrowed(scratch[1]), borrowed(scratch[2]), borrowed(scratch[3]))
    codes, data, places, kinds, spans = borrowed(codes), borrowed(data), borrowed(places), borrowed(kinds), borrowed(spans)
    singles, pairs, slots, known = borrowed(singles), borrowed(pairs), borrowed(slots), borrowed(known)
    runs, run_names, run_ends = borrowed(runs), borrowed(run_names), borrowed(run_ends)
    rows, names, ends, items, extra = borrowed(rows), borrowed(names), borrowed(ends), borrowed(items), borrowed(extra)
    while at < size:
        kind = kinds[codes[at]]
        if kind & UNSPACED_BIT:
            end = at + 1
            while end < size and kinds[codes[end]] & UNSPACED_BIT:
                end += 1
            number, needed = _number_over_space(codes, at, size, data, places, kinds, tables, pairs, known, rows, names, ends, count)
            if number == -1:
                return at, 0, needed, num_runs, count, n, e, length
            count += number == count
            pair, paired = number, number >= 0
            if end == at + 1:
                # The commonest run where words stand apart; it has no pair, and counts, lest a field of one character be taken for an empty one.
                number = number_character(codes[at], rows, names, ends, count, data, places[at], places[end], singles)
                if number < 0:
                    return at, 0, places[end] - places[at] + 1, num_runs, count, n, e, length
                count += number == count
                items[n], n, length, at = ~number, n + 1, length + 1, end
                extra[e], e = pair, e + paired
                continue
            # What is numbered stays numbered, should the run be scanned again.
            needed, count, after, more = number_han(
                codes, at, end, size, data, places, kinds, tables, scratch, spans, singles, pairs, slots, known,
                rows, names, ends, count, items, n, extra, e,
            )  # fmt: skip
            if needed > 0:
                return at, 0, needed, num_runs, count, n, e, length
            n, e, length = after, more, length + end - at - 1
            extra[e], e = pair, e + paired
            at = end
        elif kind & LETTER_BIT or is_dot_of_name(codes, 0, at, size, kinds):
            end = run_end(codes, at, size, kinds)
            number = _number(runs, run_names, run_ends, num_runs, data, places[at], places[end])
            if number < 0:
                return at, places[end] - places[at], 0, num_runs, count, n, e, length
            num_runs += number == num_runs
            needed, count, more = _number_mixed(codes, at, end, size, kinds, mixed, rows, names, ends, count, extra, e)
            if needed > 0:
                return at, 0, needed, num_runs, count, n, e, length
            length, e = length + more - e, more
            items[n], n = number, n + 1
            at = end
        else:
            at += 1
    return at, 0, 0, num_runs, count, n, e, length


@kernel
def folded_size(data, start, stop, folded, expansion_ends):
    """Number of code points of a text when it is folded."""
    n, at = 0, start
    while at < stop:
        code, at = decode(data, at)
        found = folded[code]
        n += 1 if found >= 0 else expansion_ends[-1 - found] - expansion_ends[-2 - found]
    return n


@kernel
def _with_space(array, used, more):
    """The array, or a longer one with its first ``used`` numbers, so that ``more`` fit behind them."""
    if used + more <= len(array):
        return array
    longer = np.empty(2 * (used + more), array.dtype)
    longer[:used] = array[:used]
    return longer


@kernel
def number_runs(
    data,
    starts,
    stops,
    tables_of_characters,
    tables,
    mixed,
    runs,
    run_names,
    run_ends,
    num_runs,
    rows,
    names,
    ends,
    count,
    han,
    item_ends,
    extra_ends,
    lengths,
):
    """Items and extra terms of every text.

    An item is the number of a word run, or ~number of a Han character's term. Fills ``item_ends`` and ``extra_ends`` int64[texts + 1] and
    ``lengths`` uint32[texts], what Han runs and mixed words add to them; returns (items, extra, the table of runs, the table of names, ``han``):
    the tables grow.
    """
    kinds, folded, expansions, expansion_ends = tables_of_characters
    items, extra = np.empty(1024, np.int32), np.empty(1024, np.int32)
    codes, places, encoded = np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.uint8)
    scratch, spans, slots = new_scratch(0), np.empty((0, 2), np.int32), np.empty(0, np.int64)
    singles, pairs, known = han
    n, e = 0, 0
    for text in range(len(starts)):
        at, stop, length = starts[text], stops[text], 0
        if is_ascii(data, at, stop) and not mixed.ascii:
            items = _with_space(items, n, stop - at)
            first = at
            while at < stop:
                at, needed, num_runs, n = scan_ascii(data, first, at, stop, kinds, runs, run_names, run_ends, num_runs, items, n)
                if needed > 0:
                    runs, run_names, run_ends = with_room(runs, run_names, run_ends, num_runs, needed)
        else:
            size = folded_size(data, at, stop, folded, expansion_ends)
            if size > len(codes):
                codes, places, encoded = np.empty(size, np.int32), np.empty(size + 1, np.int64), np.empty(4 * size + 32, np.uint8)
                scratch, spans, slots = new_scratch(size), np.empty((3 * size, 2), np.int32), np.empty(size, np.int64)
            pairs = with_pairs(pairs, known[0] + size)
            fold_text(data, at, stop, folded, expansions, expansion_ends, codes)
            encode_codes(codes, size, encoded, places)
            items, extra, at = _with_space(items, n, size), _with_space(extra, e, (4 + mixed.nested) * size), 0
            while at < size:
                at, needed, wanted, num_runs, count, n, e, length = _scan_codes(
                    codes, at, size, encoded, places, kinds, tables, mixed, scratch, spans, singles, pairs, slots, known,
                    runs, run_names, run_ends, num_runs, rows, names, ends, count, items, n, extra, e, length,
                )  # fmt: skip
                if needed > 0:
                    runs, run_names, run_ends = with_room(runs, run_names, run_ends, num_runs, needed)
                if wanted > 0:
                    rows, names, ends = with_room(rows, names, ends, count, wanted)
        item_ends[text + 1], extra_ends[text + 1], lengths[text] = n, e, length
    return items[:n], extra[:e], (runs, run_names, run_ends, num_runs), (rows, names, ends, count), (singles, pairs, known)


@kernel
def expand(
    text_ends,
    items,
    item_ends,
    extra,
    extra_ends,
    text_lengths,
    sequences,
    sequence_ends,
    beside,
    beside_ends,
    tokens,
    token_ends,
    more,
    more_ends,
    lengths,
):
    """Items -> terms: run r stands for sequences[sequence_ends[r]:sequence_ends[r + 1]], and ``beside`` likewise for its extra terms.

    Fills what ``texts.Numbered`` has, ``more`` being its extra terms.
    """
    n, e = 0, 0
    token_ends[0], more_ends[0] = 0, 0
    for doc in range(len(lengths)):
        length = 0
        for text in range(text_ends[doc], text_ends[doc + 1]):
            length += text_lengths[text]
            if n > token_ends[doc] and item_ends[text + 1] > item_ends[text]:
                tokens[n] = GAP
                n += 1
            for i in range(item_ends[text], item_ends[text + 1]):
                run = items[i]
                if run < 0:
                    tokens[n] = ~run
                    n += 1
                    continue
                for j in range(sequence_ends[run], sequence_ends[run + 1]):
                    tokens[n] = sequences[j]
                    n += 1
                for j in range(beside_ends[run], beside_ends[run + 1]):
                    more[e] = beside[j]
                    e += 1
                length += sequence_ends[run + 1] - sequence_ends[run] + beside_ends[run + 1] - beside_ends[run]
            for i in range(extra_ends[text], extra_ends[text + 1]):
                more[e] = extra[i]
                e += 1
        token_ends[doc + 1], more_ends[doc + 1], lengths[doc] = n, e, length
    return n, e
