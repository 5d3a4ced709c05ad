"""CRC-32 of pages of 4 KiB: the writer's, by zlib, and the same one as a kernel, which other kernels call before they trust a page.

The kernel eats 16 bytes a step with a table for each (slicing by N: Kounavis and Berry, "A Systematic Approach to Building High Performance
Software-based CRC Generators", ISCC 2005): 2.3 GB/s where zlib has 3.9, but it needs no interpreter.
"""

import zlib
from typing import NamedTuple

import numpy as np

from indexer.format import PAGE
from indexer.jit import inlined, kernel

PAGE_BITS = PAGE.bit_length() - 1
SLICES = 16
_POLYNOMIAL = 0xEDB88320
_U = np.uint32


def _slicing_tables() -> np.ndarray:
    """uint32[SLICES, 256]: row k, the remainder of a byte that k more bytes follow."""
    tables = np.zeros((SLICES, 256), np.uint32)
    remainders: np.ndarray = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        remainders = (remainders >> 1) ^ np.where(remainders & 1, np.uint32(_POLYNOMIAL), np.uint32(0))
    tables[0] = remainders
    for k in range(1, SLICES):
        tables[k] = (tables[k - 1] >> 8) ^ tables[0, tables[k - 1] & 255]
    return tables


_T = _slicing_tables()


@kernel
def crc32(data):
    """CRC-32 of uint8[n], the same as zlib's."""
    words = data[: len(data) // SLICES * SLICES].view(np.uint32)
    crc = _U(0xFFFFFFFF)
    for i in range(0, len(words), 4):
        a, b, c, d = words[i] ^ crc, words[i + 1], words[i + 2], words[i + 3]
        crc = _T[15, a & _U(255)] ^ _T[14, (a >> _U(8)) & _U(255)] ^ _T[13, (a >> _U(16)) & _U(255)] ^ _T[12, a >> _U(24)]
        crc ^= _T[11, b & _U(255)] ^ _T[10, (b >> _U(8)) & _U(255)] ^ _T[9, (b >> _U(16)) & _U(255)] ^ _T[8, b >> _U(24)]
        crc ^= _T[7, c & _U(255)] ^ _T[6, (c >> _U(8)) & _U(255)] ^ _T[5, (c >> _U(16)) & _U(255)] ^ _T[4, c >> _U(24)]
        crc ^= _T[3, d & _U(255)] ^ _T[2, (d >> _U(8)) & _U(255)] ^ _T[1, (d >> _U(16)) & _U(255)] ^ _T[0, d >> _U(24)]
    for i in range(len(words) * 4, len(data)):
        crc = _T[0, (crc ^ _U(data[i])) & _U(255)] ^ (crc >> _U(8))
    return crc ^ _U(0xFFFFFFFF)


@kernel
def check_page(data, checksums, verified, page):
    """Compare a page with its checksum and remember a success; whether it is as it was written."""
    if crc32(data[page << PAGE_BITS : min(len(data), (page + 1) << PAGE_BITS)]) != checksums[page]:
        return False
    verified[page] = 1
    return True


@kernel
def first_damaged(data, checksums, verified, start, stop):
    """The first damaged page that bytes ``start`` to ``stop`` of a section touch, -1 if there is none.

    The arguments are those of a ``Section``. Costs a nanosecond where the pages are known to be good. A range that leaves the section counts as
    damaged; threads may check the same page at once.
    """
    if start < 0 or stop > len(data):
        return np.int64(0)
    for page in range(start >> PAGE_BITS, (stop + PAGE - 1) >> PAGE_BITS if stop > start else 0):
        if verified[page] == 0 and not check_page(data, checksums, verified, page):
            return np.int64(page)
    return np.int64(-1)


@kernel
def first_damaged_of_ranges(data, checksums, verified, starts, stops):
    """The same for many ranges of bytes, int64[n] each."""
    for i in range(len(starts)):
        page = first_damaged(data, checksums, verified, starts[i], stops[i])
        if page >= 0:
            return page
    return np.int64(-1)


class Section(NamedTuple):
    """What a kernel needs to check the pages of an array before it reads them; ``Pages.section`` makes one."""

    items: np.ndarray  # one dimension; trusted only where ``ready`` said so
    bytes: np.ndarray  # the same as uint8
    checksums: np.ndarray  # uint32[pages]
    verified: np.ndarray  # uint8[pages + 1], 1 = good; the last one becomes 1 when damage was met


@inlined
def ready(section, start, stop):
    """Whether elements ``start`` to ``stop`` may be read. Damage is remembered for ``Pages.settle``, so that kernels need not report it: they
    only must come to an end. ``start`` must lie within the section."""
    size = section.items.itemsize
    first, last = start * size >> PAGE_BITS, (stop * size - 1) >> PAGE_BITS
    # One page or two, known to be good: that must cost next to nothing.
    good = first <= last <= first + 1 and section.verified[first] != 0 and last < len(section.checksums) and section.verified[last] != 0
    if not good:
        good = _settle_range(section.bytes, section.checksums, section.verified, start * size, stop * size)
    return good


@kernel
def _settle_range(data, checksums, verified, start, stop):
    good = first_damaged(data, checksums, verified, start, stop) < 0
    if not good:
        verified[len(verified) - 1] = 1
    return good


class PageChecksums:
    """Checksums of a section that comes in pieces."""

    def __init__(self) -> None:
        self._found: list[int] = []
        self._crc, self._filled = 0, 0

    def update(self, data: memoryview) -> None:
        """Go on with the next bytes."""
        head = min(len(data), (PAGE - self._filled) % PAGE)
        self._extend(data[:head])
        whole = head + (len(data) - head) // PAGE * PAGE
        self._found += [zlib.crc32(data[at : at + PAGE]) for at in range(head, whole, PAGE)]
        self._extend(data[whole:])

    def finish(self) -> np.ndarray:
        """uint32, one for each page; the last page may be short."""
        return np.array(self._found + [self._crc] * (self._filled > 0), "<u4")

    def _extend(self, data: memoryview) -> None:
        self._crc = zlib.crc32(data, self._crc)
        self._filled += len(data)
        if self._filled == PAGE:
            self._found.append(self._crc)
            self._crc, self._filled = 0, 0
