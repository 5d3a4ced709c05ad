"""Files of judged rows, by what their names end in: LightGBM's tables (.csv, .tsv), else LETOR; each also as .gz to read."""

from pathlib import Path

from ranker.featureset import FeatureMismatch, FeatureSet
from ranker.letor import read_letor, write_letor
from ranker.lightgbm_table import is_table, read_table, write_table
from ranker.training_set import TrainingSet


def read_rows(path: Path, model: FeatureSet | None = None) -> TrainingSet:
    """Read a file; ``model``: as rows for a model of these features. Raises InvalidLetor, FeatureMismatch."""
    if not is_table(path):
        return read_letor(path, None if model is None else len(model.names))
    data = read_table(path)
    if model is not None and not _fits(data.features.names, model.names):
        raise FeatureMismatch(
            f"{path}: expected the {len(model.names)} features of the model, {_few(model.names)}; found {len(data.features.names)}, "
            f"{_few(data.features.names)}"
        )
    return data


def write_rows(path: Path, data: TrainingSet) -> None:
    """Write a file of the form that its name says."""
    (write_table if is_table(path) else write_letor)(path, data)


def _fits(found: tuple[str, ...], expected: tuple[str, ...]) -> bool:
    """The same names, or as many where one side only numbers them."""
    numbered = tuple(f"f{i + 1}" for i in range(len(expected)))
    return len(found) == len(expected) and (found == expected or numbered in (found, expected))


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
