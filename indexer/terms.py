"""The term dictionary of a segment: term -> id in O(1), id -> term, id -> document frequency, and all terms with a prefix.

Ids fall with the number of postings, then with document frequency (see ``vocabulary.py``), so that the best completions are the smallest ids
of a range. Strings stand in the order of their bytes; the place of a term there is its *rank*.
"""

from collections.abc import Sequence

import numpy as np

from indexer.container import Container
from indexer.format import HANWORD, Corrupt
from indexer.string_table import StringTable
from indexer.strings import Strings

MAX_PREFIX = 1 << 20


class TermDictionary:
    """The sections ``terms.*`` of ``num_terms`` terms, read as they are needed; raises Corrupt."""

    def __init__(self, container: Container, num_terms: int) -> None:
        data, starts, slots, ids = (container.pages(f"terms.{name}") for name in ("data", "starts", "slots", "ids"))
        self._terms = StringTable(num_terms, data, starts, slots, ids)
        self._df_firsts, self._df_values = container["terms.df_firsts"], container["terms.df_values"]
        if len(self._df_firsts) != len(self._df_values):
            raise Corrupt(container.path, f"expected {len(self._df_firsts)} values, found {len(self._df_values)}", "terms.df_values")
        self._ranks: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self._terms)

    def lookup(self, terms: Sequence[str]) -> np.ndarray:
        """Ids, int32[n]; -1 = absent."""
        return self._terms.find(terms)

    def term(self, term_id: int) -> str:
        """The term with an id."""
        return self.terms(np.array([term_id]))[0]

    def terms(self, ids: np.ndarray) -> list[str]:
        """The terms with ``ids``, int[n] from 0 to T - 1."""
        return self._terms.texts(self.places(ids))

    def places(self, ids: np.ndarray) -> np.ndarray:
        """Where the terms with ``ids`` stand in the order of bytes, uint32[n]."""
        if self._ranks is None:
            self._ranks = self._invert()
        return self._ranks[ids]

    def words_range(self) -> tuple[int, int]:
        """First place and end of the terms of the word stream."""
        return self._terms.prefix_range(HANWORD)[1], len(self)

    def packed(self, first: int, last: int) -> tuple[Strings, np.ndarray]:
        """The terms at places ``first`` to ``last`` - 1 and their ids."""
        return self.packed_at(np.arange(first, last)), self._terms.numbers(first, last)

    def packed_at(self, places: np.ndarray) -> Strings:
        """The terms at places, int64[n]."""
        return self._terms.packed(places)

    def _invert(self) -> np.ndarray:
        """Ranks by id, uint32[T]: a table of its own would cost every index what only some processes need."""
        ids = self._terms.numbers(0, len(self))
        ranks = np.zeros(len(self), np.uint32)
        ranks[ids] = np.arange(len(self), dtype=np.uint32)
        return ranks

    def df(self, ids: np.ndarray) -> np.ndarray:
        """Documents that hold each term, tombstones or not: ids from 0 to T - 1, int[n] -> int64[n]."""
        runs = np.searchsorted(self._df_firsts, np.asarray(ids, np.uint32), side="right") - 1
        return self._df_values[runs].astype(np.int64)

    def between(self, low: str, high: str) -> tuple[int, int]:
        """First place and end of the terms that begin with ``low`` or sort behind, up to those that begin with ``high``."""
        return self._terms.prefix_range(low)[0], self._terms.prefix_range(high)[1]

    def coded(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Front-coded terms, data and starts (see ``front_coding.py``), for kernels that look at those from place ``first`` to ``last`` - 1."""
        return self._terms.coded(first, last)

    def texts(self, places: np.ndarray) -> list[str]:
        """The terms at places, int64[n]."""
        return self._terms.texts(places)

    def ids(self, places: np.ndarray) -> np.ndarray:
        """Those of the terms at places, int64[n] ascending, uint32[n]."""
        return self._terms.numbers(int(places[0]), int(places[-1]) + 1)[places - places[0]] if len(places) else np.zeros(0, np.uint32)

    def with_prefix(self, prefix: str, limit: int) -> np.ndarray:
        """The ``limit`` smallest ids of terms that begin with ``prefix``, ascending: by falling df within a stream."""
        ids = self._terms.numbers(*self._terms.prefix_range(prefix))
        if len(ids) > limit:
            ids = np.partition(ids, limit - 1)[:limit] if limit > 0 else ids[:0]
        return np.sort(ids).astype(np.int64)
