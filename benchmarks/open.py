"""What it costs to open an index: milliseconds, and which of its pages are read.

Measured in fresh processes that have opened and asked a tiny index before (so that programs and compiled kernels are loaded): milliseconds
to open, milliseconds of the first query, once with the files in the page cache and once after they were dropped from it
(posix_fadvise); pages of the index's files that the process has mapped in (/proc/self/smaps), and that came into the page cache
(mincore), with the read-ahead of the system. The system maps 16 cached pages at a time, so "mapped" is more than what was touched.
tantivy beside it.
Cannot show: slow disks; memory that an engine allocates itself is the column "anonymous".
"""

import ctypes
import json
import mmap
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark_queries import bags
from engines.registry import OURS, available, load
from measure import Report, argument_parser
from workspace import Workspace, each_collection

PAGE = mmap.PAGESIZE
QUERY_COUNT = 10


def child(name: str, tiny: Path, folder: Path, cold: bool, texts: Sequence[str]) -> dict[str, Any]:
    """What one fresh process sees."""
    engine = load(name)
    warm = engine(tiny)
    warm.retrieve("a", 10, "or")
    files = [path for path in folder.rglob("*") if path.is_file()]
    if cold:
        for path in files:
            drop(path)
    before = anonymous()
    start = time.perf_counter()
    opened = engine(folder)
    found: dict[str, Any] = {"open_ms": (time.perf_counter() - start) * 1000, **pages(folder, files), "anonymous": anonymous() - before}
    start = time.perf_counter()
    opened.retrieve(texts[0], 10, "or")
    found["first_ms"] = (time.perf_counter() - start) * 1000
    for text in texts:
        opened.retrieve(text, 10, "or")
    return found | {f"{name} after queries": value for name, value in pages(folder, files).items()}


def drop(path: Path) -> None:
    """Ask the system to forget a file's pages; those that a process has mapped stay."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def pages(folder: Path, files: Sequence[Path]) -> dict[str, int]:
    return {"mapped": mapped(folder), "cached": sum(cached(path) for path in files)}


def mapped(folder: Path) -> int:
    """Bytes of files below a folder that this process has in its page tables."""
    total, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first = line.split(" ", 1)[0]
        if "-" in first and not first.endswith(":"):
            inside = str(folder) in line
        elif inside and first == "Rss:":
            total += int(line.split()[1]) * 1024
    return total


def cached(path: Path) -> int:
    """Bytes of a file in the page cache."""
    size = path.stat().st_size
    if not size:
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE) as view:
        count = (size + PAGE - 1) // PAGE
        vector = (ctypes.c_ubyte * count)()
        address = ctypes.addressof(ctypes.c_char.from_buffer(view))
        if libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), vector):
            raise OSError(ctypes.get_errno(), "mincore")
        return sum(flag & 1 for flag in vector) * PAGE


def anonymous() -> int:
    fields = Path("/proc/self/status").read_text().split("RssAnon:", 1)[1]
    return int(fields.split()[0]) * 1024


def measure(place: Workspace, spec: str, names: str, rounds: int) -> dict[str, Any]:
    collection, tiny = place.collection(spec), place.collection("arxiv:100")
    classes = available(names)[0]
    known = load(OURS)(place.index(load(OURS), collection))
    texts = [q.text for q in bags(collection.name, collection.path, known.known, 300)][:: 300 // QUERY_COUNT][:QUERY_COUNT]
    result: dict[str, Any] = {"collection": collection.name, "documents": collection.documents, "engines": {}}
    for engine in classes:
        folder, small = place.index(engine, collection), place.index(engine, tiny)
        for state in ("warm", "cold"):
            command = [sys.executable, __file__, "--child", engine.name, str(small), str(folder), state, json.dumps(texts)]
            runs = [json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(rounds)]
            figures = {key: min(run[key] for run in runs) for key in runs[0]}
            result["engines"].setdefault(engine.name, {"bytes": sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())})
            result["engines"][engine.name][state] = {key: round(value, 2) for key, value in figures.items()}
    return result


def tell(report: Report, result: dict[str, Any]) -> None:
    report.say(f"\n{result['collection']}: {result['documents']:,} documents; after opening, and after {QUERY_COUNT} queries (OR top 10)")
    header = ["", "index MB", "open ms", "mapped MB", "read MB", "anonymous MB", "first query ms", "mapped after", "read after"]
    rows = []
    for name, engine in result["engines"].items():
        for state in ("warm", "cold"):
            row = engine[state]
            sizes = [row["mapped"], row["cached"], row["anonymous"]]
            after = [row["mapped after queries"], row["cached after queries"]]
            if state == "warm":
                sizes[1] = after[1] = None
            mb = ["-" if size is None else f"{size / 1e6:,.2f}" for size in sizes + after]
            times = [f"{row['open_ms']:,.1f}", f"{row['first_ms']:,.2f}"]
            rows.append([f"{name}, {state}", f"{engine['bytes'] / 1e6:,.0f}", times[0], *mb[:3], times[1], *mb[3:]])
    report.table(header, rows)


def main(arguments: Sequence[str]) -> None:
    parser = argument_parser(__doc__, "english:1000000")
    parser.add_argument("--engines", default=f"{OURS},tantivy")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    report = Report("open", options.output)
    each_collection(options, report, lambda place, spec: measure(place, spec, options.engines, options.rounds), tell)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        name, tiny, folder, state, texts = sys.argv[2:]
        print(json.dumps(child(name, Path(tiny), Path(folder), state == "cold", json.loads(texts))))
    else:
        main(sys.argv[1:])
