"""A section of a mapped file, each page of which is checked before its first use.

Opening an index so costs the same for any size: what no query asks for is never read. ``require`` before reading ``view``; kernels that
learn what they need only as they go take ``arrays`` and ask ``checksums.first_damaged``.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from indexer.checksums import PAGE_BITS, first_damaged, first_damaged_of_ranges
from indexer.format import PAGE, Corrupt

Prefetch = Callable[[int, int], None]


class Pages:
    """``view``: the section's array, not checked yet. May be shared between threads; a page that was good once is not looked at again."""

    __slots__ = ("_bytes", "_checksums", "_marks", "_prefetch", "_row_bytes", "_verified", "name", "path", "view")

    def __init__(self, path: Path, name: str, view: np.ndarray, checksums: np.ndarray, prefetch: Prefetch) -> None:
        """``view`` of one or two dimensions, C order; ``checksums`` uint32 for each page; ``prefetch(start, stop)`` has bytes read ahead."""
        self.path, self.name, self.view = path, name, view
        self._bytes = view.reshape(-1).view(np.uint8)
        self._row_bytes = view.itemsize * (view.shape[1] if view.ndim == 2 else 1)
        self._checksums = checksums
        self._marks = bytearray(len(checksums))
        self._verified = np.frombuffer(self._marks, np.uint8)
        self._prefetch = prefetch

    def __len__(self) -> int:
        return len(self.view)

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For kernels: the section as uint8[n], checksums uint32[pages], and verified uint8[pages], which becomes 1."""
        return self._bytes, self._checksums, self._verified

    def require(self, start: int, stop: int) -> None:
        """Make sure of the rows ``start`` to ``stop``; raises Corrupt."""
        low, high = start * self._row_bytes, stop * self._row_bytes
        if self._marks.find(0, low >> PAGE_BITS, (high + PAGE - 1) >> PAGE_BITS) >= 0 and low < high:
            self._check(low, high)

    def require_ranges(self, starts: np.ndarray, stops: np.ndarray) -> None:
        """The same for many ranges at once, int64[n] each."""
        size = self._row_bytes
        self.refuse(first_damaged_of_ranges(*self.arrays, np.asarray(starts, np.int64) * size, np.asarray(stops, np.int64) * size))

    def all(self) -> np.ndarray:
        """The whole section, checked."""
        self.require(0, len(self.view))
        return self.view

    def __getitem__(self, part: slice) -> np.ndarray:
        """Rows ``part.start`` to ``part.stop``, checked."""
        start, stop, _ = part.indices(len(self.view))
        self.require(start, stop)
        return self.view[start:stop]

    def refuse(self, page: int) -> None:
        """Raise Corrupt when a kernel found that a page is damaged (-1: none is)."""
        if page >= 0:
            raise Corrupt(self.path, f"checksum differs at byte {page << PAGE_BITS}", self.name)

    def damaged(self) -> bool:
        """Read all of it again, whatever was found before."""
        return int(first_damaged(self._bytes, self._checksums, np.zeros_like(self._verified), 0, len(self._bytes))) >= 0

    def _check(self, low: int, high: int) -> None:
        if high - low > PAGE:
            self._prefetch(low, high)
        self.refuse(int(first_damaged(*self.arrays, low, high)))
