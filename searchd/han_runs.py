"""Places of pairs of Han characters -> those that surely belong to the query: runs of pairs that overlap, of which one is whole.

A run is kept from its first pair that is sure to the last; what only bridges two words of the query and stands at the edge of a run goes.
"""

from collections.abc import Sequence, Set

import numpy as np

from indexer.analysis import STREAM_HAN2, stream_of
from indexer.jit import inlined, kernel

_PAIR, _WHOLE, _BEGINS_FREE, _ENDS_FREE = 1, 2, 4, 8


def run_bits(names: Sequence[str], whole: Set[str], free: Set[str]) -> np.ndarray:
    """What each term is to a run, uint8[n]: ``whole`` are the pairs that make a run a match, ``free`` single characters that are words."""
    return np.array([_bits(name, whole, free) if stream_of(name) == STREAM_HAN2 else 0 for name in names], np.uint8)


def _bits(pair: str, whole: Set[str], free: Set[str]) -> int:
    return _PAIR | (_WHOLE if pair in whole else 0) | (_BEGINS_FREE if pair[1] in free else 0) | (_ENDS_FREE if pair[2:] in free else 0)


@inlined
def _is_sure(bits, edge):
    return bits & (_WHOLE | edge) != 0


@kernel
def _keep_run(places, bits, first, last, kept):
    """Mark what is kept of the run from place ``first`` to place ``last``, between which others than pairs may be."""
    whole = False
    for i in range(first, last + 1):
        whole |= bits[places[i, 2]] & _WHOLE != 0
    if not whole:
        return
    while not _is_sure(bits[places[first, 2]], _BEGINS_FREE):
        first += 1
    while not _is_sure(bits[places[last, 2]], _ENDS_FREE):
        last -= 1
    for i in range(first, last + 1):
        kept[i] |= bits[places[i, 2]] & _PAIR != 0


@kernel
def whole_runs(places, bits):
    """int32[m, 3]: of the places int32[n, 3] of start, end and number of term, by start, those that are kept; ``bits`` by number."""
    kept = np.zeros(len(places), np.bool_)
    first = last = -1
    for i in range(len(places)):
        if not bits[places[i, 2]] & _PAIR:
            kept[i] = True
            continue
        if first >= 0 and places[i, 0] >= places[last, 1]:
            _keep_run(places, bits, first, last, kept)
            first = -1
        first, last = i if first < 0 else first, i
    if first >= 0:
        _keep_run(places, bits, first, last, kept)
    return places[kept]
