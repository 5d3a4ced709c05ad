"""MANIFEST.json: what a generation consists of and how it was made; the last file written, the first one read.

The same documents, schema and analysis give the same bytes: no time, host or process stands in it. It carries its own checksum, since
nothing else vouches for it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

import indexer.durable as durable
from indexer.analysis import get_analyzer
from indexer.container import FileInfo
from indexer.format import VERSION, Corrupt, VersionMismatch
from indexer.merge import SegmentInfo
from indexer.schema import Schema, SchemaError

NAME = "MANIFEST.json"


class SegmentEntry(NamedTuple):
    """One segment of a generation, in document order. ``tombstones``: file name or None; ``deleted``: how many documents it marks."""

    file: str
    documents: int
    terms: int
    postings: int
    tokens: int
    tombstones: str | None = None
    deleted: int = 0

    @classmethod
    def of(cls, info: SegmentInfo) -> "SegmentEntry":
        """A fresh segment without tombstones."""
        return cls(info.file.name, info.documents, info.terms, info.postings, info.tokens)


@dataclass(frozen=True)
class Manifest:
    """``analyzers``: name -> {"spec", "fingerprint", "words"}; ``files``: every file of the generation but this one."""

    schema: Schema
    analyzers: dict[str, dict[str, Any]]
    segments: tuple[SegmentEntry, ...]
    files: tuple[FileInfo, ...]

    @property
    def statistics(self) -> dict[str, int]:
        """Sums over the segments; ``documents`` are live ones, ``bytes`` those of all files."""
        entries = self.segments
        return {
            "documents": sum(e.documents - e.deleted for e in entries),
            "deleted": sum(e.deleted for e in entries),
            "segments": len(entries),
            "terms": sum(e.terms for e in entries),
            "postings": sum(e.postings for e in entries),
            "tokens": sum(e.tokens for e in entries),
            "bytes": sum(f.bytes for f in self.files),
        }

    def to_bytes(self) -> bytes:
        """Canonical JSON with a checksum over the rest."""
        body = {
            "format": VERSION,
            # A list: TOML tables keep their order, which numbers the fields, and sorted JSON objects do not.
            "schema": {**self.schema.to_dict(), "fields": [{"name": n, **f} for n, f in self.schema.to_dict()["fields"].items()]},
            "analyzers": self.analyzers,
            "statistics": self.statistics,
            "segments": [e._asdict() for e in self.segments],
            "files": {f.name: {"bytes": f.bytes, "sha256": f.sha256, "table_crc32": f.table_crc32} for f in self.files},
        }
        return _encode({**body, "checksum": _checksum(body)})

    def words(self, analyzer: str) -> tuple[tuple[str, int], ...]:
        """The user's words, with their frequencies, that an analyzer knew when the generation was built."""
        lines = [line.split(" ") for line in self.analyzers[analyzer].get("words", "").splitlines()]
        return tuple((word, int(freq)) for word, freq in lines)

    def file(self, name: str) -> FileInfo:
        """Size and hash of a file; KeyError when the generation has none of this name."""
        for info in self.files:
            if info.name == name:
                return info
        raise KeyError(name)


def analyzers_of(schema: Schema, lexicon: Path | None) -> dict[str, dict[str, Any]]:
    """Specification, fingerprint and user's words of every analyzer the schema names."""
    names = sorted({f.analyzer for f in schema.text_fields})
    found = {name: get_analyzer(name, lexicon) for name in names}
    return {name: {"spec": a.spec, "fingerprint": a.fingerprint, "words": _written(a.words)} for name, a in found.items()}


def _written(words: Sequence[tuple[str, int]]) -> str:
    """Words and frequencies, a line each: one string is read and checked faster than a list of many."""
    return "\n".join(f"{word} {freq}" for word, freq in sorted(words))


def write_manifest(
    staged: Path,
    schema: Schema,
    segments: Sequence[SegmentInfo | SegmentEntry],
    lexicon: Path | None,
    files: Sequence[FileInfo] = (),
) -> Manifest:
    """Write the manifest of a staged generation, durably. ``files``: those that the segments' infos do not tell (tombstones, linked
    files)."""
    known = [s.file for s in segments if isinstance(s, SegmentInfo)] + list(files)
    entries = tuple(SegmentEntry.of(s) if isinstance(s, SegmentInfo) else s for s in segments)
    manifest = Manifest(schema, analyzers_of(schema, lexicon), entries, tuple(sorted(known)))
    durable.write_file(staged / NAME, manifest.to_bytes())
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Read and check; raises Corrupt, VersionMismatch, or FileNotFoundError when there is none."""
    path = folder / NAME
    try:
        data = path.read_bytes()
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Corrupt(path, f"not JSON ({error})") from error
    if not isinstance(body, dict) or not isinstance(body.get("format"), int):
        raise Corrupt(path, "not a manifest: no format version")
    if body["format"] != VERSION:
        raise VersionMismatch(path, body["format"])
    checksum = body.pop("checksum", None)
    # Byte for byte: damaged white space is damage too.
    if checksum != _checksum(body) or data != _encode({**body, "checksum": checksum}):
        raise Corrupt(path, "checksum differs")
    try:
        return _parse(body)
    except (KeyError, TypeError, SchemaError) as error:
        raise Corrupt(path, f"incomplete ({error})") from error


def _parse(body: dict[str, Any]) -> Manifest:
    raw = dict(body["schema"])
    raw["fields"] = {f["name"]: {k: v for k, v in f.items() if k != "name"} for f in raw["fields"]}
    files = tuple(FileInfo(name, f["bytes"], f["sha256"], f["table_crc32"]) for name, f in sorted(body["files"].items()))
    entries = tuple(SegmentEntry(**e) for e in body["segments"])
    return Manifest(Schema.from_dict(raw, "manifest"), body["analyzers"], entries, files)


def _encode(body: dict[str, Any]) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n"


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(_encode(body)).hexdigest()
