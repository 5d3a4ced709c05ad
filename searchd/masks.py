"""Texts -> the documents that have them side by side, and masks put together; a mask is bool[max_doc]."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from searchd.query_terms import Code
from searchd.query_terms import Sequence as TermSequence

Mask = np.ndarray


def all_of(masks: Sequence[Mask | None]) -> Mask | None:
    """Where every mask that is given holds; None when none is."""
    given = [mask for mask in masks if mask is not None]
    return np.logical_and.reduce(given) if given else None


def occurs(snapshot: Any, text: str, field: str | None = None) -> Mask | None:
    """Where the terms of ``text`` stand side by side, in one text field or in any; None when it has no terms."""
    masks = [_side_by_side(snapshot, sequence) for sequence in snapshot.query_terms.sequences(text, field)]
    return np.logical_or.reduce(masks) if masks else None


def units_of(snapshot: Any, text: str) -> list[Mask]:
    """Where each of the terms is that a document with all of a text has, codes being one each, whole or in parts that stand side by side.

    Where there are several analysers, one mask: where all is by some analyser.
    """
    retriever, needed = snapshot.retriever, snapshot.query_terms.needed(text)
    if len(snapshot.query_terms.analyzers) == 1:
        parts = {part for one in needed for code in one.codes for part in code.parts}
        terms = [retriever.matches([term]) for one in needed for term in one.terms if term not in parts]
        return terms + [having_code(snapshot, code) for one in needed for code in one.codes]
    ways = [[retriever.matches_all(one.terms), *(having_code(snapshot, code) for code in one.codes)] for one in needed]
    return [np.logical_or.reduce([np.logical_and.reduce(masks) for masks in ways])] if ways else []


def having_code(snapshot: Any, code: Code) -> Mask:
    """Where a code is, as a whole or in parts."""
    mask: Mask = snapshot.retriever.matches([code.whole]) | snapshot.retriever.phrase(code.parts)
    return mask


def _side_by_side(snapshot: Any, sequence: TermSequence) -> Mask:
    if len(sequence.terms) == 1:
        mask: Mask = snapshot.retriever.matches(sequence.terms, sequence.field)
    else:
        mask = snapshot.retriever.phrase(sequence.terms, sequence.field, extra=sequence.extra)
    return mask
