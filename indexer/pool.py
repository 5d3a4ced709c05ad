"""Terms that the batches of a build have in common: numbered once, sorted once, kept once.

A batch of 8 MB of Chinese meets 800,000 terms, most of which other batches meet as well. So the batches of a thread share one growing table of names,
and their runs say terms by its numbers. When the segment is written its strings are sorted, and united with those of other threads and of runs that
have terms of their own. A pool belongs to one thread until then.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

import indexer.strings as strings
from indexer.interning import Names, new_names
from indexer.string_order import sorted_strings
from indexer.strings import Strings

if TYPE_CHECKING:
    from indexer.inverter import Run


class Pool:
    """``names`` of many batches."""

    def __init__(self) -> None:
        self.names: Names = new_names()
        self._local = np.zeros(1 << 12, np.int32)
        self._counted = self._bytes()

    def with_names(self, names: Names) -> np.ndarray:
        """Take grown names; zeros for a batch to number its terms in, int32, one for every name or more, to be left as zeros."""
        self.names = names
        if len(self._local) < names.size:
            self._local = np.zeros(2 * names.size, np.int32)
        return self._local

    def grown(self) -> int:
        """Bytes that its tables gained since this was asked last."""
        before, self._counted = self._counted, self._bytes()
        return self._counted - before

    def seal(self) -> None:
        """Give up the tables: from now on no name is added."""
        self._local = self._local[:0]
        table = self.names.table
        self.names = Names(table._replace(rows=table.rows[:0]), new_names().han)

    def chosen(self, numbers: np.ndarray) -> tuple[Strings, np.ndarray]:
        """Some names, sorted, and where each of ``numbers`` stands there, int32."""
        return sorted_strings(strings.take(self.names.strings(), numbers))

    def sorted(self) -> tuple[Strings, np.ndarray]:
        """All names, sorted, and the place of each number, int32."""
        return sorted_strings(self.names.strings())

    def _bytes(self) -> int:
        return self._local.nbytes + sum(array.nbytes for array in (*self.names.table, *self.names.han))


def united(runs: Sequence["Run"]) -> tuple[Strings, list[np.ndarray]]:
    """The sorted terms of all runs, and for each run the places of its terms among them, int32."""
    pools = list({id(run.pool): run.pool for run in runs if run.pool is not None}.values())
    parts = [pool.sorted() for pool in pools] + [(run.terms, run.numbers) for run in runs if run.pool is None]
    union, places = strings.merge_sorted([found for found, _ in parts])
    of_pool = {id(pool): place[ranks] for pool, (_, ranks), place in zip(pools, parts, places)}
    own = (place if numbers is None else place[numbers] for place, (_, numbers) in zip(places[len(pools) :], parts[len(pools) :]))
    return union, [next(own) if run.pool is None else of_pool[id(run.pool)][run.numbers] for run in runs]
