"""The encoded postings of one segment, read: where each term's are, and what they say."""

from collections.abc import Mapping

import numpy as np

from indexer.postings import EXCEPTION, SUPERBLOCK, SUPERBLOCK_BITS


class PostingsView:
    """The sections of one segment's postings by name, and where each term's are. Holds references, copies nothing."""

    def __init__(self, sections: Mapping[str, np.ndarray]) -> None:
        self.sections = {name.removeprefix("postings."): array for name, array in sections.items()}
        self.num_docs, self.num_terms, self.num_fields, self.num_rows = (int(n) for n in self["header"])
        self.num_superblocks = (self.num_docs + SUPERBLOCK - 1) >> SUPERBLOCK_BITS
        self.num_packed = int(self["row_starts"][-1])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.sections[name]

    @property
    def parameters(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What maxima and thresholds were computed with: k1 by stream float64[4]; weights, b and average lengths, float64[F]."""
        k1, rest = self["parameters"][:4], self["parameters"][4:]
        weights, b, averages = np.split(rest, 3)
        return k1, weights, b, averages

    def locate(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, starts and ends of terms by id: a row and positions in ``packed``, or -1 and positions in ``rare``; empty for id -1."""
        rows = np.full(len(ids), -1, np.int32)
        early = (ids >= 0) & (ids < len(self["rows"]))
        rows[early] = self["rows"][ids[early]]
        frequent, rare = rows >= 0, (rows < 0) & (ids >= 0)
        starts, ends = np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64)
        starts[frequent], ends[frequent] = self["row_starts"][rows[frequent]], self["row_starts"][rows[frequent] + 1]
        starts[rare], ends[rare] = self["rare_starts"][ids[rare]], self["rare_starts"][ids[rare] + 1]
        return rows, starts, ends

    def postings(self, term: int) -> tuple[np.ndarray, np.ndarray]:
        """A term's documents int64[n], rising, and frequencies uint32[n, F]: the inverse of encoding."""
        (row,), (start,), (end,) = self.locate(np.array([term]))
        if row < 0:
            values = self["rare"][start:end].astype(np.int64)
            docs, codes, first = values >> 4, values & 15, self.num_packed + start
        else:
            values = self["packed"][start:end].astype(np.int64)
            superblock_starts = self["superblock_starts"][row].astype(np.int64)
            if row < len(self["superblock_starts_high"]):
                superblock_starts |= self["superblock_starts_high"][row].astype(np.int64) << 16
            superblocks = np.repeat(np.arange(self.num_superblocks), np.diff(superblock_starts))
            docs, codes, first = (superblocks << SUPERBLOCK_BITS) | (values & (SUPERBLOCK - 1)), values >> SUPERBLOCK_BITS, start
        exceptional = np.flatnonzero(codes == EXCEPTION)
        codes[exceptional] = self["exception_codes"][np.searchsorted(self["exceptions"], exceptional + first)]
        return docs, self["codebook"][codes]
