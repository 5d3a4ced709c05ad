"""A published generation as one index: its segments in order, with global document numbers and collection statistics.

An Index never changes and may be shared between threads; when a newer generation is published, open another. A global document is the base
of its segment plus its number inside; bases count deleted documents too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from indexer.analysis import Analyzer, get_analyzer
from indexer.container import Container, file_sha256, table_crc32
from indexer.errors import SearchdError
from indexer.format import Corrupt, VersionMismatch
from indexer.home import Home
from indexer.manifest import NAME as MANIFEST
from indexer.manifest import Manifest, SegmentEntry, analyzers_of, read_manifest
from indexer.publish import NoSuchGeneration, current_generation
from indexer.schema import Schema, retuned, settings_features, settings_schema
from indexer.segment import Segment

DEFAULT_ANALYZER = "standard"
REBUILD = "install what it was built with, or build the index again from its sources"
LEXICON_ALONE = ["dictionaries lexicon"]


class AnalyzerMismatch(SearchdError):
    """The index was built by another analysis than this program's; queries would not meet the documents' terms."""

    code = "analyzer_mismatch"

    def __init__(self, path: Path, name: str, expected: dict[str, Any], found: dict[str, Any], remedy: str = "") -> None:
        what = differences(expected, found)
        remedy = remedy or ("restore lexicon/user.txt, or run `indexer build --reindex-affected`" if what == LEXICON_ALONE else REBUILD)
        super().__init__(
            f"{path}: expected analyzer {name!r} as the index was built, with {_of(expected, what)}, found {_of(found, what)} in this program; "
            + remedy
        )


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Names of what differs between two specifications of an analyzer."""
    one, other = _flat(expected), _flat(found)
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def _flat(spec: dict[str, Any]) -> dict[str, str]:
    pairs = [(name, value) for name, value in spec.items() if not isinstance(value, dict)]
    pairs += [(f"{name} {key}", value) for name, inner in spec.items() if isinstance(inner, dict) for key, value in inner.items()]
    return {name: str(value)[:12] for name, value in pairs}


def _of(spec: dict[str, Any], names: Sequence[str]) -> str:
    flat = _flat(spec)
    return ", ".join(f"{name} {flat.get(name, 'none')}" for name in names)


class Finding(NamedTuple):
    """One thing that is wrong with a generation: the file, the section when it is known, and what."""

    path: Path
    section: str | None
    problem: str


