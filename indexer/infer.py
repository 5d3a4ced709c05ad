"""Documents -> a schema, when the caller gives none.

Strings and lists of strings are searchable text, and columns as well when they have few values (``infer_keywords.py``); names like ``title`` and
``keywords`` weigh more; numbers and booleans are columns; null is missing; what is neither (objects, lists of numbers) is stored. Cells of CSV and
TSV have no types, so there a column of nothing but numbers is one of numbers.
"""

import json
import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from typing import Any

from indexer.documents import Document
from indexer.errors import SearchdError
from indexer.infer_keywords import Values, spread
from indexer.schema import STREAM_K1, STREAM_WEIGHTS, Field, Schema

# A title's is the greatest, since that tells which field is the title.
TITLE_WEIGHT, KEY_WEIGHT = 4.0, 3.0
MAX_TEXT_FIELDS, MAX_FIELDS = 32, 256
_TITLES = frozenset({"title", "name", "headline", "heading", "subject", "标题", "標題", "题目", "題目", "名称", "名稱"})
# Fields that say in a few words what a document is about; measured on one collection only: synonyms of a disease, +4 % nDCG@10.
_KEYS = frozenset(
    {"keywords", "keyword", "tags", "synonyms", "aliases", "alias", "关键词", "關鍵詞", "标签", "標籤", "别名", "別名", "同义词", "同義詞"}
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# A leading zero or plus is part of a code, not of a number.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,2})?")
_BOOLEANS = frozenset({"true", "false"})
_INT64 = 1 << 63


class NothingToInfer(SearchdError):
    """There is no document, or none has a field, so that no schema can be made up."""

    code = "nothing_to_infer"


class Inference:
    """Gathers which kinds of values every field has; fields keep the order in which they were first seen."""

    def __init__(self) -> None:
        self._kinds: dict[str, set[str]] = {}
        self._values: dict[str, Values] = {}

    @property
    def empty(self) -> bool:
        """Whether no field was seen yet."""
        return not self._kinds

    @property
    def names(self) -> list[str]:
        """The fields that were seen."""
        return list(self._kinds)

    def add(self, name: str, kinds: Set[str]) -> None:
        """A field that was seen has values of more kinds."""
        self._kinds[name] |= kinds

    def sample(self, name: str, values: Iterable[Any]) -> None:
        """Some of the values of a field, from all over a chunk."""
        self._values.setdefault(name, Values()).add(values)

    def observe(self, documents: Sequence[Document], untyped: bool = False, sampled: bool = True) -> None:
        """Look at the documents of a chunk; ``untyped``: every value is text that may spell something else. Not ``sampled``: at kinds alone."""
        kinds = self._kinds
        for place in spread(len(documents)).tolist() if sampled else ():
            for name, value in documents[place].fields.items():
                if type(value) is str or type(value) is list:
                    self.sample(name, (value,))
        for document in documents:
            for name, value in document.fields.items():
                seen = kinds.get(name)
                if seen is None:
                    if len(kinds) >= MAX_FIELDS:
                        continue
                    seen = kinds[name] = set()
                # Once a field is text no further string can change that; most values stop here.
                if type(value) is not str or "text" not in seen:
                    seen.add(_kind_of_text(value) if untyped and isinstance(value, str) else _kind(value))

    def schema(self, id_field: str) -> Schema:
        """The schema that fits everything observed; raises NothingToInfer."""
        fields = [Field(name, _type(seen), _weight(name)) for name, seen in self._kinds.items()]
        fields = [replace(f, facet=self._has_few_values(f)) if f.type == "text" else Field(f.name, f.type) for f in fields]
        texts = [f.name for f in fields if f.type == "text"]
        beyond = set(texts[MAX_TEXT_FIELDS:])
        fields = [Field(f.name, "keyword" if f.facet else "stored") if f.name in beyond else f for f in fields]
        if not fields:
            raise NothingToInfer("expected documents with fields to infer a schema from, found none; check the sources, or give --schema")
        return Schema(id_field, tuple(fields))

    def _has_few_values(self, field: Field) -> bool:
        return not is_title(field.name) and field.name in self._values and self._values[field.name].few


def is_title(name: str) -> bool:
    """Whether a field of this name is the short name of its document."""
    name = name.lower()
    return name in _TITLES or name.endswith(("_title", "-title", ".title"))


def _weight(name: str) -> float:
    if is_title(name):
        return TITLE_WEIGHT
    return KEY_WEIGHT if name.lower() in _KEYS else 1.0


def to_toml(schema: Schema) -> str:
    """The schema as a file for ``--schema``."""
    lines = [f"id_field = {json.dumps(schema.id_field)}"]
    for field in schema.fields:
        lines += ["", f"[fields.{_toml_key(field.name)}]", f'type = "{field.type}"']
        if field.type == "text":
            lines += [f"weight = {field.weight}", f"b = {field.b}", f'analyzer = "{field.analyzer}"']
            lines += ["facet = true"] if field.facet else []
    for name, values, defaults in (("k1", schema.k1, STREAM_K1), ("streams", schema.stream_weights, STREAM_WEIGHTS)):
        if values != defaults:
            lines += ["", f"[retrieval.{name}]", *(f"{stream} = {value}" for stream, value in values.items())]
    return "\n".join(lines) + "\n"


def _toml_key(name: str) -> str:
    if _BARE_KEY.fullmatch(name):
        return name
    return json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if -_INT64 <= value < _INT64 else "float"
    if isinstance(value, float):
        return "float"
    if isinstance(value, list):
        return kind_of_list(value)
    return "stored"


def kind_of_list(values: list[Any]) -> str:
    """The kind of a list's field."""
    kinds = {_kind(value) for value in values if value is not None}
    if not kinds:
        return "missing"
    return "text" if kinds == {"text"} else "stored"


def _kind_of_text(value: str) -> str:
    if _INTEGER.fullmatch(value):
        return "integer"
    if _FLOAT.fullmatch(value):
        return "float"
    return "boolean" if value.lower() in _BOOLEANS else "text"


def _type(seen: set[str]) -> str:
    """The narrowest type that holds all kinds of values seen."""
    seen = seen - {"missing"}
    if not seen or "stored" in seen:
        return "stored"
    if seen == {"integer", "float"}:
        return "float"
    return seen.pop() if len(seen) == 1 else "text"
