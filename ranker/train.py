"""A training set to a model and its card, with a check on queries it has not seen.

Before a model is made from everything, the same family is trained on four fifths of the queries and tried on the last fifth, five times over. The
card says how it did there against retrieval's own order; a model from clicks is blended with that order as far as the check asks for.
"""

from typing import Any, NamedTuple

import numpy as np

from indexer.errors import SearchdError
from ranker.families import Ranker, family
from ranker.metrics import bootstrap_interval, mean_of, per_query
from ranker.model import GOLDEN_ROWS, Trained
from ranker.relevance import Targets
from ranker.training_set import TrainingSet, fold_of

FOLDS = 5
MIN_FOLD_QUERIES = 10  # fewer queries cannot be held out
PRODUCTION = "retrieval_score"
BLENDS = (1.0, 0.75, 0.5, 0.25)
SMALL_LOG, SMALL_LOG_BLEND = 1_000, 0.5  # sessions; below, a model is at most half of the score


class NotEnoughClicks(SearchdError):
    """A click log too small to learn from: the model would be worse than none."""

    code = "not_enough_clicks"


class HeldOut(NamedTuple):
    """Scores for every row, each by a model that never saw the row's query."""

    scores: np.ndarray  # float64[n]
    fold: np.ndarray  # int64[Q]


def train(data: TrainingSet, family_name: str, seed: int = 0, jobs: int = 1, **parameters: Any) -> tuple[Trained, dict[str, Any]]:
    """Train on all of ``data``; returns the model and its card. Raises NothingToLearn, UnknownFamily."""
    data.require_signal()
    make = lambda: family(family_name)(random_state=seed, jobs=jobs, **parameters)  # noqa: E731
    ranker = _fit(make(), data)
    card = {
        "family": family_name,
        "queries": len(data.group),
        "rows": len(data),
        "soft_grades": data.soft,
        "seed": seed,
        "settings": ranker.settings_,
        "heldout": _check(hold_out(data, make, seed), data) if len(data.group) >= MIN_FOLD_QUERIES else None,
    }
    return _handed_over(ranker, data), card


def train_from_clicks(
    data: TrainingSet, targets: Targets, sessions: int, family_name: str, seed: int = 0, jobs: int = 1
) -> tuple[Trained, dict[str, Any]]:
    """As `train`, refusing logs that are too small and blending with retrieval as far as held-out queries ask for."""
    if targets.chosen == "none":
        raise NotEnoughClicks(f"{targets.why}; wait for more sessions, or train from judgments")
    data.require_signal()
    make = lambda: family(family_name)(random_state=seed, jobs=jobs)  # noqa: E731
    ranker = _fit(make(), data)
    card: dict[str, Any] = {
        "family": family_name, "queries": len(data.group), "rows": len(data), "soft_grades": True, "seed": seed,
        "settings": ranker.settings_, "sessions": sessions, "relevance": targets.chosen, "why": targets.why, "heldout": None,
    }  # fmt: skip
    most = SMALL_LOG_BLEND if sessions < SMALL_LOG else 1.0
    weight = most
    if len(data.group) >= MIN_FOLD_QUERIES and PRODUCTION in data.features.names:
        weight, card["heldout"] = _choose_blend(hold_out(data, make, seed), data, most)
    if weight < 1 and PRODUCTION in data.features.names:
        card["blend"] = {"weight": weight, "feature": PRODUCTION}
    return _handed_over(ranker, data), card


def hold_out(data: TrainingSet, make: Any, seed: int = 0) -> HeldOut:
    """Score every query by a ranker trained without it."""
    fold = fold_of(data.qids, FOLDS, seed)
    scores = np.zeros(len(data))
    for number in range(FOLDS):
        ranker = _fit(make(), data.queries(fold != number))
        rows = np.repeat(fold == number, data.group)
        scores[rows] = ranker.predict(data.x[rows])
    return HeldOut(scores, fold)


def _fit(ranker: Ranker, data: TrainingSet) -> Ranker:
    # Exposures weigh single documents; pairs and lists are weighed by the measure they optimise.
    weights = data.weights if data.soft and ranker.family == "pointwise" else None
    return ranker.fit(data.x, data.grades, data.group, weights, data.soft, data.features.names)


def _check(held_out: HeldOut, data: TrainingSet) -> dict[str, Any]:
    """nDCG@10 on unseen queries against retrieval's order (if that is a feature), with an interval of the difference."""
    model = per_query(held_out.scores, _gains(data), data.group)
    report: dict[str, Any] = {"nDCG@10": _rounded(mean_of(model)), "queries": int((~np.isnan(model)).sum())}
    if PRODUCTION in data.features.names:
        base = per_query(_production(data), _gains(data), data.group)
        report["retrieval"] = _rounded(mean_of(base))
        report["gain"] = _rounded(mean_of(model - base))
        report["interval"] = [_rounded(v) for v in bootstrap_interval(model - base)]
    return report


def _choose_blend(held_out: HeldOut, data: TrainingSet, most: float) -> tuple[float, dict[str, Any]]:
    """The largest share of the model, at most ``most``, that does no harm on unseen queries; the least harmful if all do.

    Not the share that does best: clicks are corrected for position cautiously, so held-out clicks still favour the order that was shown.
    """
    trials = {w: _check(HeldOut(_blended(held_out.scores, data, w), held_out.fold), data) for w in BLENDS if w <= most}
    harmless = [w for w in trials if (trials[w]["gain"] or 0.0) >= 0]
    chosen = max(harmless, default=max(trials, key=lambda w: trials[w]["gain"] or 0.0))
    return chosen, trials[chosen]


def _blended(scores: np.ndarray, data: TrainingSet, weight: float) -> np.ndarray:
    production, blended = _production(data), np.empty(len(scores))
    for start, end in zip(data.bounds, data.bounds[1:]):
        blended[start:end] = weight * _z(scores[start:end]) + (1 - weight) * _z(production[start:end])
    return blended


def _z(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / max(float(values.std()), 1e-9)


def _production(data: TrainingSet) -> np.ndarray:
    return np.nan_to_num(data.x[:, data.features.names.index(PRODUCTION)].astype(np.float64))


def _gains(data: TrainingSet) -> np.ndarray:
    """Grades for nDCG, whose gain is 2^g - 1: soft ones are mapped so that the gain is linear in them."""
    return np.log2(1 + 15 * data.grades) if data.soft else data.grades


def _handed_over(ranker: Ranker, data: TrainingSet) -> Trained:
    """The model with golden rows spread evenly over the data."""
    finite = np.flatnonzero(~np.isinf(data.x).any(axis=1))
    rows = finite[np.linspace(0, len(finite) - 1, min(GOLDEN_ROWS, len(finite))).astype(int)]
    golden = np.ascontiguousarray(data.x[rows], np.float32)
    return Trained(ranker.text_, data.features, golden, ranker.predict(golden))


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
