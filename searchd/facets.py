"""Documents that matched -> how many have each value of a field.

Counts are exact and over all matches, not over the page. Keywords, whole numbers and booleans are counted by value; floats and dates, which
rarely repeat, by the same rule, so that a date of days works as expected.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from indexer.columns import Column
from searchd.column_keys import codes_of
from searchd.columns import Columns
from searchd.kernels_columns import count_codes, count_keywords
from searchd.stages import need_time

MAX_VALUES = 100
MAX_FACETS = 32


def facet_counts(names: Sequence[str], columns: Columns, matched: np.ndarray, limit: int = MAX_VALUES) -> dict[str, dict[str, int]]:
    """For each field its ``limit`` commonest values and their counts, commonest first, then by value; raises UnknownField, and OutOfTime.

    ``matched`` is bool[max_doc].
    """
    for name in names:
        columns.require(name, "a facet")
    marks = np.ascontiguousarray(matched).view(np.uint8)
    found = {}
    for name in dict.fromkeys(names):
        need_time()
        found[name] = _counts(name, columns, marks, limit)
    return found


def _counts(name: str, columns: Columns, matched: np.ndarray, limit: int) -> dict[str, int]:
    column = columns[name]
    if column.kind == "keyword":
        return _keyword_counts(column, matched, limit)
    values, codes = codes_of(name, columns)
    counts = np.zeros(len(values) + 1, np.int64)
    count_codes(matched, codes, counts)
    return {shown_value(column.kind, values[i]): int(counts[i]) for i in _commonest(counts[:-1], limit)}


def _keyword_counts(column: Column, matched: np.ndarray, limit: int) -> dict[str, int]:
    assert column.offsets is not None and column.ords is not None and column.dictionary is not None
    counts = np.zeros(len(column.dictionary), np.int64)
    count_keywords(matched, column.offsets, column.ords, counts)
    return {column.dictionary.text(i): int(counts[i]) for i in _commonest(counts, limit)}


def _commonest(counts: np.ndarray, limit: int) -> list[int]:
    """The places of the ``limit`` greatest counts above 0, the greatest first, the lower place first among equals."""
    chosen = np.flatnonzero(counts)
    if len(chosen) > limit > 0:
        least = np.partition(counts[chosen], len(chosen) - limit)[len(chosen) - limit]
        chosen = chosen[counts[chosen] >= least]
    return chosen[np.argsort(-counts[chosen], kind="stable")[:limit]].tolist()


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
