"""The term dictionary of a segment: term -> id in O(1), id -> term, id -> document frequency, and all terms with a prefix.

Ids fall with the number of postings, then with document frequency (see ``vocabulary.py``), so that the best completions are the smallest ids
of a range. Strings stand in the order of their bytes; the place of a term there is its *rank*.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import indexer.bit_packing as bit_packing
import indexer.front_coding as front_coding
import indexer.string_table as string_table
import indexer.strings as strings
from indexer.front_coding import FrontCoded

MAX_PREFIX = 1 << 20


class TermDictionary:
    """The sections ``terms.*`` by their last names, read as they are needed."""

    SECTIONS = ("data", "starts", "slots", "ids", "df_firsts", "df_values")

    def __init__(self, sections: Mapping[str, np.ndarray], num_terms: int, path: Path) -> None:
        self._terms = FrontCoded(sections["data"], sections["starts"], num_terms, path, "terms.data")
        self._slots, self._ids, self._id_bits = sections["slots"], sections["ids"], bit_packing.bits_for(num_terms)
        self._df_firsts, self._df_values = sections["df_firsts"], sections["df_values"]
        self._ranks: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self._terms)

    def lookup(self, terms: Sequence[str]) -> np.ndarray:
        """Ids, int32[n]; -1 = absent."""
        return string_table.find(self._terms, self._slots, terms, self._ids, self._id_bits)

    def term(self, term_id: int) -> str:
        """The term with an id."""
        return self.terms(np.array([term_id]))[0]

    def terms(self, ids: np.ndarray) -> list[str]:
        """The terms with ``ids``, int[n] from 0 to T - 1."""
        if self._ranks is None:
            self._ranks = self._invert()
        return self._terms.texts(self._ranks[ids])

    def _invert(self) -> np.ndarray:
        """Ranks by id, uint32[T]: a table of its own would cost every index what only some processes need."""
        ids = bit_packing.unpack(self._ids, self._id_bits, 0, len(self))
        ranks = np.zeros(max(len(self), int(ids.max(initial=0)) + 1), np.uint32)
        ranks[ids] = np.arange(len(self), dtype=np.uint32)
        return ranks

    def df(self, ids: np.ndarray) -> np.ndarray:
        """Documents that hold each term, tombstones or not: ids from 0 to T - 1, int[n] -> int64[n]."""
        runs = np.searchsorted(self._df_firsts, np.asarray(ids, np.uint32), side="right") - 1
        return self._df_values[runs].astype(np.int64)

    def with_prefix(self, prefix: str, limit: int) -> np.ndarray:
        """The ``limit`` smallest ids of terms that begin with ``prefix``, ascending: by falling df within a stream."""
        wanted = np.frombuffer(strings.encode(prefix), np.uint8)
        low, high = front_coding.prefix_range(wanted, self._terms.data, self._terms.starts, len(self))
        ids = bit_packing.unpack(self._ids, self._id_bits, low, max(low, high))
        if len(ids) > limit:
            ids = np.partition(ids, limit - 1)[:limit] if limit > 0 else ids[:0]
        return np.sort(ids).astype(np.int64)
