"""The order of byte strings, found eight bytes at a time with NumPy's sort instead of comparisons of Python objects."""

import numpy as np

from indexer.jit import kernel
from indexer.strings import Strings
from indexer.swar import PADDING, first_bytes, prefetch, put_word, word_at

# Strings that agree in more bytes than this are rare, and sorted by Python.
_ROUNDS = 12
# Strings whose bytes and ends are read ahead when they are laid in order.
_AHEAD = 16


def sorted_strings(strings: Strings) -> tuple[Strings, np.ndarray]:
    """Distinct strings in the order of their bytes, and the place of each, int32[n]."""
    order, heads = _order_distinct(strings)
    places = np.empty(len(order), np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    offsets = np.zeros(len(order) + 1, np.int64)
    data = np.empty(len(strings.data) + PADDING, np.uint8)
    size = _lay(strings.data, strings.offsets, order, heads.byteswap(), data, offsets)
    return Strings(data[:size], offsets), places


def order_of(strings: Strings) -> np.ndarray:
    """Numbers of distinct strings in the order of their bytes, int64[n]."""
    return _order_distinct(strings)[0]


def order_of_pieces(data: np.ndarray, starts: np.ndarray, stops: np.ndarray, longest: int) -> np.ndarray:
    """Numbers of ``data[starts[i]:stops[i]]`` of up to ``longest`` bytes in their order, those that are the same as they came, int64[n]; ``data``
    is padded."""
    order, _, groups = _ordered(data, starts, stops, -(-longest // 8))
    tied = _tied(groups)
    order[tied] = order[tied[np.lexsort((order[tied], groups[tied]))]]
    return order


def _order_distinct(strings: Strings) -> tuple[np.ndarray, np.ndarray]:
    """The order of distinct strings, and in it their first eight bytes."""
    data = np.concatenate([strings.data, np.zeros(PADDING, np.uint8)])
    offsets = strings.offsets.astype(np.int64, copy=False)
    order, heads, groups = _ordered(data, offsets[:-1], offsets[1:], _ROUNDS)
    return _by_python(strings, order, groups), heads


def _ordered(data: np.ndarray, starts: np.ndarray, stops: np.ndarray, rounds: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The order by eight bytes for each of the ``rounds``; the first eight of each as words that sort as they do; and for each the
    place of the first of its equals, all in this order."""
    words = _words(data, starts, stops, np.arange(len(starts)), 0)
    order = np.argsort(words)
    heads = words[order]
    groups = _groups(heads)
    for depth in range(8, 8 * rounds, 8):
        tied = _tied(groups)
        if not len(tied):
            break
        words = _words(data, starts, stops, order[tied], depth)
        among = np.lexsort((words, groups[tied]))
        order[tied] = order[tied[among]]
        groups[tied] = _split(groups[tied], words[among], tied)
    return order, heads, groups


def _groups(words: np.ndarray) -> np.ndarray:
    """The place of the first of its equals, for every one of sorted words."""
    new = np.ones(len(words), np.bool_)
    new[1:] = words[1:] != words[:-1]
    return np.maximum.accumulate(np.where(new, np.arange(len(words)), 0))


def _tied(groups: np.ndarray) -> np.ndarray:
    """Places of strings that are not told apart yet, from sorted groups."""
    same = np.zeros(len(groups) + 1, np.bool_)
    same[1:-1] = groups[1:] == groups[:-1]
    return np.flatnonzero(same[1:] | same[:-1])


def _split(groups: np.ndarray, words: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Groups of ``places`` after they were sorted by another word each."""
    new = np.ones(len(words), np.bool_)
    new[1:] = (words[1:] != words[:-1]) | (groups[1:] != groups[:-1])
    return np.maximum.accumulate(np.where(new, places, 0))


def _by_python(strings: Strings, order: np.ndarray, groups: np.ndarray) -> np.ndarray:
    for group in np.unique(groups[_tied(groups)]).tolist():
        stop = group + int(np.count_nonzero(groups[group:] == group))
        order[group:stop] = sorted(
            order[group:stop].tolist(), key=lambda i: strings.data[strings.offsets[i] : strings.offsets[i + 1]].tobytes()
        )
    return order


def _words(data: np.ndarray, starts: np.ndarray, stops: np.ndarray, chosen: np.ndarray, depth: int) -> np.ndarray:
    """Eight bytes of the chosen strings from ``depth``, zeros behind the end; numbers that sort as the bytes do."""
    words = np.empty(len(chosen), np.uint64)
    _gather_words(data, starts, stops, chosen, depth, words)
    return words.byteswap(True)


@kernel
def _gather_words(data, starts, stops, chosen, depth, words):
    for i in range(len(chosen)):
        start, stop = starts[chosen[i]] + depth, stops[chosen[i]]
        words[i] = first_bytes(word_at(data, start), stop - start) if start < stop else np.uint64(0)


@kernel
def _lay(data, offsets, order, heads, out, out_offsets):
    """Copy strings in order, whose ``heads`` are at hand, and fill their offsets; returns the bytes. ``out`` is padded."""
    to = 0
    for i in range(len(order)):
        ahead = order[min(i + _AHEAD, len(order) - 1)]
        prefetch(offsets, ahead)
        start, stop = np.int64(offsets[order[i]]), np.int64(offsets[order[i] + 1])
        put_word(out, to, heads[i])
        for j in range(8, stop - start):
            out[to + j] = data[start + j]
        to += stop - start
        out_offsets[i + 1] = to
    return to
