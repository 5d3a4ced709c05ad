"""Terms that queries have used, resolved once: weight, and where their postings lie in every segment.

Queries repeat words, so a dictionary from term to a row of arrays that kernels read saves the look-ups in the segments. The table has
a fixed size; when it is full a new one begins, and queries that still run on the old one keep it alive.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

import indexer.bm25 as bm25
import searchd.kernels_layout as layout
from searchd.retrieval_segment import SearchSegment, k1_classes


class TermTable:
    """Numbers for up to ``size`` terms. ``segments`` int64[S, SEGMENT_WORDS] are descriptors that include this table's arrays."""

    def __init__(self, index: Any, segments: Sequence[SearchSegment], size: int) -> None:
        self.numbers: dict[str, int] = {}
        self.size = size
        self._postings: list[int] = []
        self._index, self._search_segments = index, segments
        k1, self._classes = k1_classes(index.schema)
        self._k1 = k1.astype(np.float64)
        self._weights, self._term_classes = np.empty(size, np.float64), np.empty(size, np.int64)
        self._arrays: list[dict[int, np.ndarray]] = [
            {
                layout.TERM_WEIGHTS: self._weights,
                layout.TERM_CLASSES: self._term_classes,
                layout.TERM_IDS: np.empty(size, np.int32),
                layout.TERM_ROWS: np.empty(size, np.int32),
                layout.TERM_STARTS: np.empty(size, np.int64),
                layout.TERM_ENDS: np.empty(size, np.int64),
            }
            for _ in segments
        ]
        words = [s.words + layout.describe(layout.SEGMENT_WORDS, {}, arrays) for s, arrays in zip(segments, self._arrays)]
        self.segments = np.array(words, np.int64).reshape(len(segments), layout.SEGMENT_WORDS)

    def add(self, terms: Sequence[str]) -> None:
        """Resolve terms that are not here yet; there must be room. The dictionary learns of them last, so readers need no lock."""
        first = len(self.numbers)
        part = slice(first, first + len(terms))
        streams = np.array([bm25.stream_of(t) for t in terms], np.int64)
        self._term_classes[part] = self._classes[streams]
        df = np.asarray(self._index.df(terms), np.int64)
        self._weights[part] = bm25.idf(self._index.num_docs, df) * (self._k1[self._classes[streams]] + 1.0)
        postings = np.zeros(len(terms), np.int64)
        for s, arrays in zip(self._search_segments, self._arrays):
            ids = np.asarray(s.segment.lookup(terms), np.int64)
            arrays[layout.TERM_IDS][part] = ids
            rows, starts, ends = s.view.locate(ids)
            s.prepare(rows)
            arrays[layout.TERM_ROWS][part], arrays[layout.TERM_STARTS][part], arrays[layout.TERM_ENDS][part] = rows, starts, ends
            postings += ends - starts
        self._postings[part] = postings.tolist()
        for i, term in enumerate(terms):
            self.numbers[term] = first + i

    def settle(self) -> None:
        """Raise Corrupt if a kernel met damage in a forward index."""
        for s in self._search_segments:
            s.segment.forward.settle()

    def num_postings(self, number: int) -> int:
        """Length of a term's lists over all segments, deleted documents included."""
        return self._postings[number]

    def term_id(self, segment: int, number: int) -> int:
        """The term's id in a segment, -1 where it is absent."""
        return int(self._arrays[segment][layout.TERM_IDS][number])
