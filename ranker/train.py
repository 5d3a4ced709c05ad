"""A training set to a model and its card, with a check on queries it has not seen.

Before a model is made from everything, the same family is trained on four fifths of the queries and tried on the last fifth, five times over. The
card says how it did there against retrieval's own order; a model from clicks is blended with that order as far as the check asks for.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from indexer.errors import SearchdError
from ranker.boosting import Seen, reference_scores
from ranker.checkpoints import Checkpoints
from ranker.dataset import UNSHOWN_WEIGHT
from ranker.families import family
from ranker.forest import Forest
from ranker.metrics import bootstrap_interval, mean_of, per_query
from ranker.model import GOLDEN_ROWS, Trained
from ranker.rankers import Ranker
from ranker.relevance import Targets
from ranker.slices import slices_of
from ranker.training_set import TrainingSet, fold_of, numbered

FOLDS = 5
MIN_FOLD_QUERIES = 10  # fewer queries cannot be held out
PRODUCTION = "retrieval_score"
BLENDS = (1.0, 0.75, 0.5, 0.25)
HALF_TRUSTED = 4.0  # looks a query; see `_worth`


class NotEnoughClicks(SearchdError):
    """A click log too small to learn from: the model would be worse than none."""

    code = "not_enough_clicks"


class Plan(NamedTuple):
    """What to train. ``parameters`` are LightGBM's and ``rounds``; ``say`` is told how far the training is, a line at a time."""

    family: str
    objective: str | None = None
    seed: int = 0
    jobs: int = 1
    increasing: tuple[str, ...] = ()
    decreasing: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = {}
    checkpoints: Checkpoints = Checkpoints()
    say: Callable[[str], None] = lambda line: None

    def ranker(self, seen: Seen | None = None) -> Ranker:
        """An estimator as planned; raises UnknownFamily."""
        return family(self.family)(
            self.objective, self.seed, self.jobs, self.increasing, self.decreasing, self.checkpoints, seen, **self.parameters
        )


class HeldOut(NamedTuple):
    """Scores for every row, each by a model that never saw the row's query; and how the mean nDCG@10 of the folds grew, by rounds."""

    scores: np.ndarray  # float64[n]
    fold: np.ndarray  # int64[Q]
    curve: dict[int, float]


def train(data: TrainingSet, plan: Plan) -> tuple[Trained, dict[str, Any]]:
    """Train on all of ``data``; returns the model and its card. Raises NothingToLearn, UnknownFamily, UnknownFeature."""
    data.require_signal()
    held_out = _held_out_if_enough(data, plan)
    ranker = fit(plan.ranker(_announced(plan, held_out)), data)
    card = _card(data, plan, ranker)
    card["heldout"] = _check(held_out, data) if held_out else None
    return _handed_over(ranker, data), card


def train_from_clicks(data: TrainingSet, targets: Targets, sessions: int, plan: Plan) -> tuple[Trained, dict[str, Any]]:
    """As `train`, refusing logs that are too small and blending with retrieval as far as held-out queries ask for."""
    if targets.chosen == "none":
        raise NotEnoughClicks(f"{targets.why}; wait for more sessions, or train from judgments")
    data.require_signal()
    held_out = _held_out_if_enough(data, plan)
    ranker = fit(plan.ranker(_announced(plan, held_out)), data)
    estimate = {"relevance": targets.chosen, "why": targets.why, "relevance_estimate": targets.card()}
    card = {**_card(data, plan, ranker), "sessions": sessions, **estimate, "heldout": None}
    weight = most = targets.blend
    if held_out and PRODUCTION in data.features.names:
        weight, card["heldout"] = _choose_blend(held_out, data, most)
        if data.judged is not None:
            card["heldout_judged"] = _check_judged(held_out._replace(scores=_blended(held_out.scores, data, weight)), data)
    if weight < 1 and PRODUCTION in data.features.names:
        card["blend"] = {"weight": weight, "feature": PRODUCTION}
    return _handed_over(ranker, data), card


