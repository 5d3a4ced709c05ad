"""Features of a home's own: columns declared in ``searchd.toml``, and functions of a Python module that it names.

    [features]
    module = "features.py"          # beside searchd.toml: functions decorated with ranker.features.feature

    [features.columns.freshness]    # the feature own.freshness
    column = "year"
    how = "log"

The module is run with the rights of the program. It is named by the operator's own settings file and by nothing else: never by a model, a document,
a request or the environment. A model remembers the hash of what it was trained with, so a changed module wants a new model.
"""

import hashlib
import importlib.abc
import importlib.util
import json
import logging
from collections.abc import Mapping
from importlib.util import decode_source
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from indexer.errors import SearchdError
from indexer.schema import Schema
from ranker.features import Feature, collecting, column_feature
from ranker.matches import NUMERIC_TYPES, Matches

OWN = "own."  # prefix of the names of such features
MAX_FEATURES = 200
log = logging.getLogger("searchd.features")


class BadFeatures(SearchdError):
    """A table [features] of searchd.toml, or a module that it names, that cannot be used."""

    code = "bad_features"


class Own(NamedTuple):
    """Features by name, and the hash of what they were made from; "" for none."""

    functions: dict[str, Feature]
    digest: str


NOTHING = Own({}, "")
_loaded: dict[str, Own] = {}


def own_features(schema: Schema) -> Own:
    """What the settings declare, loaded once for each state of the files; raises BadFeatures saying where and what."""
    declared = schema.features
    if not declared:
        return NOTHING
    module = declared.get("module")
    source = _source(module) if module is not None else b""
    digest = hashlib.sha256(source + b"\0" + json.dumps(declared.get("columns", {}), sort_keys=True, default=str).encode()).hexdigest()
    if digest not in _loaded:
        functions = _columns(declared, schema) | (_module(Path(module), source) if module is not None else {})
        if len(functions) > MAX_FEATURES:
            raise BadFeatures(f"[features]: expected at most {MAX_FEATURES} features, found {len(functions)}")
        _loaded[digest] = Own(functions, digest)
    return _loaded[digest]


def loaded(digest: str) -> dict[str, Feature]:
    """Features of what was loaded with this hash; empty when it was not."""
    return _loaded.get(digest, NOTHING).functions


def _source(module: Any) -> bytes:
    try:
        return Path(module).read_bytes()
    except (OSError, TypeError) as error:
        raise BadFeatures(f"[features] module: expected the path of a Python file, found {module!r} ({error})") from None


class _Held(importlib.abc.InspectLoader):
    """A module whose source has been read, and hashed, already; it leaves no compiled file in the home."""

    def __init__(self, path: Path, source: bytes) -> None:
        self.path, self.source = path, source

    def get_source(self, fullname: str) -> str:
        return decode_source(self.source)

    def get_code(self, fullname: str) -> Any:
        return self.source_to_code(self.get_source(fullname), str(self.path))


def _module(path: Path, source: bytes) -> dict[str, Feature]:
    """Run the module; its decorated functions, in order."""
    loader = _Held(path, source)
    spec = importlib.util.spec_from_loader(f"searchd_features_{hashlib.sha256(source).hexdigest()[:12]}", loader)
    assert spec is not None
    made = importlib.util.module_from_spec(spec)
    with collecting() as found:
        try:
            loader.exec_module(made)
        except Exception as error:
            raise BadFeatures(f"{path}: expected a Python module of features, found {type(error).__name__}: {error}") from error
    if not found:
        raise BadFeatures(f"{path}: expected functions decorated with ranker.features.feature, found none")
    return {OWN + name: _guarded(OWN + name, function) for name, function in found.items()}


def _guarded(name: str, function: Feature) -> Feature:
    """The function, whose failure makes the column missing and is told once, so that a mistake in it never stops a search."""
    told = False

    def column(m: Matches) -> np.ndarray:
        nonlocal told
        try:
            return np.broadcast_to(np.asarray(function(m), np.float32), len(m))
        except Exception as error:
            if not told:
                told = True
                log.warning("feature %s failed and is missing from now on: %s: %s", name, type(error).__name__, error)
            return np.full(len(m), np.nan, np.float32)

    column.__doc__ = function.__doc__
    return column


def _columns(declared: Mapping[str, Any], schema: Schema) -> dict[str, Feature]:
    tables = declared.get("columns", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise BadFeatures(f"[features.columns]: expected tables with column and how, found {tables!r:.80}")
    return {OWN + name: _column(f"[features.columns.{name}]", table, schema) for name, table in tables.items()}


def _column(where: str, table: Mapping[str, Any], schema: Schema) -> Feature:
    numeric = [f.name for f in schema.columns if f.type in NUMERIC_TYPES]
    name, how = table.get("column"), table.get("how", "log")
    if name not in numeric:
        raise BadFeatures(
            f"{where} column: expected a numeric column of the schema ({', '.join(numeric) or 'it has none'}), found {name!r}"
        )
    if how not in WAYS:
        raise BadFeatures(f"{where} how: expected one of {', '.join(WAYS)}, found {how!r}")
    read, way = column_feature(name), WAYS[how]

    def column(m: Matches) -> np.ndarray:
        return way(np.asarray(read(m), np.float32))

    column.__doc__ = f"Column {name}, {how}."
    return column


def _log(values: np.ndarray) -> np.ndarray:
    return np.log1p(np.where(values >= 0, values, np.nan))


def _present(values: np.ndarray) -> np.ndarray:
    return (~np.isnan(values)).astype(np.float32)


def _order(values: np.ndarray) -> np.ndarray:
    """Share of the candidates with a value that have a smaller one."""
    known = np.sort(values[~np.isnan(values)])
    return np.where(np.isnan(values), np.nan, np.searchsorted(known, values) / max(len(known), 1))


WAYS = {"log": _log, "present": _present, "order": _order}
"""How a column becomes a feature: log(1 + value), missing below 0; whether there is a value; its place among the candidates, 0 to 1."""
