"""Columns of all segments as one: what filters, facets and sorting read, by the name of a field.

Segments are joined on first use of a field and kept as long as the snapshot lives; with one segment nothing is copied.
"""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from indexer.columns import Column, merge_columns
from indexer.errors import SearchdError


class UnknownField(SearchdError):
    """A facet or sort key that is no column of the collection."""

    code = "unknown_field"


class Columns:
    """The columns of an index. Thread-safe."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self._joined: dict[str, Column] = {}
        self._derived: dict[tuple, Any] = {}
        self._lock = threading.Lock()
        self.kinds = {field.name: field.type for field in index.schema.columns}

    def __contains__(self, name: str) -> bool:
        return name in self.kinds

    def __getitem__(self, name: str) -> Column:
        """The column over docs ``0..max_doc``; raises UnknownField."""
        found = self._joined.get(name)
        if found is None:
            self.require(name, "a field to read")
            with self._lock:
                found = self._joined.get(name) or self._join(name)
                self._joined[name] = found
        return found

    def derived(self, key: tuple, make: Callable[[], Any]) -> Any:
        """What ``make`` returns for a key, made once and shared: never to be changed. Two threads may make it at the same time."""
        found = self._derived.get(key)
        return self._derived.setdefault(key, make()) if found is None else found

    def require(self, name: str, purpose: str) -> None:
        """Raises UnknownField, naming the fields that exist, unless ``name`` is a column."""
        if name not in self.kinds:
            raise UnknownField(f"expected {purpose} among {self.names()}, found {name[:100]!r}")

    def names(self) -> str:
        """The columns for a message."""
        return ", ".join(self.kinds) or "the columns of the schema (it has none)"

    def _join(self, name: str) -> Column:
        parts = [segment.column(name) for segment in self._index.segments]
        if len(parts) == 1:
            return parts[0]
        return merge_columns(self.kinds[name], parts, [np.ones(segment.num_docs, np.bool_) for segment in self._index.segments])


def keyword_texts(column: Column) -> list[str]:
    """The dictionary of a keyword column, sorted."""
    assert column.dictionary is not None
    return column.dictionary.texts()