def hold_out(data: TrainingSet, plan: Plan) -> HeldOut:
    """Score every query by a ranker trained without it."""
    fold = fold_of(data.qids, FOLDS, plan.seed)
    scores, curves = np.zeros(len(data)), defaultdict(list)
    for number in range(FOLDS):
        test = data.queries(fold == number)

        def told(rounds: int, values: np.ndarray, number: int = number) -> bool:
            curves[rounds].append(mean_of(values))
            plan.say(f"fold {number + 1} of {FOLDS}, round {rounds}: held-out nDCG@10 {curves[rounds][-1]:.4f}")
            return False

        ranker = fit(plan.ranker(watching(test, told)), data.queries(fold != number))
        scores[np.repeat(fold == number, data.group)] = ranker.predict(test.x)
    return HeldOut(scores, fold, {rounds: float(np.mean(values)) for rounds, values in sorted(curves.items())})


def watching(test: TrainingSet, told: Callable[[int, np.ndarray], bool]) -> Seen:
    """Follow a training on queries that it does not see: ``told(rounds, nDCG@10 of each query)`` after every stretch; True ends it."""
    scores, gains = np.zeros(len(test)), _gains(test)

    def seen(rounds: int, trees: Forest) -> bool:
        scores[:] += trees.score(test.x)
        return told(rounds, per_query(scores, gains, test.group))

    return seen


def _announced(plan: Plan, held_out: HeldOut | None) -> Seen:
    """Follow the training on everything, of which nothing is held out: the folds say what the same number of rounds was worth there."""

    def seen(rounds: int, trees: Forest) -> bool:
        worth = held_out and held_out.curve.get(rounds)
        plan.say(f"final model, round {rounds}" + (f": nDCG@10 {worth:.4f} over {FOLDS} held-out folds" if worth is not None else ""))
        return False

    return seen


def _held_out_if_enough(data: TrainingSet, plan: Plan) -> HeldOut | None:
    return hold_out(data, plan) if len(set(data.qids)) >= MIN_FOLD_QUERIES else None


def _card(data: TrainingSet, plan: Plan, ranker: Ranker) -> dict[str, Any]:
    card = {
        "family": plan.family, "queries": len(set(data.qids)), "rows": len(data), "soft_grades": data.soft, "seed": plan.seed,
        "settings": ranker.settings_,
    }  # fmt: skip
    constraints = {"increasing": list(plan.increasing), "decreasing": list(plan.decreasing)}
    judged = {} if data.judged is None else {"judged_queries": int(data.judged.sum())}
    return {**card, **{key: names for key, names in constraints.items() if names}, **judged}


def fit(ranker: Ranker, data: TrainingSet) -> Ranker:
    """Let a ranker learn from all that a training set says."""
    return ranker.fit(data.x, data.grades, data.group, data.weights, data.soft, data.features.names, data.more)


def _check_judged(held_out: HeldOut, data: TrainingSet) -> dict[str, Any]:
    """The same check on the queries alone that people judged."""
    assert data.judged is not None
    rows = np.repeat(data.judged, data.group)
    return _check(HeldOut(held_out.scores[rows], held_out.fold[data.judged], {}), data.queries(data.judged))


def _check(held_out: HeldOut, data: TrainingSet) -> dict[str, Any]:
    """nDCG@10 on unseen queries against retrieval's order (if that is a feature), with an interval of the difference."""
    lists = per_query(held_out.scores, _gains(data), data.group)
    model = _by_query(lists, data.qids)
    report: dict[str, Any] = {"nDCG@10": _rounded(mean_of(model)), "queries": int((~np.isnan(model)).sum())}
    if held_out.curve:
        report["by_rounds"] = {str(rounds): _rounded(value) for rounds, value in held_out.curve.items()}
    if PRODUCTION in data.features.names:
        served = per_query(_production(data), _gains(data), data.group)
        base = _by_query(served, data.qids)
        report["retrieval"] = _rounded(mean_of(base))
        report["gain"] = _rounded(mean_of(model - base))
        report["interval"] = [_rounded(v) for v in bootstrap_interval(model - base)]
        report["slices"] = {label: _slice(lists[members], served[members]) for label, members in slices_of(data).items()}
    return report


