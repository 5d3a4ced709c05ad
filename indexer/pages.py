"""A section of a mapped file, each page of which is checked before its first use.

Opening an index so costs the same for any size: what no query asks for is never read. ``require`` before reading ``view``; kernels that
learn what they need only as they go take a ``section``, ask ``checksums.ready`` as they go, and their caller asks ``settle``.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from indexer.checksums import PAGE_BITS, Section, first_damaged, first_damaged_of_ranges
from indexer.format import PAGE, Corrupt

Prefetch = Callable[[int, int], None]


class Pages:
    """``view``: the section's array, not checked yet. May be shared between threads; a page that was good once is not looked at again."""

    def __init__(self, path: Path | str, name: str, view: np.ndarray, checksums: np.ndarray, crc32: int, prefetch: Prefetch | None) -> None:
        """``view`` of one or two dimensions, C order; ``checksums`` uint32 for each page, ``crc32`` their own, compared before the first of
        them is; ``prefetch(start, stop)`` has bytes read ahead."""
        self.path, self.name, self.view = path, name, view
        self._row_bytes = view.itemsize * (view.shape[1] if view.ndim == 2 else 1)
        self._checksums, self._crc32 = checksums, crc32
        self._marks = bytearray(len(checksums) + 1)
        self._prefetch = prefetch

    def __len__(self) -> int:
        return len(self.view)

    @cached_property
    def section(self) -> Section:
        """For kernels."""
        if zlib.crc32(self._checksums.data) != self._crc32:
            raise Corrupt(self.path, "checksum differs", self.name)
        flat = self.view.reshape(-1)
        return Section(flat, flat.view(np.uint8), self._checksums, np.frombuffer(self._marks, np.uint8))

    def settle(self) -> None:
        """Raise Corrupt if a kernel ever met damage: which of several threads it was cannot be told, so none may go on."""
        if self._marks[-1]:
            raise Corrupt(self.path, "checksum differs", self.name)

    def require(self, start: int, stop: int) -> None:
        """Make sure of the rows ``start`` to ``stop``; raises Corrupt."""
        low, high = start * self._row_bytes, stop * self._row_bytes
        if low < high and self._marks.find(0, low >> PAGE_BITS, (high + PAGE - 1) >> PAGE_BITS) >= 0:
            self._check(low, high)

    def require_ranges(self, starts: np.ndarray, stops: np.ndarray) -> None:
        """The same for many ranges at once, int64[n] each."""
        size = self._row_bytes
        self._refuse(first_damaged_of_ranges(*self.section[1:], np.asarray(starts, np.int64) * size, np.asarray(stops, np.int64) * size))

    def all(self) -> np.ndarray:
        """The whole section, checked."""
        self.require(0, len(self.view))
        return self.view

    def __getitem__(self, part: slice) -> np.ndarray:
        """Rows ``part.start`` to ``part.stop``, checked."""
        start, stop, _ = part.indices(len(self.view))
        self.require(start, stop)
        return self.view[start:stop]

    def damaged(self) -> bool:
        """Read all of it again, whatever was found before."""
        try:
            _, data, checksums, verified = self.section
        except Corrupt:
            return True
        return int(first_damaged(data, checksums, np.zeros_like(verified), 0, len(data))) >= 0

    def _check(self, low: int, high: int) -> None:
        if high - low > PAGE and self._prefetch is not None:
            self._prefetch(low, high)
        self._refuse(int(first_damaged(*self.section[1:], low, high)))

    def _refuse(self, page: int) -> None:
        if page >= 0:
            raise Corrupt(self.path, f"checksum differs at byte {page << PAGE_BITS}", self.name)


def in_memory(array: np.ndarray, name: str = "memory") -> Pages:
    """An array of this process, which needs no checking, where pages are expected."""
    view = array.view()
    view.flags.writeable = False  # as those of files are: kernels are compiled for one or the other
    checksums = np.zeros((array.nbytes + PAGE - 1) // PAGE, np.uint32)
    checksums.flags.writeable = False
    pages = Pages("memory", name, view, checksums, zlib.crc32(checksums.data), None)
    pages.section.verified[:-1] = 1
    return pages


class Family(Mapping[str, np.ndarray]):
    """Sections by the last parts of their names: whole and checked as items, page by page by ``pages``."""

    def __init__(self, pages: Mapping[str, Pages]) -> None:
        self._pages = pages

    @classmethod
    def in_memory(cls, arrays: Mapping[str, np.ndarray]) -> "Family":
        """Arrays of this process."""
        return cls({name: in_memory(np.ascontiguousarray(array), name) for name, array in arrays.items()})

    def __getitem__(self, name: str) -> np.ndarray:
        return self._pages[name].all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._pages)

    def __len__(self) -> int:
        return len(self._pages)

    def pages(self, name: str) -> Pages:
        """A section that is checked page by page, as the caller requires them."""
        return self._pages[name]
