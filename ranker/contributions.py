"""What each feature adds to the score that a model gives a document, in the units of that score.

Of a forest alone these are its Shapley values. A blended model's score is a weighted sum of two z-scores of the list: the forest's values are
scaled as the forest's score is, and the feature that it is blended with gets its own share on top.
"""

from typing import Any

import numpy as np

from ranker.model import Model, spread


def contributions(model: Model, x: np.ndarray, rows: np.ndarray) -> np.ndarray | None:
    """float64[r, F + 1] for ``rows`` int64[r] of one query's candidates ``x`` float32[k, F]: what each feature adds, then the base.

    A row sums to ``model.score(x)`` of that row. None for a model that does not tell: one with categorical splits, or without counts of rows.
    """
    paths = model.paths
    if paths is None:
        return None
    found = paths.contributions(x[rows])
    blend = model.card.get("blend")
    return _blended(found, model, x, rows, blend) if blend else found


def _blended(found: np.ndarray, model: Model, x: np.ndarray, rows: np.ndarray, blend: dict[str, Any]) -> np.ndarray:
    feature = model.featureset.names.index(blend["feature"])
    mean, deviation = spread(model.raw_score(np.ascontiguousarray(x, np.float32)))
    found[:, -1] -= mean
    found *= blend["weight"] / deviation
    production = np.nan_to_num(x[:, feature].astype(np.float64))
    mean, deviation = spread(production)
    found[:, feature] += (1 - blend["weight"]) * (production[rows] - mean) / deviation
    return found
