"""Retrieval: weighted terms to the k best documents, exactly; terms and phrases to the set of documents that have them.

A Retriever is made for one open index and may be used by many threads at once. Documents are numbers 0..max_doc - 1 over all segments in
their order, equal scores rank the lower document first, and deleted documents never appear.
"""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from indexer.bm25 import stream_of
from searchd.kernels_and import top_and
from searchd.kernels_or import top_or
from searchd.kernels_phrase import ANY, keep_phrases, longest_row
from searchd.kernels_sets import mark_term
from searchd.retrieval_segment import SearchSegment
from searchd.scratch import Scratch
from searchd.term_table import TermTable

TABLE_SIZE = 1 << 16
HAN_PAIR = 2  # the stream of terms of two adjacent Han characters
MAX_CANDIDATE_TERMS = 200  # a phrase's candidates are found by so many of its rarest terms; marks are one byte
NO_MASK = np.zeros(0, np.uint8)


class Retriever:
    """Scores and sets over one index: anything with segments, bases, max_doc, num_docs, avg_lengths, schema and df."""

    def __init__(self, index: Any) -> None:
        averages = np.asarray(index.avg_lengths, np.float64)
        self._index = index
        self._segments = [SearchSegment(s, int(base), index.schema, averages) for s, base in zip(index.segments, index.bases)]
        self.max_doc = int(index.max_doc)
        self._max_stride = max((s.view["superblock_maxima"].shape[1] for s in self._segments), default=0)
        self._table = TermTable(index, self._segments, TABLE_SIZE)
        self._lock = threading.Lock()
        self._local = threading.local()

    def top(
        self,
        terms: Sequence[str],
        weights: Sequence[float],
        k: int,
        mode: str = "or",
        required: Sequence[str] | None = None,
        mask: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The best ``k`` documents, int64[n], and their scores, float32[n], best first.

        ``mode`` "or": documents with any term; "and": with all of ``required`` (default: all terms), the other terms adding to the score.
        ``weights`` are those of stream and query, at least 0; a term of weight 0 counts for "and" only. ``mask`` bool[max_doc]: False = exclude.
        """
        n, k = len(terms), min(k, self.max_doc)
        if mode == "and" and required is not None and not set(required) <= set(terms):
            terms, weights = _with_required(terms, weights, required)
            n = len(terms)
        elif mode not in ("or", "and"):
            raise ValueError(f"mode must be 'or' or 'and', found {mode!r}")
        if n == 0 or k <= 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        table, numbers = self._numbers(terms)
        scratch = self._scratch(n, k)
        query_terms, query_weights = scratch.query_terms, scratch.query_weights
        for i in range(n):
            query_terms[i] = numbers[i]
            query_weights[i] = weights[i]
        mask8 = NO_MASK if mask is None else self._checked(mask)
        if mode == "or" or (n == 1 and weights[0] > 0):
            found = top_or(table.segments, scratch.words, mask8, n, k)
        else:
            query_required = scratch.query_required
            for i in range(n):
                query_required[i] = required is None or terms[i] in required
            found = top_and(table.segments, scratch.words, mask8, n, k)
        return scratch.docs[:found].copy(), scratch.scores[:found].copy()

    def matches(self, terms: Sequence[str], field: int | None = None) -> np.ndarray:
        """Documents that have any of the terms, in one text field or in any: bool[max_doc]."""
        found = np.zeros(self.max_doc, np.uint8)
        table, numbers = self._numbers(terms)
        for i, segment in enumerate(self._segments):
            marks = self._part(found, segment)
            wanted = segment.wanted_codes(field)
            for number in numbers:
                mark_term(table.segments[i], number, wanted, marks, 0, 1)
            if segment.live is not None:
                marks &= segment.live
        return found.view(bool)

    def count(self, terms: Sequence[str]) -> int:
        """How many documents have any of the terms."""
        return int(np.count_nonzero(self.matches(terms)))

    def phrase(self, sequence: Sequence[str | None], field: int | None = None, slop: int = 0, extra: Sequence[str] = ()) -> np.ndarray:
        """Documents where the terms stand one after another, in one text field or in any: bool[max_doc].

        ``None`` stands for one term, whichever; at the ends it means nothing. ``slop``: how many more terms may stand between in all. Of
        ``extra``, the pairs of Han characters are required too when slop is 0: give those of the phrase's own runs, which are far rarer
        than single characters (``Analyzer.index_terms(phrase)`` gives both arguments).
        """
        terms = _trimmed(sequence)
        if not terms:
            return np.zeros(self.max_doc, bool)
        words = [t for t in terms if t is not None]
        candidates = list(dict.fromkeys([*words, *(t for t in extra if slop == 0 and stream_of(t) == HAN_PAIR)]))
        table, numbers = self._numbers(candidates)
        numbers.sort(key=table.num_postings)
        found = np.zeros(self.max_doc, np.uint8)
        for i, segment in enumerate(self._segments):
            phrase = np.array([ANY if t is None else table.term_id(i, table.numbers[t]) for t in terms], np.int64)
            marks = self._part(found, segment)
            if not np.any(phrase == -1):
                self._keep(table, i, numbers[:MAX_CANDIDATE_TERMS], phrase, field, slop, marks)
        return found.view(bool)

    def _keep(
        self, table: TermTable, i: int, numbers: list[int], phrase: np.ndarray, field: int | None, slop: int, marks: np.ndarray
    ) -> None:
        """Mark a segment's documents that have the phrase: candidates by the postings, term after term, then a look into each."""
        segment = self._segments[i]
        wanted = segment.wanted_codes(field)
        for step, number in enumerate(numbers):
            mark_term(table.segments[i], number, wanted, marks, step, step + 1)
        if segment.live is not None:
            marks *= segment.live
        if len(phrase) == 1:
            np.equal(marks, len(numbers), out=marks.view(bool))
            return
        forward, num_fields = segment.segment.forward, segment.view.num_fields
        terms = np.empty(longest_row(forward.offsets), np.int64)
        field_number = -1 if field is None else field
        keep_phrases(forward.offsets, forward.data, num_fields, field_number, phrase, slop, marks, len(numbers), terms)

    def _numbers(self, terms: Sequence[str]) -> tuple[TermTable, list[int]]:
        """The table and the terms' numbers in it, resolving those that are new."""
        table = self._table
        numbers = table.numbers
        try:
            return table, [numbers[t] for t in terms]
        except KeyError:
            table = self._resolve(terms)
            return table, [table.numbers[t] for t in terms]

    def _resolve(self, terms: Sequence[str]) -> TermTable:
        with self._lock:
            table = self._table
            new = [t for t in dict.fromkeys(terms) if t not in table.numbers]
            if len(table.numbers) + len(new) > table.size:
                new = list(dict.fromkeys(terms))
                table = TermTable(self._index, self._segments, max(TABLE_SIZE, len(new)))
            table.add(new)
            self._table = table
            return table

    def _scratch(self, num_terms: int, k: int) -> Scratch:
        """This thread's scratch, made larger when a query needs more."""
        scratch: Scratch | None = getattr(self._local, "scratch", None)
        if scratch is None or scratch.max_terms < num_terms or scratch.max_k < k:
            max_terms, max_k = (scratch.max_terms, scratch.max_k) if scratch else (64, 1024)
            scratch = Scratch(max(max_terms, num_terms), max(max_k, k), self._max_stride)
            self._local.scratch = scratch
        return scratch

    def _checked(self, mask: np.ndarray) -> np.ndarray:
        if mask.dtype != np.bool_ or mask.shape != (self.max_doc,):
            raise ValueError(f"mask must be bool[{self.max_doc}], found {mask.dtype}{list(mask.shape)}")
        return np.ascontiguousarray(mask).view(np.uint8)

    @staticmethod
    def _part(found: np.ndarray, segment: SearchSegment) -> np.ndarray:
        return found[segment.first_doc : segment.first_doc + segment.num_docs]


def _with_required(terms: Sequence[str], weights: Sequence[float], required: Sequence[str]) -> tuple[Sequence[str], Sequence[float]]:
    """The query with the required terms that it lacks, at weight 0."""
    missing = [t for t in dict.fromkeys(required) if t not in terms]
    return [*terms, *missing], [*weights, *([0.0] * len(missing))]


def _trimmed(sequence: Sequence[str | None]) -> list[str | None]:
    """A phrase without the Nones at its ends."""
    places = [i for i, term in enumerate(sequence) if term is not None]
    return list(sequence[places[0] : places[-1] + 1]) if places else []
