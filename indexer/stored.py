"""Original documents -> zstd blocks of about 4 KiB with a dictionary of what they have in common, and back.

A block is as many documents as fit, JSON each with a newline after it; a larger document is a block by itself. Where blocks begin, and the
dictionary, depend on the documents and their order alone, not on how a build was batched. Unpacking a block costs about 7 microseconds.

The dictionary is trained on an even sample of the documents. With it, blocks compress about as well as ones many times as large (which is why
they can be small), and faster, since most matches are found at once.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Generator, Iterable, Iterator, Sequence, Set
from functools import cached_property
from typing import Any, Self

import numpy as np
import orjson
import zstandard

from indexer.container import Container, ContainerWriter
from indexer.documents import BadDocument
from indexer.format import STORED_BLOCK, Corrupt
from indexer.jit import kernel
from indexer.strings import Strings
from indexer.threads import Ahead, in_order

LEVEL = 3  # 5 is 2 % smaller and half as fast, 2 is 8 % larger
DICTIONARY_BYTES = 110 << 10
DICTIONARY_SHARE = 64  # a smaller collection gets a smaller dictionary ...
DICTIONARY_LEAST = 8 << 10  # ... or none: below half a megabyte of documents it costs what it saves
SAMPLE_BYTES = 16 * DICTIONARY_BYTES  # four times as many gain 1 %
SAMPLE_CUT = 16 << 10  # no document counts for more than so many of its first bytes
BLOCKS_AT_ONCE = 256
AHEAD = 32 << 20  # bytes of frames that may wait to be written
CACHED_BLOCKS = 1024
SECTIONS = ("data", "offsets", "firsts", "dictionary")
_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
MAX_BYTES = 1 << 26


# White space before a document says that orjson would not read it as it was: it makes floats of whole numbers beyond 64 bits.
ODD = b" "


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
        return ODD + json.dumps(fields, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BadDocument("not_json", f"the document cannot be stored as JSON ({error})") from error


def decode_document(content: bytes) -> dict[str, Any]:
    """What ``encode_document`` was given."""
    return json.loads(content) if content.startswith(ODD) else orjson.loads(content)


class _Lines:
    """The documents of all parts one after the other, N of them; ``sizes`` int64[N] with a newline each."""

    def __init__(self, parts: Sequence[tuple[Strings, np.ndarray]]) -> None:
        self._parts = parts
        self._firsts = np.cumsum([0] + [len(chosen) for _, chosen in parts])
        self._unbroken = [bool(np.all(np.diff(chosen) == 1)) for _, chosen in parts]
        sizes = [np.diff(strings.offsets.astype(np.int64))[chosen] for strings, chosen in parts]
        self.sizes = np.concatenate([np.zeros(0, np.int64), *sizes])

    def lay(self, first: int, stop: int) -> np.ndarray:
        """Documents ``first`` to ``stop`` - 1 as lines, uint8; a view where they stand so already."""
        part = int(np.searchsorted(self._firsts, first, "right")) - 1
        if self._unbroken[part] and stop <= self._firsts[part + 1]:
            strings, chosen = self._parts[part]
            base = int(chosen[0]) - int(self._firsts[part])
            return strings.data[int(strings.offsets[base + first]) : int(strings.offsets[base + stop])]
        return self._copy(part, first, stop)

    def _copy(self, part: int, first: int, stop: int) -> np.ndarray:
        out = np.empty(int(self.sizes[first:stop].sum()), np.uint8)
        at = 0
        for number in range(part, len(self._parts)):
            base = int(self._firsts[number])
            if base >= stop:
                break
            strings, chosen = self._parts[number]
            at = _lay(strings.data, strings.offsets, chosen[max(0, first - base) : stop - base], out, at)
        return out


@kernel
def _lay(data, offsets, chosen, out, at):
    for i in range(len(chosen)):
        start = np.int64(offsets[chosen[i]])
        size = np.int64(offsets[chosen[i] + 1]) - start
        for j in range(size):
            out[at + j] = data[start + j]
        at += size
    return at


@kernel
def _cut(sizes, firsts):
    """The first document of every block; returns the number of blocks."""
    blocks, held = 0, 0
    for doc in range(len(sizes)):
        if blocks == 0 or held + sizes[doc] > STORED_BLOCK:
            firsts[blocks] = doc
            blocks += 1
            held = 0
        held += sizes[doc]
    return blocks


class StoredWriter:
    """Writes documents as sections ``stored.*``: for every part its documents as lines of JSON and which of them, int64, in this order.

    Use as a context manager: inside, threads compress ahead of ``write``, which need not come at once.
    """

    def __init__(self, parts: Sequence[tuple[Strings, np.ndarray]]) -> None:
        self._lines = _Lines(parts)
        self._pieces = Ahead(self._compressed(), lambda piece: len(piece[0]), AHEAD)

    def __enter__(self) -> Self:
        self._pieces.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._pieces.__exit__(*error)

    def _compressed(self) -> Generator[tuple[bytes, np.ndarray], None, None]:
        """The frames of some blocks and the bytes of each, again and again; at first the dictionary and the first document of every block."""
        lines = self._lines
        firsts = np.empty(len(lines.sizes) + 1, np.int64)
        blocks = _cut(lines.sizes, firsts)
        firsts[blocks] = len(lines.sizes)
        firsts = firsts[: blocks + 1]
        dictionary = _train(lines)
        yield dictionary, firsts
        yield from in_order(_Compressor(lines, firsts, dictionary), range(0, blocks, BLOCKS_AT_ONCE))

    def write(self, writer: ContainerWriter) -> None:
        """Write all sections."""
        pieces = iter(self._pieces)
        dictionary, firsts = next(pieces)
        sizes = [np.zeros(1, np.int64)]
        with writer.section("stored.data", "|u1") as write:
            for data, frames in pieces:
                write(np.frombuffer(data, np.uint8))
                sizes.append(frames)
        writer.add("stored.offsets", np.cumsum(np.concatenate(sizes)).astype(np.uint64))
        writer.add("stored.firsts", firsts.astype(np.uint32))
        writer.add("stored.dictionary", np.frombuffer(dictionary, np.uint8))


def _train(lines: _Lines) -> bytes:
    """A dictionary of what the documents have in common (FastCover), by an even sample; empty for collections too small to earn it."""
    total = int(lines.sizes.sum())
    size = min(DICTIONARY_BYTES, total // DICTIONARY_SHARE)
    if size < DICTIONARY_LEAST:
        return b""
    try:
        return zstandard.train_dictionary(size, list(_sample(lines, total)), k=200, d=8, f=20, accel=1).as_bytes()
    except zstandard.ZstdError:  # too few, or nothing in common
        return b""


def _sample(lines: _Lines, total: int) -> Iterator[bytes]:
    taken = 0
    for doc in range(0, len(lines.sizes), max(1, total // SAMPLE_BYTES)):
        content = lines.lay(doc, doc + 1)[:SAMPLE_CUT].tobytes()
        taken += len(content)
        if taken > 2 * SAMPLE_BYTES:
            return
        yield content


class _Compressor:
    """Called with the number of a block, compresses so many from there on: (their frames, the bytes of each int64)."""

    def __init__(self, lines: _Lines, firsts: np.ndarray, dictionary: bytes) -> None:
        self._lines, self._firsts = lines, firsts
        self._ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(lines.sizes)])[firsts]
        self._dictionary = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        if self._dictionary is not None:
            self._dictionary.precompute_compress(level=LEVEL)
        self._local = threading.local()

    def __call__(self, block: int) -> tuple[bytes, np.ndarray]:
        stop = min(block + BLOCKS_AT_ONCE, len(self._firsts) - 1)
        content = self._lines.lay(int(self._firsts[block]), int(self._firsts[stop])).data
        compress = self._zstd().compress
        borders = (self._ends[block : stop + 1] - self._ends[block]).tolist()
        frames = [compress(content[start:end]) for start, end in zip(borders, borders[1:])]
        return b"".join(frames), np.array([len(frame) for frame in frames], np.int64)

    def _zstd(self) -> zstandard.ZstdCompressor:
        """One for each thread. Frames carry no checksum and no name of the dictionary: the container has the one, the segment the other."""
        if not hasattr(self._local, "zstd"):
            self._local.zstd = zstandard.ZstdCompressor(
                level=LEVEL, dict_data=self._dictionary, write_checksum=False, write_content_size=True, write_dict_id=False
            )
        return self._local.zstd


class StoredFields:
    """Reads documents by number; keeps the last blocks it unpacked. Reads nothing before it is asked. Safe to share between threads.

    Sections: ``data`` uint8 of frames; ``offsets`` uint64[B + 1], where they begin; ``firsts`` uint32[B + 1], the first document of each block,
    then N; ``dictionary`` uint8, empty for none.
    """

    def __init__(self, container: Container, num_docs: int) -> None:
        self._path, self._num_docs = container.path, num_docs
        self._data, self._offsets, self._firsts, self._trained = (container.pages(f"stored.{name}") for name in SECTIONS)
        self._cached: OrderedDict[int, list[bytes]] = OrderedDict()
        self._lock = threading.Lock()
        self._local = threading.local()

    def raw(self, doc: int) -> bytes:
        """The document's JSON; raises Corrupt."""
        if not 0 <= doc < self._num_docs:
            raise IndexError(f"doc {doc} of {self._num_docs}")
        firsts = self._firsts.all()
        number = int(firsts.searchsorted(np.uint32(doc), "right")) - 1
        return self._blocks({number})[number][doc - int(firsts[number])]

    def __getitem__(self, doc: int) -> dict[str, Any]:
        """The document; raises Corrupt."""
        return self._decoded([(doc, self.raw(doc))])[0]

    def documents(self, docs: np.ndarray) -> list[dict[str, Any]]:
        """The documents of these numbers, int64[n], which all are there; raises Corrupt. A block is unpacked once for all its documents."""
        firsts = self._firsts.all()
        numbers = firsts.searchsorted(docs.astype(np.uint32), "right") - 1
        blocks = self._blocks(set(numbers.tolist()))
        places = zip(docs.tolist(), numbers.tolist(), (docs - firsts[numbers]).tolist())
        return self._decoded((doc, blocks[number][place]) for doc, number, place in places)

    def _decoded(self, contents: Iterable[tuple[int, bytes]]) -> list[dict[str, Any]]:
        """Documents, each with its number."""
        found = []
        for doc, content in contents:
            try:
                found.append(decode_document(content))
            except ValueError as error:  # no JSON or no UTF-8
                raise Corrupt(self._path, f"document {doc} is not JSON", "stored.data") from error
        return found

    def _blocks(self, numbers: Set[int]) -> dict[int, list[bytes]]:
        """The documents of each block, and what follows the last newline: nothing."""
        with self._lock:
            found = {number: self._cached[number] for number in numbers if number in self._cached}
            for number in found:
                self._cached.move_to_end(number)
        unpacked = self._unpack(sorted(numbers - found.keys()))
        with self._lock:
            self._cached.update(unpacked)
            while len(self._cached) > CACHED_BLOCKS:
                self._cached.popitem(last=False)
        return found | unpacked

    def _unpack(self, numbers: list[int]) -> dict[int, list[bytes]]:
        """Some blocks as their documents."""
        offsets, firsts, behind = self._offsets.all(), self._firsts.all(), np.array(numbers, np.int64) + 1
        ends = zip(numbers, offsets[behind - 1].tolist(), offsets[behind].tolist(), (firsts[behind] - firsts[behind - 1]).tolist())
        found = {}
        data = self._data.view.data
        for number, start, stop, size in ends:
            self._data.require(start, stop)
            try:
                block = self._decompressor().decompress(data[start:stop]).split(b"\n")
            except (zstandard.ZstdError, MemoryError) as error:
                raise Corrupt(self._path, f"block {number} cannot be unpacked ({error})", "stored.data") from error
            if len(block) != size + 1:
                raise Corrupt(self._path, f"block {number} has {len(block) - 1} documents", "stored.data")
            found[number] = block
        return found

    def _decompressor(self) -> zstandard.ZstdDecompressor:
        """One for each thread, all with the same dictionary."""
        if not hasattr(self._local, "zstd"):
            self._local.zstd = zstandard.ZstdDecompressor(dict_data=self._dictionary)
        return self._local.zstd

    @cached_property
    def _dictionary(self) -> zstandard.ZstdCompressionDict | None:
        content = self._trained.all().tobytes()
        return zstandard.ZstdCompressionDict(content) if content else None
