"""The register of features: one function, one column, in the order in which they are registered."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from ranker.feature_formulas import missing
from ranker.field_groups import Group
from ranker.matches import Matches

Feature = Callable[[Matches], np.ndarray | float]
Formula = Callable[[Matches, Group], np.ndarray]
FEATURES: dict[str, Feature] = {}
VERSION = 1  # raise it when the meaning of an existing feature changes

_registering: ContextVar[dict[str, Feature]] = ContextVar("registering", default=FEATURES)


def feature(function: Feature) -> Feature:
    """Register a function as the column of its name; it returns float[k], or one number for all candidates."""
    _registering.get()[function.__name__] = function
    return function


def of_group(prefix: str, group: Callable[[Matches], Group], place: str, *formulas: Formula) -> None:
    """Register formulas over one group of fields, as ``prefix_`` and the formula's name; ``place`` stands for {place} in its meaning."""
    for formula in formulas:
        _registering.get()[f"{prefix}_{formula.__name__}"] = _over(formula, group, place)


def _over(formula: Formula, group: Callable[[Matches], Group], place: str) -> Feature:
    def column(m: Matches) -> np.ndarray:
        return formula(m, group(m))

    column.__doc__ = (formula.__doc__ or "").format(place=place)
    return column


@contextmanager
def collecting() -> Iterator[dict[str, Feature]]:
    """Gather what is registered meanwhile instead of adding it to FEATURES: features that belong to one home."""
    found: dict[str, Feature] = {}
    token = _registering.set(found)
    try:
        yield found
    finally:
        _registering.reset(token)


def column_feature(name: str) -> Feature:
    """The feature that passes a numeric column of the schema through."""

    def column(m: Matches) -> np.ndarray:
        return m.columns.get(name, missing(m))

    return column
