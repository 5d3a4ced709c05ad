"""A query as patterns to look for in documents: words, Han characters, Han bigrams, jieba words, neighbouring pairs, the whole phrase.

Documents are stored as sequences of words and single Han characters (the *atoms*), so whatever spans several of them - a Han bigram, a
jieba word, a phrase - is a pattern of atoms that stand side by side. One scan over a document then counts every pattern at once.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

WORD, HAN1, HAN2, HANWORD, PAIR, PHRASE = range(6)
_KINDS = {"\x01": HAN1, "\x02": HAN2, "\x03": HANWORD}
_STOP_WEIGHT = 0.25  # query terms below it are function words: they do not count as content

# A query of 512 Han characters would make thousands of patterns; features of the first ones tell the same.
MAX_UNITS_OF_A_KIND = 64


class Unit(NamedTuple):
    """One pattern: the kind, its term in the index (or ""), its weight in the query and its atoms."""

    kind: int
    term: str
    weight: float
    atoms: tuple[str, ...]


class QueryUnits:
    """The patterns of one query, as arrays that kernels can walk. ``U`` units over ``Q`` distinct atoms."""

    def __init__(self, units: list[Unit], text: str = ""):
        self.text = text
        self.units = units
        number: dict[str, int] = {}
        items = [number.setdefault(atom, len(number)) for unit in units for atom in unit.atoms]
        ptr = [0, *accumulate(len(unit.atoms) for unit in units)]
        self.atoms = list(number)
        self._number = number
        self._kinds = [unit.kind for unit in units]
        self.kinds = np.array(self._kinds, np.int8)
        self.weights = np.array([unit.weight for unit in units], np.float32)
        self.items, self.ptr = np.array(items, np.int32), np.array(ptr, np.int32)
        self.starts, self.order = _by_first_atom([items[at] for at in ptr[:-1]], len(number))

    @cached_property
    def content(self) -> np.ndarray:
        """bool[Q]: atoms that are not function words (all of them, if the query has no others)."""
        marks = np.zeros(len(self.atoms), np.bool_)
        for unit in self.units:
            if unit.kind <= HAN1 and unit.weight >= _STOP_WEIGHT:
                marks[self._number[unit.atoms[0]]] = True
        return marks if marks.any() else np.ones(len(self.atoms), np.bool_)

    @cached_property
    def retrieval(self) -> np.ndarray:
        """Numbers of the units that retrieval scores: words, Han characters, Han bigrams."""
        return self._of(WORD, HAN1, HAN2)

    @cached_property
    def words(self) -> np.ndarray:
        """Numbers of the content words as people count them: words and jieba words; Han characters where there are no jieba words."""
        wanted = self._of(WORD, HANWORD if HANWORD in self._kinds else HAN1)
        content = wanted[self.weights[wanted] >= _STOP_WEIGHT]
        return content if len(content) else wanted

    @cached_property
    def pairs(self) -> np.ndarray:
        """Numbers of the units that are two neighbours of the query."""
        return self._of(PAIR)

    @cached_property
    def han2(self) -> np.ndarray:
        """Numbers of the Han bigrams."""
        return self._of(HAN2)

    def _of(self, *kinds: int) -> np.ndarray:
        """int64: numbers of the units of these kinds."""
        return np.array([number for number, kind in enumerate(self._kinds) if kind in kinds], np.int64)

    @cached_property
    def phrase(self) -> int:
        """Number of the unit that is the whole query, -1 for a query without text."""
        return self._kinds.index(PHRASE) if PHRASE in self._kinds else -1


def query_units(query_terms: Sequence[Any], sequence: Sequence[str | None], text: str = "") -> QueryUnits:
    """The patterns of a query: ``query_terms`` as the analyser gives them, ``sequence`` its atoms in order with None for a gap."""
    units: list[Unit] = []
    room = [MAX_UNITS_OF_A_KIND] * 4
    for term in query_terms:
        unit = _term_unit(term.term, float(term.weight))
        if unit is not None and room[unit.kind]:
            room[unit.kind] -= 1
            units.append(unit)
    atoms = [atom for atom in sequence[:MAX_UNITS_OF_A_KIND] if atom is not None]
    pairs = dict.fromkeys((a, b) for a, b in zip(sequence[:MAX_UNITS_OF_A_KIND], sequence[1:MAX_UNITS_OF_A_KIND]) if a and b)
    units += [Unit(PAIR, "", 1.0, pair) for pair in pairs]
    if atoms:
        units.append(Unit(PHRASE, "", 1.0, tuple(atoms)))
    return QueryUnits(units, text)


def _term_unit(term: str, weight: float) -> Unit | None:
    kind = _KINDS.get(term[:1], WORD)
    if kind == WORD:
        return Unit(WORD, term, weight, (term,)) if term else None
    atoms = tuple("\x01" + c for c in term[1:])
    # Jieba words carry no retrieval weight; for features every one of them counts once.
    return Unit(kind, term, 1.0 if kind == HANWORD else weight, atoms) if atoms else None


def _by_first_atom(first: list[int], num_atoms: int) -> tuple[np.ndarray, np.ndarray]:
    """CSR from an atom to the units that begin with it; ``first``: the first atom of each unit."""
    order = sorted(range(len(first)), key=first.__getitem__)
    counts = [0] * (num_atoms + 1)
    for atom in first:
        counts[atom + 1] += 1
    return np.array(list(accumulate(counts)), np.int32), np.array(order, np.int32)
