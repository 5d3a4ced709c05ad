"""The queries of a training set, slice by slice: by script, by length and by how often they are asked."""

import numpy as np

from ranker.training_set import TrainingSet

HAN, WORDS = "query_han_share", "query_words"
FREQUENT = 0.1  # of the queries, those that were looked at most


def slices_of(data: TrainingSet) -> dict[str, np.ndarray]:
    """bool[Q] by label, told by the features of the rows; slices without queries, and those that hold all of them, are left out."""
    found: dict[str, np.ndarray] = {}
    if HAN in data.features.names:
        han = _of_queries(data, HAN)
        found |= {"latin": han == 0, "chinese": han == 1, "mixed": (han > 0) & (han < 1)}
    if WORDS in data.features.names:
        words = _of_queries(data, WORDS)
        found |= {"one word": words == 1, "two or three words": (words > 1) & (words <= 3), "more words": words > 3}
    if data.soft and len(data.group):
        looks = np.add.reduceat(data.weights, data.bounds[:-1])
        often = looks >= np.quantile(looks, 1 - FREQUENT)
        found |= {"frequent": often, "rare": ~often}
    return {label: members for label, members in found.items() if 0 < members.sum() < len(members)}


def _of_queries(data: TrainingSet, name: str) -> np.ndarray:
    """A feature that is the same for all rows of a query, float32[Q]."""
    return data.x[data.bounds[:-1], data.features.names.index(name)]
