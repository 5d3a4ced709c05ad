"""An ordered, named list of features with a fingerprint: what a model was trained with and what serving must compute.

The fingerprint covers the names in order, the version of their meaning, and the text fields (with weights and b) that they are computed
over. Two feature sets of one fingerprint give the same vector for the same query, document and collection. A model's table of click rates adds
columns behind the others (`ranker.behaviour`), and its hash to the fingerprint (`ranker.fingerprints`).
"""

import hashlib
import json
import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from indexer.errors import SearchdError
from indexer.schema import Schema
from ranker.behaviour import NAMES as BEHAVIOUR
from ranker.behaviour import Behaviour
from ranker.features import FEATURES, VERSION, Feature, column_feature
from ranker.fingerprints import with_table
from ranker.matches import NUMERIC_TYPES, Matches
from ranker.own_features import OWN, loaded, own_features
from ranker.text_columns import Columns, at_once, columns_of, fill

COLUMN = "column."  # prefix of features that are columns of the schema


class FeatureMismatch(SearchdError):
    """A model and what would feed it do not speak of the same features."""

    code = "feature_mismatch"


class FeatureSet:
    """Names in order, and how to compute them. Immutable."""

    def __init__(
        self,
        names: Sequence[str],
        text_fields: Sequence[dict[str, Any]],
        version: int = VERSION,
        own: str = "",
        behaviour: Behaviour | None = None,
        behaviour_digest: str = "",
    ):
        """``own``: the hash of the home's own features, see ``ranker.own_features``; ``behaviour``: the table of the last columns, or its hash."""
        self.names = tuple(names)
        self.text_fields = tuple(text_fields)
        self.version = version
        self.own = own
        self.behaviour = behaviour
        self.behaviour_digest = behaviour_digest if behaviour is None else behaviour.digest
        self._functions: list[Feature] | None = None

    @classmethod
    def default(cls, schema: Schema) -> "FeatureSet":
        """Every registered feature, then the numeric columns of the schema, then the home's own; raises BadFeatures."""
        own = own_features(schema)
        columns = [COLUMN + f.name for f in schema.columns if f.type in NUMERIC_TYPES]
        fields = [{"name": f.name, "weight": f.weight, "b": f.b, "analyzer": f.analyzer} for f in schema.text_fields]
        return cls([*FEATURES, *columns, *own.functions], fields, own=own.digest)

    @classmethod
    def plain(cls, names: Sequence[str]) -> "FeatureSet":
        """Features that come from outside, such as those of a LETOR file: they have names and cannot be computed."""
        return cls(names, ())

    @cached_property
    def fingerprint(self) -> str:
        """64 hex digits; with a table of click rates more, see ``ranker.fingerprints``."""
        if self.behaviour_digest:
            return with_table(self.base.fingerprint, len(BEHAVIOUR), self.behaviour_digest)
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True, ensure_ascii=True).encode()).hexdigest()

    @cached_property
    def base(self) -> "FeatureSet":
        """Without the columns of a table of click rates."""
        if not self.behaviour_digest:
            return self
        return FeatureSet(self.names[: -len(BEHAVIOUR)], self.text_fields, self.version, self.own)

    def with_behaviour(self, behaviour: Behaviour) -> "FeatureSet":
        """With the columns of this table behind the others."""
        return FeatureSet([*self.base.names, *BEHAVIOUR], self.text_fields, self.version, self.own, behaviour)

    def to_dict(self) -> dict[str, Any]:
        """What stands in features.json."""
        own = {"own": self.own} if self.own else {}
        behaviour = {"behaviour": self.behaviour_digest} if self.behaviour_digest else {}
        return {"version": self.version, "names": list(self.names), "text_fields": list(self.text_fields), **own, **behaviour}

    @classmethod
    def from_dict(cls, raw: Any, where: str = "features.json") -> "FeatureSet":
        """Read back; raises FeatureMismatch where the form is not that of `to_dict`."""
        parts: dict[str, Any] = raw if isinstance(raw, dict) else {}
        names, fields, version = parts.get("names"), parts.get("text_fields"), parts.get("version")
        own, behaviour = parts.get("own", ""), parts.get("behaviour", "")
        if isinstance(names, list) and isinstance(fields, list) and isinstance(version, int) and isinstance(own, str):
            good = all(isinstance(n, str) for n in names) and all(isinstance(f, dict) for f in fields)
            told = isinstance(behaviour, str) and (not behaviour or tuple(names[-len(BEHAVIOUR) :]) == BEHAVIOUR)
            if good and told and len(set(names)) == len(names):
                return cls(names, fields, version, own, behaviour_digest=behaviour)
        raise FeatureMismatch(f"{where}: expected version, distinct names, text_fields; found {str(raw)[:80]!r}; train the model again")

    def compute(self, matches: Matches) -> np.ndarray:
        """float32[k, len(names)]; raises FeatureMismatch for names that this program does not compute."""
        table = np.empty((len(matches), len(self.names)), np.float32)
        functions, (columns, others) = self._ready(), self._at_once
        if at_once(matches):
            fill(matches, columns, table)
        else:
            others = range(len(functions))
        for column in others:
            table[:, column] = functions[column](matches)
        return table

    @cached_property
    def _at_once(self) -> tuple[Columns, Sequence[int]]:
        """The columns that are filled at once, and the others."""
        columns = columns_of(self.names)
        return columns, sorted({*range(len(self.names))} - {*columns.columns.tolist()})

    def costs(self, matches: Matches) -> dict[str, float]:
        """Microseconds that each feature takes for all candidates; what several share is paid by the first of them."""
        spent = {}
        for name, function in zip(self.names, self._ready()):
            started = time.perf_counter_ns()
            function(matches)
            spent[name] = (time.perf_counter_ns() - started) / 1000
        return spent

    def _ready(self) -> list[Feature]:
        if self._functions is None:
            clicked = {} if self.behaviour is None else self.behaviour.features()
            self._functions = [clicked[name] if name in clicked else _function(name, self.own) for name in self.names]
        return self._functions

    def require(self, other: "FeatureSet", what: str) -> None:
        """Raise FeatureMismatch unless ``other`` computes the same features, but for a table that the model has with it; ``what`` names it."""
        mine, theirs = self.base, other.base
        if mine.fingerprint == theirs.fingerprint:
            return
        raise FeatureMismatch(f"the model's features are not those of {what}: {mine._difference(theirs)}; train it again on this home")

    def _difference(self, other: "FeatureSet") -> str:
        missing = [n for n in self.names if n not in other.names]
        added = [n for n in other.names if n not in self.names]
        if missing or added:
            return f"expected {len(self.names)} names, found {len(other.names)} (missing: {_some(missing)}; new: {_some(added)})"
        if self.names != other.names:
            return "same names in another order"
        if self.own != other.own:
            return "the home's own features (table [features] of searchd.toml, or its module) have changed"
        if self.version != other.version:
            return f"expected version {self.version}, found {other.version}"
        mine, theirs = ([str(field.get("name")) for field in fields] for fields in (self.text_fields, other.text_fields))
        return f"expected text fields {_some(mine)}, found {_some(theirs)}" if mine != theirs else "the weights or b of text fields differ"


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "") if names else "none"


def _function(name: str, own: str) -> Feature:
    if name.startswith(OWN) and name in loaded(own):
        return loaded(own)[name]
    if name.startswith(COLUMN):
        return column_feature(name.removeprefix(COLUMN))
    if name not in FEATURES:
        raise FeatureMismatch(f"the model needs feature {name!r}, which this version does not compute; train it again")
    return FEATURES[name]
