"""Which documents have terms or phrases, and how many: sets without an order, over all segments of an index."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from indexer.bm25 import stream_of
from searchd.kernels_all import count_all
from searchd.kernels_phrase import ANY, POSITIONS
from searchd.kernels_sets import count_any, mark_terms
from searchd.retrieval_segment import SearchSegment
from searchd.scratch import Scratch
from searchd.stages import need_time
from searchd.term_table import TermTable
from searchd.time_limits import whole_in_time

HAN_PAIR = 2  # the stream of terms of two adjacent Han characters
NO_BYTES = np.zeros(0, np.uint8)
UNLIMITED = 1 << 62
MARKED_AT_ONCE = 1 << 20  # postings, some milliseconds' worth, between two looks at the clock


class Sets:
    """Sets of documents as masks bool[max_doc], deleted ones never in them. All raise OutOfTime when the search's time is up before they are whole.

    ``resolve`` gives the term table and the numbers of terms in it; ``scratch`` this thread's arrays for so many terms and results.
    """

    def __init__(
        self,
        segments: Sequence[SearchSegment],
        max_doc: int,
        resolve: Callable[[Sequence[str]], tuple[TermTable, list[int]]],
        scratch: Callable[[int, int], Scratch],
    ) -> None:
        self._segments, self._max_doc, self._resolve, self._scratch = segments, max_doc, resolve, scratch

    def any_of(self, terms: Sequence[str], field: int | None = None) -> np.ndarray:
        """Documents that have any of the terms, in one text field or in any."""
        return self._any([segment.segment.lookup(terms) for segment in self._segments], field)

    def with_prefix(self, prefixes: Sequence[str], field: int | None = None) -> np.ndarray:
        """Documents that have any term that begins with one of the prefixes, however many terms these are."""
        ids = [[segment.segment.prefix_ids(prefix) for prefix in prefixes] for segment in self._segments]
        return self._any([np.concatenate(one) if one else np.zeros(0, np.int64) for one in ids], field)

    def _any(self, ids: Sequence[np.ndarray], field: int | None) -> np.ndarray:
        """Documents that have any of the terms of their segment, -1 being none."""
        found = np.zeros(self._max_doc, np.uint8)
        for segment, chosen in zip(self._segments, ids):
            marks = found[segment.first_doc : segment.first_doc + segment.num_docs]
            for part in _parts(*segment.view.locate(chosen)):
                need_time()
                mark_terms(segment.words, *part, segment.wanted_codes(field), marks)
            if segment.live is not None:
                marks &= segment.live
        return found.view(bool)

    def count_any(self, terms: Sequence[str], enough: int) -> int:
        """How many documents have any of the terms; from ``enough`` on it may stop counting."""
        table, numbers = self._resolve(terms)
        if len(numbers) == 1 and all(segment.live is None for segment in self._segments):
            return table.num_postings(numbers[0])
        scratch = self._scratch(max(1, len(terms)), 1)
        for i, number in enumerate(numbers):
            scratch.query_terms[i], scratch.query_weights[i], scratch.query_required[i] = number, 0.0, False
        return whole_in_time(scratch, count_any, table.segments, scratch.words, len(numbers), enough)

    def count_all(self, terms: Sequence[str], enough: int) -> int:
        """How many documents have every one of the terms, at least one; from ``enough`` on it may stop counting."""
        if len(terms) == 1:
            return self.count_any(terms, enough)
        return self._count(terms, NO_BYTES, enough=enough)

    def at_least(self, terms: Sequence[str], minimum: int) -> np.ndarray:
        """Documents that have ``minimum`` of the distinct terms."""
        counts = np.zeros(self._max_doc, np.int32)
        for term in terms:
            counts += self.any_of([term])
        return counts >= minimum

    def all_of(self, terms: Sequence[str]) -> np.ndarray:
        """Documents that have every one of the terms, at least one."""
        found = np.zeros(self._max_doc, np.uint8)
        self._count(terms, found)
        return found.view(bool)

    def phrase(self, sequence: Sequence[str | None], field: int | None = None, slop: int = 0, extra: Sequence[str] = ()) -> np.ndarray:
        """Documents where the terms stand one after another; see ``Retriever.phrase``."""
        terms = trimmed(sequence)
        found = np.zeros(self._max_doc, np.uint8)
        if len(terms) == 1:
            return self.any_of([str(terms[0])], field)
        if terms:
            self._count(needed_terms(terms, slop, extra), found, terms, field, slop)
        return found.view(bool)

    def _count(
        self,
        terms: Sequence[str],
        marks: np.ndarray,
        phrase: Sequence[str | None] = (),
        field: int | None = None,
        slop: int = 0,
        enough: int = UNLIMITED,
    ) -> int:
        """Mark and count the documents that have all of the terms and the phrase, whose terms are among them."""
        table, numbers = self._resolve(terms)
        scratch = self._scratch(max(len(terms), len(phrase)), 1)
        for i, number in enumerate(numbers):
            scratch.query_terms[i], scratch.query_weights[i], scratch.query_required[i] = number, 0.0, True
        if phrase:
            number_of = dict(zip(terms, numbers))
            scratch.ask_phrase([ANY if t is None else number_of[t] for t in phrase], field, slop)
        try:
            count = whole_in_time(scratch, count_all, table.segments, scratch.words, NO_BYTES, len(numbers), marks, enough)
        finally:
            scratch.phrase[POSITIONS] = 0
        if phrase:
            table.settle()
        return count


def _parts(rows: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Some terms at a time of those that stand there, as many as have ``MARKED_AT_ONCE`` postings together; of one at least."""
    number = np.cumsum(ends - starts) // MARKED_AT_ONCE
    borders = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(rows)]
    for first, last in pairwise(borders):
        yield rows[first:last], starts[first:last], ends[first:last]


def needed_terms(phrase: Sequence[str | None], slop: int, extra: Sequence[str]) -> list[str]:
    """The terms that a document with the phrase has: pairs of Han characters where they are given, and the phrase's terms."""
    if slop or not extra:
        return list(dict.fromkeys([t for t in phrase if t is not None]))
    pairs = [t for t in extra if stream_of(t) == HAN_PAIR]
    return list(dict.fromkeys([*pairs, *(t for t in phrase if t is not None)]))


def trimmed(sequence: Sequence[str | None]) -> list[str | None]:
    """A phrase without the Nones at its ends."""
    if sequence and sequence[0] is not None and sequence[-1] is not None:
        return list(sequence)
    places = [i for i, term in enumerate(sequence) if term is not None]
    return list(sequence[places[0] : places[-1] + 1]) if places else []
