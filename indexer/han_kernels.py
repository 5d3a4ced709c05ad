"""jieba's segmentation as kernels: a trie of the dictionary, the most probable path through it, Viterbi for what it lacks.

Texts are code points, uint32[n] or int32[n]. The trie is one open-addressing table of its edges, from (node, character) to the child; a child is
named by the slot of its edge, and what is known of it stands beside its key, so that a step reads one line of memory. A dictionary of 350,000 words
fills it in a tenth of a second. Weights and sums are float64 in jieba's own order of operations, and ties go where Python's ``max`` of tuples sends
them, so the words are jieba's.

    keys uint64[size]       node << 32 | character, 0 = empty slot (no word has U+0000); size is a power of two, at most half full
    values float64[size]    of the word that ends in a slot: log(frequency) - log(total); NOTHING = only the beginning of a word
    roots int32[65536]      the children of the root, by character; 0 = none
    sieve uint8[size]       a bit for each hash of an edge: where it is not set there is no such edge (Bloom's filter of one hash)

Node 0 is the root, node n the child in slot n - 1. Waiting for lines of the trie is most
of the time that segmentation takes. So single characters are looked up in ``roots``, pairs all at once before the path is looked for (``seconds``,
by the place of the first character: the node of the pair or 0), only words of three and more step by step, and edges that do not exist, which most
are, hardly at all.
"""

import math
from typing import NamedTuple

import numpy as np

from indexer.borrowed import borrowed
from indexer.jit import inlined, kernel
from indexer.swar import prefetch

FIRST, LAST = 0x4E00, 0x9FD5
# States of the hidden Markov model in the order of their letters, by which jieba breaks ties: begin, end, middle, single.
B, E, M, S = range(4)
NOTHING = -3.14e100
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class Tables(NamedTuple):
    """The dictionary as a trie, and the model; see the module and ``_viterbi``. ``keys`` and ``values`` are the columns of one array."""

    keys: np.ndarray
    values: np.ndarray
    roots: np.ndarray
    sieve: np.ndarray
    unknown: float
    starts: np.ndarray
    moves: np.ndarray
    emits: np.ndarray


class Scratch(NamedTuple):
    """Room for a text: ``nexts`` int32, where the word at a place ends; ``scores`` float64; ``states`` int8; ``seconds`` int32, see above; ``spans``
    int32[words, 2], start and end of what is found."""

    nexts: np.ndarray
    scores: np.ndarray
    states: np.ndarray
    seconds: np.ndarray
    spans: np.ndarray


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
def _sieve_bit(sieve, node, char):
    """The bit of an edge."""
    key = (np.uint64(node) << np.uint64(32)) | np.uint64(char)
    return ((key * _SPREAD) >> np.uint64(40)) & np.uint64(8 * len(sieve) - 1)


@inlined
def await_step(sieve, node, char):
    """Have the part of the sieve read that ``step`` will ask first."""
    prefetch(sieve, np.int64(_sieve_bit(sieve, node, char) >> np.uint64(3)))


@inlined
def _may_step(sieve, node, char):
    """Whether there may be an edge from a node to a character."""
    bit = _sieve_bit(sieve, node, char)
    return (sieve[bit >> np.uint64(3)] >> (bit & np.uint64(7))) & 1


def sieve_of(keys: np.ndarray) -> np.ndarray:
    """The sieve of all edges of a table."""
    marks = np.zeros(8 * len(keys), np.bool_)
    marks[((keys[keys != 0] * _SPREAD) >> np.uint64(40)) & np.uint64(len(marks) - 1)] = True
    return np.packbits(marks, bitorder="little")


@inlined
def step(keys, sieve, node, char):
    """The child of ``node``, not 0, or 0: where it is mostly 0, faster than ``child_of``."""
    return child_of(keys, node, char) if _may_step(sieve, node, char) else 0


@inlined
def _is_word(codes, start, end, tables, seconds):
    """Whether codes[start:end], two and more characters, is in the dictionary."""
    node = np.int64(seconds[start])
    for i in range(start + 2, end):
        if node == 0:
            break
        node = step(tables.keys, tables.sieve, node, codes[i])
    return node > 0 and tables.values[node - 1] > NOTHING


