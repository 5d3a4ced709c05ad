"""Rows that become more while a kernel finds them, when nobody knows beforehand how many there will be."""

import numpy as np

from indexer.jit import inlined


@inlined
def with_room(rows, count):
    """``rows`` int32[n, k], of which ``count`` are used, with room for one more: twice as many at another place in memory when all are used."""
    if count < len(rows):
        return rows
    grown = np.empty((2 * count, rows.shape[1]), np.int32)
    grown[:count] = rows
    return grown
