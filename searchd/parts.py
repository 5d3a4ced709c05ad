"""A ranking that is served -> how the model came to each score, feature by feature; and why one document stands above another."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ranker.contributions import contributions
from ranker.model import Model
from searchd.ranking import Ranked


class Part(NamedTuple):
    """One score as a sum: ``base``, float64[F] of the features, and ``moved``, by which blocks below the first are put under the one above."""

    base: float
    features: np.ndarray
    moved: float = 0.0


def served_parts(ranked: Ranked, model: Model, depth: int, start: int, stop: int) -> list[Part] | None:
    """The parts of the scores of rows ``start`` to ``stop`` of whole blocks of ``depth``; None for a model that cannot tell."""
    parts: list[Part] = []
    stop = min(stop, len(ranked.docs))
    for first in range(start - start % depth, stop, depth):
        rows = np.arange(max(start, first), min(stop, first + depth))
        x = ranked.features[first : first + depth]  # type: ignore[index]
        found = contributions(model, x, rows - first)
        if found is None:
            return None
        moved = ranked.scores[rows] - model.score(x)[rows - first] if first else np.zeros(len(rows))
        parts += [Part(float(one[-1]), one[:-1], float(by)) for one, by in zip(found, moved)]
    return parts


def told(part: Part, names: Sequence[str], values: np.ndarray) -> dict[str, Any]:
    """``{"base", "moved", "contributions": [{feature, value, contribution}]}``, greatest first; features that add nothing are left out."""
    order = np.argsort(-np.abs(part.features), kind="stable")
    added = [
        {"feature": names[i], "value": float(values[i]), "contribution": float(part.features[i])} for i in order if part.features[i] != 0
    ]
    return {"base": part.base, "moved": part.moved, "contributions": added}


def difference(first: dict[str, Any], second: dict[str, Any]) -> list[dict[str, Any]]:
    """What tells two explanations of one list apart: ``[{feature, values, difference}]``, greatest first; the differences sum to that of the scores.

    Where no model ranks, or it cannot tell, the rows are the terms of BM25F and their values the parts of its score.
    """
    both = [_amounts(one) for one in (first, second)]
    rows = []
    for name in dict.fromkeys([*both[0], *both[1]]):
        (value, amount), (other_value, other_amount) = (one.get(name, (None, 0.0)) for one in both)
        rows.append({"feature": name, "values": [value, other_value], "difference": amount - other_amount})
    return sorted((row for row in rows if row["difference"]), key=lambda row: -abs(row["difference"]))


def _amounts(explanation: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """By feature, or by term: the value, and what it adds to the score."""
    told_by_model = (explanation["model"] or {}).get("contributions")
    if told_by_model is None:
        return {part["term"]: (part["score"], part["score"]) for part in explanation["retrieval"]["terms"]}
    return {part["feature"]: (part["value"], part["contribution"]) for part in told_by_model}
