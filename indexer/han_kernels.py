"""jieba's segmentation as kernels: a trie of the dictionary, the most probable path through it, Viterbi for what it lacks.

Texts are code points, uint32[n]. The trie is one open-addressing table of its edges, from (node, character) to the child; a child is named by
the slot of its edge, and what is known of it stands beside its key, so that a step reads one line of memory. A dictionary of 350,000 words fills
it in a tenth of a second. Weights and sums are float64 in jieba's own order of operations, and ties go where Python's ``max`` of tuples sends
them, so the words are jieba's.

    keys uint64[size]       node << 32 | character, 0 = empty slot (no word has U+0000); size is a power of two, at most half full
    values float64[size]    of the word that ends in a slot: log(frequency) - log(total); NOTHING = only the beginning of a word

Node 0 is the root, node n the child in slot n - 1.
"""

import math

import numpy as np

from indexer.jit import inlined, kernel
from indexer.swar import prefetch

FIRST, LAST = 0x4E00, 0x9FD5
# States of the hidden Markov model in the order of their letters, by which jieba breaks ties: begin, end, middle, single.
B, E, M, S = range(4)
NOTHING = -3.14e100
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@inlined
def _home(keys, key):
    """Slot where the search for an edge begins."""
    return ((key * _SPREAD) >> np.uint64(29)) & np.uint64(len(keys) - 1)


@inlined
def _slot(keys, node, char):
    """The slot of an edge, or the empty one where it belongs."""
    key = (np.uint64(node) << np.uint64(32)) | np.uint64(char)
    mask = np.uint64(len(keys) - 1)
    at = _home(keys, key)
    while keys[at] != 0 and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return at


@inlined
def child_of(keys, node, char):
    """The child of ``node``, or 0."""
    at = _slot(keys, node, char)
    return np.int64(at) + 1 if keys[at] != 0 else 0


@kernel
def add_words(chars, ends, values, keys, stored, edges):
    """Add words (float64[W]; their code points end at ``ends``) to a trie of so many edges: returns them, 0 when the table is too small.

    The same word again gets the later value. ``stored`` of slots without a word is NOTHING.
    """
    start = 0
    for word in range(len(ends)):
        node = 0
        for i in range(start, ends[word]):
            at = _slot(keys, node, chars[i])
            if keys[at] == 0:
                if 2 * edges >= len(keys):
                    return 0
                keys[at] = (np.uint64(node) << np.uint64(32)) | np.uint64(chars[i])
                edges += 1
            node = np.int64(at) + 1
        if node > 0:
            stored[node - 1] = values[word]
        start = ends[word]
    return edges


@inlined
def _is_word(codes, start, end, keys, values):
    """Whether codes[start:end] is in the dictionary."""
    node = 0
    for i in range(start, end):
        node = child_of(keys, node, codes[i])
        if node == 0:
            break
    return node > 0 and values[node - 1] > NOTHING


@inlined
def _await_edges(codes, start, end, keys, firsts):
    """Fill firsts[i], the node of the character at i, and have the edges to the characters behind read into the cache, all at once."""
    for i in range(start, end):
        firsts[i] = child_of(keys, 0, codes[i])
        if firsts[i] > 0 and i + 1 < end:
            prefetch(keys, np.int64(_home(keys, (np.uint64(firsts[i]) << np.uint64(32)) | np.uint64(codes[i + 1]))))


@kernel
def best_path(codes, start, end, keys, values, unknown, nexts, scores):
    """Fill nexts[i], the end of the word at i on the most probable path from i to ``end``; scores[i] is its log probability.

    ``unknown`` is the weight of a character that is no word. Both arrays have ``len(codes) + 1`` places.
    """
    _await_edges(codes, start, end, keys, nexts)
    scores[end] = 0.0
    for i in range(end - 1, start - 1, -1):
        node, best, best_end = 0, NOTHING, -1
        for j in range(i, end):
            node = np.int64(nexts[i]) if j == i else child_of(keys, node, codes[j])
            if node == 0:
                break
            weight = values[node - 1]
            if weight > NOTHING:
                score = weight + scores[j + 1]
                # A tie goes to the longer word.
                if score >= best:
                    best, best_end = score, j + 1
        if best_end < 0:
            best, best_end = unknown + scores[i + 1], i + 1
        scores[i], nexts[i] = best, best_end