@inlined
def _find_seconds(codes, start, end, tables, seconds):
    """Fill ``seconds`` of a run."""
    keys, roots, sieve = tables.keys, tables.roots, tables.sieve
    for i in range(start, end - 1):
        root = np.int64(roots[codes[i]])
        seconds[i] = root if root > 0 and _may_step(sieve, root, codes[i + 1]) else 0
        if seconds[i] > 0:
            prefetch(keys, np.int64(_home(keys, (np.uint64(root) << np.uint64(32)) | np.uint64(codes[i + 1]))))
    for i in range(start, end - 1):
        if seconds[i] > 0:
            seconds[i] = child_of(keys, np.int64(seconds[i]), codes[i + 1])


@inlined
def _best_path(codes, start, end, tables, scratch):
    """Fill nexts[i], the end of the word at i on the most probable path from i to ``end``; scores[i] is its log probability.

    A character that is no word has the weight ``tables.unknown``.
    """
    keys, values, roots, sieve = tables.keys, tables.values, tables.roots, tables.sieve
    nexts, scores, seconds = scratch.nexts, scratch.scores, scratch.seconds
    scores[end] = 0.0
    for i in range(end - 1, start - 1, -1):
        best, best_end = NOTHING, -1
        root = np.int64(roots[codes[i]])
        if root > 0 and values[root - 1] > NOTHING:
            best, best_end = values[root - 1] + scores[i + 1], i + 1
        node, j = np.int64(seconds[i]) if i + 1 < end else 0, i + 2
        while node > 0:
            weight = values[node - 1]
            if weight > NOTHING:
                score = weight + scores[j]
                # A tie goes to the longer word.
                if score >= best:
                    best, best_end = score, j
            node = step(keys, sieve, node, codes[j]) if j < end else 0
            j += 1
        if best_end < 0:
            best, best_end = tables.unknown + scores[i + 1], i + 1
        scores[i], nexts[i] = best, best_end


@inlined
def _weight_of(chars, start, end, tables):
    """Weight of chars[start:end]; NOTHING when it is no word."""
    node = 0
    for i in range(start, end):
        node = child_of(tables.keys, node, chars[i])
        if node == 0:
            return NOTHING
    return tables.values[node - 1]


@kernel
def sufficient(chars, ends, tables, freqs):
    """Fill freqs int64[W] where it is 0: a frequency that makes a word more probable than what it is cut into without it, as jieba's
    ``suggest_freq``."""
    scratch = new_scratch(len(chars))
    start = 0
    for word in range(len(ends)):
        end = ends[word]
        if freqs[word] == 0:
            _find_seconds(chars, start, end, tables, scratch.seconds)
            _best_path(chars, start, end, tables, scratch)
            freqs[word] = np.int64(math.exp(scratch.scores[start] - tables.unknown)) + 1
            weight = _weight_of(chars, start, end, tables)
            if weight > NOTHING:
                freqs[word] = max(freqs[word], np.int64(round(math.exp(weight - tables.unknown))))
        start = end


@inlined
def _viterbi(codes, start, end, tables, states):
    """The most probable states[start:end] of the model ``starts`` float64[4], ``moves`` float64[4, 4], ``emits`` float64[LAST - FIRST + 1, 4].

    Until they are known, ``states`` holds a bit for each state: whether the later letter of the two that may stand before it did.
    """
    starts, moves, emits = tables.starts, tables.moves, tables.emits
    row = codes[start] - FIRST
    b, e, m, s = starts[B] + emits[row, B], starts[E] + emits[row, E], starts[M] + emits[row, M], starts[S] + emits[row, S]
    for i in range(start + 1, end):
        row = codes[i] - FIRST
        # What may stand before: a word begins (B, S) after one has ended (E, S), and goes on (M, E) from B or M.
        b_low, b_high = e + moves[E, B] + emits[row, B], s + moves[S, B] + emits[row, B]
        e_low, e_high = b + moves[B, E] + emits[row, E], m + moves[M, E] + emits[row, E]
        m_low, m_high = b + moves[B, M] + emits[row, M], m + moves[M, M] + emits[row, M]
        s_low, s_high = e + moves[E, S] + emits[row, S], s + moves[S, S] + emits[row, S]
        # A tie goes to the later letter.
        b, e, m, s = max(b_low, b_high), max(e_low, e_high), max(m_low, m_high), max(s_low, s_high)
        states[i] = (b_high >= b_low) << B | (e_high >= e_low) << E | (m_high >= m_low) << M | (s_high >= s_low) << S
    state = E if e > s else S
    for i in range(end - 1, start, -1):
        high = states[i] >> state & 1
        states[i] = state
        state = (S if high else E) if state in (B, S) else (M if high else B)
    states[start] = state


