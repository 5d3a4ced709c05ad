"""One pass over stored documents that finds every pattern of a query: counts, first positions, minimal spans, nearness.

A row of the forward index is read once and reduced to its *hits* (position, atom); hits are few, so everything else reads only them.

Rows are not decoded: 64 bytes at a time are compared with the first bytes of the atoms' ids, and positions are counted by the bytes that end one.
"""

from typing import NamedTuple

import numpy as np

from indexer.byte_marks import count_marks, equal_marks, top_marks
from indexer.checksums import PAGE_BITS
from indexer.forward import GROUP_BITS, WIDE, Rows, check_rows, row_range, row_start
from indexer.jit import inlined, kernel
from indexer.swar import prefetch, trailing_zeros
from indexer.vectors import LANES

MAX_MARKED = 32  # atoms of a query beyond which decoding every position is as fast
LINE = 64  # bytes that memory gives at once
NEAR = 10  # hits further apart than this many positions do not count as near
_NEARNESS = 1.0 / np.maximum(np.arange(NEAR + 1.0), 1.0) ** 2  # of hits that are so many positions apart
_MIX = np.uint32(0x9E3779B1)


class Patterns(NamedTuple):
    """The units of a query as ``QueryUnits`` has them, and ids int32[Q] of its atoms, below 0 where a segment has none."""

    ids: np.ndarray
    content: np.ndarray
    starts: np.ndarray
    order: np.ndarray
    ptr: np.ndarray
    items: np.ndarray


class Found(NamedTuple):
    """What a scan finds in ``k`` documents with ``F`` fields, for ``U`` units."""

    tf: np.ndarray  # float32[k, F, U]
    first: np.ndarray  # int32[k, F, U], -1 absent
    sizes: np.ndarray  # int32[k, F]: tokens, gaps not counted
    span: np.ndarray  # int32[k, F]: positions that hold all matched content atoms
    spanned: np.ndarray  # int32[k, F]: how many distinct ones
    near: np.ndarray  # float32[k, F]
    norms: np.ndarray  # float32[k, F]: of lengths


def empty_found(candidates: int, fields: int, units: int) -> Found:
    """Arrays to be filled."""
    table, flat = (candidates, fields, units), (candidates, fields)
    of_units = np.empty(table, np.float32), np.empty(table, np.int32)
    return Found(*of_units, *np.empty((3, *flat), np.int32), *np.empty((2, *flat), np.float32))


@inlined
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
def _atom_of(term, table_ids, table_atoms):
    """The atom with an id, -1: none."""
    size = len(table_ids)
    slot = _slot(term, size)
    while table_ids[slot] >= 0 and table_ids[slot] != term:
        slot = (slot + 1) & (size - 1)
    return table_atoms[slot]  # -1 in an empty one


@inlined
def _find_hits(data, begin, end, table_ids, table_atoms, positions, atoms):
    """Decode one row (varints of id + 1, 0 for a gap); fill positions and atoms of the hits; return (hits, tokens without gaps)."""
    hits, position, gaps = 0, 0, 0
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
            atom = _atom_of(value - 1, table_ids, table_atoms)
            if atom >= 0:
                positions[hits] = position
                atoms[hits] = atom
                hits += 1
        position += 1
    return hits, position - gaps


@inlined
def _marked_bytes(ids):
    """The first and second bytes of the varints of known ids, uint8[n] each; those of one byte come first, and their number."""
    known = ids[ids >= 0].astype(np.uint32) + np.uint32(1)
    known.sort()
    second = (known >> np.uint32(7)) & np.uint32(0x7F) | (np.uint32(0x80) * (known >= 1 << 14))
    return (known & np.uint32(0x7F) | np.uint32(0x80) * (known >= 128)).astype(np.uint8), second.astype(np.uint8), (known < 128).sum()


@inlined
def _candidates(data, at, firsts, seconds, narrow):
    """Marks of the 64 bytes where the id of an atom may begin, if a position begins there."""
    found = np.uint64(0)
    for n in range(narrow):
        found |= equal_marks(data, at, firsts[n])
    for n in range(narrow, len(firsts)):
        found |= equal_marks(data, at, firsts[n]) & equal_marks(data, at + 1, seconds[n])
    return found


@inlined
def _id_at(data, at):
    """The id that a varint of id + 1 stands for."""
    value, shift = np.int64(data[at] & 0x7F), 7
    while data[at] & 0x80:
        at += 1
        value |= np.int64(data[at] & 0x7F) << shift
        shift += 7
    return value - 1


@inlined
def _mark_hits(data, begin, end, marked, table_ids, table_atoms, positions, atoms):
    """As `_find_hits`, for a row that 64 and more bytes follow in ``data``."""
    hits, position, gaps = 0, 0, 0
    one = np.uint64(1)
    begins = one  # whether a position begins at the first byte
    for at in range(begin, end, LANES):
        ends = ~top_marks(data, at)
        heads = (ends << one) | begins
        begins = ends >> np.uint64(LANES - 1)
        if end - at < LANES:
            heads &= (one << np.uint64(end - at)) - one
        found = _candidates(data, at, *marked) & heads
        while found:
            place = trailing_zeros(found)
            found &= found - one
            atom = _atom_of(_id_at(data, at + place), table_ids, table_atoms)
            if atom >= 0:
                positions[hits] = position + count_marks(heads & ((one << np.uint64(place)) - one))
                atoms[hits] = atom
                hits += 1
        gaps += count_marks(equal_marks(data, at, np.uint8(0)) & heads)
        position += count_marks(heads)
    return hits, position - gaps


