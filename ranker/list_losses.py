"""Losses over whole lists for which LightGBM has no objective: gradients and curvatures by score, a query at a time.

Both are scaled by the length of the list, so that a document counts about as much as under a pointwise loss and the same regularisation fits.
"""

import numpy as np

from indexer.jit import inlined, kernel

LEAST_CURVATURE = 1e-6  # LightGBM divides by sums of curvatures
FURTHEST = 50.0  # scores further below the best count as so far, lest all that is left of a list is nothing


@inlined
def _odds(score, top):
    """exp(score - top), never nothing."""
    return np.exp(max(score - top, -FURTHEST))


@kernel
def listnet(scores, gains, bounds):
    """ListNet (Cao et al. 2007, eq. 8): cross-entropy of the gains' distribution with the softmax of the scores.

    ``scores``, ``gains`` float64[n], gains >= 0; rows of query q are ``bounds[q]:bounds[q + 1]``. Gives gradients and curvatures, float64[n]. A query
    without gains pulls nowhere.
    """
    gradients, curvatures = np.zeros(len(scores)), np.full(len(scores), LEAST_CURVATURE)
    for q in range(len(bounds) - 1):
        first, last = bounds[q], bounds[q + 1]
        total = gains[first:last].sum()
        if total <= 0:
            continue
        top, length = scores[first:last].max(), last - first
        mass = np.exp(scores[first:last] - top).sum()
        for i in range(first, last):
            share = np.exp(scores[i] - top) / mass
            gradients[i] = length * (share - gains[i] / total)
            curvatures[i] = max(length * share * (1 - share), LEAST_CURVATURE)
    return gradients, curvatures


@kernel
def listmle(scores, order, bounds):
    """Position-aware ListMLE (Lan et al. 2014, eq. 4): each place is a choice among what is left, weighed by 1 / log2(place + 1).

    ``order`` int64[n]: rows from the best down, query by query. Gives gradients and curvatures, float64[n].
    """
    gradients, curvatures = np.zeros(len(scores)), np.full(len(scores), LEAST_CURVATURE)
    left = np.empty(len(scores))
    for q in range(len(bounds) - 1):
        first, last = bounds[q], bounds[q + 1]
        if first == last:
            continue
        top = scores[first:last].max()
        mass = 0.0
        for place in range(last - 1, first - 1, -1):
            mass += _odds(scores[order[place]], top)
            left[place] = mass
        chosen = squared = 0.0
        for place in range(first, last):
            weight = 1 / np.log2(place - first + 2)
            chosen += weight / left[place]
            squared += weight / left[place] ** 2
            row = order[place]
            odds = _odds(scores[row], top)
            gradients[row] = odds * chosen - weight
            curvatures[row] = max(odds * chosen - odds * odds * squared, LEAST_CURVATURE)
    return gradients, curvatures


def best_first(labels: np.ndarray, bounds: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Rows query by query from the greatest label down, ties in random order: int64[n]."""
    query = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    return np.lexsort((chance.random(len(labels)), -labels, query))
