"""Documents that matched -> how many have each value of a field.

Counts are exact and over all matches, not over the page. Keywords, whole numbers and booleans are counted by value; floats and dates, which
rarely repeat, by the same rule, so that a date of days works as expected.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from indexer.columns import Column
from searchd.columns import Columns

MAX_VALUES = 100
MAX_FACETS = 32


def facet_counts(names: Sequence[str], columns: Columns, matched: np.ndarray, limit: int = MAX_VALUES) -> dict[str, dict[str, int]]:
    """For each field its ``limit`` commonest values and their counts, commonest first, then by value; raises UnknownField.

    ``matched`` is bool[max_doc].
    """
    for name in names:
        columns.require(name, "a facet")
    return {name: _counts(columns[name], matched, limit) for name in dict.fromkeys(names)}


def _counts(column: Column, matched: np.ndarray, limit: int) -> dict[str, int]:
    if column.kind == "keyword":
        return _keyword_counts(column, matched, limit)
    assert column.values is not None and column.valid is not None
    values, counts = np.unique(column.values[matched & column.valid], return_counts=True)
    chosen = np.argsort(-counts, kind="stable")[:limit]
    return {shown_value(column.kind, values[i]): int(counts[i]) for i in chosen}


def _keyword_counts(column: Column, matched: np.ndarray, limit: int) -> dict[str, int]:
    assert column.offsets is not None and column.ords is not None and column.dictionary is not None
    ords = column.ords[np.repeat(matched, np.diff(column.offsets))]
    counts = np.bincount(ords, minlength=len(column.dictionary))
    chosen = np.argsort(-counts, kind="stable")[:limit]
    return {column.dictionary.text(int(i)): int(counts[i]) for i in chosen if counts[i]}


def shown_value(kind: str, value: float | int | bool) -> str:
    """A value as text that a filter reads back to the same value."""
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "date":
        return _shown_date(float(value))
    return str(int(value)) if kind == "integer" else repr(float(value))


def _shown_date(seconds: float) -> str:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return repr(seconds)
    whole_day = (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0)
    return moment.date().isoformat() if whole_day else moment.isoformat()