@inlined
def _count_units(hits, positions, atoms, units, tf, first, o, f):
    """Count each unit whose atoms stand side by side from a hit on, in row (o, f) of tf and first."""
    for u in range(tf.shape[2]):
        tf[o, f, u], first[o, f, u] = 0, -1
    for h in range(hits):
        atom = atoms[h]
        followed = h + 1 < hits and positions[h + 1] == positions[h] + 1
        for n in range(units.starts[atom], units.starts[atom + 1]):
            unit = units.order[n]
            begin, end = units.ptr[unit], units.ptr[unit + 1]
            # Most hits stand alone, where no unit of several atoms can.
            if end - begin == 1 or (followed and _stands(hits, positions, atoms, h, units.items, begin, end)):
                if tf[o, f, unit] == 0:
                    first[o, f, unit] = positions[h]
                tf[o, f, unit] += 1


@inlined
def _stands(hits, positions, atoms, h, items, begin, end):
    """Whether the atoms ``items[begin:end]`` are hits side by side from hit ``h`` on, whose atom is the first."""
    n = 1
    while n < end - begin and h + n < hits and positions[h + n] == positions[h] + n and atoms[h + n] == items[begin + n]:
        n += 1
    return n == end - begin


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
    for h in range(hits):
        counts[atoms[h]] = 0
    distinct = 0
    for h in range(hits):
        distinct += counts[atoms[h]] == 0
        counts[atoms[h]] += 1
    return distinct


@inlined
def _minimal_span(hits, positions, atoms, counts, distinct):
    """Fewest positions that hold all distinct atoms of the hits: the classic sliding window."""
    if distinct <= 1:
        return distinct
    for h in range(hits):
        counts[atoms[h]] = 0
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
            total += _NEARNESS[distance]
    return total


@inlined
def _known(section, start, stop):
    """Whether the pages of elements ``start`` to ``stop`` were found to be good before."""
    size = section.items.itemsize
    if not 0 <= start < stop <= len(section.items):
        return False
    good = True
    for page in range(start * size >> PAGE_BITS, ((stop * size - 1) >> PAGE_BITS) + 1):
        good &= section.verified[page] != 0
    return good


@inlined
def _checked(forward, places, row, stop_row):
    """As `check_rows`, which costs 400 ns a call even where nothing is left to be checked."""
    known = _known(forward.starts, row, stop_row + 1) and _known(forward.bases, row >> GROUP_BITS, (stop_row >> GROUP_BITS) + 1)
    if known and not (forward.bases.items[row >> GROUP_BITS] | forward.bases.items[stop_row >> GROUP_BITS]) & WIDE:
        begin, end = row_start(places, row), row_start(places, stop_row)
        known = begin == end or _known(forward.data, begin, end)
        if known:
            return True
    return check_rows(forward, row, stop_row)


@inlined
def _longest_row(forward, places, docs, num_fields, good):
    """Check the rows of every document, whose bytes are asked for meanwhile; the bytes of the longest."""
    longest = 1
    for i in range(len(docs)):
        row = docs[i] * num_fields
        good[i] = _checked(forward, places, row, row + num_fields)
        for f in range(num_fields if good[i] else 0):
            begin, end = row_range(places, row + f)
            longest = max(longest, end - begin)
            for at in range(begin, end, LINE):
                prefetch(forward.data.items, at)
    return longest


@kernel
def scan(forward, norms, docs, rows, patterns, out):
    """Fill row ``rows[i]`` of every array of ``Found``, of any contents, from local document ``docs[i]``.

    ``forward``: the ForwardSections, which the caller settles afterwards: damaged documents are left out. ``norms``: see ``index_tables``.
    """
    num_fields = out.tf.shape[1]
    good = np.empty(len(docs), np.bool_)
    places, data = Rows(forward.starts.items, forward.bases.items, forward.wide.items), forward.data.items
    longest = _longest_row(forward, places, docs, num_fields, good)
    positions, atoms = np.empty(longest, np.int32), np.empty(longest, np.int32)
    counts = np.empty(len(patterns.content), np.int32)
    table_ids, table_atoms = atom_table(patterns.ids)
    marked = _marked_bytes(patterns.ids)
    for i in range(len(docs)):
        for f in range(num_fields if good[i] else 0):
            o = rows[i]
            out.norms[o, f] = norms.values[norms.starts[f] + norms.codes[f, docs[i]]]
            begin, end = row_range(places, docs[i] * num_fields + f)
            if len(marked[0]) <= MAX_MARKED and end + LANES < len(data):
                hits, out.sizes[o, f] = _mark_hits(data, begin, end, marked, table_ids, table_atoms, positions, atoms)
            else:
                hits, out.sizes[o, f] = _find_hits(data, begin, end, table_ids, table_atoms, positions, atoms)
            _count_units(hits, positions, atoms, patterns, out.tf, out.first, o, f)
            hits = _keep_content(hits, positions, atoms, patterns.content)
            out.spanned[o, f] = _distinct(hits, atoms, counts)
            out.span[o, f] = _minimal_span(hits, positions, atoms, counts, out.spanned[o, f])
            out.near[o, f] = _nearness(hits, positions, atoms)
