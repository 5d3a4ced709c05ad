"""Labels and features to trees, in stretches of twenty rounds, each of which depends on nothing but the data and the trees before it.

LightGBM's random state cannot be kept. So every stretch starts LightGBM anew, on the scores of the trees so far and with a seed of its own, whether
the training was interrupted or not: a training that goes on from a checkpoint gives the same bytes as one that was never stopped. Scores
are those of our own kernels, which cost next to nothing.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ranker.checkpoints import Checkpoints, Stretches
from ranker.forest import Forest, build_forest
from ranker.lightgbm_text import parse_model
from ranker.metrics import bounds_of
from ranker.objectives import MakeGradients

STRETCH = 20  # rounds
QUIET = {"verbose": -1, "deterministic": True, "force_row_wise": True, "feature_pre_filter": False}

Seen = Callable[[int, Forest], bool]
"""Is told how many rounds are done and the trees of the last stretch; True ends the growth there."""


class Job(NamedTuple):
    """Everything that decides the trees. ``group`` int64[Q] is None for objectives that do not look at queries."""

    x: np.ndarray  # float32[n, F]
    labels: np.ndarray  # float64[n]
    group: np.ndarray  # int64[Q]
    weights: np.ndarray | None  # float64[n]
    positions: np.ndarray | None  # int32[n]: ranks where rows were shown, for LightGBM's own correction
    settings: dict[str, Any]  # LightGBM's, without rounds, seeds and threads
    rounds: int
    grouped: bool
    gradients: MakeGradients | None = None
    seed: int = 0
    threads: int = 1


def grow(job: Job, checkpoints: Checkpoints | None = None, seen: Seen | None = None) -> str:
    """Train and return the model as LightGBM's text. ``seen`` may end it early; a checkpoint is kept after every stretch."""
    import lightgbm  # imported where it is needed: serving never needs it

    stretches, dataset, texts, scores = _stretches(job, checkpoints or Checkpoints()), None, [], np.zeros(len(job.x))
    # LightGBM's estimate of positions lives in its objective, so that one stretch must do.
    length = STRETCH if job.positions is None else job.rounds
    for number, done in enumerate(range(0, job.rounds, length)):
        rounds = min(length, job.rounds - done)
        kept = stretches.read(number)
        if kept is None:
            dataset = dataset or _dataset(job)
            if number:
                dataset.set_init_score(scores)
            text = lightgbm.train(_parameters(job, number), dataset, rounds).model_to_string()
            stretches.write(number, text)
            kept = text, parse_model(text)
        forest = build_forest(kept[1])
        texts.append(kept[0])
        scores += forest.score(job.x)
        if (seen is not None and seen(done + rounds, forest)) or len(kept[1].trees) < rounds:
            break
    return joined(texts)


def joined(texts: list[str], scale: float = 1.0) -> str:
    """One model of the trees of several, every score times ``scale``, as LightGBM itself would write it."""
    import lightgbm

    blocks = [block if scale == 1 else _scaled(block, scale) for text in texts for block in _blocks(text)]
    header = "\n".join(line for line in texts[0][: texts[0].index("\nTree=0")].split("\n") if not line.startswith("tree_sizes="))
    trees = "".join(f"\nTree={number}\n{block}\n\n" for number, block in enumerate(blocks))
    return str(lightgbm.Booster(model_str=f"{header}\n{trees}\nend of trees\n").model_to_string())


def _scaled(block: str, scale: float) -> str:
    """A tree whose leaves and inner nodes (which explanations read) are ``scale`` times as great."""
    lines = [line.partition("=") for line in block.split("\n")]
    return "\n".join(
        key + equals + (_times(value, scale) if key in ("leaf_value", "internal_value") else value) for key, equals, value in lines
    )


def _times(values: str, scale: float) -> str:
    return " ".join(f"{float(value) * scale:.17g}" for value in values.split())


def reference_scores(text: str, x: np.ndarray) -> np.ndarray:
    """float64[k]: what LightGBM itself makes of the model, for the proof that our scorer gives the same bits."""
    import lightgbm

    return np.asarray(lightgbm.Booster(model_str=text).predict(np.asarray(x, np.float32), raw_score=True))


def _blocks(text: str) -> list[str]:
    """The lines of each tree, without the one that numbers it."""
    trees = text[text.index("\nTree=0") : text.index("\nend of trees")]
    return [block.strip("\n") for block in re.split(r"\nTree=\d+\n", trees)[1:]]


def _stretches(job: Job, checkpoints: Checkpoints) -> Stretches:
    if checkpoints.folder is None:
        return Stretches()
    import lightgbm

    loss = getattr(job.gradients, "__name__", None)
    settings = {**job.settings, "loss": loss, "rounds": job.rounds, "seed": job.seed, "version": lightgbm.__version__, "stretch": STRETCH}
    return checkpoints.of(settings, job.x, job.labels, job.group, job.weights, job.positions)


def _dataset(job: Job) -> Any:
    import lightgbm

    columns = [f"Column_{i}" for i in range(job.x.shape[1])]
    return lightgbm.Dataset(
        np.ascontiguousarray(job.x, np.float64), job.labels, group=np.asarray(job.group) if job.grouped else None, weight=job.weights,
        position=job.positions, feature_name=columns, params=dict(QUIET), free_raw_data=True,
    )  # fmt: skip


def _parameters(job: Job, number: int) -> dict[str, Any]:
    """Settings of a stretch. Seeds are told one by one, since `seed` would also be that of the data's sampling, which is done once."""
    seed = int(np.random.default_rng([job.seed, number]).integers(2**31 - 1))
    seeds = dict.fromkeys(("feature_fraction_seed", "bagging_seed", "extra_seed", "objective_seed"), seed)
    parameters = {**QUIET, "num_threads": job.threads, **job.settings, **seeds}
    if job.gradients is not None:
        by_score, weights = job.gradients(job.labels, bounds_of(job.group), seed), job.weights
        parameters["objective"] = lambda scores, _data: _weighted(*by_score(np.asarray(scores, np.float64)), weights)
    return parameters


def _weighted(gradients: np.ndarray, curvatures: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    return (gradients, curvatures) if weights is None else (gradients * weights, curvatures * weights)
