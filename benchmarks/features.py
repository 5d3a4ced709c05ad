"""What the features of one query's candidates cost, beside scoring them: microseconds of CPU for 100 documents, gathering, features, 300 trees.

The collection is made up (20,000 documents, Zipf's words, titles of 6 and bodies of 120), the queries have one to six words, and trees of 31
leaves are grown on the features themselves. Minimum of several runs, mean over the queries: what it cannot show is a cold page cache.

    python benchmarks/features.py [--documents N] [--repeat N]
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from indexer.build import build
from indexer.home import Home
from indexer.schema import Schema
from ranker.featureset import FeatureSet
from ranker.forest import build_forest
from ranker.lightgbm_text import parse_model
from ranker.matches import gather
from searchd.engine import Engine
from searchd.plan import plain_plan

CANDIDATES, TREES, LEAVES = 100, 300, 31
SCHEMA = {"fields": {"title": {"type": "text", "weight": 4.0}, "body": {"type": "text"}, "year": {"type": "integer"}}}


def made_up(folder: Path, documents: int) -> Home:
    """A home of documents whose words follow Zipf's law."""
    chance = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(20_000)])
    draw = lambda n: " ".join(words[np.minimum(chance.zipf(1.2, n) - 1, 19_999)])  # noqa: E731
    lines = (
        json.dumps({"id": str(i), "title": draw(6), "body": draw(int(chance.integers(20, 220))), "year": 2000 + i % 25})
        for i in range(documents)
    )
    source = folder / "documents.jsonl"
    source.write_text("\n".join(lines))
    home = Home.at(folder / "home")
    build(home, [str(source)], schema=Schema.from_dict(SCHEMA))
    return home


def cpu(call: Callable[[], Any], repeat: int) -> float:
    """Microseconds of this thread's CPU, the least of several runs: opening an engine leaves work to other threads."""
    best = np.inf
    for _ in range(repeat):
        started = time.thread_time_ns()
        call()
        best = min(best, time.thread_time_ns() - started)
    return float(best) / 1000


def measured(engine: Engine, texts: list[str], repeat: int) -> dict[str, Any]:
    """Means over the queries."""
    snapshot = engine.snapshot()
    features = FeatureSet.default(engine.index.schema)
    asked = [(text, plain_plan(text, snapshot, "or").query_terms, *engine.retrieve(text, k=CANDIDATES)) for text in texts]
    asked = [one for one in asked if len(one[2]) == CANDIDATES]
    forest = _forest(np.concatenate([features.compute(gather(engine.index, t, q, d, s)) for q, t, d, s in asked]))
    rows = []
    for text, terms, docs, scores in asked:
        arguments = engine.index, terms, text, docs, scores
        x = features.compute(gather(*arguments))
        gathering = cpu(lambda a=arguments: gather(*a), repeat)
        both = cpu(lambda a=arguments: features.compute(gather(*a)), repeat)
        rows.append((gathering, both - gathering, cpu(lambda x=x: forest.score(x), repeat)))
    gathering, computing, scoring = np.mean(rows, axis=0).round(1).tolist()
    costs = [features.costs(gather(engine.index, t, q, d, s)) for q, t, d, s in asked for _ in range(3)]
    dearest = sorted(((float(np.median([one[name] for one in costs])), name) for name in features.names), reverse=True)[:8]
    return {
        "queries": len(asked), "candidates": CANDIDATES, "features": len(features.names), "trees": TREES, "gather_us": gathering,
        "features_us": computing, "scores_us": scoring, "together_us": round(gathering + computing + scoring, 1),
        "dearest_us": {name: round(cost, 1) for cost, name in dearest},
    }  # fmt: skip


def _forest(x: np.ndarray) -> Any:
    target = np.nan_to_num(x[:, ::3]).sum(axis=1) + np.random.default_rng(0).normal(size=len(x))
    settings = {"objective": "regression", "num_leaves": LEAVES, "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1, "seed": 0}
    return build_forest(parse_model(lightgbm.train(settings, lightgbm.Dataset(x.astype(np.float64), target), TREES).model_to_string()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=15)
    given = parser.parse_args()
    chance = np.random.default_rng(1)
    texts = [" ".join(f"w{i}" for i in chance.choice(300, size=1 + n % 6, replace=False)) for n in range(30)]
    with tempfile.TemporaryDirectory() as folder, Engine(made_up(Path(folder), given.documents)) as engine:
        print(json.dumps(measured(engine, texts, given.repeat), indent=1))


if __name__ == "__main__":
    main()
