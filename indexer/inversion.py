"""Rows of term numbers -> postings by term: one pass that counts while documents are read, one that puts every posting in its place.

The first pass writes the postings in the order of the documents, finding a term's posting of the current document by a table of each term's last
one, so a token costs one look-up; the second is a counting sort (a stable scatter, so that every list is sorted by document).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from indexer.jit import inlined, kernel
from indexer.swar import prefetch

WIDE = 1 << 16
# Numbers that are read ahead: which term of the run they are.
_AHEAD = 16


def interleaved(fields: Sequence[tuple[np.ndarray, np.ndarray]], num_docs: int) -> tuple[np.ndarray, np.ndarray]:
    """(numbers int32, ends int64[docs + 1]) of every field -> the same by row = doc * F + field; without fields a row of nothing a document."""
    if len(fields) == 1:
        return fields[0]
    sizes = np.stack([np.diff(ends) for _, ends in fields], axis=1) if fields else np.zeros((num_docs, 1), np.int64)
    row_ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    out = np.empty(int(row_ends[-1]), np.int32)
    for number, (tokens, ends) in enumerate(fields):
        _spread(tokens, ends, number, len(fields), row_ends, out)
    return out, row_ends


@kernel
def _spread(tokens, ends, number, num_fields, row_ends, out):
    for doc in range(len(ends) - 1):
        to = row_ends[doc * num_fields + number]
        for i in range(ends[doc], ends[doc + 1]):
            out[to] = tokens[i]
            to += 1


class Inverted(NamedTuple):
    """``ptr`` int64[T + 1]; ``docs`` uint16 or int32[P] and ``tfs`` uint8, uint16 or uint32[P, F], by term, then document; ``sequences`` uint16
    or uint32: term + 1 of every token, 0 = gap. Each as narrow as it can be: fresh memory costs more than what is done with it. ``numbers``
    int32[T]: the given number of each term that was numbered here."""

    ptr: np.ndarray
    docs: np.ndarray
    tfs: np.ndarray
    sequences: np.ndarray
    numbers: np.ndarray


def postings_of(
    tokens: np.ndarray, token_ends: np.ndarray, extra: np.ndarray, extra_ends: np.ndarray, local: np.ndarray, known: int, num_fields: int
) -> Inverted:
    """Rows of term numbers -> postings and sequences of terms.

    Row = doc * F + field. ``tokens`` int32 (-1 = gap) and ``extra`` say terms by any numbers, and are overwritten; ``local`` int32, by such a
    number, says which term of the run that is, from 1 on: the first ``known`` stand there, the others are zeros, which are numbered by first sight
    and are zeros again afterwards. Terms of sequences come first, so that few are wide.
    """
    fields = max(1, num_fields)
    num_docs = (len(token_ends) - 1) // fields
    places = len(tokens) + len(extra)
    longest = int(np.max(np.diff(token_ends) + np.diff(extra_ends), initial=0))
    numbers = np.empty(known or min(len(local), places), np.int32)
    met = _renumber(tokens, local, numbers, known)
    sequences = (tokens + 1).astype(np.uint16 if met < WIDE else np.uint32)
    met = _renumber(extra, local, numbers, met)
    who, doc_ends, terms = np.empty(places + 1, np.int32), np.zeros(num_docs + 1, np.int64), np.zeros((met, 2), np.int64)
    found = np.zeros((places + 1, num_fields), _width(longest))
    size = _count(tokens, token_ends, extra, extra_ends, fields, who, found, doc_ends, terms)
    ptr = np.zeros(met + 1, np.int64)
    np.cumsum(terms[:, 1], out=ptr[1:])
    docs, tfs = np.empty(size, np.uint16 if num_docs <= WIDE else np.int32), np.empty((size, num_fields), found.dtype)
    _scatter(who, found, doc_ends, ptr[:-1].copy(), docs, tfs)
    if not known:
        local[numbers[:met]] = 0
    return Inverted(ptr, docs, tfs.astype(_width(int(tfs.max(initial=0))), copy=False), sequences, numbers[:met].copy())


def _width(largest: int) -> type[np.unsignedinteger]:
    """The narrowest type of frequencies up to ``largest``."""
    return np.uint8 if largest < 1 << 8 else np.uint16 if largest < WIDE else np.uint32


@kernel
def _renumber(terms, local, numbers, met):
    """Put in the place of every number of ``terms`` which term of the run it is, from 0 on; returns how many the run has."""
    for i in range(len(terms)):
        prefetch(local, max(np.int64(0), np.int64(terms[min(i + _AHEAD, len(terms) - 1)])))
        if terms[i] < 0:
            continue
        number = local[terms[i]]
        if number == 0:
            numbers[met] = terms[i]
            met += 1
            number = np.int32(met)
            local[terms[i]] = number
        terms[i] = number - 1
    return met


@kernel
def _count(tokens, token_ends, extra, extra_ends, fields, who, found, doc_ends, terms):
    """Postings in the order of documents: their terms in ``who``, frequencies in ``found`` (zeros), ends of documents. ``terms`` (zeros): where the
    last posting of each is + 1, and how many it has. Returns the number of postings."""
    n = 0
    for row in range(len(token_ends) - 1):
        doc, text_field = row // fields, row % fields
        for i in range(token_ends[row], token_ends[row + 1]):
            if tokens[i] >= 0:
                n = _count_one(tokens[i], doc_ends[doc], text_field, n, who, found, terms)
        for i in range(extra_ends[row], extra_ends[row + 1]):
            prefetch(terms, np.int64(extra[min(i + _AHEAD, len(extra) - 1)]))
            n = _count_one(extra[i], doc_ends[doc], text_field, n, who, found, terms)
        doc_ends[doc + 1] = n
    return n


@inlined
def _count_one(term, first, text_field, n, who, found, terms):
    """Count a term of a document whose postings begin at ``first``; returns the number of postings. No branch: none could be predicted."""
    last = terms[term, 0]
    new = last <= first
    at = n if new else last - 1
    terms[term, 0] = at + 1
    terms[term, 1] += new
    who[n] = term
    found[at, text_field] += 1
    return n + new


@kernel
def _scatter(who, found, doc_ends, at, docs, tfs):
    """``at``: where each term's next posting goes; documents come in order, so every list is sorted when it is full."""
    end = doc_ends[len(doc_ends) - 1]
    for doc in range(len(doc_ends) - 1):
        for i in range(doc_ends[doc], doc_ends[doc + 1]):
            # Two waits, each asked for ahead: where a term's list continues, and the list itself.
            prefetch(at, np.int64(who[min(i + 2 * _AHEAD, end - 1)]))
            ahead = at[who[min(i + _AHEAD, end - 1)]]
            prefetch(docs, ahead)
            prefetch(tfs, ahead)
            to = at[who[i]]
            at[who[i]] = to + 1
            docs[to] = doc
            for text_field in range(tfs.shape[1]):
                tfs[to, text_field] = found[i, text_field]
