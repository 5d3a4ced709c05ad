"""JSON lines: cut at line feeds into blocks of raw bytes, parsed where they are indexed. Blank lines are no records."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from indexer.documents import BadDocument, Document
from indexer.quarantine import Entry, entry
from indexer.readers.chunk import MAX_RECORD
from indexer.readers.record import read_record
from indexer.readers.streams import BLOCK, Prefixed, Reader, skip_line, without_mark

_LINE_FEED = 10


class LinesChunk(NamedTuple):
    """Whole lines of one source; ``line`` and ``offset`` are those of the first."""

    source: str
    line: int
    offset: int
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def documents(self, id_field: str) -> Iterator[Document | Entry]:
        """Parse every line."""
        source, line, offset = self.source, self.line, self.offset
        for raw in self.data.split(b"\n"):
            if raw and not raw.isspace():
                yield read_record(raw, id_field, source, line, offset)
            line += 1
            offset += len(raw) + 1


def count_lines(data: bytes) -> int:
    """Line feeds in ``data``, counted several times as fast as ``bytes.count`` does where lines are short."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == _LINE_FEED))


def cut(stream: Reader, source: str, chunk_bytes: int) -> Iterator[LinesChunk | Entry]:
    """Blocks of whole lines of about ``chunk_bytes``; a line beyond the cap is skipped, without holding it, and becomes an Entry."""
    stream, offset = without_mark(stream, source)
    line, parts, size = 1, [], 0
    while block := stream.read(min(BLOCK, chunk_bytes)):
        parts.append(block)
        size += len(block)
        if size >= chunk_bytes and (end := block.rfind(b"\n") + 1):
            parts[-1], rest = block[:end], block[end:]
            chunk = LinesChunk(source, line, offset, b"".join(parts))
            yield chunk
            line, offset = line + count_lines(chunk.data), offset + chunk.size
            parts, size = [rest] if rest else [], len(rest)
        elif size > MAX_RECORD + chunk_bytes and b"\n" not in block:
            chunk, long_line = _before_long_line(source, line, offset, b"".join(parts))
            yield from (chunk, long_line)
            skipped, rest = skip_line(stream)
            stream = Prefixed(rest, stream)
            line, offset, parts, size = long_line.line + 1, offset + size + skipped, [], 0
    if parts:
        yield LinesChunk(source, line, offset, b"".join(parts))


def _before_long_line(source: str, line: int, offset: int, data: bytes) -> tuple[LinesChunk, Entry]:
    """Split what was gathered into its whole lines and the beginning of the line that is too long."""
    start = data.rfind(b"\n") + 1
    chunk = LinesChunk(source, line, offset, data[:start])
    error = BadDocument("line_too_long", f"the line has more than {MAX_RECORD >> 20} MiB; split it or leave it out")
    return chunk, entry(error, source, line + data.count(b"\n"), offset + start, data[start:])