class Index:
    """Read-only view of one generation. Use ``Index.open``."""

    def __init__(self, home: Home, generation: str, manifest: Manifest, segments: Sequence[Segment]) -> None:
        self.home, self.generation, self.manifest = home, generation, manifest
        self.segments = tuple(segments)
        # That of the build, with the numbers for searching that the home's settings have now.
        tuned = retuned(manifest.schema, settings_schema(home.settings))
        self.schema: Schema = replace(tuned, features=settings_features(home.settings))
        sizes = [s.num_docs for s in self.segments]
        self.bases = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])[: len(sizes)]
        self.max_doc = sum(sizes)
        self.num_docs = sum(s.num_live for s in self.segments)
        self.avg_lengths = _average_lengths(self.segments, len(self.schema.text_fields))
        self._base_list: list[int] = self.bases.tolist()
        self._lexicon = lexicon_of(home)
        self.missing = 0
        """Live documents of segments that were left out."""

    @classmethod
    def open(cls, home: Home, generation: str | None = None, any_analyzer: bool = False, older: "Index | None" = None) -> "Index":
        """Open the published generation, or the one named; raises NoIndex, NoSuchGeneration, Corrupt, VersionMismatch, AnalyzerMismatch.

        ``any_analyzer``: open what was built by another analysis too, to bring it up to date; it must not be asked for its analyzers.
        ``older``: another generation that is open; segments of both are shared, with what was read, checked and remembered of them."""
        while True:
            name = generation or current_generation(home)
            try:
                return _open(cls, home, name, any_analyzer, older)
            except FileNotFoundError as error:
                # Two publications may have passed since CURRENT was read.
                if generation is None and current_generation(home) != name:
                    continue
                if not (home.index / name).exists():
                    raise NoSuchGeneration(f"{home.index}: expected generation {name}, found none; see `indexer versions`") from error
                raise Corrupt(Path(error.filename or home.index / name), "the file is missing") from error

    def __enter__(self) -> "Index":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the segments; mapped files are unmapped when the last array over them is gone."""
        self.segments = ()

    def without(self, left_out: Segment) -> "Index":
        """The same generation as if the documents of one of its segments had never been."""
        kept = [number for number, segment in enumerate(self.segments) if segment is not left_out]
        manifest = replace(self.manifest, segments=tuple(self.manifest.segments[number] for number in kept))
        other = Index(self.home, self.generation, manifest, [self.segments[number] for number in kept])
        other.missing = self.missing + left_out.num_live
        return other

    @property
    def coverage(self) -> float:
        """The share of the generation's live documents that are in the segments of this index."""
        return self.num_docs / (self.num_docs + self.missing) if self.missing else 1.0

    def df(self, terms: Sequence[str]) -> np.ndarray:
        """Live documents that hold each term, int64[n]."""
        total = np.zeros(len(terms), np.int64)
        for segment in self.segments:
            ids = segment.lookup(terms)
            found = ids >= 0
            total[found] += segment.df(ids[found])
        return total

    def locate(self, doc: int) -> tuple[Segment, int]:
        """The segment of a global document and its number there."""
        if not 0 <= doc < self.max_doc:
            raise IndexError(f"doc {doc} of {self.max_doc}")
        number = int(np.searchsorted(self.bases, doc, side="right")) - 1 if len(self._base_list) > 1 else 0
        return self.segments[number], int(doc) - self._base_list[number]

    def key(self, doc: int) -> str:
        """The caller's id of a global document."""
        segment, local = self.locate(doc)
        return segment.key(local)

    def keys(self, docs: np.ndarray) -> list[str]:
        """The caller's ids of global documents, int[n]."""
        owners = np.searchsorted(self.bases, docs, side="right") - 1
        keys = np.empty(len(docs), object)
        for number in np.unique(owners).tolist():
            here = np.flatnonzero(owners == number)
            keys[here] = self.segments[number].keys(docs[here] - self.bases[number])
        return keys.tolist()

    def doc(self, key: str) -> int:
        """The live global document with a key, -1 when there is none."""
        for segment, base in zip(self.segments, self._base_list):
            local = segment.doc(key)
            if local >= 0:
                return base + local
        return -1

    def docs(self, keys: Sequence[str]) -> np.ndarray:
        """The live global documents with keys, int64[n]; -1 where there is none."""
        found = np.full(len(keys), -1, np.int64)
        for segment, base in zip(self.segments, self._base_list):
            local = segment.docs(keys)
            found = np.where(local >= 0, base + local, found)
        return found

    def stored(self, doc: int) -> dict[str, Any]:
        """The original document with its id."""
        segment, local = self.locate(doc)
        return segment.stored(local)

    def documents(self, docs: np.ndarray) -> list[dict[str, Any]]:
        """The original documents of global documents, int64[n], with their ids."""
        if len(self.segments) == 1:
            return self.segments[0].documents(docs)
        found: list[dict[str, Any]] = [{}] * len(docs)
        owners = np.searchsorted(self.bases, docs, side="right") - 1
        for number in np.unique(owners).tolist():
            here = np.flatnonzero(owners == number)
            for place, document in zip(here.tolist(), self.segments[number].documents(docs[here] - self.bases[number])):
                found[place] = document
        return found

    def live_docs(self) -> Iterator[int]:
        """All live global documents, in order."""
        for segment, base in zip(self.segments, self._base_list):
            locals_ = range(segment.num_docs) if segment.live is None else np.flatnonzero(segment.live).tolist()
            yield from (base + doc for doc in locals_)

    def analyzer(self, field: str | None = None) -> Analyzer:
        """The analyzer of a text field, or of the collection: that of its first text field."""
        chosen = self.schema.field(field) if field else next(iter(self.schema.text_fields), None)
        name = chosen.analyzer if chosen is not None and chosen.type == "text" else DEFAULT_ANALYZER
        return get_analyzer(name, self._lexicon)


def lexicon_of(home: Home) -> Path | None:
    """The home's lexicon folder, if it has one."""
    return home.lexicon if home.lexicon.is_dir() else None


