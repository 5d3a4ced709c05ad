"""``year:desc,title`` -> an order of the documents that matched.

The first key decides, the next ones break its ties, and document order breaks the last, so that pages never overlap. Documents without a value come
last in both directions. A field with several keywords counts by its smallest when ascending and by its greatest when descending.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from indexer.errors import SearchdError
from searchd.column_keys import sort_keys
from searchd.columns import Columns
from searchd.kernels_columns import first_docs

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


def sorted_docs(docs: np.ndarray, keys: Sequence[SortKey], columns: Columns, limit: int | None = None) -> np.ndarray:
    """The docs (int64[n], ascending) in the order of ``keys``, or the first ``limit`` of them."""
    levels = [level for key in keys for level in sort_keys(key.field, key.descending, columns)]
    first = np.empty(len(docs) if limit is None else min(limit, len(docs)), np.int64)
    first_docs(docs, levels[0][None] if len(levels) == 1 else np.stack(levels), first)
    return first
