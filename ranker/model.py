"""A model as a folder of text files that prove themselves: hashes, names of features, and rows whose scores are known.

    model.txt       LightGBM's text format        features.json   names in order, version, text fields
    card.json       what it learned from, how well it does        golden.json     rows and the scores LightGBM gave them
    behaviour.json  click rates that are features, of models that have them         SHA256SUMS      of the others

A model that loads has the bytes that were published and gives, on this machine and by our own scorer, the same bits as when it was trained.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from indexer.durable import make_folder, replace_folder, staging_folder, write_file
from indexer.errors import SearchdError, reason
from ranker.behaviour import read_behaviour
from ranker.featureset import FeatureSet
from ranker.forest import build_forest
from ranker.lightgbm_text import InvalidModel, TextModel, Tree, parse_model
from ranker.tree_shap import LeafPaths, lay_out_paths

FILES = ("model.txt", "features.json", "card.json", "golden.json")
BEHAVIOUR = "behaviour.json"
SUMS = "SHA256SUMS"
GOLDEN_ROWS = 16


class DamagedModel(SearchdError):
    """A model folder whose files are not those that were published."""

    code = "damaged_model"


class FolderInUse(SearchdError):
    """A folder for a new model that holds something already."""

    code = "folder_in_use"


class Trained(NamedTuple):
    """What training hands over: LightGBM's text, its features, and rows with the raw scores LightGBM gave them."""

    text: str
    features: FeatureSet
    golden_x: np.ndarray  # float32[n, F]
    golden_scores: np.ndarray  # float64[n]


@dataclass(frozen=True)
class Model:
    """A loaded model; ``score`` is its one use. Immutable, shared by threads."""

    name: str
    version: str
    card: dict[str, Any]
    featureset: FeatureSet
    raw_score: Callable[[np.ndarray], np.ndarray]
    trees: Sequence[Tree] = ()

    @cached_property
    def paths(self) -> LeafPaths | None:
        """For contributions of features; None if the trees cannot tell."""
        return lay_out_paths(self.trees) if self.trees else None

    def score(self, x: np.ndarray) -> np.ndarray:
        """float64[k] of the float32[k, F] features of one query's candidates; greater is better.

        A model with ``blend`` in its card was trained on little: its z-scores are averaged with those of retrieval, so they are of this list only.
        """
        if x.ndim != 2 or x.shape[1] != len(self.featureset.names):
            raise InvalidModel(f"model {self.name}: expected {len(self.featureset.names)} features a row, found a table of shape {x.shape}")
        raw = self.raw_score(np.ascontiguousarray(x, np.float32))
        blend = self.card.get("blend")
        if not blend:
            return raw
        production = x[:, self.featureset.names.index(blend["feature"])].astype(np.float64)
        return blend["weight"] * _z(raw) + (1 - blend["weight"]) * _z(np.nan_to_num(production))


