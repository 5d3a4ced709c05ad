"""Named arrays -> one file, and back as views of the mapped file.

A container is written front to back without seeking, so that a section may be larger than memory: header, sections, table, footer. Every
section has a CRC-32, and the writer hashes the whole file on the way, so that the manifest's SHA-256 costs no second reading. Reading maps
the file: structure and sections are checked at once, except the few that make up nearly all of a large file: those only by ``verify``.
"""

import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

import indexer.format as format
from indexer.durable import FileWriter
from indexer.format import ALIGNMENT, Corrupt, VersionMismatch

# Sections up to this size are checked when a container is opened: they steer everything else and cost microseconds.
SMALL = 1 << 16


class FileInfo(NamedTuple):
    """Identity of a finished file."""

    name: str
    bytes: int
    sha256: str


class ContainerWriter:
    """Writes sections in the order of the calls; ``finish`` makes the file appear. Use as a context manager: an exception leaves no
    file."""

    def __init__(self, path: Path, sync: bool = True) -> None:
        self.path = path
        self._file = FileWriter(path, sync)
        self._sha256 = hashlib.sha256()
        self._table: list[np.ndarray] = []
        self._names: set[str] = set()
        self._write(_header())

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
        rows, crc, size = 0, 0, 0

        def write(piece: np.ndarray) -> None:
            nonlocal rows, crc, size
            if piece.dtype != np.dtype(dtype) or piece.shape[1:] != row_shape:
                raise TypeError(f"section {name}: expected {dtype} rows of {row_shape}, got {piece.dtype} {piece.shape}")
            data = np.ascontiguousarray(piece).data.cast("B") if piece.size else memoryview(b"")
            crc = zlib.crc32(data, crc)
            rows, size = rows + len(piece), size + len(data)
            self._write(data)

        yield write
        entry["shape"][0] = [rows, row_shape[0] if row_shape else 0]
        entry["bytes"], entry["crc32"] = size, crc
        self._table.append(entry)
        self._pad()

    def finish(self) -> FileInfo:
        """Write table and footer and give the file its name; durable when this returns, unless ``sync`` is off."""
        table = np.concatenate(self._table).tobytes() if self._table else b""
        offset = self._file.size
        self._write(table)
        self._write(_footer(offset, table, offset + len(table) + format.FOOTER.itemsize))
        self._file.close()
        return FileInfo(self.path.name, self._file.size, self._sha256.hexdigest())

    def _entry(self, name: str, dtype: np.dtype, row_shape: tuple[int, ...]) -> np.ndarray:
        encoded = name.encode("ascii")
        if len(encoded) > format.MAX_NAME or name in self._names or dtype.str not in format.DTYPES or len(row_shape) > 1:
            raise TypeError(f"section {name!r}: name taken or too long, or dtype {dtype.str} not in the format")
        self._names.add(name)
        entry = np.zeros(1, format.SECTION)
        entry["name"], entry["dtype"], entry["dimensions"] = encoded, dtype.str.encode(), 1 + len(row_shape)
        entry["offset"] = self._file.size
        return entry

    def _pad(self) -> None:
        self._write(bytes(-self._file.size % ALIGNMENT))

    def _write(self, data: bytes | memoryview) -> None:
        self._sha256.update(data)
        self._file.write(data)


class Container:
    """Read-only view of a container file; ``sections`` maps names to arrays over the mapped bytes."""

    def __init__(self, path: Path) -> None:
        """Map and check structure and all but large BULK sections; raises Corrupt, VersionMismatch or FileNotFoundError."""
        self.path = path
        self._bytes = _map(path)
        self._table = _read_table(path, self._bytes)
        self.sections: dict[str, np.ndarray] = {}
        for entry in self._table:
            name = entry["name"].decode("ascii")
            if (entry["bytes"] <= SMALL or name not in format.BULK) and self._crc(entry) != entry["crc32"]:
                raise Corrupt(path, "checksum differs", name)
            self.sections[name] = self._view(name, entry)

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.sections:
            raise Corrupt(self.path, "the section is missing", name)
        return self.sections[name]

    def family(self, prefix: str) -> dict[str, np.ndarray]:
        """All sections whose names begin with ``prefix``, by full name."""
        return {name: array for name, array in self.sections.items() if name.startswith(prefix)}

    def damaged_sections(self) -> list[str]:
        """Names of sections whose bytes are not those that were written; reads everything."""
        return [entry["name"].decode("ascii") for entry in self._table if self._crc(entry) != entry["crc32"]]

    def _crc(self, entry: np.void) -> int:
        start = int(entry["offset"])
        return zlib.crc32(self._bytes[start : start + int(entry["bytes"])].data)

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


def _map(path: Path) -> np.ndarray:
    if path.stat().st_size < format.HEADER.itemsize + format.FOOTER.itemsize:
        raise Corrupt(path, f"expected at least {format.HEADER.itemsize + format.FOOTER.itemsize} bytes, found {path.stat().st_size}")
    # A plain ndarray over the map: indexing np.memmap itself costs microseconds.
    return np.asarray(np.memmap(path, np.uint8, mode="r"))


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


def file_sha256(path: Path) -> str:
    """SHA-256 of a whole file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
