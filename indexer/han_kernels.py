"""jieba's segmentation as kernels: a trie of the dictionary, the most probable path through it, Viterbi for what it lacks.

Texts are code points, uint32[n]. A trie node is a number, the root 0; its edges are one open-addressing table from (node, character) to the child,
which a dictionary of 350,000 words fills in a tenth of a second, so nothing needs to be cached on disk. Weights and sums are float64 in jieba's own
order of operations, and ties go where Python's ``max`` of tuples sends them, so the words are jieba's.

    keys uint64[size]       node << 32 | character, 0 = empty slot (no word begins with U+0000)
    children int32[size]    the child; size is a power of two, at most half full
    freqs int64[nodes]      frequency of the word that ends at a node, 0 = only a prefix
    weights float64[nodes]  log(frequency or 1) - log(total)
"""

import numpy as np

from indexer.jit import inlined, kernel

FIRST, LAST = 0x4E00, 0x9FD5
# States of the hidden Markov model in the order of their letters, by which jieba breaks ties: begin, end, middle, single.
B, E, M, S = range(4)
NOTHING = -3.14e100
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@inlined
def _slot(keys, node, char):
    """The slot of an edge, or the empty one where it belongs."""
    key = (np.uint64(node) << np.uint64(32)) | np.uint64(char)
    mask = np.uint64(len(keys) - 1)
    at = ((key * _SPREAD) >> np.uint64(29)) & mask
    while keys[at] != 0 and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return at


@inlined
def _child(keys, children, node, char):
    """The child of ``node``, or -1."""
    at = _slot(keys, node, char)
    return children[at] if keys[at] != 0 else -1


@kernel
def add_words(chars, ends, words, keys, children, freqs):
    """Fill a zeroed trie with words (frequency int64[W]; their code points end at ``ends``); returns its nodes, 0 when ``freqs`` is too short.

    The same word again gets the later frequency.
    """
    start, nodes = 0, 1
    for word in range(len(ends)):
        node = 0
        for i in range(start, ends[word]):
            at = _slot(keys, node, chars[i])
            if keys[at] == 0:
                if nodes == len(freqs):
                    return 0
                keys[at] = (np.uint64(node) << np.uint64(32)) | np.uint64(chars[i])
                children[at] = nodes
                nodes += 1
            node = children[at]
        freqs[node] = words[word]
        start = ends[word]
    return nodes


@kernel
def find(codes, start, end, keys, children):
    """The node of codes[start:end], or -1."""
    node = 0
    for i in range(start, end):
        node = _child(keys, children, node, codes[i])
        if node < 0:
            return -1
    return node


@kernel
def best_path(codes, start, end, keys, children, freqs, weights, unknown, nexts, scores):
    """Fill nexts[i], the end of the word at i on the most probable path from i to ``end``; scores[i] is its log probability.

    ``unknown`` is the weight of a character that is no word. Both arrays have ``len(codes) + 1`` places.
    """
    scores[end] = 0.0
    for i in range(end - 1, start - 1, -1):
        node, best, best_end = 0, -np.inf, -1
        for j in range(i, end):
            node = _child(keys, children, node, codes[j])
            if node < 0:
                break
            if freqs[node] > 0:
                score = weights[node] + scores[j + 1]
                # A tie goes to the longer word.
                if score >= best:
                    best, best_end = score, j + 1
        if best_end < 0:
            best, best_end = unknown + scores[i + 1], i + 1
        scores[i], nexts[i] = best, best_end


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
def _join_unknown(codes, start, end, keys, children, freqs, starts, moves, emits, states, nexts):
    """Cut again, by the model, every stretch of two and more single characters that is no word of the dictionary."""
    at = start
    while at < end:
        stop = at
        while stop < end and nexts[stop] == stop + 1:
            stop += 1
        if stop - at > 1:
            node = find(codes, at, stop, keys, children)
            if node < 0 or freqs[node] == 0:
                viterbi(codes, at, stop, starts, moves, emits, states)
                _cut_unknown(at, stop, states, nexts)
        at = nexts[stop] if stop < end else end


@kernel
def _emit(codes, start, end, keys, children, freqs, search, spans, count):
    """Append the word [start, end), in search mode after the words of two and three characters inside it."""
    if search:
        for length in (2, 3):
            if end - start > length:
                for i in range(start, end - length + 1):
                    node = find(codes, i, i + length, keys, children)
                    if node >= 0 and freqs[node] > 0:
                        spans[count, 0], spans[count, 1] = i, i + length
                        count += 1
    spans[count, 0], spans[count, 1] = start, end
    return count + 1


@kernel
def segment_run(codes, start, end, tables, search, scratch, spans):
    """Write start and end of the words of the Han run [start, end) to ``spans`` int32[3 * (end - start), 2], in jieba's order; returns their
    number. ``tables``: keys, children, freqs, weights, unknown, starts, moves, emits; ``scratch``: see ``new_scratch``."""
    keys, children, freqs, weights, unknown, starts, moves, emits = tables
    nexts, scores, states = scratch
    best_path(codes, start, end, keys, children, freqs, weights, unknown, nexts, scores)
    _join_unknown(codes, start, end, keys, children, freqs, starts, moves, emits, states, nexts)
    count, word = 0, start
    while word < end:
        count = _emit(codes, word, nexts[word], keys, children, freqs, search, spans, count)
        word = nexts[word]
    return count


@kernel
def new_scratch(size):
    """Room for texts of ``size`` characters: (nexts, scores, states)."""
    return np.empty(size + 1, np.int32), np.empty(size + 1), np.empty(size, np.int8)


@kernel
def segment(codes, keys, children, freqs, weights, unknown, starts, moves, emits, search):
    """int32[words, 2]: start and end of the words of all Han runs in ``codes``, in jieba's order."""
    tables = (keys, children, freqs, weights, unknown, starts, moves, emits)
    size = len(codes)
    scratch, spans = new_scratch(size), np.empty((3 * size, 2), np.int32)
    count, start = 0, 0
    while start < size:
        end = start
        while end < size and FIRST <= codes[end] <= LAST:
            end += 1
        if end > start:
            count += segment_run(codes, start, end, tables, search, scratch, spans[count:])
        start = end + 1
    return spans[:count]
