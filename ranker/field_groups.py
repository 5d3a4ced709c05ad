"""Several text fields seen as one: what a scan found in each, folded together in one pass over the candidates."""

from collections.abc import Sequence
from functools import lru_cache
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


class Groups(NamedTuple):
    """``G`` groups of the same candidates, as arrays with the group as the first axis."""

    tf: np.ndarray  # float32[G, k, U]
    pseudo_tf: np.ndarray  # float32[G, k, U]
    first: np.ndarray  # float32[G, k, U]
    size: np.ndarray  # float32[G, k]
    span: np.ndarray  # float32[G, k]
    spanned: np.ndarray  # float32[G, k]
    near: np.ndarray  # float32[G, k]

    def one(self, group: int) -> Group:
        """One of the groups; it shares its arrays."""
        return Group(*(array[group] for array in self))


class Members(NamedTuple):
    """The fields of each group, one group after the other: group g has ``fields[borders[g]:borders[g + 1]]``."""

    fields: np.ndarray  # int64[n]
    weights: np.ndarray  # float32[n]
    borders: np.ndarray  # int64[G + 1]


TITLE, REST, WHOLE = range(3)


def title_of(weights: tuple[float, ...]) -> int:
    """The field that names the document: of those with the greatest weight, the first."""
    return weights.index(max(weights))


@lru_cache(maxsize=64)
def title_rest_whole(weights: tuple[float, ...]) -> Members:
    """The groups TITLE, REST (all other fields) and WHOLE of fields with these weights."""
    title, fields = title_of(weights), range(len(weights))
    groups = [[title], [f for f in fields if f != title], [*fields]]
    # A field alone is not weighed: weights say what fields are worth beside each other.
    weighed = [weights[f] if len(group) > 1 else 1.0 for group in groups for f in group]
    borders = np.cumsum([0, *map(len, groups)])
    return Members(np.array([f for group in groups for f in group]), np.array(weighed, np.float32), borders)


def fold(members: Members, norms: np.ndarray, found: Sequence[np.ndarray]) -> tuple[Groups, int]:
    """The groups, and the greatest count of their tf; norms float32[k, F], ``found``: tf to near of ``matches_kernel.scan``."""
    count, (candidates, _, units) = len(members.borders) - 1, found[0].shape
    tables, flat = np.empty((3, count, candidates, units), np.float32), np.empty((4, count, candidates), np.float32)
    groups = Groups(*tables, *flat)
    return groups, int(fold_fields(*members, norms, *found, groups))


@inlined
def _nothing(out, g, i):
    """A group without fields: everything is missing."""
    out.tf[g, i] = out.pseudo_tf[g, i] = out.first[g, i] = np.nan
    out.size[g, i] = out.span[g, i] = out.spanned[g, i] = out.near[g, i] = np.nan


@inlined
def _zero(out, g, i):
    """A group before the first field is added."""
    out.tf[g, i] = out.pseudo_tf[g, i] = 0
    out.first[g, i] = np.nan
    out.size[g, i] = out.near[g, i] = 0


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
def fold_fields(fields, weights, borders, norms, tf, first, sizes, span, spanned, near, out):
    """Fill Groups of any contents from Members and what a scan found (see `fold`); returns the greatest count, 0 for none.

    Span and spanned are those of the field that matches most distinct words, the first of several.
    """
    greatest = np.float32(0)
    for g in range(len(borders) - 1):
        for i in range(len(tf)):
            if borders[g] == borders[g + 1]:
                _nothing(out, g, i)
                continue
            _zero(out, g, i)
            best = fields[borders[g]]
            for n in range(borders[g], borders[g + 1]):
                f = fields[n]
                _add_units(tf[i, f], first[i, f], norms[i, f], weights[n], out.tf[g, i], out.pseudo_tf[g, i], out.first[g, i])
                out.size[g, i] += sizes[i, f]
                out.near[g, i] += near[i, f]
                if spanned[i, f] > spanned[i, best]:
                    best = f
            out.spanned[g, i] = spanned[i, best]
            out.span[g, i] = span[i, best] if span[i, best] > 0 else np.nan
            for u in range(tf.shape[2]):
                greatest = max(greatest, out.tf[g, i, u])
    return greatest
