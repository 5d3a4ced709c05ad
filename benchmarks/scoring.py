"""``python benchmarks/scoring.py``: what scoring a query's candidates costs, beside LightGBM's own predict on the same rows in the same run.

Models are trained on random features of which a twentieth is missing. Engines take turns call by call on rows drawn anew from 20,000, so that no
branch predictor learns them by heart; every figure is the median of CPU times of the whole process, LightGBM on one thread. The bits of all
scores are compared first. It says nothing about features, which cost more than trees do, nor about other machines: bit vectors need wide
registers (here 16 float32 at once).
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
from measure import Report, cpu_microseconds

from ranker.forest import build_forest
from ranker.forest_bits import MAX_LEAVES
from ranker.forest_walk import lay_out_walk
from ranker.lightgbm_text import parse_model

ROWS = 20_000
MODELS = ((40, 100, 31), (40, 300, 31), (40, 500, 63), (136, 300, 31), (40, 300, 127))
DOCUMENTS = (1, 10, 100, 200, 1000)
CALLS = {1: 300, 10: 300, 100: 200, 200: 100, 1000: 30}

Score = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, metavar="DIR", help="write the results there as JSON and text")
    report = Report("scoring", parser.parse_args().output)
    report.results["rows"] = []
    for features, trees, leaves in MODELS:
        measure_model(report, features, trees, leaves)
    report.save()


def measure_model(report: Report, features: int, trees: int, leaves: int) -> None:
    """One table: microseconds of CPU a call, by number of documents."""
    x, booster = trained(features, trees, leaves)
    engines = scorers(booster)
    expected = engines["LightGBM"](x[:3000]).tobytes()
    assert all(score(x[:3000]).tobytes() == expected for score in engines.values()), "scores differ"
    report.say(f"{features} features, {trees} trees of {leaves} leaves; us of CPU a call, the same bits")
    rows = []
    for documents in DOCUMENTS:
        times = in_turns(engines, x, documents, CALLS[documents])
        row = {name: round(float(np.median(found)), 1) for name, found in times.items()}
        record = {"features": features, "trees": trees, "leaves": leaves, "documents": documents}
        report.results["rows"].append({**record, **row})
        ours = row[next(iter(engines))]
        rows.append([str(documents), *(f"{value:,.1f}" for value in row.values()), f"{row['LightGBM'] / ours:.1f}"])
    report.table(["documents", *engines, "times faster"], rows)
    report.say()


def trained(features: int, trees: int, leaves: int) -> tuple[np.ndarray, lightgbm.Booster]:
    chance = np.random.default_rng(0)
    x = chance.normal(size=(ROWS, features)).astype(np.float32)
    known = np.where(chance.random(x.shape) < 0.05, np.float32(np.nan), x)
    target = x[:, :8].sum(axis=1) + x[:, 9] * x[:, 10] + chance.normal(size=ROWS)
    settings = {"objective": "regression", "num_leaves": leaves, "learning_rate": 0.05, "verbose": -1, "num_threads": 1}
    return known, lightgbm.train(settings, lightgbm.Dataset(known, target), trees)


def scorers(booster: lightgbm.Booster) -> dict[str, Score]:
    """Ours first: what serves; then the other kernel, and LightGBM."""
    model = parse_model(booster.model_to_string())
    serves = "bit vectors" if max(len(tree.values) for tree in model.trees) <= MAX_LEAVES else "walk"
    found: dict[str, Score] = {serves: build_forest(model).score, "walk": lay_out_walk(model.trees).score}
    return {**found, "LightGBM": lambda x: np.asarray(booster.predict(x, raw_score=True, num_threads=1))}


def in_turns(engines: dict[str, Score], x: np.ndarray, documents: int, calls: int) -> dict[str, np.ndarray]:
    """CPU microseconds of every call, by engine."""
    chance = np.random.default_rng(documents)
    times = {name: np.empty(calls) for name in engines}
    for call in range(calls):
        rows = x[chance.choice(len(x), documents, replace=False)]
        for name, score in engines.items():
            times[name][call] = cpu_microseconds(score, rows)
    return times


if __name__ == "__main__":
    main()
