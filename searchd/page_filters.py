"""What a reader set to narrow down or to sort by -> the filter and the sort of the API; and which fields of a collection offer that.

Values of one field are alternatives, fields go together, and bounds are included: a search "to 2020-05-01" has the whole of that day.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from indexer.schema import Schema
from searchd.columns import Columns
from searchd.config import Settings
from searchd.errors_http import HttpProblem
from searchd.facets import shown_value
from searchd.filters import KEYWORDS, number_of
from searchd.page_query import Range

MAX_FACET_FIELDS = 4
MAX_RANGE_FIELDS = 4
RANGE_KINDS = ("integer", "float", "date")
_PLAIN_NAME = re.compile(r"[^\s\"'=<>!()\[\],]+")


class Bounds(NamedTuple):
    """The least and the greatest value of a column, as text; of dates the years where these differ."""

    low: str
    high: str


def facet_fields(schema: Schema, settings: Settings) -> list[str]:
    """The fields whose values are offered: those of the settings, else the first keyword columns."""
    if settings.facets:
        return [name for name in settings.facets if schema.field(name) is not None]
    return [field.name for field in schema.columns if field.type == "keyword" and field.name not in ("url", "id")][:MAX_FACET_FIELDS]


def range_fields(schema: Schema) -> dict[str, str]:
    """The first columns of numbers and dates, and their types: what bounds can be set for."""
    return {field.name: field.type for field in schema.columns if field.type in RANGE_KINDS and field.name != "id"}


def sort_fields(schema: Schema) -> dict[str, str]:
    """The columns whose order says something, and their types."""
    return {field.name: field.type for field in schema.columns if field.type != "boolean" and field.name not in ("url", "id")}


def bounds_of(name: str, columns: Columns) -> Bounds | None:
    """The least and the greatest value of a column; None when it has none."""
    found: Bounds | None = columns.derived(("page bounds", name), lambda: _bounds(name, columns))
    return found


def _bounds(name: str, columns: Columns) -> Bounds | None:
    column = columns[name]
    assert column.values is not None and column.valid is not None
    values = column.values[column.valid]
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, high = (shown_value(column.kind, value.item()) for value in (values.min(), values.max()))
    if column.kind != "date":
        return Bounds(low, high)
    return Bounds(low[:10], high[:10]) if low[:4] == high[:4] else Bounds(low[:4], high[:4])  # years say enough


def filter_expression(
    chosen: Sequence[tuple[str, str]], ranges: Sequence[Range] = (), kinds: Mapping[str, str] | None = None
) -> str | None:
    """The filter of the API; ``kinds`` are the types of the columns. Raises HttpProblem for a bound that its column cannot have."""
    by_field: dict[str, list[str]] = {}
    for name, value in chosen:
        by_field.setdefault(name, []).append(_quoted(value))
    parts = [f"{_name(name)} = {one[0]}" if len(one) == 1 else f"{_name(name)} IN [{', '.join(one)}]" for name, one in by_field.items()]
    for one in ranges:
        parts += _range(one, (kinds or {}).get(one.field, ""))
    return " AND ".join(parts) or None


def _range(one: Range, kind: str) -> list[str]:
    for value in (one.low, one.high):
        if value and kind in RANGE_KINDS:
            _require(one.field, kind, value)
    name = _name(one.field)
    after = after_the_end(one.high) if kind == "date" else None
    parts = [f"{name} >= {_quoted(one.low)}"] if one.low else []
    if one.high:
        parts.append(f"{name} < {_quoted(after)}" if after else f"{name} <= {_quoted(one.high)}")
    return parts


def _require(name: str, kind: str, value: str) -> None:
    try:
        number_of(kind, value)
    except (ValueError, OverflowError, TypeError) as error:
        expected = {"integer": "a whole number", "float": "a number", "date": "a date such as 2020-05-01"}[kind]
        raise HttpProblem(400, "bad_filter", f"{name}: expected {expected}, found {value[:100]!r}") from error


def after_the_end(text: str) -> str | None:
    """The first day after a day or a year; None where the text names a moment, or the calendar ends."""
    try:
        if re.fullmatch(r"\d{4}", text):
            return date(int(text) + 1, 1, 1).isoformat()
        return (date.fromisoformat(text) + timedelta(days=1)).isoformat() if len(text) == 10 else None
    except (ValueError, OverflowError):
        return None


def _name(field: str) -> str:
    """A field as the filter's language takes it."""
    plain = _PLAIN_NAME.fullmatch(field) and field.upper() not in KEYWORDS
    return field if plain else _quoted(field)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
