"""Bytes of a file or of standard input, decompressed by what they are (gzip, zstd) and not by what they are called.

Decompression is sequential and bounded: a stream that swells beyond ``MAX_RATIO`` is a bomb and stops the build before it fills memory
or disk.
"""

import gzip
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, cast

import zstandard

from indexer.readers.chunk import MAX_RECORD, SourceError

BLOCK = 1 << 20
# Text compresses 2 to 20 times, tables of repeated values up to 100 times; gzip's own limit is 1,032.
MAX_RATIO = 200
BOMB_FLOOR = 64 << 20
# One byte of zstd may become 43 kB, so it is fed in small slices.
_ZSTD_SLICE = 1 << 12


class Reader(Protocol):
    """The one thing asked of a stream: the next bytes, at most ``size`` of them, empty only at the end."""

    def read(self, size: int = -1, /) -> bytes: ...


class Meter:
    """Bytes of the sources' files read so far, as they lie on disk."""

    def __init__(self) -> None:
        self.consumed = 0


class _Metered:
    def __init__(self, raw: Reader, meter: Meter):
        self._raw, self._meter = raw, meter

    def read(self, size: int = -1, /) -> bytes:
        data = self._raw.read(size)
        self._meter.consumed += len(data)
        return data


class Prefixed:
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, rest: Reader):
        self.taken = 0
        self._head, self._rest = head, rest

    def read(self, size: int = -1, /) -> bytes:
        if self._head and size >= 0:
            data, self._head = self._head[:size], self._head[size:]
        else:
            data, self._head = self._head + self._rest.read(size), b""
        self.taken += len(data)
        return data


class _Zstd:
    """Decompresses frames one after the other, and notices when the last one is cut off (the library's own reader does not)."""

    def __init__(self, source: Reader):
        self._source, self._pending = source, b""
        self._frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self._started = False

    def read(self, size: int = -1, /) -> bytes:
        out: list[bytes] = []
        length = 0
        while length < size:
            data = self._next_slice()
            if data is None:
                break
            out.append(data)
            length += len(data)
        return b"".join(out)

    def _next_slice(self) -> bytes | None:
        part = self._pending or self._source.read(_ZSTD_SLICE)
        self._pending = b""
        if not part:
            if self._started and not self._frame.eof:
                raise EOFError("the compressed data ends too early")
            return None
        if self._frame.eof:
            self._frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self._started = True
        data = self._frame.decompress(part)
        if self._frame.eof:
            self._pending = self._frame.unused_data
        return data


class _Guarded:
    """Counts what comes out against what went in, and turns a decoder's errors into one clear message."""

    def __init__(self, decoder: Reader, compressed: Prefixed, name: str):
        self._decoder, self._compressed, self._name = decoder, compressed, name
        self._produced = 0

    def read(self, size: int = -1, /) -> bytes:
        try:
            data = self._decoder.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
            raise SourceError(f"{self._name}: damaged compressed data after {self._produced} bytes ({error}); write it again") from error
        self._produced += len(data)
        if self._produced > BOMB_FLOOR and self._produced > MAX_RATIO * self._compressed.taken:
            raise SourceError(
                f"{self._name}: {self._compressed.taken} compressed bytes gave {self._produced}, more than {MAX_RATIO}:1;"
                " if the file is good, decompress it and index the result"
            )
        return data


def _decompressed(raw: Reader, name: str) -> Reader:
    head = raw.read(4)
    stream = Prefixed(head, raw)
    if head.startswith(b"\x1f\x8b"):
        # It asks for a file, but reads it as a stream.
        return _Guarded(gzip.GzipFile(fileobj=cast(Any, stream), mode="rb"), stream, name)
    if head == b"\x28\xb5\x2f\xfd":
        return _Guarded(_Zstd(stream), stream, name)
    return stream


@contextmanager
def open_stream(path: Path | None, name: str, meter: Meter | None = None) -> Iterator[Reader]:
    """The decompressed bytes of a file, or of standard input when ``path`` is None; raises SourceError."""
    meter = meter or Meter()
    if path is None:
        yield _decompressed(_Metered(sys.stdin.buffer, meter), name)
        return
    with open_file(path, name) as file:
        yield _decompressed(_Metered(file, meter), name)


def open_file(path: Path, name: str) -> IO[bytes]:
    """Open for reading; raises SourceError with the reason."""
    try:
        return open(path, "rb")
    except OSError as error:
        raise SourceError(f"{name}: cannot be read ({error.strerror}); give a file, a folder or - for standard input") from error


@contextmanager
def plain_file(path: Path, name: str) -> Iterator[Path]:
    """A path to the decompressed file, for readers that need to seek: the file itself, or a temporary copy that goes away afterwards."""
    with open_file(path, name) as file:
        head = file.read(4)
    if not head.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="searchd-") as copy, open_stream(path, name) as stream:
        while block := stream.read(BLOCK):
            copy.write(block)
        copy.flush()
        yield Path(copy.name)


def without_mark(stream: Reader, name: str) -> tuple[Reader, int]:
    """Skip a UTF-8 byte order mark; returns the stream and the bytes skipped. UTF-16 is refused, since every line would be bad."""
    head = stream.read(BLOCK)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{name}: expected UTF-8, found UTF-16; convert it with: iconv -f UTF-16 -t UTF-8")
    skipped = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    return Prefixed(head[skipped:], stream), skipped


def numbered_lines(stream: Reader, offset: int = 0) -> Iterator[tuple[int, int, bytes]]:
    """Lines with their number (from 1), byte offset and newline; of a line beyond the cap only the first MAX_RECORD + 1 bytes come."""
    number, carry = 1, b""
    while block := stream.read(BLOCK):
        *lines, carry = (carry + block).split(b"\n")
        for line in lines:
            yield number, offset, line + b"\n"
            number, offset = number + 1, offset + len(line) + 1
        if len(carry) > MAX_RECORD:
            yield number, offset, carry[: MAX_RECORD + 1]
            skipped, rest = skip_line(stream)
            number, offset, carry = number + 1, offset + len(carry) + skipped, rest
            stream = Prefixed(carry, stream)
            carry = b""
    if carry:
        yield number, offset, carry


def skip_line(stream: Reader) -> tuple[int, bytes]:
    """Read to the end of a line; returns the bytes skipped and what was read beyond."""
    skipped = 0
    while block := stream.read(BLOCK):
        end = block.find(b"\n")
        if end >= 0:
            return skipped + end + 1, block[end + 1 :]
        skipped += len(block)
    return skipped, b""
