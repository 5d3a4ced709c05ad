"""Several text fields seen as one: what a scan found in each, folded together in one pass over the candidates."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from indexer.jit import inlined, kernel
from ranker.matches_kernel import Found


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


def fold(members: Members, found: Found) -> tuple[Groups, int]:
    """The groups, and the greatest count of their tf."""
    count, (candidates, _, units) = len(members.borders) - 1, found.tf.shape
    tables, flat = np.empty((3, count, candidates, units), np.float32), np.empty((4, count, candidates), np.float32)
    groups = Groups(*tables, *flat)
    return groups, int(fold_fields(members, found, groups))


@inlined
def _begin(out, g, i, value):
    """A group before the first field is added: zeros, or all missing where it has no field."""
    for u in range(out.tf.shape[2]):
        out.tf[g, i, u] = out.pseudo_tf[g, i, u] = value
        out.first[g, i, u] = np.nan
    out.size[g, i] = out.near[g, i] = out.spanned[g, i] = value
    out.span[g, i] = np.nan


@inlined
def _add_units(out, g, i, found, f, weight, norm):
    """Add one field's occurrences, and keep the earliest positions; returns the greatest count so far."""
    greatest = np.float32(0)
    for u in range(out.tf.shape[2]):
        tf = found.tf[i, f, u]
        if tf > 0:
            out.tf[g, i, u] += tf
            out.pseudo_tf[g, i, u] += weight * tf / norm
            position = np.float32(found.first[i, f, u])
            if not out.first[g, i, u] <= position:
                out.first[g, i, u] = position
            greatest = max(greatest, out.tf[g, i, u])
    return greatest


@kernel
def fold_fields(members, found, out):
    """Fill Groups of any contents from Members and what a scan found (see `fold`); returns the greatest count, 0 for none.

    Span and spanned are those of the field that matches most distinct words, the first of several.
    """
    greatest = np.float32(0)
    for g in range(len(members.borders) - 1):
        begin, end = members.borders[g], members.borders[g + 1]
        for i in range(out.tf.shape[1]):
            _begin(out, g, i, np.float32(0) if begin < end else np.float32(np.nan))
            best = members.fields[begin] if begin < end else 0
            for n in range(begin, end):
                f = members.fields[n]
                greatest = max(greatest, _add_units(out, g, i, found, f, members.weights[n], found.norms[i, f]))
                out.size[g, i] += found.sizes[i, f]
                out.near[g, i] += found.near[i, f]
                if found.spanned[i, f] > found.spanned[i, best]:
                    best = f
            if begin < end:
                out.spanned[g, i] = found.spanned[i, best]
                if found.span[i, best] > 0:
                    out.span[g, i] = found.span[i, best]
    return greatest