def verify(home: Home, generation: str | None = None) -> list[Finding]:
    """Read every byte of a generation; an empty list means that all are as they were written. Raises NoIndex."""
    folder = home.index / (generation or current_generation(home))
    try:
        manifest = read_manifest(folder)
    except FileNotFoundError as error:
        return [Finding(Path(error.filename), None, "the file is missing")]
    except (Corrupt, VersionMismatch) as error:
        return [Finding(folder / MANIFEST, None, str(error))]
    findings = [f for info in manifest.files for f in _verify_file(folder / info.name, info.bytes, info.sha256)]
    expected = {info.name for info in manifest.files} | {MANIFEST}
    extra = sorted(p for p in folder.iterdir() if p.name not in expected)
    return findings + [Finding(path, None, "not named in the manifest") for path in extra]


def _verify_file(path: Path, size: int, sha256: str) -> list[Finding]:
    if not path.exists():
        return [Finding(path, None, "the file is missing")]
    if path.stat().st_size != size:
        return [Finding(path, None, f"expected {size} bytes, found {path.stat().st_size}")]
    if file_sha256(path) == sha256:
        return []
    try:
        damaged = Container(path).damaged_sections()
    except Corrupt as error:
        return [Finding(path, error.section, error.problem)]
    except VersionMismatch as error:
        return [Finding(path, "header", str(error))]
    # Every section is whole: the damage is in the padding, or the file is another one of the same size.
    return [Finding(path, name, "checksum differs") for name in damaged] or [
        Finding(path, None, "not the file that was published (SHA-256 differs)")
    ]


def _open(cls: type[Index], home: Home, name: str, any_analyzer: bool, older: Index | None) -> Index:
    folder = home.index / name
    manifest = read_manifest(folder)
    for info in manifest.files:
        size = (folder / info.name).stat().st_size
        if size != info.bytes:
            raise Corrupt(folder / info.name, f"expected {info.bytes} bytes, found {size}")
        if table_crc32(folder / info.name) != info.table_crc32:
            raise Corrupt(folder / info.name, "not the file that was published", "footer")
    unnamed = {path.name for path in folder.iterdir() if path.suffix in (".seg", ".del")} - {info.name for info in manifest.files}
    if unnamed:
        raise Corrupt(folder / MANIFEST, f"does not name {min(unnamed)}: it is another generation's")
    if not any_analyzer:
        _check_analyzers(folder, manifest, lexicon_of(home))
    known = _segments_by_content(older) if older else {}
    segments = [_open_segment(folder, manifest, entry, known) for entry in manifest.segments]
    for segment, entry in zip(segments, manifest.segments):
        if (segment.num_docs, segment.num_terms) != (entry.documents, entry.terms):
            raise Corrupt(segment.path, f"expected {entry.documents} documents and {entry.terms} terms, found others", "meta")
    return cls(home, name, manifest, segments)


def _segments_by_content(index: Index) -> dict[str, tuple[Segment, str]]:
    """SHA-256 of each segment's file -> the segment, and the SHA-256 of its tombstones."""
    hashes = {file.name: file.sha256 for file in index.manifest.files}
    return {hashes[e.file]: (segment, hashes.get(e.tombstones or "", "")) for e, segment in zip(index.manifest.segments, index.segments)}


def _open_segment(folder: Path, manifest: Manifest, entry: SegmentEntry, known: dict[str, tuple[Segment, str]]) -> Segment:
    path, tombstones = folder / entry.file, folder / entry.tombstones if entry.tombstones else None
    segment, buried = known.get(manifest.file(entry.file).sha256, (None, ""))
    if segment is None:
        return Segment(path, tombstones)
    same = buried == (manifest.file(entry.tombstones).sha256 if entry.tombstones else "")
    return segment if same else segment.with_tombstones(path, tombstones)


def _check_analyzers(folder: Path, manifest: Manifest, lexicon: Path | None) -> None:
    for name, found in analyzers_of(manifest.schema, lexicon).items():
        expected = manifest.analyzers.get(name, {"fingerprint": "", "spec": {}})
        if found["fingerprint"] != expected["fingerprint"]:
            raise AnalyzerMismatch(folder, name, expected["spec"], found["spec"])


def _average_lengths(segments: Sequence[Segment], num_fields: int) -> np.ndarray:
    """Mean length of each text field over the live documents that have it; 0 where none has."""
    totals = np.zeros(num_fields, np.int64)
    counts = np.zeros(num_fields, np.int64)
    for segment in segments:
        totals += segment.length_totals.astype(np.int64)
        counts += segment.length_counts.astype(np.int64)
    return totals / np.maximum(counts, 1)
