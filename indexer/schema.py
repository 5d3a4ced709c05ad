"""A schema: which fields a document has, what each is for, and how text is scored.

It is written by hand in TOML (``--schema``, or the home's ``searchd.toml``) or inferred from documents, and is recorded in the manifest of every
generation, so that an index always knows how it was made.
"""

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from indexer.errors import SearchdError, reason

TYPES = ("text", "keyword", "integer", "float", "date", "boolean", "stored")
ANALYZERS = ("standard", "whitespace")
STREAMS = ("word", "han1", "han2")

# Weights of the streams of terms and their k1; measured over seven judged collections. The raw tokens of "whitespace" are words.
# "subword" has no postings: it is what words of the dictionary earn that share fragments with a query's word (``searchd/subwords.py``).
SUBWORD = "subword"
STREAM_WEIGHTS = {"word": 1.0, "han1": 0.6, "han2": 0.6, SUBWORD: 0.25}
STREAM_K1 = {"word": 1.5, "han1": 0.9, "han2": 0.9}


class SchemaError(SearchdError):
    """A schema that cannot be used: unknown key, wrong type, missing part."""

    code = "invalid_schema"


@dataclass(frozen=True)
class Field:
    """One field of a document. ``weight`` and ``b`` are BM25F's, and mean something for text only. A text field with a ``facet`` is searched
    and also a keyword column of its whole values."""

    name: str
    type: str
    weight: float = 1.0
    b: float = 0.75
    analyzer: str = "standard"
    facet: bool = False


