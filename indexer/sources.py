"""What the caller names as SOURCE becomes a stream of chunks, and chunks become documents.

A source is known by its name (``.jsonl .json .csv .tsv .parquet .db#table``, a folder, a text file, ``-``); compression by its bytes; JSON
lines and a JSON array are told apart by the first character.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from indexer.documents import Document
from indexer.quarantine import Entry
from indexer.readers import array, delimited, folder, jsonl, parquet, sqlite
from indexer.readers.chunk import Chunk, SourceError
from indexer.readers.streams import BLOCK, Meter, Prefixed, Reader, open_file, open_stream

CHUNK_BYTES = 8 << 20
STREAMED = ("json", "csv", "tsv")
_JSON = (".jsonl", ".ndjson", ".json", ".jsonlines", "")
_KINDS = {
    **dict.fromkeys(_JSON, "json"),
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    **dict.fromkeys((".db", ".sqlite", ".sqlite3"), "sqlite"),
    **dict.fromkeys(folder.SUFFIXES, "file"),
}


class Source(NamedTuple):
    """One source, checked to exist; ``path`` is None for standard input."""

    name: str
    path: Path | None
    kind: str
    table: str = ""


def find_sources(names: Sequence[str]) -> list[Source]:
    """Check what the caller named; raises SourceError for the first that is missing, unreadable or of an unknown kind."""
    if list(names).count("-") > 1:
        raise SourceError("standard input (-) can be read only once; name it once")
    return [_find(str(name)) for name in names]


def cut(sources: Sequence[Source], id_field: str, chunk_bytes: int = CHUNK_BYTES, meter: Meter | None = None) -> Iterator[Chunk | Entry]:
    """The chunks of all sources in order; an Entry stands for what cannot even be cut. Raises SourceError."""
    meter = meter or Meter()
    for source in sources:
        if source.path is None or source.kind in STREAMED:
            with open_stream(source.path, source.name, meter) as stream:
                yield from _cut_stream(stream, source, id_field, chunk_bytes)
        else:
            for one in _cut_file(source, source.path, id_field, chunk_bytes):
                yield one
                meter.consumed += 0 if isinstance(one, Entry) else one.size


def bytes_on_disk(sources: Sequence[Source]) -> int:
    """What a meter will have counted at the end, about; 0 when standard input makes it unknown."""
    if any(source.path is None for source in sources):
        return 0
    return sum(_bytes_of(source.path, source.name) for source in sources if source.path is not None)


def _bytes_of(path: Path, name: str) -> int:
    if path.is_dir():
        return sum((path / inside).stat().st_size for inside in folder.walk(path, name))
    return path.stat().st_size


def read_documents(sources: Sequence[str], id_field: str, quarantine: Callable[[Entry], None]) -> Iterator[Document]:
    """All documents of the sources in order, parsed here; ``quarantine`` is called with every record that is none."""
    for chunk in cut(find_sources(sources), id_field):
        for one in [chunk] if isinstance(chunk, Entry) else chunk.documents(id_field):
            if isinstance(one, Entry):
                quarantine(one)
            else:
                yield one


def _find(name: str) -> Source:
    if name == "-":
        return Source(name, None, "json")
    path, table = Path(name), ""
    if not path.exists() and "#" in name:
        before, table = name.rsplit("#", 1)
        path = Path(before)
    if path.is_dir():
        return Source(name, path, "folder")
    open_file(path, name).close()
    kind = _KINDS.get(folder.suffix_of(path.name))
    if kind is None:
        known = ", ".join(suffix for suffix in _KINDS if suffix)
        raise SourceError(f"{name}: unknown kind of file; expected a folder, - or a name ending in {known} (each also with .gz or .zst)")
    if table and kind != "sqlite":
        raise SourceError(f"{name}: only an SQLite database has tables (FILE#TABLE); leave out #{table}")
    return Source(name, path, kind, table)


def _cut_file(source: Source, path: Path, id_field: str, chunk_bytes: int) -> Iterator[Chunk | Entry]:
    if source.kind == "folder":
        yield from folder.cut(path, source.name, chunk_bytes)
    elif source.kind == "file":
        yield from folder.single(path, source.name)
    elif source.kind == "parquet":
        yield from parquet.cut(path, source.name, chunk_bytes, id_field)
    else:
        yield from sqlite.cut(path, source.table, source.name, chunk_bytes, id_field)


def _cut_stream(stream: Reader, source: Source, id_field: str, chunk_bytes: int) -> Iterator[Chunk | Entry]:
    if source.kind == "csv":
        yield from delimited.cut_csv(stream, source.name, chunk_bytes, id_field)
    elif source.kind == "tsv":
        yield from delimited.cut_tsv(stream, source.name, chunk_bytes, id_field)
    else:
        yield from _cut_json(stream, source, chunk_bytes)


def _cut_json(stream: Reader, source: Source, chunk_bytes: int) -> Iterator[Chunk | Entry]:
    """An array begins with a bracket; everything else is read as lines."""
    head = stream.read(BLOCK)
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    whole = Prefixed(head, stream)
    if first == b"[":
        yield from array.cut(whole, source.name, chunk_bytes)
    else:
        yield from jsonl.cut(whole, source.name, chunk_bytes)
