"""Retrieval: weighted terms to the k best documents, exactly; terms and phrases to the set of documents that have them.

A Retriever is made for one open index and may be used by many threads at once. Documents are numbers 0..max_doc - 1 over all segments in
their order, equal scores rank the lower document first, and deleted documents never appear.
"""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from indexer.schema import STREAMS
from searchd.kernels_and import top_and
from searchd.kernels_or import top_or
from searchd.retrieval_minimum import top_minimum
from searchd.retrieval_phrases import top_phrase, top_word_phrase
from searchd.retrieval_segment import SearchSegment
from searchd.retrieval_sets import UNLIMITED, Sets
from searchd.scratch import Scratch
from searchd.term_table import TermTable
from searchd.time_limits import ranked_in_time

TABLE_SIZE = 1 << 16
NO_MASK = np.zeros(0, np.uint8)


class _Local(threading.local):
    """What each thread has of its own."""

    scratch: Scratch | None = None


class Retriever:
    """Scores and sets over one index: anything with segments, bases, max_doc, num_docs, avg_lengths, schema and df."""

    def __init__(self, index: Any) -> None:
        averages = np.asarray(index.avg_lengths, np.float64)
        self._index = index
        self._segments = [SearchSegment(s, int(base), index.schema, averages) for s, base in zip(index.segments, index.bases)]
        self.max_doc = int(index.max_doc)
        self._max_stride = max((s.stride for s in self._segments), default=0)
        self._row_minimum = max((s.view.header.row_minimum for s in self._segments), default=0)
        self._table = TermTable(index, self._segments, TABLE_SIZE)
        self._lock = threading.Lock()
        self._local = _Local()
        self._word_weight = float(index.schema.stream_weights[STREAMS[0]])
        self._sets = Sets(self._segments, self.max_doc, self._numbers, self._scratch)

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
        kernel = top_or
        if mode != "or" or (n == 1 and weights[0] > 0):
            kernel, query_required = top_and, scratch.query_required
            for i in range(n):
                query_required[i] = mode == "or" or required is None or terms[i] in required
        found = ranked_in_time(scratch, kernel, table.segments, scratch.words, mask8, n, k)
        return scratch.docs[:found].copy(), scratch.scores[:found].copy()

    def top_words(self, words: Sequence[str], k: int, mode: str = "or") -> tuple[np.ndarray, np.ndarray]:
        """``top`` for words that are each there once and all required or none, or "phrase": the shortest way to the kernels, which take
        microseconds."""
        n = len(words)
        k = k if k < self.max_doc else self.max_doc  # a third of what min takes
        if n == 0 or k <= 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        table = self._table
        numbers = table.numbers
        scratch = self._local.scratch
        if scratch is None or scratch.max_terms < n or scratch.max_k < k:
            scratch = self._scratch(n, k)
        query_terms = scratch.query_terms
        try:
            for i, word in enumerate(words):
                query_terms[i] = numbers[word]
        except KeyError:
            self._resolve(words)
            return self.top_words(words, k, mode)
        if mode == "phrase" and n > 1:
            return top_word_phrase(table, scratch, n, k)
        kernel = top_or if mode == "or" and n > 1 else top_and
        found = kernel(table.segments, scratch.even_words, NO_MASK, n, k)
        return scratch.docs[:found].copy(), scratch.scores[:found].copy()

    def top_phrase(
        self,
        sequence: Sequence[str | None],
        terms: Sequence[str],
        weights: Sequence[float],
        k: int,
        field: int | None = None,
        slop: int = 0,
        extra: Sequence[str] = (),
        required: Sequence[str] = (),
        mask: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The best ``k`` documents that have a phrase, as ``top`` gives them; ``sequence`` to ``extra`` as in ``phrase``.

        ``terms`` and ``weights`` are what scores: the phrase's terms, if they are to count, and any others, which need not be there unless they
        are ``required`` too.
        """
        mask8 = NO_MASK if mask is None else self._checked(mask)
        return top_phrase(self._numbers, self._scratch, sequence, terms, weights, min(k, self.max_doc), field, slop, extra, required, mask8)

    def top_minimum(
        self,
        terms: Sequence[str],
        weights: Sequence[float],
        k: int,
        minimum: int,
        counted: Sequence[str] | None = None,
        mask: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The best ``k`` documents that have at least ``minimum`` of the ``counted`` terms (default: all), as ``top`` gives them.

        ``terms`` are distinct; those that do not count add to the score.
        """
        mask8 = NO_MASK if mask is None else self._checked(mask)
        chosen = terms if counted is None else counted
        return top_minimum(self._numbers, self._scratch, terms, weights, min(k, self.max_doc), max(1, minimum), chosen, mask8)

    def matches(self, terms: Sequence[str], field: int | None = None) -> np.ndarray:
        """Documents that have any of the terms, in one text field or in any: bool[max_doc]."""
        return self._sets.any_of(terms, field)

    def matches_all(self, terms: Sequence[str]) -> np.ndarray:
        """Documents that have every one of the terms, of which there is at least one: bool[max_doc]."""
        return self._sets.all_of(terms)

    def matches_minimum(self, terms: Sequence[str], minimum: int) -> np.ndarray:
        """Documents that have at least ``minimum`` of the terms, which are distinct: bool[max_doc]."""
        return self._sets.at_least(terms, minimum)

    def matches_prefix(self, prefixes: Sequence[str], field: int | None = None) -> np.ndarray:
        """Documents that have a term that begins with one of the prefixes, in one text field or in any: bool[max_doc]."""
        return self._sets.with_prefix(prefixes, field)

    def count(self, terms: Sequence[str], enough: int = UNLIMITED) -> int:
        """How many documents have any of the terms; a number from ``enough`` on is a lower bound."""
        return self._sets.count_any(terms, enough)

    def count_all(self, terms: Sequence[str], enough: int = UNLIMITED) -> int:
        """How many documents have every one of the terms, of which there is at least one; a number from ``enough`` on is a lower bound."""
        return self._sets.count_all(terms, enough)

    def num_postings(self, terms: Sequence[str]) -> int:
        """How many postings the terms have together: what it costs to count."""
        table, numbers = self._numbers(terms)
        return sum(map(table.num_postings, numbers))

    def numbers_of_postings(self, terms: Sequence[str]) -> list[int]:
        """How many documents have each term, deleted ones included; as quick as can be told, once a term has been looked up."""
        table, numbers = self._numbers(terms)
        return list(map(table.num_postings, numbers))

    def phrase(self, sequence: Sequence[str | None], field: int | None = None, slop: int = 0, extra: Sequence[str] = ()) -> np.ndarray:
        """Documents where the terms stand one after another, in one text field or in any: bool[max_doc].

        ``None`` stands for one term, whichever; at the ends it means nothing. ``slop``: how many more terms may stand between in all. Of
        ``extra``, the pairs of Han characters are required too when slop is 0: give those of the phrase's own runs, which are far rarer
        than single characters (``Analyzer.index_terms(phrase)`` gives both arguments).
        """
        return self._sets.phrase(sequence, field, slop, extra)

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
        scratch = self._local.scratch
        if scratch is None or scratch.max_terms < num_terms or scratch.max_k < k:
            max_terms, max_k = (scratch.max_terms, scratch.max_k) if scratch else (64, 1024)
            scratch = Scratch(max(max_terms, num_terms), max(max_k, k), self._max_stride, self._row_minimum, self._word_weight)
            self._local.scratch = scratch
        return scratch

    def _checked(self, mask: np.ndarray) -> np.ndarray:
        if mask.dtype != np.bool_ or mask.shape != (self.max_doc,):
            raise ValueError(f"mask must be bool[{self.max_doc}], found {mask.dtype}{list(mask.shape)}")
        return np.ascontiguousarray(mask).view(np.uint8)


def _with_required(terms: Sequence[str], weights: Sequence[float], required: Sequence[str]) -> tuple[Sequence[str], Sequence[float]]:
    """The query with the required terms that it lacks, at weight 0."""
    missing = [t for t in dict.fromkeys(required) if t not in terms]
    return [*terms, *missing], [*weights, *([0.0] * len(missing))]