def spread(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation, by which a blend compares scores; a deviation of nothing is 1e-9."""
    return (float(values.mean()), max(float(values.std()), 1e-9)) if len(values) else (0.0, 1.0)


def _z(values: np.ndarray) -> np.ndarray:
    mean, deviation = spread(values)
    return (values - mean) / deviation


def write_model(folder: Path, trained: Trained, card: dict[str, Any]) -> None:
    """Write a model into ``folder``, durably, the hashes last."""
    make_folder(folder)
    files = {
        "model.txt": trained.text.encode(),
        "features.json": _json(trained.features.to_dict()),
        "card.json": _json(card),
        "golden.json": _json({"rows": _nullable(trained.golden_x), "scores": trained.golden_scores.tolist()}),
    }
    if trained.features.behaviour is not None:
        files[BEHAVIOUR] = trained.features.behaviour.encoded()
    for name, data in files.items():
        write_file(folder / name, data)
    write_file(folder / SUMS, "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()).encode())


def require_free(folder: Path, overwrite: bool = False) -> None:
    """Raise FolderInUse unless a model may be written there: nothing is there yet, or a model and ``overwrite``."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / SUMS).is_file():
        raise FolderInUse(f"{folder}: expected a new folder, found something that is no model; name another one")
    if not overwrite:
        raise FolderInUse(f"{folder}: expected a new folder, found a model; name another one, or give --overwrite")


def replace_model(folder: Path, trained: Trained, card: dict[str, Any], overwrite: bool = False) -> None:
    """Write a model as a whole folder; one that is there stays until the new one is complete. Raises FolderInUse."""
    require_free(folder, overwrite)
    with staging_folder(folder.parent, f".{folder.name}.staging-") as staging:
        write_model(staging, trained, card)
        replace_folder(staging, folder)


def read_model(folder: Path, name: str = "model", version: str = "", own: bool = False) -> Model:
    """Load and verify; raises DamagedModel, InvalidModel or FeatureMismatch, naming the file.

    ``own``: the folder was published by this home's registry, so a model that our scorer cannot hold may be given to LightGBM.
    """
    files = _verified_files(folder)
    features = _with_table(FeatureSet.from_dict(_parsed(files, "features.json", folder), str(folder / "features.json")), files, folder)
    card = _parsed(files, "card.json", folder)
    parsed = parse_model(_text(files, "model.txt", folder), str(folder / "model.txt"))
    if len(parsed.feature_names) != len(features.names):
        raise InvalidModel(
            f"{folder}: model.txt has {len(parsed.feature_names)} features, features.json names {len(features.names)}; train it again"
        )
    _check_card(card, features, folder)
    trees = parsed.trees if parsed.exact else ()
    model = Model(name, version, card, features, _scorer(parsed, files["model.txt"], own, folder), trees)
    _check_golden(model, _parsed(files, "golden.json", folder), folder)
    return model


def _with_table(features: FeatureSet, files: dict[str, bytes], folder: Path) -> FeatureSet:
    """The features with the click rates that they name."""
    if not features.behaviour_digest:
        return features
    data = files.get(BEHAVIOUR, b"")
    found = features.with_behaviour(read_behaviour(data, str(folder / BEHAVIOUR)))
    if hashlib.sha256(data).hexdigest() != features.behaviour_digest or found.behaviour_digest != features.behaviour_digest:
        raise DamagedModel(
            f"{folder / BEHAVIOUR}: expected the click rates that features.json names, found others; publish the model again"
        )
    return found


def _scorer(parsed: TextModel, text: bytes, own: bool, folder: Path) -> Callable[[np.ndarray], np.ndarray]:
    if parsed.exact:
        return build_forest(parsed).score
    if not own:
        raise InvalidModel(f"{folder}: categorical splits and zero-as-missing are only read from models trained here; train without them")
    import lightgbm  # a model our scorer cannot hold: rare, slower, and trusted since this home wrote the file

    booster = lightgbm.Booster(model_str=text.decode())
    return lambda x: np.asarray(booster.predict(x, raw_score=True, num_threads=1))


def published_files(sums: Iterable[str]) -> list[str]:
    """Names of a model's files beside SHA256SUMS, by the names in that."""
    return [*FILES, *(name for name in sums if name == BEHAVIOUR)]


def files_of(folder: Path) -> list[str]:
    """All files of a published model, SHA256SUMS too."""
    return [*_verified_files(folder), SUMS]


def _verified_files(folder: Path) -> dict[str, bytes]:
    try:
        lines = (folder / SUMS).read_text("ascii").splitlines()
        sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
        files = {name: (folder / name).read_bytes() for name in published_files(sums)}
    except (OSError, ValueError) as error:
        raise DamagedModel(
            f"{folder}: expected a model folder with {', '.join(FILES)} and {SUMS} ({reason(error)}); publish the model again"
        ) from None
    for name, data in files.items():
        found = hashlib.sha256(data).hexdigest()
        if sums.get(name) != found:
            raise DamagedModel(f"{folder / name}: expected SHA-256 {sums.get(name)}, found {found}; publish it again or roll back")
    return files


def _check_card(card: Any, features: FeatureSet, folder: Path) -> None:
    blend = card.get("blend") if isinstance(card, dict) else "none"
    if blend is None:
        return
    if isinstance(blend, dict) and blend.get("feature") in features.names:
        weight = blend.get("weight")
        if isinstance(weight, (int, float)) and 0 <= weight <= 1:
            return
    raise InvalidModel(f"{folder}: card.json must be an object whose blend, if any, has a weight of 0..1 and a feature of the model")


def _check_golden(model: Model, golden: Any, folder: Path) -> None:
    """The proof on this machine: known rows give known scores, to the bit."""
    try:
        rows = np.array([[np.nan if v is None else v for v in row] for row in golden["rows"]], np.float32)
        expected = np.array(golden["scores"], np.float64)
        rows = rows.reshape(len(expected), len(model.featureset.names))
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedModel(f"{folder / 'golden.json'}: expected rows and scores ({error}); publish the model again") from None
    found = model.raw_score(rows)
    if found.tobytes() != expected.tobytes():
        worst = float(np.abs(found - expected).max())
        raise DamagedModel(f"{folder}: golden rows score differently than in training (by up to {worst:g}); train the model again")


def _parsed(files: dict[str, bytes], name: str, folder: Path) -> Any:
    try:
        return json.loads(_text(files, name, folder))
    except (ValueError, RecursionError) as error:
        raise DamagedModel(f"{folder / name}: not JSON ({error}); publish the model again") from None


def _text(files: dict[str, bytes], name: str, folder: Path) -> str:
    try:
        return files[name].decode("utf-8")
    except UnicodeDecodeError as error:
        raise DamagedModel(f"{folder / name}: not UTF-8 ({error}); publish the model again") from None


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def _nullable(table: np.ndarray) -> list[list[float | None]]:
    return [[None if np.isnan(v) else float(v) for v in row] for row in table]
