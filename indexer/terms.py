"""The term dictionary of a segment: term -> id in O(1), id -> term, and all terms with a prefix.

Ids fall with the number of postings, then with document frequency (see ``vocabulary.py``), so that the best completions are the smallest ids
of a range.
"""

from collections.abc import Sequence

import numpy as np

import indexer.strings as strings
from indexer.jit import kernel
from indexer.strings import Strings

MAX_PREFIX = 1 << 20


class TermDictionary:
    """Terms by id (0 = most postings). ``order`` uint32: ids in the order of their bytes; ``slots``: see ``strings.py``; ``df_firsts`` and
    ``df_values`` uint32[V]: ids from df_firsts[v] on have the document frequency df_values[v]."""

    def __init__(self, terms: Strings, slots: np.ndarray, order: np.ndarray, df_firsts: np.ndarray, df_values: np.ndarray) -> None:
        self._terms, self._slots, self._order = terms, slots, order
        self._df_firsts, self._df_values = df_firsts, df_values

    def __len__(self) -> int:
        return len(self._terms)

    def lookup(self, terms: Sequence[str]) -> np.ndarray:
        """Ids, int32[n]; -1 = absent."""
        return strings.find(self._terms, self._slots, terms)

    def term(self, term_id: int) -> str:
        """The term with an id."""
        return self._terms.text(term_id)

    def df(self, ids: np.ndarray) -> np.ndarray:
        """Documents that hold each term, tombstones or not: ids from 0 to T - 1, int[n] -> int64[n]."""
        runs = np.searchsorted(self._df_firsts, np.asarray(ids, np.uint32), side="right") - 1
        return self._df_values[runs].astype(np.int64)

    def with_prefix(self, prefix: str, limit: int) -> np.ndarray:
        """The ``limit`` smallest ids of terms that begin with ``prefix``, ascending: by falling df within a stream."""
        wanted = np.frombuffer(strings.encode(prefix) or b"", np.uint8)
        low, high = _prefix_range(wanted, self._terms.data, self._terms.offsets, self._order)
        ids = self._order[low:high]
        if len(ids) > limit:
            ids = np.partition(ids, limit - 1)[:limit] if limit > 0 else ids[:0]
        return np.sort(ids).astype(np.int64)


@kernel
def _prefix_range(prefix, data, offsets, order):
    """Borders of the terms with a prefix within ``order``: two binary searches."""
    return _border(prefix, data, offsets, order, False), _border(prefix, data, offsets, order, True)


@kernel
def _border(prefix, data, offsets, order, after):
    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        start = np.int64(offsets[order[middle]])
        stop = min(np.int64(offsets[order[middle] + 1]), start + len(prefix))
        side = strings.compare(data, start, stop, prefix, 0, len(prefix))
        if side < 0 or (after and side == 0):
            low = middle + 1
        else:
            high = middle
    return low
