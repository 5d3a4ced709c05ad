"""Named arrays -> one file, and back as views of the mapped file.

A container is written front to back without seeking, so that a section may be larger than memory: header, sections, checksums, table, footer.
Every page of a section has a CRC-32, every section one of its checksums, the table one of all that: so the table's stands for the whole file,
and a reader can begin with the table and check each page before its first use (``pages.py``). The writer also hashes the file on the way,
so that the manifest's SHA-256 costs no second reading.
"""

import hashlib
import mmap
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

import indexer.format as format
from indexer.checksums import PageChecksums
from indexer.format import ALIGNMENT, Corrupt, VersionMismatch
from indexer.hashed_file import HashedFile
from indexer.pages import Family, Pages


class FileInfo(NamedTuple):
    """Identity of a finished file; ``table_crc32`` is quick to read and stands for all its bytes but the padding."""

    name: str
    bytes: int
    sha256: str
    table_crc32: int


class ContainerWriter:
    """Writes sections in the order of the calls; ``finish`` makes the file appear. Use as a context manager: an exception leaves no
    file."""

    def __init__(self, path: Path, sync: bool = True) -> None:
        """``sync=False`` is for scratch files: not durable, and without a SHA-256."""
        self.path = path
        self._file = HashedFile(path, sync)
        self._table: list[np.ndarray] = []
        self._checksums: list[np.ndarray] = []
        self._names: set[str] = set()
        self._file.write(_header())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.abort()

    def add(self, name: str, array: np.ndarray) -> None:
        """Write one whole array of one or two dimensions."""
        with self.section(name, array.dtype, array.shape[1:]) as write:
            write(array)

    def add_all(self, prefix: str, arrays: dict[str, np.ndarray]) -> None:
        """Write a family of sections named ``prefix`` + key."""
        for name, array in arrays.items():
            self.add(prefix + name, array)

    @contextmanager
    def section(self, name: str, dtype: Any, row_shape: tuple[int, ...] = ()) -> Iterator[Any]:
        """A section written piece by piece: yields a function that takes arrays of ``dtype`` with rows of ``row_shape``."""
        entry = self._entry(name, np.dtype(dtype), row_shape)
        checksums, held, rows, size = PageChecksums(), bytearray(), 0, 0

        def write(piece: np.ndarray) -> None:
            nonlocal rows, size
            if piece.dtype != np.dtype(dtype) or piece.shape[1:] != row_shape:
                raise TypeError(f"section {name}: expected {dtype} rows of {row_shape}, got {piece.dtype} {piece.shape}")
            data = np.ascontiguousarray(piece).data.cast("B") if piece.size else memoryview(b"")
            checksums.update(data)
            rows, size = rows + len(piece), size + len(data)
            if size < format.LARGE:
                held.extend(data)
                return
            self._begin(entry, format.PAGE, held)
            self._file.write(data)

        yield write
        self._begin(entry, ALIGNMENT, held)
        self._pad(ALIGNMENT)
        found = checksums.finish()
        entry["shape"][0] = [rows, row_shape[0] if row_shape else 0]
        entry["bytes"], entry["crc32"] = size, zlib.crc32(found.data)
        self._table.append(entry)
        self._checksums.append(found)

    def finish(self) -> FileInfo:
        """Write checksums, table and footer and give the file its name; durable when this returns, unless ``sync`` is off."""
        checksums, table = (b"".join(part.tobytes() for part in parts) for parts in (self._checksums, self._table))
        self._file.write(checksums)
        offset = self._file.size
        self._file.write(table)
        self._file.write(_footer(offset, table, offset + len(table) + format.FOOTER.itemsize))
        return FileInfo(self.path.name, self._file.size, self._file.close(), zlib.crc32(table))

    def _entry(self, name: str, dtype: np.dtype, row_shape: tuple[int, ...]) -> np.ndarray:
        encoded = name.encode("ascii")
        if len(encoded) > format.MAX_NAME or name in self._names or dtype.str not in format.DTYPES or len(row_shape) > 1:
            raise TypeError(f"section {name!r}: name taken or too long, or dtype {dtype.str} not in the format")
        self._names.add(name)
        entry = np.zeros(1, format.SECTION)
        entry["name"], entry["dtype"], entry["dimensions"] = encoded, dtype.str.encode(), 1 + len(row_shape)
        return entry

    def _begin(self, entry: np.ndarray, alignment: int, held: bytearray) -> None:
        """Give a section its place and write what was held back until its size was known to be large, or is known to be final."""
        if not entry["offset"][0]:
            self._pad(alignment)
            entry["offset"] = self._file.size
            self._file.write(bytes(held))
            held.clear()

    def _pad(self, alignment: int) -> None:
        self._file.write(bytes(-self._file.size % alignment))