def _by_query(values: np.ndarray, qids: Sequence[str]) -> np.ndarray:
    """One value a query, the mean of its lists: the same query twice is no second witness."""
    numbers = numbered(qids)
    if len(numbers) == 0 or numbers[-1] == len(numbers) - 1:
        return values
    known = ~np.isnan(values)
    counts = np.bincount(numbers, known)
    sums = np.bincount(numbers, np.where(known, values, 0.0))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _slice(model: np.ndarray, base: np.ndarray) -> dict[str, Any]:
    queries = int((~np.isnan(model)).sum())
    return {
        "queries": queries, "nDCG@10": _rounded(mean_of(model)), "retrieval": _rounded(mean_of(base)), "gain": _rounded(mean_of(model - base)),
    }  # fmt: skip


def _choose_blend(held_out: HeldOut, data: TrainingSet, most: float) -> tuple[float, dict[str, Any]]:
    """The share of the model, at most ``most``; and the check of what it gives.

    The share that the log is worth (see `_worth`) is taken, unless one earns more held-out clicks by more than a standard error of the difference:
    then the one that earns most. If retrieval's order alone earns more than that, the share that loses least.
    """
    shares = [share for share in BLENDS if share <= most]
    earned = {share: _clicks_earned(_blended(held_out.scores, data, share), data) for share in shares}
    served, first = _clicks_earned(_production(data), data), min(shares, key=lambda share: abs(share - _worth(data)))
    better = [share for share in shares if _beats(earned[share], earned[first])] or [first]
    losing = all(earned[share].mean() < served.mean() for share in better)
    chosen = max(shares if losing else better, key=lambda share: float(earned[share].mean()))
    check = _check(held_out._replace(scores=_blended(held_out.scores, data, chosen)), data)
    return chosen, {**check, "clicks": _earned_more(earned[chosen], served)}


def _worth(data: TrainingSet) -> float:
    """n / (n + HALF_TRUSTED): what a log of n looks a query, at its most looked at document, says next to what retrieval knows.

    A posterior mean weighs n observations so against a prior worth HALF_TRUSTED of them. A log without numbers of looks is worth all.
    """
    if data.more.looks is None or not len(data):
        return 1.0
    looks = float(np.mean(np.maximum.reduceat(data.more.looks, data.bounds[:-1])))
    return looks / (looks + HALF_TRUSTED)


def _clicks_earned(scores: np.ndarray, data: TrainingSet) -> np.ndarray:
    """float64[Q]: discounted click rates of the ten documents on top, of those that were shown (DCG with the rate as gain).

    The rates are clicks over looks and nothing else. The grades will not do: what features foretell is in them, and a model of the same features
    would be praised for that, right or wrong.
    """
    values, found = data.grades if data.more.rates is None else data.more.rates, np.zeros(len(data.group))
    for query, (start, end) in enumerate(zip(data.bounds, data.bounds[1:])):
        rows = start + np.flatnonzero(data.weights[start:end] > UNSHOWN_WEIGHT)
        top = rows[np.argsort(-scores[rows], kind="stable")[:10]]
        found[query] = (values[top] / np.log2(np.arange(2, len(top) + 2))).sum()
    return _by_query(found, data.qids)


def _beats(one: np.ndarray, other: np.ndarray) -> bool:
    more = one - other
    return bool(more.mean() > more.std() / np.sqrt(len(more)))


def _earned_more(model: np.ndarray, served: np.ndarray) -> dict[str, Any]:
    """By how much, as a share of what retrieval's order earns, with a standard error."""
    scale = max(float(served.mean()), 1e-9)
    gain = (model - served) / scale
    return {"gain": _rounded(float(gain.mean())), "standard_error": _rounded(float(gain.std() / np.sqrt(len(gain))))}


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
    return Trained(ranker.text_, data.features, golden, reference_scores(ranker.text_, golden))


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
