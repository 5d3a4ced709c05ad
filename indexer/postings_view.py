"""The encoded postings of one segment, read: where each term's are, and what they say."""

from collections.abc import Callable, Mapping

import numpy as np

from indexer.pages import Family
from indexer.postings import EXCEPTION, HALF, RARE_GROUP, SUPERBLOCK, SUPERBLOCK_BITS, Header
from indexer.postings_pages import PostingsPages
from indexer.postings_rare import decode_list, skip_postings


class PostingsView:
    """The sections of one segment's postings by name, and where each term's are. Holds references, copies nothing; raises Corrupt.

    ``view[name]`` is a whole section, checked. Of an ``unchecked`` one, what belongs to a term may be read once the term was located.
    """

    def __init__(self, sections: Mapping[str, np.ndarray], df: Callable[[np.ndarray], np.ndarray]) -> None:
        """``df``: ids int64[n], each that of a term -> document frequencies int64[n], deleted documents included."""
        self._sections = sections if isinstance(sections, Family) else _in_memory(sections)
        self.header = Header(*self["header"].tolist())
        self._pages = PostingsPages(self._sections, self.header)
        self._df = df

    def __getitem__(self, name: str) -> np.ndarray:
        return self._sections[name]

    def unchecked(self, name: str) -> np.ndarray:
        return self._sections.pages(name).view

    @property
    def parameters(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What maxima and thresholds were computed with: k1 by stream float64[4]; weights, b and average lengths, float64[F]."""
        k1, rest = self["parameters"][:4], self["parameters"][4:]
        weights, b, averages = np.split(rest, 3)
        return k1, weights, b, averages

    def locate(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, starts and ends of terms by id, int64[n]; an end less its start is the number of postings, 0 for id -1.

        Checks all that kernels will read of the terms.
        A row below ``num_wide`` starts at 0, another one in ``packed``; row -1 is that of a rare term, which starts at a byte of ``rare``.
        """
        ids = np.ascontiguousarray(ids, np.int64)
        self._pages.require(ids)
        num_wide, num_rows, num_listed = self.header.num_wide, self.header.num_rows, self.header.num_listed
        rows = np.where(ids < num_rows, ids, -1)
        starts, numbers = np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64)
        listed = (ids >= 0) & (ids < num_listed)
        numbers[listed] = self._df(ids[listed])
        packed, rare = (rows >= num_wide), listed & (ids >= num_rows)
        starts[packed] = self.unchecked("row_starts")[rows[packed]]
        starts[rare] = self._rare_starts(ids[rare])
        return rows, starts, starts + numbers

    def _rare_starts(self, ids: np.ndarray) -> np.ndarray:
        """The byte where each rare term's list begins: those before it in its group are skipped by counting their postings."""
        groups, places = np.divmod(ids - self.header.num_rows, RARE_GROUP)
        starts = self.unchecked("rare_starts")[groups].astype(np.int64)
        before = np.arange(RARE_GROUP)[None] < places[:, None]
        members = np.where(before, (ids - places)[:, None] + np.arange(RARE_GROUP)[None], ids[:, None])
        numbers = np.where(before, self._df(members.ravel()).reshape(before.shape), 0).sum(axis=1)
        skip_postings(self.unchecked("rare"), starts, numbers)
        return starts

    def postings(self, term: int) -> tuple[np.ndarray, np.ndarray]:
        """A term's documents int64[n], rising, and frequencies uint32[n, F]: the inverse of encoding."""
        (row,), (start,), (end,) = self.locate(np.array([term]))
        if row < 0:
            docs, codes = np.empty(end - start, np.int64), np.empty(end - start, np.int64)
            decode_list(self.unchecked("rare"), start, docs, codes)
            return docs, self["codebook"][codes]
        return self._wide(int(row)) if row < self.header.num_wide else self._packed(int(row), start, end)

    def _wide(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        halves = self.unchecked("nibbles")[row].reshape(-1, 1, HALF)
        by_doc = np.concatenate([halves & 15, halves >> 4], axis=1).ravel()
        docs = np.flatnonzero(by_doc)
        tfs = by_doc[docs].astype(np.uint32)
        exceptional = np.flatnonzero(tfs == EXCEPTION)
        keys = (np.uint64(row << 32) | docs[exceptional].astype(np.uint64)).astype(np.uint64)
        tfs[exceptional] = self.unchecked("wide_exception_tfs")[np.searchsorted(self.unchecked("wide_exceptions"), keys)]
        return docs, tfs[:, None]

    def _packed(self, row: int, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        values = self.unchecked("packed")[start:end].astype(np.int64)
        superblock_starts = self.unchecked("superblock_starts")[row].astype(np.int64)
        if row < self.header.num_long:
            superblock_starts |= self.unchecked("superblock_starts_high")[row].astype(np.int64) << 16
        superblocks = np.repeat(np.arange(self.header.num_superblocks), np.diff(superblock_starts))
        docs, codes = (superblocks << SUPERBLOCK_BITS) | (values & (SUPERBLOCK - 1)), values >> SUPERBLOCK_BITS
        exceptional = np.flatnonzero(codes == EXCEPTION)
        codes[exceptional] = self.unchecked("exception_codes")[np.searchsorted(self.unchecked("exceptions"), exceptional + start)]
        return docs, self["codebook"][codes]


def _in_memory(sections: Mapping[str, np.ndarray]) -> Family:
    return Family.in_memory({name.removeprefix("postings."): array for name, array in sections.items()})
