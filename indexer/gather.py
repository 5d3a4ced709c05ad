"""Postings of many runs in the order of the segment's terms, a stretch of terms at a time.

Runs have terms in orders of their own. For every run its terms are brought into the order of the segment's ids once; then the lists
of a stretch of terms are copied one run after the other, which is the order of documents. Nothing larger than a stretch, or a single term, is
in memory.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from indexer.codebook import Codes, TupleCounter
from indexer.inverter import Run
from indexer.jit import kernel
from indexer.postings_encoder import Stretch
from indexer.radix import stable_order
from indexer.swar import prefetch
from indexer.threads import in_order
from indexer.vocabulary import Vocabulary

POSTINGS_AT_ONCE = 1 << 18
_AHEAD = 8  # lists that are read before they are copied


class Gatherer:
    """The postings of ``runs`` under the terms of ``vocabulary`` and the documents ``numbers`` (int32 for every run, -1 = left out)."""

    def __init__(self, runs: Sequence[Run], numbers: Sequence[np.ndarray], vocabulary: Vocabulary) -> None:
        self._runs, self._numbers, self._vocabulary = runs, numbers, vocabulary
        self._whole = [bool(np.all(some >= 0)) for some in numbers]
        self._starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(vocabulary.counts)])
        self._width = np.uint32 if any(run.tfs.dtype == np.uint32 for run in runs) else np.uint16
        self._num_fields = runs[0].tfs.shape[1] if runs else 1
        self._by_id = list(in_order(_sort, vocabulary.numbers))  # for every run, its terms by rising id, int32

    def codes(self) -> Codes:
        """The codebook of all postings."""
        counter = TupleCounter(self._num_fields)
        for run, numbers, whole, ids in zip(self._runs, self._numbers, self._whole, self._vocabulary.numbers):
            listed = (ids >= 0) & (ids < self._vocabulary.with_postings)
            for start in range(0, len(run.docs), POSTINGS_AT_ONCE):
                some = slice(start, min(len(run.docs), start + POSTINGS_AT_ONCE))
                chosen = _of_terms(listed, run.ptr, some.start, some.stop)
                if not whole:
                    chosen &= numbers[run.docs[some]] >= 0
                counter.add(run.tfs[some] if chosen.all() else run.tfs[some][chosen])
        return counter.finish()

    def stretches(self, first: int, last: int) -> Iterator[Stretch]:
        """The postings of the terms ``first`` to ``last`` - 1, some 2^18 at a time."""
        return in_order(self._gather, self._cut(first, last))

    def _cut(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        while first < last:
            enough = int(np.searchsorted(self._starts, self._starts[first] + POSTINGS_AT_ONCE, "right")) - 1
            stop = min(last, max(first + 1, enough))
            yield first, stop
            first = stop

    def _gather(self, borders: tuple[int, int]) -> Stretch:
        first, last = borders
        starts = self._starts[first : last + 1] - self._starts[first]
        docs, tfs = np.empty(starts[-1], np.int32), np.empty((starts[-1], self._num_fields), self._width)
        at = starts[:-1].copy()
        stop = min(last, self._vocabulary.with_postings)
        for run, numbers, whole, ids, terms in zip(self._runs, self._numbers, self._whole, self._vocabulary.numbers, self._by_id):
            terms = terms[_first_from(ids, terms, first) : _first_from(ids, terms, stop)]
            if whole:
                flat = run.tfs.reshape(-1), tfs.reshape(-1)
                _copy_lists(terms, ids, run.ptr, run.docs, numbers[0], *flat, self._num_fields, first, at, docs)
            else:
                _copy_kept(terms, ids, run.ptr, run.docs, numbers, run.tfs, tfs, first, at, docs)
        return Stretch(starts, docs, tfs)


def _sort(ids: np.ndarray) -> np.ndarray:
    return stable_order((ids + 1).astype(np.uint32))


def _of_terms(listed: np.ndarray, ptr: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Which postings from ``start`` to ``stop`` - 1 are of a listed term, bool."""
    first, last = int(np.searchsorted(ptr, start, "right")) - 1, int(np.searchsorted(ptr, stop))
    return np.repeat(listed[first:last], np.diff(np.clip(ptr[first : last + 1], start, stop)))


@kernel
def _first_from(ids, terms, least):
    """How many of a run's terms, which come by rising id, have an id below ``least``."""
    low, high = 0, len(terms)
    while low < high:
        middle = (low + high) // 2
        if ids[terms[middle]] < least:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _copy_lists(terms, ids, ptr, run_docs, base, run_tfs, tfs, num_fields, first, at, docs):
    """Append the lists of a run whose documents all stay, the first under number ``base``; ``at``: where each term's list continues."""
    for t in range(len(terms)):
        # Two waits, each asked for ahead: where a list is, and the list itself.
        prefetch(ptr, np.int64(terms[min(t + 2 * _AHEAD, len(terms) - 1)]))
        ahead = ptr[terms[min(t + _AHEAD, len(terms) - 1)]]
        prefetch(run_docs, ahead)
        prefetch(run_tfs, ahead * num_fields)
        term = terms[t]
        start, stop = ptr[term], ptr[term + 1]
        to = at[ids[term] - first]
        for i in range(stop - start):
            docs[to + i] = np.int32(run_docs[start + i]) + base
        for i in range((stop - start) * num_fields):
            tfs[to * num_fields + i] = run_tfs[start * num_fields + i]
        at[ids[term] - first] = to + stop - start


@kernel
def _copy_kept(terms, ids, ptr, run_docs, numbers, run_tfs, tfs, first, at, docs):
    """Append the lists of a run without the documents that are left out."""
    for term in terms:
        to = at[ids[term] - first]
        for i in range(ptr[term], ptr[term + 1]):
            if numbers[run_docs[i]] >= 0:
                docs[to] = numbers[run_docs[i]]
                for text_field in range(tfs.shape[1]):
                    tfs[to, text_field] = run_tfs[i, text_field]
                to += 1
        at[ids[term] - first] = to
