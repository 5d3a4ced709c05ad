"""One pass over stored documents that finds every pattern of a query: counts, first positions, minimal spans, nearness.

A row of the forward index is decoded once and reduced to its *hits* (position, atom); hits are few, so everything else reads only them.
"""

import numpy as np

from indexer.forward import row_range
from indexer.jit import inlined, kernel

NEAR = 10  # hits further apart than this many positions do not count as near
_MIX = np.uint32(0x9E3779B1)


@kernel
def atom_table(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Open addressing from term id to atom: (ids int32[size], atoms int32[size]); ids below 0 are left out. At most a quarter is full."""
    size = 64
    while size < 4 * len(ids):
        size *= 2
    table_ids = np.full(size, -1, np.int32)
    table_atoms = np.full(size, -1, np.int32)
    for atom in range(len(ids)):
        if ids[atom] >= 0:
            slot = _slot(ids[atom], size)
            while table_ids[slot] >= 0:
                slot = (slot + 1) & (size - 1)
            table_ids[slot] = ids[atom]
            table_atoms[slot] = atom
    return table_ids, table_atoms


@inlined
def _slot(term, size):
    return np.int64((np.uint32(term) * _MIX) >> np.uint32(8)) & (size - 1)


@inlined
def _find_hits(data, begin, end, table_ids, table_atoms, positions, atoms):
    """Decode one row (varints of id + 1, 0 for a gap); fill positions and atoms of the hits; return (hits, tokens without gaps)."""
    hits, position, gaps = 0, 0, 0
    size = len(table_ids)
    at = begin
    while at < end:
        value = np.int64(data[at] & 0x7F)
        shift = 7
        while data[at] & 0x80:
            at += 1
            value |= np.int64(data[at] & 0x7F) << shift
            shift += 7
        at += 1
        if value == 0:
            gaps += 1
        else:
            slot = _slot(value - 1, size)
            while table_ids[slot] >= 0:
                if table_ids[slot] == value - 1:
                    positions[hits] = position
                    atoms[hits] = table_atoms[slot]
                    hits += 1
                    break
                slot = (slot + 1) & (size - 1)
        position += 1
    return hits, position - gaps


@inlined
def _count_units(hits, positions, atoms, starts, order, ptr, items, tf, first):
    """Count each unit whose atoms stand side by side from a hit on; tf and first are the unit axis of one row."""
    for h in range(hits):
        atom = atoms[h]
        for o in range(starts[atom], starts[atom + 1]):
            unit = order[o]
            begin, length = ptr[unit], ptr[unit + 1] - ptr[unit]
            n = 1
            while n < length and h + n < hits and positions[h + n] == positions[h] + n and atoms[h + n] == items[begin + n]:
                n += 1
            if n == length:
                if tf[unit] == 0:
                    first[unit] = positions[h]
                tf[unit] += 1


@inlined
def _keep_content(hits, positions, atoms, content):
    """Drop the hits of function words in place; return how many stay."""
    kept = 0
    for h in range(hits):
        if content[atoms[h]]:
            positions[kept] = positions[h]
            atoms[kept] = atoms[h]
            kept += 1
    return kept


@inlined
def _distinct(hits, atoms, counts):
    counts[:] = 0
    distinct = 0
    for h in range(hits):
        distinct += counts[atoms[h]] == 0
        counts[atoms[h]] += 1
    return distinct


@inlined
def _minimal_span(hits, positions, atoms, counts, distinct):
    """Fewest positions that hold all distinct atoms of the hits: the classic sliding window."""
    if distinct == 0:
        return 0
    counts[:] = 0
    best = positions[hits - 1] - positions[0] + 1
    covered, left = 0, 0
    for right in range(hits):
        covered += counts[atoms[right]] == 0
        counts[atoms[right]] += 1
        while covered == distinct:
            best = min(best, positions[right] - positions[left] + 1)
            counts[atoms[left]] -= 1
            covered -= counts[atoms[left]] == 0
            left += 1
    return best


@inlined
def _nearness(hits, positions, atoms):
    """Sum of 1 / distance^2 over neighbouring hits of different atoms (Rasolofo and Savoy 2003, eq. 4, without idf)."""
    total = 0.0
    for h in range(1, hits):
        distance = positions[h] - positions[h - 1]
        if atoms[h] != atoms[h - 1] and distance <= NEAR:
            total += 1.0 / (distance * distance)
    return total


@kernel
def scan(places, data, docs, rows, table_ids, table_atoms, content, starts, order, ptr, items, tf, first, sizes, span, spanned, near):
    """Fill row ``rows[i]`` of every output from local document ``docs[i]``.

    places: where rows are in data uint8 (``indexer.forward.Rows``); tf float32[k, F, U] zeroed, first int32[k, F, U] filled with -1, and
    [k, F] each:
    sizes (tokens), span (positions that hold all matched content atoms), spanned (how many distinct ones), near.
    """
    num_fields = tf.shape[1]
    longest = 1
    for i in range(len(docs)):
        for f in range(num_fields):
            begin, end = row_range(places, docs[i] * num_fields + f)
            longest = max(longest, end - begin)
    positions = np.empty(longest, np.int32)
    atoms = np.empty(longest, np.int32)
    counts = np.empty(len(content), np.int32)
    for i in range(len(docs)):
        for f in range(num_fields):
            out = rows[i]
            begin, end = row_range(places, docs[i] * num_fields + f)
            hits, sizes[out, f] = _find_hits(data, begin, end, table_ids, table_atoms, positions, atoms)
            _count_units(hits, positions, atoms, starts, order, ptr, items, tf[out, f], first[out, f])
            hits = _keep_content(hits, positions, atoms, content)
            spanned[out, f] = _distinct(hits, atoms, counts)
            span[out, f] = _minimal_span(hits, positions, atoms, counts, spanned[out, f])
            near[out, f] = _nearness(hits, positions, atoms)
