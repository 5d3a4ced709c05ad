"""How time and size grow with the collection: 60,000 to 4,000,000 bootstrapped English documents.

Measured at each size: build seconds (one process, whole), bytes and bytes a posting, milliseconds to open, and microseconds of CPU a query
(mean, p50, p95, p99; the same queries at every size, the fastest of several repetitions). tantivy is measured beside it up to a million documents,
beyond that with --peers.
Cannot show: how real collections of this size grow: these are made of 60,000 abstracts, so beyond a million documents every sentence
comes back ten times and more (`benchmark_collections.py` says what that distorts); nor indexes that do not fit into memory.
"""

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmark_queries import Query, bags, phrases
from engines.base import Engine
from engines.registry import OURS, load
from engines.searchd_engine import build_command as ours
from engines.searchd_engine import stats_of
from measure import Report, argument_parser, cpu_microseconds, microseconds, note, summary
from processes import run
from workspace import Collection, Workspace, build_command, workspace

SIZES = "english:60000,english:250000,english:1000000,english:4000000"
PEER, PEER_LIMIT = "tantivy", 1_000_000
MEASURES = [("or", 10), ("or", 1000), ("and", 10), ("phrase", 10)]


def measure(place: Workspace, spec: str, options: Any, queries: dict[str, list[Query]]) -> dict[str, Any]:
    """One size; ``queries`` are chosen at the first one."""
    collection = place.collection(spec)
    classes = [load(OURS)]
    if not load(PEER).missing() and (options.peers or collection.documents <= PEER_LIMIT):
        classes.append(load(PEER))
    found: dict[str, Any] = {"documents": collection.documents, "bytes": collection.bytes, "tokens": collection.tokens, "engines": {}}
    for engine in classes:
        note(f"{collection.label}: {engine.name}")
        found["engines"][engine.name] = one_engine(place, collection, engine, options.repeat, queries, options.queries)
    found["postings"] = found["engines"][OURS].pop("postings")
    return found


def one_engine(
    place: Workspace, collection: Collection, engine: type[Engine], repeat: int, queries: dict[str, list[Query]], count: int
) -> dict[str, Any]:
    """Build, open, ask; leaves nothing behind."""
    folder = place.place(f"scale-{engine.name}", collection)
    shutil.rmtree(folder, ignore_errors=True)
    built = run(ours(collection.path, folder) if engine.name == OURS else build_command(engine, collection, folder))
    opened, milliseconds = open_warm(engine, folder)
    if not queries:
        queries["bags"] = bags(collection.name, collection.path, opened.known, count)
        queries["phrases"] = phrases(collection.name, collection.path, opened.known, count)
    times = {
        f"{mode} {k}": summary(ask(opened, queries["phrases" if mode == "phrase" else "bags"], k, mode, repeat))
        for mode, k in MEASURES
        if mode in engine.modes
    }
    opened.close()
    figures = {
        "seconds": round(built.seconds, 1),
        "documents_a_second": round(collection.documents / built.seconds),
        "anonymous_bytes": built.anonymous,
        "open_milliseconds": round(milliseconds, 1),
        "times": times,
        **sizes(engine, folder),
    }
    shutil.rmtree(folder)
    return figures


def open_warm(engine: type[Engine], folder: Path) -> tuple[Engine, float]:
    """The fastest of three, so that programs are loaded; `open.py` says more."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        opened = engine(folder)
        best = min(best, (time.perf_counter() - start) * 1000)
    return opened, best


def sizes(engine: type[Engine], folder: Path) -> dict[str, Any]:
    structures = engine.structures(folder)
    found: dict[str, Any] = {"bytes": sum(structures.values()), "structures": structures}
    if engine.name == OURS:
        stats = stats_of(folder)
        found |= {"postings": stats["postings"], "terms": stats["terms"], "bytes_a_posting": stats["retrieval_bytes_a_posting"]}
    return found


def ask(engine: Engine, queries: Sequence[Query], k: int, mode: str, repeat: int) -> np.ndarray:
    """The fastest of ``repeat`` repetitions, float64[queries]; repetitions go over all queries."""
    rounds = [[cpu_microseconds(engine.retrieve, q.text, k, mode) for q in queries] for _ in range(repeat + 1)]
    return np.min(rounds[1:], axis=0)


def tell(report: Report, results: Sequence[dict[str, Any]]) -> None:
    keys = [f"{mode} {k}" for mode, k in MEASURES]
    header = ["documents, engine", "build s", "docs/s", "anon MB", "MB", "bytes / text", "B/posting", "open ms"]
    header += [f"{key} p50" for key in keys] + [f"{key} p95" for key in keys[:1]]
    rows = []
    for result in results:
        for name, row in result["engines"].items():
            times = row["times"]
            rows.append(
                [
                    f"{result['documents']:,} {name}",
                    f"{row['seconds']:.1f}",
                    f"{row['documents_a_second']:,}",
                    f"{row['anonymous_bytes'] / 1e6:,.0f}",
                    f"{row['bytes'] / 1e6:,.1f}",
                    f"{row['bytes'] / result['bytes']:.2f}",
                    f"{row['bytes_a_posting']:.2f}" if "bytes_a_posting" in row else "-",
                    f"{row['open_milliseconds']:.1f}",
                    *(microseconds(times[key]["p50"]) if key in times else "-" for key in keys),
                    microseconds(times[keys[0]]["p95"]),
                ]
            )
    report.table(header, rows)


def main(arguments: Sequence[str]) -> None:
    parser = argument_parser(__doc__, SIZES)
    parser.add_argument("--peers", action="store_true", help=f"{PEER} beyond {PEER_LIMIT:,} documents too")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args(arguments)
    report = Report("scale", options.output)
    report.results |= {"repeat": options.repeat, "queries": options.queries, "sizes": []}
    queries: dict[str, list[Query]] = {}
    with workspace(options.work) as place:
        for spec in options.collections.split(","):
            report.results["sizes"].append(measure(place, spec, options, queries))
            if options.work is None:
                place.forget(spec)
    tell(report, report.results["sizes"])
    report.save()


if __name__ == "__main__":
    main(sys.argv[1:])
