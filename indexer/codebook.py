"""A codebook of tuples of term frequencies: which tuples a segment has, and a small number for each.

A posting's frequencies, one for each text field, are mostly one of very few tuples: (1,) or (0, 1). Numbered by falling count, the
commonest fit into the four bits that a posting has for them. A TupleCounter is fed all postings of a segment once, in any order and in any
portions; the Codes that it ends in number any of them.
"""

import numpy as np

from indexer.jit import inlined, kernel

SMALL = 256  # with one field, frequencies below this are counted and numbered by a table


class Codes:
    """Numbers of tuples. ``ordered`` uint32[K + 1, F]: the codebook, row = code, row 0 is "not here"; ``counts`` int64[K + 1]: postings by code."""

    def __init__(self, slots: np.ndarray, book: np.ndarray, counts: np.ndarray) -> None:
        """``slots`` and ``book`` are those of a TupleCounter, ``counts`` int64[K] by place in the book."""
        order = np.lexsort((*book.T[::-1], -counts))
        self._slots, self._book = slots, book
        self._rank = np.empty(len(book), np.uint32)
        self._rank[order] = np.arange(1, len(book) + 1)
        self.ordered = np.concatenate([np.zeros((1, book.shape[1]), np.uint32), book[order]])
        self.counts = np.concatenate([np.zeros(1, np.int64), counts[order]])
        self._small = np.zeros(SMALL, np.uint32)
        if book.shape[1] == 1:
            codes = np.flatnonzero(self.ordered[:, 0] < SMALL)
            self._small[self.ordered[codes, 0]] = codes

    def number(self, tfs: np.ndarray) -> np.ndarray:
        """Codes of tuples that were counted: uint[n, F] -> uint32[n]."""
        out = np.empty(len(tfs), np.uint32)
        _number(tfs, self._small, self._slots, self._book, self._rank, out)
        return out


class TupleCounter:
    """Counts the distinct tuples of a segment; the same postings give the same Codes, however they come."""

    def __init__(self, num_fields: int) -> None:
        self._slots = np.full(1 << 10, -1, np.int32)
        self._book, self._counts = np.zeros((1 << 9, num_fields), np.uint32), np.zeros(1 << 9, np.int64)
        self._small = np.zeros(SMALL, np.int64)
        self._found = 0

    def add(self, tfs: np.ndarray) -> None:
        """Count the tuples uint[n, F] of some postings."""
        small = self._small if tfs.shape[1] == 1 else self._small[:0]
        done = np.int64(0)
        while done < len(tfs):
            done, self._found = _count(tfs, done, small, self._slots, self._book, self._counts, self._found)
            if self._found == len(self._book):
                self._grow()

    def finish(self) -> Codes:
        """Number the tuples by falling count, then by the tuples themselves."""
        for frequency in np.flatnonzero(self._small).tolist():
            self._enter(np.array([[frequency]], np.uint32), self._small[frequency])
        self._small[:] = 0
        return Codes(self._slots, self._book[: self._found].copy(), self._counts[: self._found].copy())

    def _enter(self, row: np.ndarray, count: int) -> None:
        _, self._found = _count(row, np.int64(0), self._small[:0], self._slots, self._book, self._counts, self._found)
        self._counts[self._found - 1] = count
        if self._found == len(self._book):
            self._grow()

    def _grow(self) -> None:
        """Four times the room, and everything entered again."""
        book, counts = self._book, self._counts
        self._slots = np.full(len(self._slots) * 4, -1, np.int32)
        self._book, self._counts = np.zeros((len(book) * 4, book.shape[1]), np.uint32), np.zeros(len(book) * 4, np.int64)
        self._book[: len(book)], self._counts[: len(book)] = book, counts
        _rehash(self._slots, self._book, len(book))


def number_tuples(tfs: np.ndarray) -> Codes:
    """The Codes of one array of tuples."""
    counter = TupleCounter(tfs.shape[1])
    counter.add(tfs)
    return counter.finish()


@inlined
def _slot_of(tuple_, slots, book):
    """Where a tuple stands, or would stand, in the hash table: ``slots`` has places in ``book``, or -1 (open addressing)."""
    h = np.uint64(14695981039346656037)
    for f in range(len(tuple_)):
        h = (h ^ np.uint64(tuple_[f])) * np.uint64(1099511628211)
    h ^= h >> np.uint64(32)
    mask = np.uint64(len(slots) - 1)
    slot = h & mask
    while True:
        i = slots[slot]
        if i < 0:
            return slot
        same = True
        for f in range(len(tuple_)):
            same &= book[i, f] == tuple_[f]
        if same:
            return slot
        slot = (slot + np.uint64(1)) & mask


@kernel
def _count(tfs, done, small, slots, book, counts, found):
    """Count tuples from ``done`` on until the end or until the book is full: (how far, tuples in the book)."""
    for p in range(done, len(tfs)):
        if tfs[p, 0] < len(small):
            small[tfs[p, 0]] += 1
            continue
        slot = _slot_of(tfs[p], slots, book)
        if slots[slot] < 0:
            slots[slot] = found
            book[found] = tfs[p]
            found += 1
        counts[slots[slot]] += 1
        if found == len(book):
            return p + 1, found
    return np.int64(len(tfs)), found


@kernel
def _rehash(slots, book, found):
    for i in range(found):
        slots[_slot_of(book[i], slots, book)] = i


@kernel
def _number(tfs, small, slots, book, rank, out):
    """Codes of tuples; with one field, those of ``small`` frequencies by table."""
    one_field = tfs.shape[1] == 1
    for p in range(len(tfs)):
        if one_field and tfs[p, 0] < len(small):
            out[p] = small[tfs[p, 0]]
        else:
            out[p] = rank[slots[_slot_of(tfs[p], slots, book)]]
