"""Tables as LightGBM reads them (CSV, TSV) to training sets and back.

Written are a header of ``label`` and the names of the features, the rows, and group sizes in FILE.query beside, where LightGBM looks by itself
(``header=true``): with a column for queries it would take that for a feature, and a model of the file could not be imported. Read are also files
with a column ``qid``, with one of ``docid``, and without a header, the label first.
"""

import csv
import gzip
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.durable import write_file
from ranker.featureset import FeatureSet
from ranker.letor import MAX_FEATURES, TOO_LARGE, InvalidLetor, group_file, groups_of, number
from ranker.training_set import TrainingSet

LABELS, GROUPS, KEYS = ("label", "target", "grade", "relevance"), ("qid", "query_id", "query", "group"), ("docid", "doc_id")
MISSING = ("", "na", "nan", "null", "none")
DELIMITERS = {".csv": ",", ".tsv": "\t"}


class Columns(NamedTuple):
    """Where things stand in a row; -1 for what a file does not have."""

    label: int
    group: int
    key: int
    features: list[int]
    names: list[str]


def is_table(path: Path) -> bool:
    """Whether a name ends in .csv or .tsv, with or without .gz."""
    return _suffix(path) in DELIMITERS


def read_table(path: Path) -> TrainingSet:
    """Read a file; an empty cell, NA and NaN are missing. Raises InvalidLetor with the line."""
    rows = _rows(path)
    place, first = next(rows, (0, []))
    if not first:
        raise InvalidLetor(f"{path}: expected rows of a label and features, found none")
    header = not all(_is_number(cell) for cell in first)
    columns = _named(first, path) if header else _numbered(len(first), path)
    labels, qids, keys, values = [], [], [], []
    for line, row in _chained(None if header else (place, first), rows):
        if len(row) != len(first):
            raise InvalidLetor(f"{path}:{line}: expected {len(first)} cells as in the first row, found {len(row)}")
        labels.append(_label(row[columns.label], path, line))
        qids.append("" if columns.group < 0 else row[columns.group].strip() or _no_group(path, line))
        keys.append("" if columns.key < 0 else row[columns.key].strip())
        values.append([_value(row[i], path, line) for i in columns.features])
    if not labels:
        raise InvalidLetor(f"{path}: expected rows below the header, found none")
    group, named = groups_of(qids, path)
    x = np.array(values, np.float32).reshape(len(labels), len(columns.features))
    features = FeatureSet.plain(columns.names)
    return TrainingSet(x, np.array(labels, np.float32), np.ones(len(x), np.float32), group, named, keys, features, soft=False)


def write_table(path: Path, data: TrainingSet) -> None:
    """Write a header and all rows, missing values as NaN, and the group sizes beside; names of queries and documents are not kept."""
    delimiter = DELIMITERS[_suffix(path)]
    for name in data.features.names:
        if delimiter in name or "\n" in name or '"' in name:
            raise InvalidLetor(f"{path}: expected names of features without {delimiter!r} and quotes, found {name!r}; write another form")
    lines = [delimiter.join(("label", *data.features.names))]
    lines += [delimiter.join((number(grade), *map(number, row))) for grade, row in zip(data.grades, data.x)]
    write_file(path, ("\n".join(lines) + "\n").encode())
    write_file(group_file(path), "".join(f"{size}\n" for size in data.group.tolist()).encode())


def _suffix(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows that say something, with their line."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=DELIMITERS[_suffix(path)], strict=True)
            yield from ((reader.line_num, row) for row in reader if any(map(str.strip, row)))
    except (OSError, UnicodeDecodeError, EOFError, csv.Error) as error:
        raise InvalidLetor(f"{path}: cannot be read as a table ({error}); give CSV or TSV, plain or .gz") from error


def _chained(first: tuple[int, list[str]] | None, rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    if first is not None:
        yield first
    yield from rows


def _named(header: Sequence[str], path: Path) -> Columns:
    names = [name.strip() for name in header]
    if len(set(names)) != len(names) or "" in names:
        raise InvalidLetor(f"{path}:1: expected distinct names of columns, found {', '.join(names)[:80]!r}")
    label, group, key = (next((names.index(name) for name in known if name in names), -1) for known in (LABELS, GROUPS, KEYS))
    if label < 0:
        raise InvalidLetor(f"{path}:1: expected a column named {' or '.join(LABELS)}, found {', '.join(names)[:80]!r}")
    features = [i for i in range(len(names)) if i not in (label, group, key)]
    return _checked(Columns(label, group, key, features, [names[i] for i in features]), path)


def _numbered(width: int, path: Path) -> Columns:
    return _checked(Columns(0, -1, -1, list(range(1, width)), [f"f{i}" for i in range(1, width)]), path)


def _checked(columns: Columns, path: Path) -> Columns:
    if not 1 <= len(columns.features) <= MAX_FEATURES:
        raise InvalidLetor(f"{path}: expected 1 to {MAX_FEATURES} columns of features, found {len(columns.features)}")
    return columns


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.strip().casefold() in MISSING
    return True


def _label(cell: str, path: Path, line: int) -> float:
    try:
        found = float(cell)
    except ValueError:
        found = math.nan
    if not 0 <= found <= 30:
        raise InvalidLetor(f"{path}:{line}: expected a grade of 0..30, found {cell[:40]!r}")
    return found


def _value(cell: str, path: Path, line: int) -> float:
    if cell.strip().casefold() in MISSING:
        return math.nan
    try:
        found = float(cell)
    except ValueError:
        found = math.inf
    if abs(found) >= TOO_LARGE:
        raise InvalidLetor(f"{path}:{line}: expected a number that float32 holds, or nothing, found {cell[:40]!r}")
    return found


def _no_group(path: Path, line: int) -> str:
    raise InvalidLetor(f"{path}:{line}: expected a query in every row, found an empty cell")
