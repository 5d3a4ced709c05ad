"""The arrays that kernels work in: one set a thread, made once, so that a query allocates only its answer."""

from collections.abc import MutableSequence, Sequence

import numpy as np

import searchd.kernels_layout as layout
from indexer.postings import BLOCKS, SUPERBLOCK
from searchd.kernels_phrase import FIELD, HEADER, MAX_VARINT, POSITIONS, SLOP
from searchd.kernels_time import TIME_WORDS
from searchd.kernels_top import BUCKETS, STATE_WORDS, capacity

LEVELS = 256  # into which the bounds of superblocks are sorted to find the best


class Scratch:
    """Room for queries of ``max_terms`` terms and ``max_k`` results over segments of ``max_stride`` superblocks, whose rare terms have fewer
    than ``row_minimum`` postings."""

    def __init__(self, max_terms: int, max_k: int, max_stride: int, row_minimum: int, word_weight: float = 1.0) -> None:
        self.max_terms, self.max_k = max_terms, max_k
        a = self._allocate(max_terms, max_k, max_stride, row_minimum)
        even: dict[int, np.ndarray] = {
            layout.QUERY_WEIGHTS: np.full(max_terms + 1, word_weight, np.float64),
            layout.QUERY_REQUIRED: np.ones(max_terms + 1, np.uint8),
        }
        self.kept = a, even
        self.words = layout.describe(layout.SCRATCH_WORDS, {}, a)
        # The same room, for queries whose terms are all required and of the weight of words: then there is less to write.
        self.even_words = layout.describe(layout.SCRATCH_WORDS, {}, {**a, **even})
        # Writing an element of a memoryview costs a third of writing one of an array.
        self.query_terms: MutableSequence[int] = a[layout.QUERY_TERMS].data  # type: ignore[assignment]
        self.query_weights: MutableSequence[float] = a[layout.QUERY_WEIGHTS].data  # type: ignore[assignment]
        self.query_required: MutableSequence[bool] = a[layout.QUERY_REQUIRED].data  # type: ignore[assignment]
        self.phrase: MutableSequence[int] = a[layout.PHRASE].data  # type: ignore[assignment]
        self.time: MutableSequence[int] = a[layout.TIME].data  # type: ignore[assignment]
        self.docs, self.scores = a[layout.DOCS_OUT], a[layout.SCORES_OUT]

    def ask_phrase(self, places: Sequence[int], field: int | None, slop: int) -> None:
        """Kernels that look for phrases now look for this one, in a text field or in any, until ``phrase[POSITIONS]`` is set to 0 again.

        ``places``: numbers of the term table, or ANY.
        """
        phrase = self.phrase
        for i, place in enumerate(places):
            phrase[HEADER + i] = place
        phrase[POSITIONS], phrase[FIELD], phrase[SLOP] = len(places), -1 if field is None else field, slop

    @staticmethod
    def _allocate(max_terms: int, max_k: int, max_stride: int, row_minimum: int) -> dict[int, np.ndarray]:
        integers = (
            layout.QUERY_TERMS, layout.ROW, layout.START, layout.END, layout.CLASS, layout.BEST, layout.UNIT, layout.ORDER,
            layout.LOCAL_START, layout.LOCAL_END, layout.LOCAL_BOUND,
        )  # fmt: skip
        return {
            **{slot: np.zeros(max_terms + 1, np.int64) for slot in integers},
            layout.QUERY_WEIGHTS: np.zeros(max_terms + 1, np.float64),
            layout.QUERY_REQUIRED: np.zeros(max_terms + 1, np.uint8),
            layout.REQUIRED: np.zeros(max_terms + 1, np.uint8),
            layout.WEIGHT: np.zeros(max_terms + 1, np.float32),
            layout.RARE_DOCS: np.empty(max_terms * row_minimum, np.int32),
            layout.RARE_IMPACTS: np.empty(max_terms * row_minimum, np.int32),
            layout.BOUNDS: np.zeros(max_stride, np.int32),
            layout.LEVELS: np.zeros(LEVELS, np.int64),
            layout.WINDOW: np.zeros(SUPERBLOCK, np.int32),
            layout.BLOCK_BOUNDS: np.zeros(BLOCKS, np.int32),
            layout.OFFSETS: np.zeros(SUPERBLOCK + 1, np.int64),
            layout.SCORES: np.zeros(SUPERBLOCK + 1, np.int64),
            layout.PLACES: np.zeros(SUPERBLOCK + 1, np.int64),
            layout.MATCHES: np.zeros(SUPERBLOCK + 1, np.int64),
            layout.KEYS: np.zeros(capacity(max_k), np.uint64),
            layout.SPARE: np.zeros(capacity(max_k), np.uint64),
            layout.STATE: np.zeros(STATE_WORDS, np.uint64),
            layout.DIGITS: np.zeros(BUCKETS, np.int64),
            layout.HISTOGRAM: np.zeros(BUCKETS, np.int64),
            layout.DOCS_OUT: np.zeros(max_k, np.int64),
            layout.SCORES_OUT: np.zeros(max_k, np.float32),
            layout.PHRASE: np.zeros(HEADER + max_terms + 1, np.int64),
            layout.TIME: np.zeros(TIME_WORDS, np.int64),
            layout.PHRASE_IDS: np.zeros(max_terms + 1, np.int64),
            layout.MARKS: np.zeros(SUPERBLOCK, np.uint8),
            layout.COUNTS: np.zeros(SUPERBLOCK, np.uint16),
            layout.PATTERN: np.zeros(MAX_VARINT * (max_terms + 1), np.uint8),
        }