@inlined
def _cut_unknown(start, end, states, nexts):
    """Turn the states of [start, end) into words: nexts[i] = end of the word at i."""
    begin = start
    for i in range(start, end):
        if states[i] == E or states[i] == S:
            nexts[begin] = i + 1
            begin = i + 1
    if begin < end:
        nexts[begin] = end


@inlined
def _join_unknown(codes, start, end, tables, scratch):
    """Cut again, by the model, every stretch of two and more single characters that is no word of the dictionary."""
    nexts, states = scratch.nexts, scratch.states
    at = start
    while at < end:
        stop = at
        while stop < end and nexts[stop] == stop + 1:
            stop += 1
        if stop - at > 1 and not _is_word(codes, at, stop, tables, scratch.seconds):
            _viterbi(codes, at, stop, tables, states)
            _cut_unknown(at, stop, states, nexts)
        at = nexts[stop] if stop < end else end


@inlined
def _emit(codes, start, end, tables, scratch, search, count):
    """Append the word [start, end), in search mode after the words of two and three characters inside it."""
    spans = scratch.spans
    if search:
        for length in (2, 3):
            if end - start > length:
                for i in range(start, end - length + 1):
                    if _is_word(codes, i, i + length, tables, scratch.seconds):
                        spans[count, 0], spans[count, 1] = i, i + length
                        count += 1
    spans[count, 0], spans[count, 1] = start, end
    return count + 1


@inlined
def segment_run(codes, start, end, tables, scratch, search, model, count):
    """Write start and end of the words of the Han run [start, end), whose ``seconds`` are known, to ``spans`` from ``count`` on, in jieba's order;
    returns where they end: at most 3 * (end - start) further.

    ``model``: whether what the dictionary lacks is cut by the hidden Markov model. All of it is copied into its callers: handing over so many
    arrays costs as much as a short run.
    """
    _best_path(codes, start, end, tables, scratch)
    if model:
        _join_unknown(codes, start, end, tables, scratch)
    word = start
    while word < end:
        count = _emit(codes, word, scratch.nexts[word], tables, scratch, search, count)
        word = scratch.nexts[word]
    return count


@kernel
def new_scratch(size):
    """Room for texts of ``size`` characters."""
    return Scratch(
        np.empty(size + 1, np.int32),
        np.empty(size + 1),
        np.empty(size, np.int8),
        np.empty(size + 1, np.int32),
        np.empty((3 * size, 2), np.int32),
    )


@inlined
def _segment(codes, search, model, tables, scratch):
    """Fill ``spans``; returns how many there are."""
    size, count, start = len(codes), 0, 0
    while start < size:
        end = start
        while end < size and FIRST <= codes[end] <= LAST:
            end += 1
        if end > start:
            _find_seconds(codes, start, end, tables, scratch.seconds)
            count = segment_run(codes, start, end, tables, scratch, search, model, count)
        start = end + 1
    return count


@kernel
def segment(codes, search, model, *tables):
    """int32[words, 2]: start and end of the words of all Han runs in ``codes``, in jieba's order.

    ``tables``: those of ``Tables`` one by one, which Numba takes from Python twice as fast as the tuple (1.2 us less of a query).
    """
    scratch = new_scratch(len(codes))
    count = _segment(borrowed(codes), search, model, borrowed(Tables(*tables)), borrowed(scratch))
    return scratch.spans[:count]
