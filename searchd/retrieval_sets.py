"""Which documents have terms or phrases, and how many: sets without an order, over all segments of an index."""

from collections.abc import Callable, Sequence

import numpy as np

from indexer.bm25 import stream_of
from searchd.kernels_all import count_all
from searchd.kernels_phrase import ANY, POSITIONS
from searchd.kernels_sets import mark_term
from searchd.retrieval_segment import SearchSegment
from searchd.scratch import Scratch
from searchd.term_table import TermTable

HAN_PAIR = 2  # the stream of terms of two adjacent Han characters
NO_BYTES = np.zeros(0, np.uint8)
UNLIMITED = 1 << 62


class Sets:
    """Sets of documents as masks bool[max_doc], deleted ones never in them.

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
        found = np.zeros(self._max_doc, np.uint8)
        table, numbers = self._resolve(terms)
        for i, segment in enumerate(self._segments):
            marks = found[segment.first_doc : segment.first_doc + segment.num_docs]
            wanted = segment.wanted_codes(field)
            for number in numbers:
                mark_term(table.segments[i], number, wanted, marks, 0, 1)
            if segment.live is not None:
                marks &= segment.live
        return found.view(bool)

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
        self, terms: Sequence[str], marks: np.ndarray, phrase: Sequence[str | None] = (), field: int | None = None, slop: int = 0
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
            count = int(count_all(table.segments, scratch.words, NO_BYTES, len(numbers), marks, UNLIMITED))
        finally:
            scratch.phrase[POSITIONS] = 0
        if phrase:
            table.settle()
        return count


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
