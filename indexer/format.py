"""The names of the file format as constants and NumPy dtypes; ``FORMAT.md`` says in words and in hex what stands here as numbers.

Everything is little-endian. A file is a *container* (``container.py``): a header, sections aligned to 64 bytes, a checksum for each page of
them, the table of sections, a footer. What the sections mean is the business of the module that writes them.
"""

from pathlib import Path

import numpy as np

from indexer.errors import SearchdError

# One line per version, newest first; a reader reads exactly the version it knows.
#   2  a CRC-32 for each page of 4 KiB; term ids by falling number of postings; front-coded terms and keys; lengths as codes
#   1  containers with a CRC-32 per section; terms by falling df; zstd blocks of 16 documents
VERSION = 2

MAGIC = b"SRCHDSEG"
FOOTER_MAGIC = b"GESDHCRS"
ALIGNMENT = 64
PAGE = 4096  # bytes that share a checksum, counted from the beginning of their section
LARGE = 1 << 16  # sections of so many bytes begin at a multiple of PAGE, so that checking a page reads one

HEADER = np.dtype([("magic", "S8"), ("version", "<u4"), ("flags", "<u4"), ("reserved", "V44"), ("crc32", "<u4")])
FOOTER = np.dtype(
    [
        ("table_offset", "<u8"),
        ("table_bytes", "<u8"),
        ("file_bytes", "<u8"),
        ("table_crc32", "<u4"),
        ("version", "<u4"),
        ("reserved", "V20"),
        ("crc32", "<u4"),
        ("magic", "S8"),
    ]
)
SECTION = np.dtype(
    [
        ("name", "S40"),
        ("dtype", "S4"),
        ("dimensions", "<u4"),
        ("shape", "<u8", (2,)),
        ("offset", "<u8"),
        ("bytes", "<u8"),
        ("crc32", "<u4"),
        ("reserved", "<u4"),
    ]
)

DTYPES = ("|u1", "|i1", "<u2", "<u4", "<i4", "<u8", "<i8", "<f4", "<f8")
MAX_NAME = SECTION["name"].itemsize

# Bytes of documents in one compressed block of stored fields: larger blocks compress better, smaller ones are read faster.
STORED_BLOCK = 1 << 12

# First characters of terms; a word has none. See the streams in ``schema.py``.
HAN1, HAN2, HANWORD = "\x01", "\x02", "\x03"


class Corrupt(SearchdError):
    """Bytes of an index are not those that were written; fields ``path``, ``section`` (or None) and ``problem``."""

    code = "corrupt_index"

    def __init__(self, path: Path | str, problem: str, section: str | None = None) -> None:
        self.path, self.section, self.problem = Path(path), section, problem
        where = f"{path}: section {section}" if section else str(path)
        super().__init__(f"{where}: {problem}; the index is damaged: `indexer rollback` to an older generation, or build it again")


class VersionMismatch(SearchdError):
    """A file of another version of the format."""

    code = "format_version"

    def __init__(self, path: Path | str, found: object) -> None:
        self.path, self.found = Path(path), found
        super().__init__(f"{path}: expected format version {VERSION}, found {found}; build the index again with this program")