class Container:
    """Read-only view of a container file: sections by name. Only structure is read at opening, all else is checked at first use.

    May be shared between threads. Raises Corrupt wherever bytes are not those that were written.
    """

    def __init__(self, path: Path) -> None:
        """Map the file and check its structure; raises Corrupt, VersionMismatch or FileNotFoundError."""
        self.path = path
        self._map, self._bytes = _map(path)
        table = _read_table(path, self._bytes)
        self.entries = {entry["name"].decode("ascii", "replace"): entry for entry in table}
        self._checksums = _find_checksums(path, self._bytes, table)
        self._pages: dict[str, Pages] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        """A whole section, checked."""
        return self.pages(name).all()

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def pages(self, name: str) -> Pages:
        """A section that is checked page by page, as the caller requires them."""
        found = self._pages.get(name)
        return found if found is not None else self._pages.setdefault(name, self._open(name))

    def family(self, prefix: str, names: Iterable[str] = ()) -> Family:
        """Sections by what follows ``prefix`` in their names: those of ``names``, each of which there must be, or all that there are."""
        chosen = list(names) or [name[len(prefix) :] for name in self.entries if name.startswith(prefix)]
        return Family({name: self.pages(prefix + name) for name in chosen})

    def damaged_sections(self) -> list[str]:
        """Names of sections whose bytes are not those that were written; reads everything."""
        return [name for name in self.entries if self.pages(name).damaged()]

    def _open(self, name: str) -> Pages:
        if name not in self.entries:
            raise Corrupt(self.path, "the section is missing", name)
        entry = self.entries[name]
        # No reference to the container: a cycle would keep the file mapped until the garbage collector comes.
        read_ahead = partial(_read_ahead, self._map, int(entry["offset"]))
        return Pages(self.path, name, self._view(name, entry), self._checksums[name], int(entry["crc32"]), read_ahead)

    def _view(self, name: str, entry: np.void) -> np.ndarray:
        start, size = int(entry["offset"]), int(entry["bytes"])
        code = entry["dtype"].decode("ascii", "replace")
        shape = tuple(int(n) for n in entry["shape"][: int(entry["dimensions"])])
        if code not in format.DTYPES or start % ALIGNMENT or start + size > len(self._bytes):
            raise Corrupt(self.path, "impossible entry in the table of sections", name)
        if int(np.prod(shape, dtype=object)) * np.dtype(code).itemsize != size:
            raise Corrupt(self.path, f"expected {size} bytes for shape {shape} of {code}", name)
        return self._bytes[start : start + size].view(code).reshape(shape)


def _header() -> bytes:
    header = np.zeros(1, format.HEADER)
    header["magic"], header["version"] = format.MAGIC, format.VERSION
    header["crc32"] = zlib.crc32(header.tobytes()[:-4])
    return header.tobytes()


