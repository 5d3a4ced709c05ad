"""Where the bytes of an index are: ours by structure (``indexer stats``), beside the files of peers.

Measured: bytes on disk of the same collection. "Retrieval" is what ranking by words needs: postings, their tables, the term dictionary and
document lengths, without positions, stored texts and ids; bytes a posting are all of that over the number of (term, document) pairs.
Cannot show: what stays in memory (`open.py`), sizes after updates. Peers keep different things: tantivy positions and stored text as we do,
PISA and bm25s neither, SQLite both in one file; PISA's figures leave out the uncompressed files that it builds from.
"""

import sys
from collections.abc import Sequence
from typing import Any

from engines.registry import OURS, available
from engines.searchd_engine import stats_of
from measure import Report, argument_parser
from workspace import Workspace, each_collection

RETRIEVAL = "retrieval: "


def measure(place: Workspace, spec: str, names: str) -> dict[str, Any]:
    collection = place.collection(spec)
    engines = {engine.name: engine.structures(place.index(engine, collection)) for engine in available(names)[0]}
    stats = stats_of(next(place.index(engine, collection) for engine in available(OURS)[0]))
    return {
        "collection": collection.name,
        "documents": collection.documents,
        "bytes": collection.bytes,
        "postings": stats["postings"],
        "terms": stats["terms"],
        "engines": {
            name: {"bytes": sum(structures.values()), **_retrieval(structures, stats["postings"]), "structures": structures}
            for name, structures in engines.items()
        },
    }


def _retrieval(structures: dict[str, int], postings: int) -> dict[str, Any]:
    """Nothing for an engine whose files do not tell."""
    size = sum(size for name, size in structures.items() if name.startswith(RETRIEVAL))
    return {"retrieval_bytes": size, "bytes_a_posting": round(size / postings, 3)} if size else {}


def tell(report: Report, result: dict[str, Any]) -> None:
    report.say(
        f"\n{result['collection']}: {result['documents']:,} documents, {result['bytes'] / 1e6:.1f} MB of text, "
        f"{result['postings']:,} postings, {result['terms']:,} terms"
    )
    rows = []
    for name, engine in result["engines"].items():
        rows.append(
            [
                name,
                f"{engine['bytes'] / 1e6:,.1f}",
                f"{engine['bytes'] / result['bytes']:.2f}",
                f"{engine['retrieval_bytes'] / 1e6:,.1f}" if "retrieval_bytes" in engine else "-",
                f"{engine['bytes_a_posting']:.2f}" if "bytes_a_posting" in engine else "-",
            ]
        )
    report.table(["", "index MB", "bytes / text", "retrieval MB", "bytes a posting"], rows)
    report.say()
    parts = [(name, part, size) for name, engine in result["engines"].items() for part, size in engine["structures"].items()]
    report.table(
        ["engine, structure", "MB", "bytes a posting", "bytes a document"],
        [
            [f"{name}, {part}", f"{size / 1e6:,.2f}", f"{size / result['postings']:.3f}", f"{size / result['documents']:.2f}"]
            for name, part, size in parts
        ],
    )


def main(arguments: Sequence[str]) -> None:
    parser = argument_parser(__doc__, "english,poems")
    parser.add_argument("--engines", default="all")
    options = parser.parse_args(arguments)
    report = Report("size", options.output)
    report.results |= {"missing": available(options.engines)[1]}
    each_collection(options, report, lambda place, spec: measure(place, spec, options.engines), tell)


if __name__ == "__main__":
    main(sys.argv[1:])
