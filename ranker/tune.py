"""A bounded random search for LightGBM's settings, and an honest word on what it found.

Every trial is cross-validated over queries. A fold's training ends when its held-out nDCG@10 has not risen for sixty rounds, and
a candidate is a setting with a number of rounds. Then every fold is measured with the candidate that was best on the other folds, so no query had
a say in the candidate it is measured with. The difference of these values to the usual settings' is what tuning is worth on queries yet
to come; where its interval holds zero, it is noise, and the usual settings are the better choice.
"""

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from indexer.durable import write_file
from indexer.errors import SearchdError, reason
from ranker.boosting import STRETCH
from ranker.metrics import bootstrap_interval, mean_of
from ranker.train import FOLDS, Plan, fit, watching
from ranker.training_set import NothingToLearn, TrainingSet, fold_of

SPACE: dict[str, tuple[float, float]] = {  # drawn evenly by logarithm
    "num_leaves": (4, 63),
    "learning_rate": (0.02, 0.2),
    "feature_fraction": (0.2, 1.0),
    "lambda_l2": (0.1, 100.0),
    "min_data_in_leaf": (5, 200),
}
WHOLE = ("num_leaves", "min_data_in_leaf", "rounds")
MOST_ROUNDS = 400
PATIENCE = 3  # stretches of rounds
MIN_QUERIES = 20


class BadParameters(SearchdError):
    """A file of settings that cannot be used."""

    code = "bad_parameters"


class Trial(NamedTuple):
    """Settings, and by number of rounds the held-out nDCG@10 of each query, float64[Q], NaN for queries without a relevant document."""

    settings: dict[str, float]
    curve: dict[int, np.ndarray]

    @property
    def rounds(self) -> int:
        """The best number of rounds by the mean over all queries."""
        return max(self.curve, key=lambda rounds: (mean_of(self.curve[rounds]), -rounds))

    @property
    def value(self) -> float:
        """Mean nDCG@10 at the best number of rounds."""
        return mean_of(self.curve[self.rounds])


class Tuned(NamedTuple):
    """Trials, the first with the usual settings; what tuning is worth on queries that had no say, with its 95 % interval."""

    trials: list[Trial]
    gain: float
    interval: tuple[float, float]

    @property
    def best(self) -> Trial:
        """The trial that looks best on all queries."""
        return max(self.trials, key=lambda trial: trial.value)

    @property
    def is_noise(self) -> bool:
        """Whether the gain cannot be told from chance."""
        return not self.interval[0] > 0


def tune(data: TrainingSet, plan: Plan, trials: int = 20, seconds: float = 600.0) -> Tuned:
    """Try the usual settings and ``trials`` others; none begins after ``seconds``. Raises NothingToLearn for fewer than 20 queries."""
    data.require_signal()
    if plan.family == "ensemble":
        raise BadParameters(
            "expected pointwise, pairwise or listwise, found ensemble: its members have their own settings; tune one of them"
        )
    if len(set(data.qids)) < MIN_QUERIES:
        raise NothingToLearn(f"expected at least {MIN_QUERIES} queries to tune on, found {len(set(data.qids))}; judge more")
    fold, end = fold_of(data.qids, FOLDS, plan.seed), time.monotonic() + seconds
    done = [_try(data, plan, {}, fold)]
    for number, settings in enumerate(_draws(plan.seed, trials), 1):
        if time.monotonic() > end:
            plan.say(f"the time is up after {number - 1} of {trials} trials")
            break
        done.append(_try(data, plan, settings, fold))
        plan.say(f"trial {number} of {trials}: nDCG@10 {done[-1].value:.4f} after {done[-1].rounds} rounds; usual {done[0].value:.4f}")
    usual = done[0].curve[max(done[0].curve)]
    gains = _cross_fitted(done, fold) - usual
    return Tuned(done, mean_of(gains), bootstrap_interval(gains, plan.seed))


