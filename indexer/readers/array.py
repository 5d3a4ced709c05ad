"""A JSON array of documents: cut into the bytes of its elements without parsing them.

A regular expression that skips strings and counts brackets finds the commas of the outermost level, so an array of any length is read in
bounded memory, and one bad element does not spoil the others.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from indexer.documents import BadDocument, Document
from indexer.quarantine import Entry, entry
from indexer.readers.chunk import MAX_RECORD, SourceError
from indexer.readers.record import read_record
from indexer.readers.streams import BLOCK, Reader, without_mark

# A whole string, a bracket, a comma; a lone quote is a string that goes on beyond the buffer.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},"]', re.DOTALL)
_OPENING = b"[{"
_OPENER = {0x5D: 0x5B, 0x7D: 0x7B}


class ElementsChunk(NamedTuple):
    """Some elements of an array: (line, offset, bytes) of each."""

    source: str
    elements: list[tuple[int, int, bytes]]

    @property
    def size(self) -> int:
        return sum(len(raw) for _, _, raw in self.elements)

    def documents(self, id_field: str) -> Iterator[Document | Entry]:
        """Parse every element."""
        for line, offset, raw in self.elements:
            yield read_record(raw, id_field, self.source, line, offset)


def cut(stream: Reader, source: str, chunk_bytes: int) -> Iterator[ElementsChunk | Entry]:
    """Groups of elements of about ``chunk_bytes``; raises SourceError when one element is beyond the cap."""
    stream, offset = without_mark(stream, source)
    splitter = _Splitter(source, offset)
    elements: list[tuple[int, int, bytes]] = []
    size = 0
    while block := stream.read(BLOCK):
        for element in splitter.feed(block):
            elements.append(element)
            size += len(element[2])
            if size >= chunk_bytes:
                yield ElementsChunk(source, elements)
                elements, size = [], 0
    if elements:
        yield ElementsChunk(source, elements)
    if (rest := splitter.leftover()) is not None:
        yield rest


class _Splitter:
    """Finds the ends of elements in a growing buffer.

    Open brackets are a stack, so that a bracket that closes the wrong kind ends what it can: one bad element does not swallow the next.
    """

    def __init__(self, source: str, offset: int):
        self.source, self.line, self.offset = source, 1, offset
        self._buffer, self._start, self._scanned = b"", 0, 0
        self._open = bytearray()
        self._began = self._ended = False

    def feed(self, block: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Elements that are complete with this block."""
        self._buffer = self._buffer[self._start :] + block
        self._scanned -= self._start
        self._start = 0
        if self._ended:
            return
        for token in _TOKEN.finditer(self._buffer, self._scanned):
            byte, at = self._buffer[token.start()], token.start()
            if byte == 0x22 and token.end() == at + 1:
                self._scanned = at
                break
            self._scanned = token.end()
            if byte != 0x22 and self._ends_element(byte):
                yield from self._take(at)
            if self._ended:
                return
        if len(self._buffer) - self._start > MAX_RECORD + BLOCK:
            raise SourceError(
                f"{self.source}: the element at byte {self.offset} has more than {MAX_RECORD >> 20} MiB; split it, or give JSON lines"
            )

    def _ends_element(self, byte: int) -> bool:
        """Follow one bracket or comma; true when an element ends before it."""
        opened = self._open
        if byte in _OPENING:
            opened.append(byte)
            if not self._began:
                self._began, self._start = True, self._scanned
                self.offset += self._start
            return False
        if byte == 0x2C:
            return len(opened) == 1
        opener = _OPENER[byte]
        at = opened.rfind(opener)
        if at >= 0 and (at > 0 or opener == 0x5B):
            del opened[at:]
        return not opened

    def _take(self, end: int) -> Iterator[tuple[int, int, bytes]]:
        """The element that ends before ``end``; nothing stands between the brackets of an empty array."""
        raw = self._buffer[self._start : end]
        text = raw.strip()
        self._ended = not self._open
        if text or not self._ended:
            lead = len(raw) - len(raw.lstrip())
            yield self.line + raw.count(b"\n", 0, lead), self.offset + lead, text
        self.line += raw.count(b"\n")
        self.offset += len(raw) + 1
        self._start = end + 1

    def leftover(self) -> Entry | None:
        """What stands behind the last whole element: nothing, in a good array."""
        rest = self._buffer[self._start :].strip()
        if not self._ended:
            error = BadDocument("truncated_json", "the array is not closed")
        elif rest:
            error = BadDocument("trailing_data", "something stands behind the end of the array")
        else:
            return None
        return entry(error, self.source, self.line, self.offset, rest)
