"""A LightGBM text model that was trained elsewhere to a version of this home's registry.

Its features must be those that this home computes, name by name and in order; its trees must be such that our own scorer holds them. LightGBM
never reads the file: only what our strict reader understood is kept, and the golden scores are our scorer's, whose bits are LightGBM's.
"""

from pathlib import Path

import numpy as np

from indexer.errors import reason
from indexer.home import Home
from indexer.index import Index
from ranker.featureset import FeatureMismatch, FeatureSet
from ranker.forest import build_forest
from ranker.lightgbm_text import END_OF_TREES, InvalidModel, TextModel, parse_model
from ranker.model import GOLDEN_ROWS, Trained
from ranker.registry import Registry


def import_text(home: Home, path: Path, name: str, declared: Path | None = None) -> str:
    """Publish the model of a LightGBM text file; returns the version. Raises InvalidModel or FeatureMismatch."""
    with Index.open(home) as index:
        features = FeatureSet.default(index.schema)
        generation = index.generation
    trained = trained_elsewhere(_read(path), features, str(path), _read(declared).split() if declared else None)
    card = {"family": "imported", "source": path.name, "generation": generation}
    return Registry(home).publish(trained, card, name)


def trained_elsewhere(text: str, features: FeatureSet, where: str, declared: list[str] | None = None) -> Trained:
    """Check a text model against ``features`` and give it golden rows; ``declared`` names its columns where the file does not."""
    model = parse_model(text, where)
    if not model.exact:
        raise InvalidModel(f"{where}: expected numeric float32 features, found categorical splits or zero-as-missing; train without them")
    _check_names(_names(model, declared, where), features, where)
    golden = _rows_near_thresholds(model)
    trees, end, _ = text.partition(f"\n{END_OF_TREES}")
    return Trained(f"{trees}{end}\n", features, golden, build_forest(model).score(golden))


def _names(model: TextModel, declared: list[str] | None, where: str) -> tuple[str, ...]:
    """Names of the model's columns: its own, or ``declared`` where they are only numbered."""
    numbered = model.feature_names == tuple(f"Column_{i}" for i in range(len(model.feature_names)))
    if numbered and declared is None:
        raise FeatureMismatch(
            f"{where}: expected names of features, found Column_0, Column_1, ...; name them in order with --features FILE"
        )
    if not numbered and declared is not None and tuple(declared) != model.feature_names:
        raise FeatureMismatch(f"{where}: the file names its features otherwise than --features; leave the option away")
    return tuple(declared) if declared is not None else model.feature_names


def _check_names(names: tuple[str, ...], features: FeatureSet, where: str) -> None:
    if len(names) != len(features.names):
        raise FeatureMismatch(
            f"{where}: expected the {len(features.names)} features of this home, found {len(names)}; train on `ranker features export`"
        )
    for place, (found, expected) in enumerate(zip(names, features.names), 1):
        if found != expected:
            raise FeatureMismatch(f"{where}: expected feature {place} to be {expected}, found {found[:80]}; see `ranker features list`")


def _rows_near_thresholds(model: TextModel) -> np.ndarray:
    """Rows that go many ways: values are thresholds of the feature or one float beside them, some are missing. float32[16, F]."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(GOLDEN_ROWS, len(model.feature_names))).astype(np.float32)
    used = np.concatenate([tree.features for tree in model.trees])
    thresholds = np.concatenate([tree.thresholds for tree in model.trees])
    for feature in np.unique(used):
        mine = thresholds[(used == feature) & (np.abs(thresholds) < np.finfo(np.float32).max)].astype(np.float32)
        if len(mine):
            drawn = rng.choice(mine, GOLDEN_ROWS)
            table[:, feature] = np.where(rng.random(GOLDEN_ROWS) < 0.5, drawn, np.nextafter(drawn, np.float32(np.inf)))
    table[rng.random(table.shape) < 0.1] = np.nan
    return table


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidModel(f"{path}: expected a readable text file ({reason(error)}); give LightGBM's save_model output") from None
