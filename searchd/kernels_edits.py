"""A word as typed -> the words of a term dictionary within a few edits, by one pass over its front-coded strings.

An edit is a letter too many, missing, wrong, or two neighbours exchanged (the restricted Damerau distance: Oommen and Loke, Pattern recognition of
strings with substitutions, insertions, deletions and generalized transpositions, 1997). The strings come sorted, so a row of the distance table is
worked out once for each distinct prefix, as in a walk of their trie, and strings are passed over while the prefix that they share is too far
away already. Of a row only the cells are filled that few enough edits can reach (Ukkonen, Algorithms for approximate string matching, 1985).
There is no index to build, to hold in memory or to bring up to date, and wrong first letters cost no more than others.
"""

import numpy as np

from indexer.front_coding import BLOCK, BLOCK_BITS, entry
from indexer.jit import inlined, kernel

MAX_TYPED = 40
SHORTEST = 3  # letters that at least remain without the spare ones
MAX_FOUND = 2048
ALIVE = 1 << 30


@kernel
def scan(data, starts, first, last, typed, most, spare, places, edits):
    """Write the places from ``first`` to ``last`` of near strings and the edits of each; returns their number.

    Near are those at most ``most`` edits from ``typed``, or from it without up to ``spare`` of its last letters; with spare letters a stem's own last
    e or i may be one too many.
    """
    size = len(typed)
    rows = np.empty((size + most + 2, size + 1), np.int64)
    for j in range(size + 1):
        rows[0, j] = j
    word = np.zeros(size + most + 2, np.uint8)
    # A prefix of ``dead`` letters is too far away, whatever follows.
    dead, n = ALIVE, 0
    for block in range(first >> BLOCK_BITS, (last + BLOCK - 1) >> BLOCK_BITS):
        at, end = np.int64(starts[block]), np.int64(starts[block + 1])
        for i in range(block << BLOCK_BITS, min(last, (block + 1) << BLOCK_BITS)):
            shared, further, at = entry(data, at, end)
            if shared < dead:
                known, dead = _extend(data, at, further, shared, typed, most, rows, word)
                # A word that is too far away by its last letter may still be near without it.
                if i >= first and n < len(places) and (dead == ALIVE or dead == shared + further):
                    found = _distance(rows, word, known, size, most, spare)
                    if found <= most:
                        places[n], edits[n] = i, found
                        n += 1
            at += further
    return n


@inlined
def _extend(data, at, further, shared, typed, most, rows, word):
    """(letters with rows, letters of the dead prefix) after the string whose letters from ``shared`` on are at ``at``."""
    known, dead = shared, ALIVE
    for k in range(shared, shared + further):
        # Never beyond the rows: a prefix that is longer than the typed word by more than ``most`` is dead.
        word[k] = data[at + k - shared]
        known = k + 1
        if _row(rows, word, known, typed, most) > most:
            dead = known
            break
    return known, dead


@inlined
def _row(rows, word, depth, typed, most):
    """Fill the row of the word's first ``depth`` letters at most ``most`` places beside the diagonal; returns its minimum."""
    letter = word[depth - 1]
    first, last = max(1, depth - most), min(len(typed), depth + most)
    rows[depth, 0] = depth
    # The neighbours of what is filled, which the next rows look at, are too far away.
    if first > 1:
        rows[depth, first - 1] = most + 1
    if last < len(typed):
        rows[depth, last + 1] = most + 1
    least = depth
    for j in range(first, last + 1):
        cost = min(rows[depth - 1, j] + 1, rows[depth, j - 1] + 1, rows[depth - 1, j - 1] + (letter != typed[j - 1]))
        if depth > 1 and j > 1 and letter == typed[j - 2] and word[depth - 2] == typed[j - 1]:
            cost = min(cost, rows[depth - 2, j - 2] + 1)
        rows[depth, j] = cost
        least = min(least, cost)
    return least


@inlined
def _distance(rows, word, known, size, most, spare):
    """The least of the distances that count."""
    found = rows[known, size] if abs(known - size) <= most else most + 1
    found = min(found, _least(rows, known, size, most, spare))
    if spare > 0 and known > 2 and (word[known - 1] == ord("e") or word[known - 1] == ord("i")):
        found = min(found, _least(rows, known - 1, size, most, spare))
    return found


@inlined
def _least(rows, depth, size, most, spare):
    """The least of those to the typed word and to what is left of it without up to ``spare`` letters, as far as they are filled."""
    found = most + 1
    for j in range(max(SHORTEST, size - spare, depth - most), min(size, depth + most) + 1):
        found = min(found, rows[depth, j])
    return found


@kernel
def distance(a, b):
    """Edits between two words, uint32[n] of code points or uint8[n] of letters."""
    rows = np.empty((len(a) + 1, len(b) + 1), np.int64)
    for j in range(len(b) + 1):
        rows[0, j] = j
    for depth in range(1, len(a) + 1):
        _row(rows, a, depth, b, len(a) + len(b))
    return rows[len(a), len(b)]
