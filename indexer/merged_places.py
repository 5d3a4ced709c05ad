"""Places of words and places of Han terms in folded texts -> one list of places in the originals.

A place is a row of int32: start, end, number of the term.
"""

import numpy as np

from indexer.jit import kernel


@kernel
def _merged(first, second):
    """The rows of two lists that are in order by their starts, in order by their starts."""
    rows = np.empty((len(first) + len(second), 3), np.int32)
    i = j = 0
    for row in range(len(rows)):
        if j == len(second) or (i < len(first) and first[i, 0] <= second[j, 0]):
            rows[row] = first[i]
            i += 1
        else:
            rows[row] = second[j]
            j += 1
    return rows


@kernel
def _unfold(rows, origins, folded_borders, borders):
    """Places in folded texts, by start, become places in the originals: a character that became several is taken whole."""
    text = 0
    for row in range(len(rows)):
        while rows[row, 0] >= folded_borders[text + 1]:
            text += 1
        stop, end = folded_borders[text + 1], np.int64(rows[row, 1])
        while end < stop and origins[end] == origins[end - 1]:
            end += 1
        rows[row, 0], rows[row, 1] = origins[rows[row, 0]], origins[end] if end < stop else borders[text + 1]


@kernel
def _sort(rows):
    """Put rows in order that nearly are."""
    for row in range(1, len(rows)):
        start, end, number = rows[row]
        at = row
        while at > 0 and (rows[at - 1, 0], rows[at - 1, 1], rows[at - 1, 2]) > (start, end, number):
            rows[at] = rows[at - 1]
            at -= 1
        rows[at, 0], rows[at, 1], rows[at, 2] = start, end, number


@kernel
def merged_places(words, han, origins, folded_borders, borders):
    """int32[n, 3]: places of both kinds as places in the originals, by start, end and number; see ``joined.py`` for the others."""
    rows = _merged(words, han)
    if len(origins):
        _unfold(rows, origins, folded_borders, borders)
    _sort(rows)
    return rows
