"""A published generation in figures: what it counts, and which structure takes how many bytes."""

from pathlib import Path
from typing import Any

from indexer.analysis import get_analyzer
from indexer.container import Container
from indexer.home import Home
from indexer.index import differences, lexicon_of
from indexer.manifest import Manifest, read_manifest
from indexer.publish import current_generation

TOMBSTONES, CONTAINER = "tombstones", "container"
# Sections by the beginning of their name; the first that fits. See FORMAT.md for what they hold.
STRUCTURES = (
    ("postings.nibbles", "postings, wide"),
    ("postings.wide_", "postings, wide"),
    ("postings.packed", "postings, packed"),
    ("postings.row_starts", "postings, packed"),
    ("postings.exception", "postings, packed"),
    ("postings.rare", "postings, rare"),
    ("postings.", "postings, tables"),
    ("terms.", "term dictionary"),
    ("lengths", "lengths"),
    ("forward.", "forward"),
    ("stored.", "stored"),
    ("keys.", "keys"),
    ("columns.", "columns"),
    ("meta", CONTAINER),
    ("", "other sections"),
)
# What ranking by words reads: not positions, stored documents, keys or columns.
RETRIEVAL = ("postings, wide", "postings, packed", "postings, rare", "postings, tables", "term dictionary", "lengths")


def stats(home: Home) -> dict[str, Any]:
    """The published generation: the manifest's counts, analyzers, fields, bytes by structure (adding up to ``bytes``), and bytes a posting of what
    retrieval reads. Raises NoIndex, Corrupt,
    VersionMismatch, LexiconError."""
    name = current_generation(home)
    manifest = read_manifest(home.index / name)
    structures = bytes_by_structure(home, manifest)
    retrieval = sum(structures.get(structure, 0) for structure in RETRIEVAL)
    return {
        "generation": name,
        **manifest.statistics,
        "retrieval_bytes": retrieval,
        "retrieval_bytes_a_posting": round(retrieval / max(1, manifest.statistics["postings"]), 3),
        "structures": structures,
        "retrieval_structures": [structure for structure in RETRIEVAL if structure in structures],
        "analyzers": {name: analyzer_of(manifest, name, lexicon_of(home)) for name in manifest.analyzers},
        "fields": {field.name: field.type for field in manifest.schema.fields},
    }


def analyzer_of(manifest: Manifest, name: str, lexicon: Path | None) -> dict[str, Any]:
    """By what an index was analysed: rules, libraries, dictionaries, number of a user's words; ``differs``: what is another in this program."""
    built = manifest.analyzers[name]
    found = get_analyzer(name, lexicon)
    return {**built["spec"], "words": len(manifest.words(name)), "differs": differences(built["spec"], found.spec)}


def bytes_by_structure(home: Home, manifest: Manifest) -> dict[str, int]:
    """Sums over the segments of the published generation, in the order of STRUCTURES; ``container`` is what describes them and fills up."""
    folder = home.index / current_generation(home)
    found = dict.fromkeys([structure for _, structure in STRUCTURES] + [TOMBSTONES], 0)
    for entry in manifest.segments:
        sections = {name: int(row["bytes"]) for name, row in Container(folder / entry.file).entries.items()}
        for section, size in sections.items():
            found[structure_of(section)] += size
        found[CONTAINER] += manifest.file(entry.file).bytes - sum(sections.values())
        if entry.tombstones:
            found[TOMBSTONES] += manifest.file(entry.tombstones).bytes
    return {structure: size for structure, size in found.items() if size}


def structure_of(section: str) -> str:
    """The structure that a section belongs to."""
    return next(structure for prefix, structure in STRUCTURES if section.startswith(prefix))
