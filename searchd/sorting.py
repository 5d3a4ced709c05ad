"""``year:desc,title`` -> an order of the documents that matched.

The first key decides, the next ones break its ties, and document order breaks the last, so that pages never overlap. Documents without a value come
last in both directions. A field with several keywords counts by its smallest when ascending and by its greatest when descending.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from indexer.columns import Column
from indexer.errors import SearchdError
from searchd.columns import Columns

MAX_KEYS = 8


class BadSort(SearchdError):
    """A sort that cannot be used."""

    code = "bad_sort"


class SortKey(NamedTuple):
    field: str
    descending: bool


def parse_sort(sort: str | Sequence[str], columns: Columns) -> list[SortKey]:
    """Keys in order of weight; raises BadSort or UnknownField."""
    parts = sort.split(",") if isinstance(sort, str) else [part for one in sort for part in one.split(",")]
    keys = [_parse_key(part.strip(), columns) for part in parts if part.strip()]
    if len(keys) > MAX_KEYS:
        raise BadSort(f"sort: expected at most {MAX_KEYS} fields, found {len(keys)}")
    return keys


def _parse_key(text: str, columns: Columns) -> SortKey:
    field, colon, direction = text.rpartition(":")
    if not colon:
        field, direction = text, "asc"
    if direction.lower() not in ("asc", "desc"):
        raise BadSort(f"sort: expected FIELD, FIELD:asc or FIELD:desc, found {text[:100]!r}")
    columns.require(field, "a field to sort by")
    return SortKey(field, direction.lower() == "desc")


def sorted_docs(docs: np.ndarray, keys: Sequence[SortKey], columns: Columns) -> np.ndarray:
    """The docs (int64[n], ascending) in the order of ``keys``."""
    order = np.arange(len(docs))
    # From the lightest key to the heaviest: stable sorts keep what was decided before among equals.
    for key in reversed(keys):
        values, valid = _values(columns[key.field], key.descending)
        order = _sorted_by(order, values[docs], valid[docs], key.descending)
    return docs[order]


def _sorted_by(order: np.ndarray, values: np.ndarray, valid: np.ndarray, descending: bool) -> np.ndarray:
    """``order`` sorted stably by value, missing last."""
    ranks = np.unique(values, return_inverse=True)[1].astype(np.int64).reshape(-1)
    ranks = np.where(valid, -ranks if descending else ranks, np.iinfo(np.int64).max)
    return order[np.argsort(ranks[order], kind="stable")]


def _values(column: Column, descending: bool) -> tuple[np.ndarray, np.ndarray]:
    """One comparable value a document, and whether it is there."""
    if column.kind != "keyword":
        assert column.values is not None and column.valid is not None
        return column.values, column.valid
    assert column.offsets is not None and column.ords is not None
    valid = np.diff(column.offsets) > 0
    values = np.zeros(len(valid), np.int64)
    if valid.any():
        # reduceat takes each run up to the next start, so documents without keywords are left out first.
        reduce = np.maximum if descending else np.minimum
        values[valid] = reduce.reduceat(column.ords, column.offsets[:-1][valid])
    return values, valid
