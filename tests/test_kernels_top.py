"""The best k so far against sorting: every path of the buffer, the histogram and the final sort."""

import numpy as np
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

import searchd.kernels_layout as layout
from searchd.kernels_layout import FIXED_BITS
from searchd.kernels_top import offer, offer_all, start_top, write_top
from searchd.scratch import Scratch


def best(scores: np.ndarray, docs: np.ndarray, k: int) -> tuple[list[int], list[float]]:
    """By falling score as float32, then rising document."""
    order = np.lexsort((docs, -scores.astype(np.float32)))[:k]
    return docs[order].tolist(), scores[order].astype(np.float32).tolist()


@settings(deadline=None, max_examples=examples(150))
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(0, 3000),
    k=st.sampled_from([1, 2, 10, 64, 65, 66, 100, 300]),
    low=st.sampled_from([1, 2**18, 2**28]),
    distinct=st.sampled_from([1, 2, 50, 2**29]),
    order=st.sampled_from(["rising", "falling", "random"]),
    together=st.sampled_from([1, 7, 4096]),
)
def test_the_best_k_are_those_of_a_sort(seed, n, k, low, distinct, order, together):
    rng = np.random.default_rng(seed)
    scores = np.minimum(low + rng.integers(0, distinct, n), (1 << FIXED_BITS) + 1000)
    if order != "random":
        scores = np.sort(scores)[:: 1 if order == "rising" else -1]
    docs = rng.permutation(5000)[:n].astype(np.int64)
    scratch = Scratch(4, k, 16, 256)
    start_top(scratch.words, k)
    for first in range(0, n, together):
        part = slice(first, first + together)
        if together == 1:
            offer(scratch.words, k, scores[first], docs[first])
        else:
            count = len(scores[part])
            scratch.kept[0][layout.SCORES][:count], scratch.kept[0][layout.OFFSETS][:count] = scores[part], docs[part] - 3
            offer_all(scratch.words, k, 3, count)
    found = write_top(scratch.words, k, 1.0)
    assert (scratch.docs[:found].tolist(), scratch.scores[:found].tolist()) == best(scores, docs, k)