def _footer(table_offset: int, table: bytes, file_bytes: int) -> bytes:
    footer = np.zeros(1, format.FOOTER)
    footer["table_offset"], footer["table_bytes"], footer["file_bytes"] = table_offset, len(table), file_bytes
    footer["table_crc32"], footer["version"], footer["magic"] = zlib.crc32(table), format.VERSION, format.FOOTER_MAGIC
    footer["crc32"] = zlib.crc32(footer.tobytes()[:-12])
    return footer.tobytes()


def _map(path: Path) -> tuple[mmap.mmap, np.ndarray]:
    smallest = format.HEADER.itemsize + format.FOOTER.itemsize
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < smallest:
            raise Corrupt(path, f"expected at least {smallest} bytes, found {size}")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    mapped.madvise(mmap.MADV_RANDOM)
    return mapped, np.frombuffer(mapped, np.uint8)


def _read_ahead(mapped: mmap.mmap, offset: int, start: int, stop: int) -> None:
    """Have the pages of a range read together: the map is advised that reading jumps about, and brings in single ones."""
    first = (offset + start) // mmap.PAGESIZE * mmap.PAGESIZE
    mapped.madvise(mmap.MADV_WILLNEED, first, offset + stop - first)


def _read_table(path: Path, data: np.ndarray) -> np.ndarray:
    """Check header and footer, each against its own checksum, then the table against the footer's."""
    header = data[: format.HEADER.itemsize].view(format.HEADER)[0]
    footer = data[-format.FOOTER.itemsize :].view(format.FOOTER)[0]
    if header["magic"] != format.MAGIC:
        raise Corrupt(path, f"expected a file that begins with {format.MAGIC!r}, found {bytes(data[:8])!r}", "header")
    if zlib.crc32(data[: format.HEADER.itemsize - 4].data) != header["crc32"]:
        raise Corrupt(path, "checksum differs", "header")
    if header["version"] != format.VERSION or header["flags"] != 0:
        raise VersionMismatch(path, int(header["version"]))
    if footer["magic"] != format.FOOTER_MAGIC or footer["file_bytes"] != len(data):
        raise Corrupt(path, f"the file of {len(data)} bytes was cut or extended", "footer")
    if zlib.crc32(data[-format.FOOTER.itemsize : -12].data) != footer["crc32"]:
        raise Corrupt(path, "checksum differs", "footer")
    start, size = int(footer["table_offset"]), int(footer["table_bytes"])
    if start + size + format.FOOTER.itemsize != len(data) or size % format.SECTION.itemsize:
        raise Corrupt(path, "the table does not end where the footer begins", "table")
    if zlib.crc32(data[start : start + size].data) != footer["table_crc32"]:
        raise Corrupt(path, "checksum differs", "table")
    return data[start : start + size].view(format.SECTION)


def _find_checksums(path: Path, data: np.ndarray, table: np.ndarray) -> dict[str, np.ndarray]:
    """The checksums of each section's pages, uint32; all of them end where the table begins."""
    pages = (table["bytes"].astype(np.int64) + format.PAGE - 1) // format.PAGE
    stops = len(data) - format.FOOTER.itemsize - table.nbytes - 4 * (pages.sum() - np.cumsum(pages))
    starts = stops - 4 * pages
    if len(table) and (starts[0] < format.HEADER.itemsize or starts[0] % 4):
        raise Corrupt(path, "there is no room for the checksums", "table")
    names = [name.decode("ascii", "replace") for name in table["name"]]
    return {name: data[a:b].view("<u4") for name, a, b in zip(names, starts.tolist(), stops.tolist())}


def table_crc32(path: Path) -> int:
    """The checksum of a file's table of sections, as its footer says: ``FileInfo.table_crc32`` of the file that is there."""
    with open(path, "rb") as file:
        file.seek(-format.FOOTER.itemsize, os.SEEK_END)
        return int(np.frombuffer(file.read(), format.FOOTER)["table_crc32"][0])


def file_sha256(path: Path) -> str:
    """SHA-256 of a whole file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
