"""A table of click rates as features: for a query's candidates one look-up in arrays, by numbers of documents instead of their ids.

Which row of the table a document has is found by its id when it is a candidate for the first time, and remembered for as long as its index is open.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain

import numpy as np

from ranker.matches import Matches

UNKNOWN, NONE = range(2)  # rows of documents that were not looked up yet, and of those without rates
PAIR_WIDTH, DOCUMENT_WIDTH = 3, 2
REMEMBERED = 1 << 12  # queries

Rates = Mapping[str, tuple[float, ...]]


class ClickRates:
    """The rates of documents under queries, by hash of the query, and of documents; both by key. Thread-safe."""

    def __init__(self, pairs: Mapping[str, Rates], documents: Rates, hash_of: Callable[[str], str]) -> None:
        """``hash_of``: the hash of a query's text."""
        keys = dict.fromkeys(chain(documents, *pairs.values()))
        self._rows = {key: row for row, key in enumerate(keys, start=NONE + 1)}
        self._pairs, self._hash_of = pairs, hash_of
        self._documents = np.full((len(keys) + NONE + 1, DOCUMENT_WIDTH), np.nan, np.float32)
        if documents:
            self._documents[self._rows_of(documents)] = np.array([*documents.values()], np.float32)
        self._of_queries: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def column(self, m: Matches, column: int) -> np.ndarray:
        """float32[k]: one of the columns of candidates; the first that is asked for pays for all."""
        found = m.shared.get(self)
        if found is None:
            found = m.shared[self] = self._columns(self._hash_of(m.query.text), m)
        return np.asarray(found[column])

    def _columns(self, query: str, m: Matches) -> np.ndarray:
        """float32[columns, k]."""
        rows, found = self._rows_of_candidates(m), np.full((PAIR_WIDTH + DOCUMENT_WIDTH, len(m)), np.nan, np.float32)
        found[PAIR_WIDTH:] = self._documents[rows].T
        if self._pairs.get(query):
            known, rates = self._of_query(query)
            places = np.minimum(np.searchsorted(known, rows), len(known) - 1)
            found[:PAIR_WIDTH] = np.where(known[places] == rows, rates[places].T, np.nan)
        return found

    def _rows_of_candidates(self, m: Matches) -> np.ndarray:
        remembered = m.tables.remembered(self)
        rows = remembered[m.docs]
        new = np.flatnonzero(rows == UNKNOWN)
        if len(new):
            rows[new] = self._rows_of(m.keys_of(m.docs[new]))
            remembered[m.docs[new]] = rows[new]
        return rows

    def _rows_of(self, keys: Iterable[str]) -> np.ndarray:
        return np.array([self._rows.get(key, NONE) for key in keys], np.int32)

    def _of_query(self, query: str) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the documents that have rates under a query, rising, and the rates float32[n, 3]."""
        found = self._of_queries.get(query)
        if found is None:
            if len(self._of_queries) >= REMEMBERED:
                self._of_queries = {}
            found = self._of_queries[query] = self._sorted(self._pairs[query])
        return found

    def _sorted(self, rates: Rates) -> tuple[np.ndarray, np.ndarray]:
        rows = self._rows_of(rates)
        order = np.argsort(rows)
        return rows[order], np.array([*rates.values()], np.float32).reshape(-1, PAIR_WIDTH)[order]
