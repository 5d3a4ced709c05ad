"""What ``indexer build --reorder`` gains: bytes, seconds to build, and microseconds a query, beside the order of the sources.

Measured: the same documents built twice; OR and AND, top 10 and 1000, the two indexes by turns, each query with the fastest of several passes, CPU
time. "Shuffled" is the same in an order drawn at random, for sources that have no order of their own; the natural order of most collections already
keeps what belongs together side by side. Cannot show: collections larger than what one process reorders in memory.
"""

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmark_queries import bags
from engines.searchd_engine import SearchdEngine, build_command, stats_of
from measure import Report, argument_parser, geometric_ratio, microseconds, note
from processes import run
from retrieval import turns
from workspace import Collection, Workspace, each_collection

MEASURES = [("or", 10), ("or", 1000), ("and", 10)]
NATURAL, SHUFFLED, REORDERED = "order of the source", "shuffled", "--reorder"


def build(place: Workspace, collection: Collection, row: str) -> tuple[Path, float]:
    """The home of a row, and the CPU seconds of its build; a home that is there is built again."""
    source = _shuffled(place, collection) if row == SHUFFLED else collection.path
    home = place.place(f"reorder-{row.strip('-').split()[0]}", collection)
    note(f"{collection.name}: building, {row}")
    command = build_command(source, home) + (["--reorder"] if row == REORDERED else [])
    return home, run(command).cpu_seconds


def _shuffled(place: Workspace, collection: Collection) -> Path:
    path = place.folder / f"{collection.path.stem}.shuffled.jsonl"
    lines = collection.path.read_bytes().splitlines(keepends=True)
    random.Random(1).shuffle(lines)
    path.write_bytes(b"".join(lines))
    return path


def measure(place: Workspace, spec: str, count: int, repeat: int) -> dict[str, Any]:
    collection = place.collection(spec)
    built = {row: build(place, collection, row) for row in (NATURAL, SHUFFLED, REORDERED)}
    engines = [type("Row", (SearchdEngine,), {"name": row})(home) for row, (home, _) in built.items()]
    queries = bags(collection.name, collection.path, engines[0].known, count)
    rows: dict[str, dict[str, Any]] = {row: _sizes(home, seconds) for row, (home, seconds) in built.items()}
    for mode, k in MEASURES:
        note(f"{collection.name}: {mode} top {k}")
        times = turns(engines, queries, k, mode, repeat)
        for row, spent in times.items():
            rows[row][f"{mode} {k}"] = [float(np.mean(spent)), float(np.median(spent)), geometric_ratio(times[NATURAL], spent)]
    for engine in engines:
        engine.close()
    return {"collection": collection.name, "documents": collection.documents, "queries": len(queries), "rows": rows}


def _sizes(home: Path, seconds: float) -> dict[str, Any]:
    stats = stats_of(home)
    retrieval = sum(stats["structures"][name] for name in stats["retrieval_structures"])
    return {"cpu": seconds, "bytes": sum(stats["structures"].values()), "retrieval": retrieval}


def tell(report: Report, result: dict[str, Any]) -> None:
    report.say(
        f"\n{result['collection']}: {result['documents']:,} documents, {result['queries']} queries; times: mean us, median, times as fast"
    )
    header = ["", "build CPU s", "index MB", "retrieval MB", *(f"{mode} {k}" for mode, k in MEASURES)]
    rows = []
    for name, row in result["rows"].items():
        times = [" / ".join([microseconds(a), microseconds(b), f"{c:.2f}"]) for a, b, c in (row[f"{m} {k}"] for m, k in MEASURES)]
        rows.append([name, f"{row['cpu']:.1f}", f"{row['bytes'] / 1e6:.1f}", f"{row['retrieval'] / 1e6:.1f}", *times])
    report.table(header, rows)


def main(arguments: Sequence[str]) -> None:
    parser = argument_parser(__doc__, "arxiv,english,poems")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args(arguments)
    report = Report("reorder", options.output)
    each_collection(options, report, lambda place, spec: measure(place, spec, options.queries, options.repeat), tell)


if __name__ == "__main__":
    main(sys.argv[1:])
