"""Whether a phrase stands in a document: a walk over the document's terms in the forward index.

Candidates come from the postings, so few documents are read, and reading one is decoding a few hundred varints.
"""

import numpy as np

from indexer.jit import kernel

GAP = -1  # between the values of a list; no phrase crosses it
ANY = -2  # in a phrase: one term, whichever


@kernel
def keep_phrases(offsets, data, num_fields, field, phrase, slop, marks, mark, terms):
    """Set marks[doc] to 1 where the phrase stands, to 0 elsewhere, looking only at documents marked ``mark``.

    ``offsets`` uint64[num_docs * num_fields + 1] into ``data`` uint8, row = doc * num_fields + field; ``field`` -1 = any field; ``phrase``
    int64[n] of term ids or ANY, beginning and ending with a term; ``slop``: how many further terms may stand between in all;
    ``terms`` int64[longest row], scratch.
    """
    first_field, last_field = (0, num_fields) if field < 0 else (field, field + 1)
    for doc in range(len(marks)):
        if marks[doc] != mark:
            marks[doc] = 0
            continue
        marks[doc] = 0
        for f in range(first_field, last_field):
            at = doc * num_fields + f
            n = _decode(data, np.int64(offsets[at]), np.int64(offsets[at + 1]), terms)
            if _stands_in(phrase, slop, terms[:n]):
                marks[doc] = 1
                break


@kernel
def longest_row(offsets):
    """Bytes of the longest row: no row has more terms."""
    longest = np.int64(0)
    for row in range(len(offsets) - 1):
        longest = max(longest, np.int64(offsets[row + 1]) - np.int64(offsets[row]))
    return longest


@kernel
def _decode(data, start, end, terms):
    """Varints of id + 1, seven bits a byte, low bits first -> term ids, GAP for 0; their number."""
    n = 0
    value = np.int64(0)
    shift = np.int64(0)
    for p in range(start, end):
        byte = np.int64(data[p])
        value |= (byte & 127) << shift
        if byte & 128:
            shift += 7
        else:
            terms[n] = value - 1
            n += 1
            value = np.int64(0)
            shift = np.int64(0)
    return n


@kernel
def _stands_in(phrase, slop, terms):
    found = False
    start = 0
    while not found and start <= len(terms) - len(phrase):
        found = terms[start] == phrase[0] and _stands_at(phrase, slop, terms, start)
        start += 1
    return found


@kernel
def _stands_at(phrase, slop, terms, start):
    """Whether the phrase begins at ``start``. Taking the earliest place of each term leaves the most slop for the rest."""
    p = start
    left = np.int64(slop)
    skipped = 0  # ANYs since the last term: so many terms must stand between
    for i in range(1, len(phrase)):
        if phrase[i] == ANY:
            skipped += 1
            continue
        for _ in range(skipped):
            p += 1
            if p >= len(terms) or terms[p] == GAP:
                return False
        skipped = 0
        p += 1
        while p < len(terms) and terms[p] != phrase[i] and terms[p] != GAP and left > 0:
            left -= 1
            p += 1
        if p >= len(terms) or terms[p] != phrase[i]:
            return False
    return True
