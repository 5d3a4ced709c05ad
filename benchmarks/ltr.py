"""``python benchmarks/ltr.py``: what is learned from clicks and from judgments, in per cent of a ranker that knows every grade.

Worlds of `ltr_worlds` (their figures cannot be compared with those of real sites): 1,500 queries to learn from, 600 others to test on. "Ours" is what
`ranker train --clicks` does: grades by `ranker.relevance`, a family of `ranker.families`, and, for small logs, half of the production ranker's score.
Beside it, in the same run and on the same clicks: LightGBM's lambdarank on click rates (naive), and XGBoost's rank:ndcg on them where it is installed
(``pip install --no-deps xgboost-cpu``). 100 % is the mean of two LambdaMART models that learn from all grades of the training queries.

Parts: ``supervised``, ``large`` (10^5 sessions, six kinds of users), ``medium`` (10^4), ``small`` (10^3), ``huge`` (10^6, two kinds), ``logging``
(one ranker alone, or with a tenth of sessions swapped), ``propensities``.

What this cannot show: seeds differ by 0.3 to 1 point, so differences below 1 point between single cells mean nothing; and the settings were chosen on
seed 0.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from ltr_peers import gradient_boosting, naive_lightgbm, naive_xgboost
from ltr_small_sets import small_sets
from ltr_worlds import KINDS, World, judged, world
from measure import Report, note

from ranker.browsing_models import PBM
from ranker.click_models import NaiveCTR
from ranker.families import FAMILIES, family
from ranker.metrics import mean_of, per_query
from ranker.propensity import harvest, power_law
from ranker.rankers import More
from ranker.relevance import Targets, estimate_relevance

OURS = tuple(name for name in ("pairwise", "ensemble") if name in FAMILIES)
PARTS = ("supervised", "large", "medium", "small", "huge", "logging", "propensities")


def quality(scores: np.ndarray, test: Any) -> float:
    """Mean nDCG@10 over test queries with a positive grade."""
    return float(mean_of(per_query(np.asarray(scores, np.float64), test.grades, test.group)))


def skyline(place: World) -> float:
    """What full knowledge of the training queries reaches."""
    models = [gradient_boosting(place.train.x, place.train.grades, place.train.group, seed) for seed in (0, 1)]
    return float(np.mean([quality(model.predict(place.test.x), place.test) for model in models]))


def by_query(place: World) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the clicks in order of their queries, and how many each query has."""
    return np.argsort(place.clicks.row_query, kind="stable"), np.bincount(place.clicks.row_query)


def ours(place: World, targets: Targets, name: str) -> np.ndarray:
    """Scores of the test rows by a family trained on the grades, blended with production as far as the log's size asks."""
    order, group = by_query(place)
    told = More(rates=targets.rates[order], looks=targets.weights[order])
    model = family(name)(random_state=0).fit(place.clicks.X[order], targets.grades[order], group, soft=True, more=told)
    return blended(model.predict(place.test.x), place, targets.blend)


def blended(scores: np.ndarray, place: World, weight: float) -> np.ndarray:
    if weight == 1:
        return scores
    mixed = np.empty(len(scores))
    for start, end in zip(place.test.bounds, place.test.bounds[1:]):
        mixed[start:end] = weight * _z(scores[start:end]) + (1 - weight) * _z(place.production[start:end])
    return mixed


