"""Original documents -> zstd blocks of 16, and back.

Blocks are cut at document counts, never at sizes, so that the bytes do not depend on how a build was batched. A block holds the end of each
of its documents as uint32, then the documents, JSON each; decompressing 16 short documents costs less than finding one on disk.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import zstandard

from indexer.container import ContainerWriter
from indexer.documents import BadDocument
from indexer.format import STORED_BLOCK, Corrupt

LEVEL = 3  # 6 is 4 % smaller and three times slower to write
CACHED_BLOCKS = 64
_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
MAX_BYTES = 1 << 26


def encode_document(fields: dict[str, Any]) -> bytes:
    """The stored form of a document: JSON; raises BadDocument when it cannot be JSON or is larger than 64 MiB."""
    try:
        content = orjson.dumps(fields, option=_OPTIONS)
    except TypeError:
        content = _encode_odd(fields)
    if len(content) > MAX_BYTES:
        raise BadDocument("too_large", f"the document has {len(content)} bytes of JSON; expected at most {MAX_BYTES}")
    return content


def _encode_odd(fields: dict[str, Any]) -> bytes:
    """Whole numbers beyond 64 bits and lone surrogates, which orjson refuses."""
    try:
        return json.dumps(fields, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BadDocument("not_json", f"the document cannot be stored as JSON ({error})") from error


def decode_document(content: bytes) -> dict[str, Any]:
    """What ``encode_document`` was given."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return json.loads(content)


def write_stored(writer: ContainerWriter, documents: Iterable[bytes]) -> None:
    """Write all documents as sections ``stored.data`` and ``stored.offsets`` (uint64, one more than blocks)."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=False, write_content_size=True)
    ends = [0]
    with writer.section("stored.data", "|u1") as write:
        for block in _blocks(documents):
            data = compressor.compress(block)
            write(np.frombuffer(data, np.uint8))
            ends.append(ends[-1] + len(data))
    writer.add("stored.offsets", np.array(ends, np.uint64))


def _blocks(documents: Iterable[bytes]) -> Iterator[bytes]:
    source = iter(documents)
    while block := list(islice(source, STORED_BLOCK)):
        ends = np.cumsum([len(d) for d in block]).astype("<u4")
        yield ends.tobytes() + b"".join(block)


class StoredFields:
    """Reads documents by number; keeps the last blocks it unpacked. Safe to share between threads."""

    def __init__(self, data: np.ndarray, offsets: np.ndarray, num_docs: int, path: Path) -> None:
        self._path = path
        self._data, self._offsets, self._num_docs = data, offsets, num_docs
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def raw(self, doc: int) -> bytes:
        """The document's JSON; raises Corrupt."""
        if not 0 <= doc < self._num_docs:
            raise IndexError(f"doc {doc} of {self._num_docs}")
        number, place = divmod(doc, STORED_BLOCK)
        block = self._block(number)
        size = min(STORED_BLOCK, self._num_docs - number * STORED_BLOCK)
        ends = np.frombuffer(block, "<u4", size)
        start = 4 * size
        return block[start + (int(ends[place - 1]) if place else 0) : start + int(ends[place])]

    def __getitem__(self, doc: int) -> dict[str, Any]:
        """The document; raises Corrupt."""
        try:
            return decode_document(self.raw(doc))
        except ValueError as error:  # no JSON, no UTF-8, no numbers of the ends
            raise Corrupt(self._path, f"document {doc} is not JSON", "stored.data") from error

    def _block(self, number: int) -> bytes:
        with self._lock:
            if number in self._blocks:
                self._blocks.move_to_end(number)
                return self._blocks[number]
        data = self._data[int(self._offsets[number]) : int(self._offsets[number + 1])]
        try:
            block = zstandard.ZstdDecompressor().decompress(data.tobytes())
        except zstandard.ZstdError as error:
            raise Corrupt(self._path, f"block {number} cannot be unpacked ({error})", "stored.data") from error
        with self._lock:
            self._blocks[number] = block
            while len(self._blocks) > CACHED_BLOCKS:
                self._blocks.popitem(last=False)
        return block
