"""An order of documents in which those that share terms stand together: recursive graph bisection.

Dhulipala, Kabiljo, Karrer, Ottaviano, Pupyrev and Shalita, "Compressing graphs and indexes with recursive graph bisection" (KDD 2016), with the
selection instead of sorted swaps and the cooling of Mackenzie, Petri and Moffat, "Faster index reordering with bipartite graph partitioning"
(SIGIR 2021). A range of documents is cut into halves; documents change sides as long as that lowers the expected cost of coding the gaps,

    sum over terms of  d_left * log2(n_left / (d_left + 1)) + d_right * log2(n_right / (d_right + 1)),

then each half is cut in its turn. With halves of one size, moving a document to the right earns, for each of its terms, D[d_right] - D[d_left - 1],
where D[d] = (d + 1) * log2(d + 2) - d * log2(d + 1). Nothing is random: the same documents get the same order.
"""

import numpy as np

from indexer.jit import inlined, kernel
from indexer.selection import select

LEAF = 32  # documents that stay in the order of the source
ITERATIONS = 20
LEFT, RIGHT = 0, 1


def bisect(ptr: np.ndarray, terms: np.ndarray, num_terms: int, leaf: int = LEAF, iterations: int = ITERATIONS) -> np.ndarray:
    """The new order of N documents, int32[N]: the document that comes first, the second, and so on.

    ``ptr`` int64[N + 1]; ``terms`` int32[P]: document i has the distinct terms ``terms[ptr[i]:ptr[i + 1]]``, below ``num_terms``.
    """
    num_docs = len(ptr) - 1
    order = np.arange(num_docs, dtype=np.int32)
    degree = np.arange(num_docs + 2, dtype=np.float64)
    costs = np.diff(degree * np.log2(degree + 1)).astype(np.float32)
    degrees = np.zeros((num_terms, 2), np.int32)
    _bisect_ranges(ptr, terms, order, costs, degrees, leaf, iterations)
    return order


@kernel
def _bisect_ranges(ptr, terms, order, costs, degrees, leaf, iterations):
    """Cut the ranges on a stack; the larger half waits, so the stack stays as deep as the recursion would be."""
    waiting = [(np.int64(0), np.int64(len(order)))]
    gains = np.empty(len(order), np.float32)
    spare_gains, spare_order = np.empty(len(order), np.float32), np.empty(len(order), np.int32)
    while waiting:
        start, end = waiting.pop()
        if end - start <= leaf:
            order[start:end].sort()
            continue
        middle = (start + end) // 2
        _improve(ptr, terms, order[start:end], middle - start, costs, degrees, gains, spare_gains, spare_order, iterations)
        waiting.append((middle, end))
        waiting.append((start, middle))


@kernel
def _improve(ptr, terms, order, middle, costs, degrees, gains, spare_gains, spare_order, iterations):
    """Let documents change sides until it no longer pays."""
    _count_degrees(ptr, terms, order, middle, degrees, 1)
    for iteration in range(iterations):
        _gains_of_moving_right(ptr, terms, order, middle, costs, degrees, gains, iteration)
        if _exchange(ptr, terms, order, middle, degrees, gains, spare_gains, spare_order) == 0:
            break
    _count_degrees(ptr, terms, order, middle, degrees, 0)


@kernel
def _count_degrees(ptr, terms, order, middle, degrees, counted):
    """How many documents of each side have each term; ``counted`` 0 forgets them again."""
    for i in range(len(order)):
        side = LEFT if i < middle else RIGHT
        for p in range(ptr[order[i]], ptr[order[i] + 1]):
            degrees[terms[p], side] = (degrees[terms[p], side] + 1) * counted


@kernel
def _gains_of_moving_right(ptr, terms, order, middle, costs, degrees, gains, iteration):
    """gains[i]: what document order[i] earns on the right rather than on the left; who has to move needs more every time (cooling)."""
    for i in range(middle):
        gains[i] = _gain(ptr, terms, order[i], costs, degrees, LEFT) - np.float32(iteration)
    for i in range(middle, len(order)):
        gains[i] = -_gain(ptr, terms, order[i], costs, degrees, RIGHT) + np.float32(iteration)


@inlined
def _gain(ptr, terms, doc, costs, degrees, side):
    total = np.float32(0)
    for p in range(ptr[doc], ptr[doc + 1]):
        total += costs[degrees[terms[p], 1 - side]] - costs[degrees[terms[p], side] - 1]
    return total


@kernel
def _exchange(ptr, terms, order, middle, degrees, gains, spare_gains, spare_order):
    """Put the ``middle`` documents of smallest gain on the left, each side in its old order; how many changed sides."""
    n = len(order)
    spare_gains[:n] = gains[:n]
    border = select(spare_gains, n, n - middle)
    equal = middle
    for i in range(n):
        equal -= np.int64(gains[i] < border)
    moved, left, right = 0, 0, middle
    for i in range(n):
        stays_left = gains[i] < border or (gains[i] == border and equal > 0)
        equal -= np.int64(stays_left and gains[i] == border)
        if stays_left:
            spare_order[left] = order[i]
            left += 1
        else:
            spare_order[right] = order[i]
            right += 1
        if stays_left != (i < middle):
            _change_side(ptr, terms, order[i], degrees, RIGHT if stays_left else LEFT)
            moved += 1
    order[:] = spare_order[:n]
    return moved


@kernel
def _change_side(ptr, terms, doc, degrees, side):
    for p in range(ptr[doc], ptr[doc + 1]):
        degrees[terms[p], side] -= 1
        degrees[terms[p], 1 - side] += 1
