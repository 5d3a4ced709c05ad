"""Texts -> the documents that have them side by side, and masks put together; a mask is bool[max_doc]."""

from typing import Any

import numpy as np

from searchd.query_terms import Sequence

Mask = np.ndarray


def all_of(masks: list[Mask | None]) -> Mask | None:
    """Where every mask that is given holds; None when none is."""
    given = [mask for mask in masks if mask is not None]
    return np.logical_and.reduce(given) if given else None


def occurs(snapshot: Any, text: str, field: str | None = None) -> Mask | None:
    """Where the terms of ``text`` stand side by side, in one text field or in any; None when it has no terms."""
    masks = [_side_by_side(snapshot, sequence) for sequence in snapshot.query_terms.sequences(text, field)]
    return np.logical_or.reduce(masks) if masks else None


def _side_by_side(snapshot: Any, sequence: Sequence) -> Mask:
    if len(sequence.terms) == 1:
        mask: Mask = snapshot.retriever.matches(sequence.terms, sequence.field)
    else:
        mask = snapshot.retriever.phrase(sequence.terms, sequence.field, extra=sequence.extra)
    return mask
