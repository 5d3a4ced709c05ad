"""Small real sets with judgments, learned from in five folds by query: LightGBM's ranking example and LETOR's MQ2008. Left out where absent."""

import gzip
import tempfile
from pathlib import Path

import numpy as np
from benchmark_collections import DATA
from ltr_peers import gradient_boosting
from measure import note

from ranker.families import FAMILIES, family
from ranker.letor import read_letor
from ranker.metrics import mean_of, per_query
from ranker.training_set import TrainingSet, fold_of

FOLDS = 5
SETS = {
    "LightGBM's example": ("ltr/lightgbm-lambdarank", ("rank.train.gz", "rank.test.gz")),
    "MQ2008": ("ltr/letor4-mq2008", tuple(f"S{part}.txt.gz" for part in range(1, 6))),
}


def small_sets() -> dict[str, dict[str, float]]:
    """Mean nDCG@10 over held-out queries with a positive grade, by family and set."""
    found: dict[str, dict[str, float]] = {}
    for title, (folder, files) in SETS.items():
        if not (DATA / folder).exists():
            note(f"{folder} is not here: left out")
            continue
        data = _joined(DATA / folder, files)
        for name in (*FAMILIES, "LightGBM lambdarank"):
            found.setdefault(name, {})[title] = _in_folds(data, name)
    return found


def _joined(folder: Path, files: tuple[str, ...]) -> TrainingSet:
    """All parts as one set: query numbers start anew in each part of LightGBM's example, which has them in a file of their own."""
    lines: list[str] = []
    for part, name in enumerate(files):
        text = gzip.decompress((folder / name).read_bytes()).decode()
        groups = folder / name.replace(".gz", ".query")
        qids = np.zeros(0, np.int64)
        if groups.exists():
            sizes = [int(size) for size in groups.read_text().split()]
            qids = np.repeat(np.arange(len(sizes)) + 100_000 * (part + 1), sizes)
        for number, line in enumerate(text.splitlines()):
            grade, rest = line.split(" ", 1)
            lines.append(f"{grade} qid:{qids[number]} {rest}" if len(qids) else line)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "joined.txt"
        path.write_text("\n".join(lines) + "\n")
        return read_letor(path)


def _in_folds(data: TrainingSet, name: str) -> float:
    fold, scores = fold_of(data.qids, FOLDS), np.zeros(len(data))
    for number in range(FOLDS):
        train, rows = data.queries(fold != number), np.repeat(fold == number, data.group)
        if name in FAMILIES:
            model = family(name)(random_state=0).fit(train.x, train.grades, train.group)
        else:
            model = gradient_boosting(train.x, train.grades, train.group, 0)
        scores[rows] = model.predict(data.x[rows])
    return float(mean_of(per_query(scores, data.grades, data.group)))
