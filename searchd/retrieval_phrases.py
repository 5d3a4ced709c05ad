"""The best documents that have a phrase, over all segments of an index."""

from collections.abc import Callable, Sequence

import numpy as np

import searchd.kernels_phrase_top as kernels
from searchd.kernels_phrase import ANY, FIELD, HEADER, POSITIONS, SLOP
from searchd.retrieval_sets import needed_terms, trimmed
from searchd.scratch import Scratch
from searchd.term_table import TermTable
from searchd.time_limits import ranked_in_time

NO_MASK = np.zeros(0, np.uint8)


def top_phrase(
    resolve: Callable[[Sequence[str]], tuple[TermTable, list[int]]],
    scratch_for: Callable[[int, int], Scratch],
    sequence: Sequence[str | None],
    terms: Sequence[str],
    weights: Sequence[float],
    k: int,
    field: int | None,
    slop: int,
    extra: Sequence[str],
    required: Sequence[str],
    mask: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """See ``Retriever.top_phrase``. ``mask`` uint8[max_doc], or empty."""
    phrase = trimmed(sequence)
    if not phrase or k <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    needed = needed_terms([*phrase, *required] if required else phrase, slop, extra)
    weight_of = dict.fromkeys(needed, 0.0) | dict(zip(terms, weights))
    table, numbers = resolve(list(weight_of))
    n = len(numbers)
    scratch = scratch_for(max(n, len(phrase)), k)
    query_terms, query_weights, query_required = scratch.query_terms, scratch.query_weights, scratch.query_required
    for i, weight in enumerate(weight_of.values()):
        query_terms[i], query_weights[i], query_required[i] = numbers[i], weight, i < len(needed)
    if len(phrase) > 1 or field is not None:
        number_of = dict(zip(weight_of, numbers))
        scratch.ask_phrase([ANY if t is None else number_of[t] for t in phrase], field, slop)
    try:
        found = ranked_in_time(scratch, kernels.top_phrase, table.segments, scratch.words, mask, n, k)
    finally:
        scratch.phrase[POSITIONS] = 0
    table.settle()
    return scratch.docs[:found].copy(), scratch.scores[:found].copy()


def top_word_phrase(table: TermTable, scratch: Scratch, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The same for distinct words of equal weight, whose numbers stand in QUERY_TERMS: a phrase of just these, in any field."""
    phrase = scratch.phrase
    phrase[HEADER : HEADER + n] = scratch.query_terms[:n]
    phrase[POSITIONS], phrase[FIELD], phrase[SLOP] = n, -1, 0
    try:
        found = kernels.top_phrase(table.segments, scratch.even_words, NO_MASK, n, k)
    finally:
        phrase[POSITIONS] = 0
    table.settle()
    return scratch.docs[:found].copy(), scratch.scores[:found].copy()