@dataclass(frozen=True)
class Schema:
    """The fields of a collection, in order, and the parameters of BM25F."""

    id_field: str = "id"
    fields: tuple[Field, ...] = ()
    k1: dict[str, float] = field(default_factory=lambda: dict(STREAM_K1))
    stream_weights: dict[str, float] = field(default_factory=lambda: dict(STREAM_WEIGHTS))
    features: dict[str, Any] = field(
        default_factory=dict, compare=False
    )  # table [features] of the home's settings; see ranker/own_features.py

    @property
    def text_fields(self) -> tuple[Field, ...]:
        """Searchable text, in the order that numbers the fields inside an index."""
        return tuple(f for f in self.fields if f.type == "text")

    @property
    def columns(self) -> tuple[Field, ...]:
        """Fields for filters, facets and sorting; a text field that is one of them has the type it has as a column, ``keyword``."""
        return tuple(Field(f.name, "keyword") if f.facet else f for f in self.fields if f.facet or f.type not in ("text", "stored"))

    def field(self, name: str) -> Field | None:
        return next((f for f in self.fields if f.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """The form that stands in a manifest and in TOML."""
        fields = {f.name: _field_dict(f) for f in self.fields}
        return {"id_field": self.id_field, "fields": fields, "retrieval": {"k1": dict(self.k1), "streams": dict(self.stream_weights)}}

    @classmethod
    def from_dict(cls, raw: dict[str, Any], where: str = "schema") -> "Schema":
        """Read and check; raises SchemaError with the offending key."""
        id_field = raw.get("id_field", "id")
        if not isinstance(id_field, str) or not id_field:
            raise SchemaError(f"{where}: id_field must be the name of a field, found {id_field!r}")
        fields = raw.get("fields")
        if not isinstance(fields, dict) or not fields:
            raise SchemaError(f'{where}: expected at least one table [fields.NAME] with type = "text", found none')
        retrieval = raw.get("retrieval", {})
        if not isinstance(retrieval, dict):
            raise SchemaError(f"{where}: expected a table [retrieval], found {retrieval!r}")
        parsed = tuple(_field_from(name, spec, where) for name, spec in fields.items())
        return cls(id_field, parsed, _k1(retrieval.get("k1"), where), _stream_weights(retrieval.get("streams"), where))


def load_schema(path: str | Path) -> Schema:
    """Read a schema from a TOML file; raises SchemaError naming the file."""
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SchemaError(f"{path}: cannot be read ({error.strerror}); give the path of a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path}: not valid TOML ({error})") from error
    return Schema.from_dict(raw, str(path))


def settings_schema(path: Path) -> Schema | None:
    """The schema in a home's settings, None when there are none or they name no fields; raises SchemaError."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path}: expected a readable TOML file, found {reason(error)}; correct it") from error
    return Schema.from_dict(raw, str(path)) if "fields" in raw else None


def settings_features(path: Path) -> dict[str, Any]:
    """The table [features] of a home's settings, with the path of its module; empty without one. Raises SchemaError."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("features", {})
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path}: expected a readable TOML file, found {reason(error)}; correct it") from error
    if not isinstance(found, dict) or set(found) - {"module", "columns"}:
        raise SchemaError(f"{path}: [features] has module and columns, found {found!r:.80}")
    module = found.get("module")
    return {**found, "module": str(path.parent / module)} if isinstance(module, str) else found


def retuned(built: Schema, wanted: Schema | None) -> Schema:
    """``built``, the schema of an index, with the numbers of ``wanted`` that only searching uses: weights and b of text fields that both
    have, k1, weights of streams."""
    if wanted is None:
        return built
    by_name = {f.name: f for f in wanted.text_fields}
    fields = tuple(replace(f, weight=by_name[f.name].weight, b=by_name[f.name].b) if f.name in by_name else f for f in built.fields)
    return replace(built, fields=fields, k1=wanted.k1, stream_weights=wanted.stream_weights)


def _field_dict(f: Field) -> dict[str, Any]:
    if f.type != "text":
        return {"type": f.type}
    found = {"type": f.type, "weight": f.weight, "b": f.b, "analyzer": f.analyzer}
    return {**found, "facet": True} if f.facet else found


def _field_from(name: str, spec: Any, where: str) -> Field:
    at = f"{where}: fields.{name}"
    if not isinstance(spec, dict):
        raise SchemaError(f"{at}: expected a table with a type, found {spec!r}")
    unknown = set(spec) - {"type", "weight", "b", "analyzer", "facet"}
    if unknown:
        raise SchemaError(f"{at}: unknown key {sorted(unknown)[0]!r}; a field has type, weight, b, analyzer and facet")
    kind = spec.get("type")
    if kind not in TYPES:
        raise SchemaError(f"{at}: type must be one of {', '.join(TYPES)}, found {kind!r}")
    analyzer = spec.get("analyzer", "standard")
    if analyzer not in ANALYZERS:
        raise SchemaError(f"{at}: analyzer must be one of {', '.join(ANALYZERS)}, found {analyzer!r}")
    weight, b = _number(spec.get("weight", 1.0), f"{at}.weight", 0.0, 1000.0), _number(spec.get("b", 0.75), f"{at}.b", 0.0, 1.0)
    return Field(name, kind, weight, b, analyzer, _facet(spec.get("facet", False), kind, at))


def _facet(value: Any, kind: str, at: str) -> bool:
    if not isinstance(value, bool) or (value and kind != "text"):
        expected = (
            "true or false" if not isinstance(value, bool) else "no facet here: fields of other types than text are columns by themselves"
        )
        raise SchemaError(f"{at}.facet: expected {expected}, found {value!r}")
    return value


def _number(value: Any, at: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise SchemaError(f"{at}: expected a number from {low:g} to {high:g}, found {value!r}")
    return float(value)


def _k1(value: Any, where: str) -> dict[str, float]:
    """One number for every stream, or a table by stream."""
    if value is None:
        return dict(STREAM_K1)
    if isinstance(value, dict):
        return {**STREAM_K1, **_by_stream(value, f"{where}: retrieval.k1", STREAMS)}
    return dict.fromkeys(STREAMS, _number(value, f"{where}: retrieval.k1", 0.0, 100.0))


def _stream_weights(value: Any, where: str) -> dict[str, float]:
    if value is None:
        return dict(STREAM_WEIGHTS)
    if not isinstance(value, dict):
        raise SchemaError(f"{where}: retrieval.streams: expected a table of weights, found {value!r}")
    return {**STREAM_WEIGHTS, **_by_stream(value, f"{where}: retrieval.streams", tuple(STREAM_WEIGHTS))}


def _by_stream(value: dict[str, Any], at: str, streams: tuple[str, ...]) -> dict[str, float]:
    unknown = set(value) - set(streams)
    if unknown:
        raise SchemaError(f"{at}: unknown stream {sorted(unknown)[0]!r}; the streams are {', '.join(streams)}")
    return {name: _number(number, f"{at}.{name}", 0.0, 100.0) for name, number in value.items()}
