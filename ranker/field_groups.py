"""Several text fields seen as one: what a scan found in each, folded together in one pass over the candidates."""

from typing import NamedTuple

import numpy as np

from indexer.jit import inlined, kernel


class Group(NamedTuple):
    """Some text fields seen as one. ``k`` candidates, ``U`` units; all NaN where the group has no field."""

    tf: np.ndarray  # float32[k, U]: occurrences
    pseudo_tf: np.ndarray  # float32[k, U]: BM25F's weighted, length-normalised frequency
    first: np.ndarray  # float32[k, U]: earliest position, NaN if absent
    size: np.ndarray  # float32[k]: tokens
    span: np.ndarray  # float32[k]: fewest positions of one field that hold its matched content atoms, NaN if none matched
    spanned: np.ndarray  # float32[k]: distinct content atoms in that field
    near: np.ndarray  # float32[k]: nearness, summed over fields


def empty_group(candidates: int, units: int, value: float = np.nan) -> Group:
    """A group of no field: everything is missing; or one of zeros, to be filled."""
    table, flat = ((candidates, units), (candidates,))
    return Group(*(np.full(shape, value, np.float32) for shape in (table, table, table, flat, flat, flat, flat)))


@inlined
def _add_units(tf, first, norm, weight, out_tf, out_pseudo, out_first):
    """Add one field's occurrences to a row of units, and keep the earliest positions."""
    for u in range(len(tf)):
        if tf[u] > 0:
            out_tf[u] += tf[u]
            out_pseudo[u] += weight * tf[u] / norm
            position = np.float32(first[u])
            if not out_first[u] <= position:
                out_first[u] = position


@kernel
def fold_fields(
    fields, weights, norms, tf, first, sizes, span, spanned, near, out_tf, out_pseudo, out_first, out_size, out_span, out_spanned, out_near
):
    """Fill a group of zeros from ``fields`` int64[f] of weights float32[f]; norms float32[k, F], the others as in ``matches_kernel.scan``.

    Span and spanned are those of the field that matches most distinct words, the first of several.
    """
    for i in range(len(tf)):
        out_first[i] = np.nan
        best = fields[0]
        for n in range(len(fields)):
            f = fields[n]
            _add_units(tf[i, f], first[i, f], norms[i, f], weights[n], out_tf[i], out_pseudo[i], out_first[i])
            out_size[i] += sizes[i, f]
            out_near[i] += near[i, f]
            if spanned[i, f] > spanned[i, best]:
                best = f
        out_spanned[i] = spanned[i, best]
        out_span[i] = span[i, best] if span[i, best] > 0 else np.nan