@kernel
def sufficient(chars, ends, keys, values, unknown, freqs):
    """Fill freqs int64[W] where it is 0: a frequency that makes a word more probable than what it is cut into without it, as jieba's
    ``suggest_freq``."""
    nexts, scores = np.empty(len(chars) + 1, np.int32), np.empty(len(chars) + 1)
    start = 0
    for word in range(len(ends)):
        end = ends[word]
        if freqs[word] == 0:
            best_path(chars, start, end, keys, values, unknown, nexts, scores)
            freqs[word] = np.int64(math.exp(scores[start] - unknown)) + 1
            node = 0
            for i in range(start, end):
                node = child_of(keys, node, chars[i])
                if node == 0:
                    break
            if node > 0 and values[node - 1] > NOTHING:
                freqs[word] = max(freqs[word], np.int64(round(math.exp(values[node - 1] - unknown))))
        start = end


@inlined
def _better(score_a, a, score_b, b):
    """The state of the greater score; of a tie, the later letter (a < b)."""
    return a if score_a > score_b else b


@kernel
def viterbi(codes, start, end, starts, moves, emits, states):
    """The most probable states[start:end]; ``starts`` float64[4], ``moves`` float64[4, 4], ``emits`` float64[4, LAST - FIRST + 1]."""
    size = end - start
    back = np.empty((size, 4), np.int8)
    score, following = np.empty(4), np.empty(4)
    for state in range(4):
        score[state] = starts[state] + emits[state, codes[start] - FIRST]
    for i in range(1, size):
        for state in range(4):
            emit = emits[state, codes[start + i] - FIRST]
            # What may stand before: a word begins (B, S) after one has ended (E, S), and goes on (M, E) from B or M.
            low, high = (E, S) if state in (B, S) else (B, M)
            from_low, from_high = score[low] + moves[low, state] + emit, score[high] + moves[high, state] + emit
            chosen = _better(from_low, low, from_high, high)
            back[i, state] = chosen
            following[state] = from_low if chosen == low else from_high
        score[:] = following
    state = _better(score[E], E, score[S], S)
    for i in range(size - 1, -1, -1):
        states[start + i] = state
        if i:
            state = back[i, state]


@kernel
def _cut_unknown(start, end, states, nexts):
    """Turn the states of [start, end) into words: nexts[i] = end of the word at i."""
    begin = start
    for i in range(start, end):
        if states[i] == E or states[i] == S:
            nexts[begin] = i + 1
            begin = i + 1
    if begin < end:
        nexts[begin] = end


@kernel
def _join_unknown(codes, start, end, keys, values, starts, moves, emits, states, nexts):
    """Cut again, by the model, every stretch of two and more single characters that is no word of the dictionary."""
    at = start
    while at < end:
        stop = at
        while stop < end and nexts[stop] == stop + 1:
            stop += 1
        if stop - at > 1 and not _is_word(codes, at, stop, keys, values):
            viterbi(codes, at, stop, starts, moves, emits, states)
            _cut_unknown(at, stop, states, nexts)
        at = nexts[stop] if stop < end else end


@kernel
def _emit(codes, start, end, keys, values, search, spans, count):
    """Append the word [start, end), in search mode after the words of two and three characters inside it."""
    if search:
        for length in (2, 3):
            if end - start > length:
                for i in range(start, end - length + 1):
                    if _is_word(codes, i, i + length, keys, values):
                        spans[count, 0], spans[count, 1] = i, i + length
                        count += 1
    spans[count, 0], spans[count, 1] = start, end
    return count + 1


@kernel
def segment_run(codes, start, end, tables, search, model, scratch, spans):
    """Write start and end of the words of the Han run [start, end) to ``spans`` int32[3 * (end - start), 2], in jieba's order; returns their
    number. ``tables``: keys, values, unknown, starts, moves, emits; ``model``: whether what the dictionary lacks is cut by the hidden Markov
    model; ``scratch``: see ``new_scratch``."""
    keys, values, unknown, starts, moves, emits = tables
    nexts, scores, states = scratch
    best_path(codes, start, end, keys, values, unknown, nexts, scores)
    if model:
        _join_unknown(codes, start, end, keys, values, starts, moves, emits, states, nexts)
    count, word = 0, start
    while word < end:
        count = _emit(codes, word, nexts[word], keys, values, search, spans, count)
        word = nexts[word]
    return count


@kernel
def new_scratch(size):
    """Room for texts of ``size`` characters: (nexts, scores, states)."""
    return np.empty(size + 1, np.int32), np.empty(size + 1), np.empty(size, np.int8)


@kernel
def segment(codes, keys, values, unknown, starts, moves, emits, search, model):
    """int32[words, 2]: start and end of the words of all Han runs in ``codes``, in jieba's order."""
    tables = (keys, values, unknown, starts, moves, emits)
    size = len(codes)
    scratch, spans = new_scratch(size), np.empty((3 * size, 2), np.int32)
    count, start = 0, 0
    while start < size:
        end = start
        while end < size and FIRST <= codes[end] <= LAST:
            end += 1
        if end > start:
            count += segment_run(codes, start, end, tables, search, model, scratch, spans[count:])
        start = end + 1
    return spans[:count]