def _z(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / max(float(values.std()), 1e-9)


def trained(place: World) -> Iterator[tuple[str, np.ndarray]]:
    """Every way to learn from the clicks of a world, with the scores it gives the test rows."""
    targets = estimate_relevance(place.clicks)
    note(f"  {targets.why}")
    for name in OURS:
        yield f"ours, {name}", ours(place, targets, name)
    if targets.blend < 1:
        yield "ours, unblended", ours(place, targets._replace(blend=1.0), OURS[0])
    order, group = by_query(place)
    rates = NaiveCTR().fit(place.clicks).attractiveness_[order]
    yield "naive LightGBM", naive_lightgbm(place.clicks.X[order], rates, group).predict(place.test.x)
    xgboost = naive_xgboost(place.clicks.X[order], rates, group, place.test.x)
    if xgboost is not None:
        yield "naive XGBoost", xgboost
    yield "production", place.production


class Marks:
    """Per cent of the skyline, by how it was learned and in which world."""

    def __init__(self, report: Report, part: str) -> None:
        self.report, self.cells = report, report.results["parts"].setdefault(part, {})

    def add(self, column: str, place: World, seed: int) -> None:
        start, full = time.process_time(), self._skyline(place, seed)
        for name, scores in trained(place):
            self.cells.setdefault(name, {}).setdefault(column, []).append(round(100 * quality(scores, place.test) / full, 2))
        note(f"  {column}: {time.process_time() - start:.0f} s of CPU")

    def _skyline(self, place: World, seed: int) -> float:
        known = self.report.results["skylines"]
        if str(seed) not in known:
            known[str(seed)] = skyline(place)
        return known[str(seed)]

    def tell(self, title: str) -> None:
        columns = list(next(iter(self.cells.values())))
        self.report.say(title)
        rows = []
        for name, cells in self.cells.items():
            means = [float(np.mean(cells[column])) for column in columns]
            rows.append([name, *(f"{mean:.1f}" for mean in means), f"{np.mean(means):.2f}", f"{min(means):.1f}"])
        self.report.table(["", *columns, "mean", "worst"], rows)
        self.report.say()


def clicked(report: Report, part: str, title: str, cells: list[tuple[str, str, int, str]], seeds: list[int]) -> None:
    """One table: ``cells`` are (column, kind of users, sessions, logging)."""
    marks = Marks(report, part)
    for seed in seeds:
        for column, user, sessions, logging in cells:
            note(f"{part}, seed {seed}, {column}")
            marks.add(column, world(user, sessions, seed, logging), seed)
    marks.tell(f"{title}; seeds {', '.join(map(str, seeds))}")


def supervised(report: Report, seeds: list[int]) -> None:
    """Families on full knowledge, nDCG@10 itself: the synthetic queries, and two small real sets in five folds."""
    found: dict[str, dict[str, list[float]]] = {}
    for seed in seeds:
        place = judged(seed=seed)
        train, test = place.part(slice(0, 1500)), place.part(slice(1800, 2400))
        for name in FAMILIES:
            scores = family(name)(random_state=0).fit(train.x, train.grades.astype(np.float32), train.group).predict(test.x)
            found.setdefault(name, {}).setdefault("synthetic", []).append(quality(scores, test))
        scores = gradient_boosting(train.x, train.grades, train.group, 0).predict(test.x)
        found.setdefault("LightGBM lambdarank", {}).setdefault("synthetic", []).append(quality(scores, test))
        found.setdefault("lexical score", {}).setdefault("synthetic", []).append(quality(test.x[:, -1], test))
    for name, sets in small_sets().items():
        for column, value in sets.items():
            found.setdefault(name, {})[column] = [value]
    report.results["parts"]["supervised"] = found
    columns = list(dict.fromkeys(column for cells in found.values() for column in cells))
    report.say(f"Learning from judgments, nDCG@10; seeds {', '.join(map(str, seeds))}")
    rows = [[name, *(f"{np.mean(cells[c]):.4f}" if c in cells else "" for c in columns)] for name, cells in found.items()]
    report.table(["", *columns], rows)
    report.say()


def propensities(report: Report, seeds: list[int]) -> None:
    """Mean |log theta - log truth| of position-based users over ten ranks, and what too steep a theta costs once it is floored."""
    truth, found = power_law(10, 1.0), {}
    for sessions in (1_000, 10_000, 100_000):
        errors, climbed, prior = [], [], []
        for seed in seeds:
            data = world("pbm", sessions, seed).clicks
            errors.append(_log_error(harvest(data.shown, data.clicked).theta[:10], truth))
            climbed.append(_log_error(PBM("em").fit(data).propensities_[:10], truth))
            prior.append(_log_error(power_law(10), truth))
        found[sessions] = {"harvested": float(np.mean(errors)), "EM": float(np.mean(climbed)), "k^-0.5": float(np.mean(prior))}
    report.results["parts"]["propensities"] = {str(sessions): row for sessions, row in found.items()}
    report.say(f"Propensities of position-based users, mean |log error|; seeds {', '.join(map(str, seeds))}")
    report.table(["sessions", "harvested", "EM", "k^-0.5"], [[f"{n:,}", *(f"{v:.3f}" for v in row.values())] for n, row in found.items()])
    report.say()


def _log_error(theta: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(np.log(theta / truth)).mean())


def by_kind(sessions: int) -> list[tuple[str, str, int, str]]:
    return [(kind, kind, sessions, "harvest") for kind in KINDS]


def of_logging() -> list[tuple[str, str, int, str]]:
    return [(f"{kind}, {logging}", kind, 100_000, logging) for logging in ("deterministic", "swap") for kind in ("pbm", "mix")]


RUN: dict[str, Callable[[Report, list[int]], None]] = {
    "supervised": supervised,
    "large": lambda report, seeds: clicked(report, "large", "100,000 sessions, per cent of full knowledge", by_kind(100_000), seeds),
    "medium": lambda report, seeds: clicked(report, "medium", "10,000 sessions", by_kind(10_000), seeds),
    "small": lambda report, seeds: clicked(report, "small", "1,000 sessions", by_kind(1_000), seeds),
    "huge": lambda report, seeds: clicked(report, "huge", "1,000,000 sessions", [c for c in by_kind(1_000_000) if c[0] in ("pbm", "mix")], seeds[:1]),
    "logging": lambda report, seeds: clicked(report, "logging", "100,000 sessions of one ranker, alone or with a tenth swapped", of_logging(), seeds),
    "propensities": propensities,
}  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="some of them, with commas [%(default)s]")
    parser.add_argument("--seeds", default="0,1,2", help="[%(default)s]")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write the results there as JSON and text")
    parser.add_argument("--name", default="ltr", help="of the files of results [%(default)s]")
    options = parser.parse_args(arguments)
    report = Report("ltr", options.output)
    report.name = options.name
    report.results |= {"versions": {"lightgbm": lightgbm.__version__}, "skylines": {}, "parts": {}}
    for part in options.parts.split(","):
        RUN[part](report, [int(seed) for seed in options.seeds.split(",")])
    report.save()


if __name__ == "__main__":
    main()
