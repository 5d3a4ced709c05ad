"""A column in numbers that kernels can count and compare: codes of its distinct values, and keys that sort as its values do.

Both are made on first use and kept with the columns, 4 and 8 bytes a document.
"""

from typing import NamedTuple

import numpy as np

from indexer.columns import Column
from searchd.columns import Columns

LAST = np.uint64(0xFFFFFFFFFFFFFFFF)
SPARSE = 4  # whole numbers that span up to so many times their number are told apart by a table instead of by sorting


class Codes(NamedTuple):
    """``values``: the distinct values, rising; ``codes`` uint32[n]: the place of each document's value, len(values) where there is none."""

    values: np.ndarray
    codes: np.ndarray


def codes_of(name: str, columns: Columns) -> Codes:
    """Of a column that is not keywords; raises UnknownField."""
    return columns.derived(("codes", name), lambda: _number_codes(columns[name]))


def sort_keys(name: str, descending: bool, columns: Columns) -> list[np.ndarray]:
    """Levels of keys, uint64[n] each, that put documents in the order of a column, those without a value last; raises UnknownField.

    A list of keywords counts by its smallest when ascending and by its greatest when descending.
    """
    return columns.derived(("keys", name, descending), lambda: _keys(columns[name], descending))


def _number_codes(column: Column) -> Codes:
    assert column.values is not None and column.valid is not None
    values, places = _distinct(column.values[column.valid])
    codes = np.full(len(column.valid), len(values), np.uint32)
    codes[column.valid] = places
    return Codes(values, codes)


def _distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values, rising, and the place of each value among them."""
    if values.dtype.kind == "f" or not len(values):
        found, places = np.unique(values, return_inverse=True)
        return found, places.reshape(-1)
    low, high = int(values.min()), int(values.max())
    if high - low > SPARSE * len(values):
        found, places = np.unique(values, return_inverse=True)
        return found, places.reshape(-1)
    distances = values.astype(np.int64) - low
    there = np.zeros(high - low + 1, np.bool_)
    there[distances] = True
    return (np.flatnonzero(there) + low).astype(values.dtype), (np.cumsum(there) - 1)[distances]


def _keys(column: Column, descending: bool) -> list[np.ndarray]:
    keys, valid = _keyword_keys(column, descending) if column.kind == "keyword" else _number_keys(column)
    keys = np.where(valid, ~keys if descending else keys, LAST)
    if np.any(keys[valid] == LAST):
        return [(~valid).astype(np.uint64), keys]  # a value's key is that of no value: the flag must decide first
    return [keys]


def _number_keys(column: Column) -> tuple[np.ndarray, np.ndarray]:
    """Integers and floats as uint64 in the same order: the sign bit is turned over, and all other bits of a negative float."""
    assert column.values is not None and column.valid is not None
    top = np.uint64(1 << 63)
    if column.values.dtype.kind != "f":
        return column.values.astype(np.int64).view(np.uint64) ^ top, column.valid
    bits = (column.values + 0.0).view(np.uint64)  # 0.0 added makes -0.0 equal 0.0
    return np.where(bits & top, ~bits, bits | top), column.valid


def _keyword_keys(column: Column, descending: bool) -> tuple[np.ndarray, np.ndarray]:
    assert column.offsets is not None and column.ords is not None
    valid = np.diff(column.offsets) > 0
    keys = np.zeros(len(valid), np.uint64)
    if valid.any():
        # reduceat takes each run up to the next start, so documents without keywords are left out first.
        reduce = np.maximum if descending else np.minimum
        keys[valid] = reduce.reduceat(column.ords, column.offsets[:-1][valid])
    return keys, valid