def table(found: Tuned) -> Iterator[str]:
    """Lines for people: the trials, best first, then what they are worth."""
    yield "\t".join(("nDCG@10", "rounds", *SPACE))
    for trial in sorted(found.trials, key=lambda trial: -trial.value):
        shown = [f"{trial.settings[key]:.3g}" for key in SPACE] if trial.settings else ["(usual)"]
        yield "\t".join((f"{trial.value:.4f}", str(trial.rounds), *shown))
    low, high = found.interval
    verdict = "noise: keep the usual settings" if found.is_noise else "more than noise"
    yield f"on queries that had no say in the choice: {found.gain:+.4f} against the usual settings (95 % {low:+.4f} to {high:+.4f}): {verdict}"


def write_parameters(path: Path, found: Tuned) -> None:
    """Write the best settings for `read_parameters`; the usual ones, where the gain is noise, are an empty object."""
    best = found.best
    chosen = {} if found.is_noise or not best.settings else {**best.settings, "rounds": best.rounds}
    write_file(path, (json.dumps(chosen, indent=1) + "\n").encode())


def read_parameters(path: Path) -> dict[str, Any]:
    """Settings of a file; raises BadParameters unless every one is known and in its range."""
    try:
        raw = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadParameters(f"{path}: expected a JSON object of settings ({reason(error)}); make one by `ranker tune --output`") from None
    ranges = {**SPACE, "rounds": (1, 5_000)}
    if not isinstance(raw, dict) or not all(_is_good(key, value, ranges) for key, value in raw.items()):
        known = ", ".join(f"{key} {low:g}..{high:g}" for key, (low, high) in ranges.items())
        raise BadParameters(f"{path}: expected settings of {known}, found {str(raw)[:80]}")
    return raw


def _is_good(key: str, value: Any, ranges: dict[str, tuple[float, float]]) -> bool:
    if key not in ranges or isinstance(value, bool) or not isinstance(value, int if key in WHOLE else (int, float)):
        return False
    return ranges[key][0] <= value <= ranges[key][1]


def _draws(seed: int, trials: int) -> Iterator[dict[str, float]]:
    chance = np.random.default_rng([seed, 0x7E57])
    for _ in range(trials):
        drawn = {key: math.exp(chance.uniform(math.log(low), math.log(high))) for key, (low, high) in SPACE.items()}
        yield {key: round(value) if key in WHOLE else float(f"{value:.3g}") for key, value in drawn.items()}


def _try(data: TrainingSet, plan: Plan, settings: dict[str, float], fold: np.ndarray) -> Trial:
    """Cross-validate; without ``settings`` the usual ones, for as many rounds as they say."""
    plan = plan._replace(parameters={**settings, "rounds": MOST_ROUNDS} if settings else plan.parameters)
    curves = [_fold_curve(data, plan, fold == number, PATIENCE if settings else None) for number in range(FOLDS)]
    common = sorted(set.intersection(*(set(curve) for curve in curves)))
    trial = Trial(settings, {rounds: np.empty(len(fold)) for rounds in common})
    for number, curve in enumerate(curves):
        for rounds in common:
            trial.curve[rounds][fold == number] = curve[rounds]
    return trial


def _fold_curve(data: TrainingSet, plan: Plan, held_out: np.ndarray, patience: int | None) -> dict[int, np.ndarray]:
    curve: dict[int, np.ndarray] = {}

    def told(rounds: int, values: np.ndarray) -> bool:
        curve[rounds] = values
        best = max(curve, key=lambda r: mean_of(curve[r]))
        return patience is not None and rounds - best >= patience * STRETCH

    fit(plan.ranker(watching(data.queries(held_out), told)), data.queries(~held_out))
    return curve


def _cross_fitted(trials: list[Trial], fold: np.ndarray) -> np.ndarray:
    """float64[Q]: each query's value under the candidate that was best on the other folds."""
    candidates = np.array([values for trial in trials for values in trial.curve.values()])
    chosen = np.empty(len(fold))
    for number in range(FOLDS):
        best = max(range(len(candidates)), key=lambda c: mean_of(candidates[c, fold != number]))
        chosen[fold == number] = candidates[best, fold == number]
    return chosen
