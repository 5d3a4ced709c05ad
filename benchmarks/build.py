"""Documents to a published index: seconds, CPU seconds, documents a second, peak memory and bytes, beside peers.

Measured: whole processes from a JSONL file on disk to a searchable, durable index, with their start and imports; texts tokenised
beforehand, so that all do the same work. Ours with one job and with two: of JSON lines these are threads, though the row is named "2 processes", and
one job, too, merges on two threads. The row "default analysis" is our full analysis of the same texts (stems, Chinese words and bigrams), which no
peer does here. The rounds go over all engines by turns, the fastest counts. Memory is the peak sum over all processes of an engine, sampled every
50 ms: anonymous, and mapped files (which the system may take back) apart. Cannot show: updates, merges of many segments, builds that do not fit
into memory; two jobs on two noisy cores say little about many. What a peer leaves out (positions, stored texts) stands in its module in `engines/`.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engines.registry import OURS, available
from engines.searchd_engine import build_command as ours
from measure import Report, argument_parser, note
from processes import Usage, run
from workspace import Collection, Workspace, build_command, each_collection


def commands(place: Workspace, collection: Collection, names: str) -> dict[str, tuple[list[str], Path]]:
    """Row -> command line and the folder that it makes."""
    source = collection.path
    homes = {row: place.place(f"build-{row}", collection) for row in (OURS, f"{OURS}, 2 processes", f"{OURS}, default analysis")}
    one, two, full = homes.values()
    found = dict(
        zip(homes, [(ours(source, one), one), (ours(source, two, jobs=2), two), (ours(source, full, default_analysis=True), full)])
    )
    for engine in available(names)[0]:
        if engine.name != OURS:
            folder = place.place(f"build-{engine.name}", collection)
            found[engine.name] = (build_command(engine, collection, folder), folder)
    return found


def measure(place: Workspace, spec: str, names: str, rounds: int) -> dict[str, Any]:
    collection = place.collection(spec)
    rows: dict[str, list[tuple[Usage, int]]] = {}
    for _ in range(rounds):
        for row, (command, folder) in commands(place, collection, names).items():
            note(f"{collection.name}: {row}")
            shutil.rmtree(folder, ignore_errors=True)
            usage = run(command)
            rows.setdefault(row, []).append((usage, bytes_of(folder / "index" if (folder / "index").exists() else folder)))
            shutil.rmtree(folder)
    return {
        "collection": collection.name,
        "documents": collection.documents,
        "bytes": collection.bytes,
        "tokens": collection.tokens,
        "engines": {row: summary(collection, measured) for row, measured in rows.items()},
    }


def summary(collection: Collection, measured: Sequence[tuple[Usage, int]]) -> dict[str, Any]:
    seconds = min(usage.seconds for usage, _ in measured)
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(min(usage.cpu_seconds for usage, _ in measured), 2),
        "documents_a_second": round(collection.documents / seconds),
        "anonymous_bytes": max(usage.anonymous for usage, _ in measured),
        "mapped_bytes": max(usage.mapped for usage, _ in measured),
        "bytes": measured[0][1],
    }


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def tell(report: Report, result: dict[str, Any]) -> None:
    report.say(f"\n{result['collection']}: {result['documents']:,} documents, {result['bytes'] / 1e6:.1f} MB of text")
    peer = result["engines"].get("tantivy")
    header = ["", "seconds", "CPU s", "docs/s", "anon MB", "mapped MB", "index MB", "bytes / text", "docs/s, x tantivy", "by CPU s"]
    rows = [
        [
            name,
            f"{row['seconds']:.1f}",
            f"{row['cpu_seconds']:.1f}",
            f"{row['documents_a_second']:,}",
            f"{row['anonymous_bytes'] / 1e6:,.0f}",
            f"{row['mapped_bytes'] / 1e6:,.0f}",
            f"{row['bytes'] / 1e6:,.1f}",
            f"{row['bytes'] / result['bytes']:.2f}",
            f"{row['documents_a_second'] / peer['documents_a_second']:.2f}" if peer else "-",
            f"{peer['cpu_seconds'] / row['cpu_seconds']:.2f}" if peer else "-",
        ]
        for name, row in result["engines"].items()
    ]
    report.table(header, rows)


def main(arguments: Sequence[str]) -> None:
    parser = argument_parser(__doc__, "english,poems")
    parser.add_argument("--engines", default="all")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args(arguments)
    report = Report("build", options.output)
    report.results |= {"missing": available(options.engines)[1], "rounds": options.rounds}
    each_collection(options, report, lambda place, spec: measure(place, spec, options.engines, options.rounds), tell)


if __name__ == "__main__":
    main(sys.argv[1:])
