"""LETOR files (svmlight text: ``grade qid:N index:value ... # docid``) to training sets and back."""

import gzip
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

import numpy as np

from indexer.durable import write_file
from indexer.errors import SearchdError
from ranker.featureset import FeatureSet
from ranker.training_set import TrainingSet

MAX_FEATURES = 100_000
TOO_LARGE = 2.0**128 - 2.0**103  # the least number that is rounded to an infinite float32
_DOCID = re.compile(r"docid\s*=\s*(\S+)")


class InvalidLetor(SearchdError):
    """A line that is not LETOR."""

    code = "invalid_letor"


class Row(NamedTuple):
    """One line: features by index, counted from 1."""

    grade: float
    qid: str
    values: dict[int, float]
    key: str


def read_letor(path: Path, num_features: int | None = None) -> TrainingSet:
    """Read a file (``.gz`` too). A feature that a line leaves out is 0, as svmlight says. ``num_features`` widens the table to a model's.

    A file without ``qid:`` needs ``PATH.query`` beside it (one group size a line), as in LightGBM's examples. Raises InvalidLetor.
    """
    rows = [parse_line(line, f"{path}:{place}") for place, line in lines_of(path)]
    if not rows:
        raise InvalidLetor(f"{path}: expected lines 'grade qid:N index:value ... # docid', found none")
    group, qids = groups_of([row.qid for row in rows], path)
    width = max(max(row.values, default=1) for row in rows)
    if num_features is not None and width > num_features:
        raise InvalidLetor(f"{path}: the model has {num_features} features, found index {width}; evaluate the file it was trained for")
    x = np.zeros((len(rows), num_features or width), np.float32)
    for i, row in enumerate(rows):
        x[i, [index - 1 for index in row.values]] = list(row.values.values())
    grades = np.array([row.grade for row in rows], np.float32)
    names = FeatureSet.plain([f"f{i + 1}" for i in range(x.shape[1])])
    return TrainingSet(x, grades, np.ones(len(rows), np.float32), group, qids, [row.key for row in rows], names, soft=False)


def write_letor(path: Path, data: TrainingSet) -> None:
    """Write rows with all their features; missing ones are ``NaN``, since what a line leaves out is 0. White space, # and % of qids become %20 and so
    on, and are read back."""
    lines = []
    for qid, start, end in zip(data.qids, data.bounds, data.bounds[1:]):
        for i in range(start, end):
            values = " ".join(f"{j + 1}:{number(v)}" for j, v in enumerate(data.x[i]))
            key = f" # {data.keys[i]}" if data.keys else ""
            lines.append(f"{number(data.grades[i])} qid:{_word(qid)} {values}{key}\n")
    write_file(path, "".join(lines).encode())


def parse_line(line: str, where: str) -> Row:
    """One line to a row; raises InvalidLetor with ``where``."""
    body, _, comment = line.partition("#")
    grade, *pairs = body.split()
    qid = ""
    if pairs and pairs[0].startswith("qid:"):
        qid = unquote(pairs.pop(0).removeprefix("qid:"))
    try:
        values = {int(index): float(value) for index, value in (pair.split(":") for pair in pairs)}
        found = float(grade)
    except ValueError:
        raise InvalidLetor(f"{where}: expected 'grade qid:N index:value ...', found {line.strip()[:60]!r}") from None
    if len(values) != len(pairs) or not all(1 <= index <= MAX_FEATURES for index in values):
        raise InvalidLetor(f"{where}: feature indices must be distinct and lie in 1..{MAX_FEATURES}, found {line.strip()[:60]!r}")
    if not (0 <= found <= 30) or any(abs(v) >= TOO_LARGE for v in values.values()):
        raise InvalidLetor(f"{where}: grades must lie in 0..30 and values be finite, found {line.strip()[:60]!r}")
    named = _DOCID.search(comment)
    return Row(found, qid, values, named.group(1) if named else comment.strip())


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that say something, numbered from 1, of a file or a ``.gz``; raises InvalidLetor."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            for place, line in enumerate(file, 1):
                if line.partition("#")[0].strip():
                    yield place, line
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise InvalidLetor(f"{path}: cannot be read as text ({error}); give an svmlight file, plain or .gz") from error


def groups_of(qids: Sequence[str], path: Path) -> tuple[np.ndarray, list[str]]:
    """Rows of each query, int64[Q], and its qid; of rows without any (""), by the file of group sizes beside. Raises InvalidLetor."""
    if all(qids):
        starts = [i for i, qid in enumerate(qids) if i == 0 or qid != qids[i - 1]]
        found = [qids[i] for i in starts]
        if len(set(found)) != len(found):
            raise InvalidLetor(f"{path}: the lines of a query must stand together; sort the file by qid")
        return np.diff([*starts, len(qids)]).astype(np.int64), found
    beside = group_file(path)
    try:
        sizes = np.array([int(line) for line in beside.read_text().split()], np.int64)
    except (OSError, ValueError) as error:
        raise InvalidLetor(f"{path}: lines without qid need group sizes in {beside.name} ({error})") from error
    if (sizes <= 0).any() or sizes.sum() != len(qids):
        raise InvalidLetor(f"{beside}: expected positive sizes that sum to {len(qids)}, found {sizes.sum()}")
    return sizes, [str(q + 1) for q in range(len(sizes))]


def group_file(path: Path) -> Path:
    """Where LightGBM looks for the sizes of groups."""
    return path.with_name(path.name.removesuffix(".gz") + ".query")


def number(value: float) -> str:
    """A float32 in as many digits as bring it back."""
    return "NaN" if math.isnan(value) else f"{float(value):.9g}"


def _word(text: str) -> str:
    return "".join(quote(c) if c.isspace() or c in "#%" else c for c in text) or "_"
