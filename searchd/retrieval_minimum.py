"""The best documents that have at least so many of a query's terms, over all segments of an index."""

from collections.abc import Callable, Collection, Sequence

import numpy as np

import searchd.kernels_minimum as kernels
from searchd.scratch import Scratch
from searchd.term_table import TermTable
from searchd.time_limits import ranked_in_time


def top_minimum(
    resolve: Callable[[Sequence[str]], tuple[TermTable, list[int]]],
    scratch_for: Callable[[int, int], Scratch],
    terms: Sequence[str],
    weights: Sequence[float],
    k: int,
    minimum: int,
    counted: Collection[str],
    mask: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """See ``Retriever.top_minimum``. ``mask`` uint8[max_doc], or empty."""
    chosen = frozenset(counted)
    order = sorted(range(len(terms)), key=lambda i: terms[i] not in chosen)
    num_counted = sum(term in chosen for term in terms)
    if k <= 0 or num_counted < minimum:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    table, numbers = resolve(terms)
    scratch = scratch_for(len(terms), k)
    for at, i in enumerate(order):
        scratch.query_terms[at], scratch.query_weights[at], scratch.query_required[at] = numbers[i], weights[i], False
    found = ranked_in_time(scratch, kernels.top_minimum, table.segments, scratch.words, mask, len(terms), num_counted, minimum, k)
    return scratch.docs[:found].copy(), scratch.scores[:found].copy()
