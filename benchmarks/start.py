"""``python benchmarks/start.py --home DIR``: how soon a service is ready, and what the analyser's tables take in two processes.

A real ``searchd serve`` for one and two workers, kernels in the cache: seconds and CPU seconds of the whole family until ``/health`` and ``/ready``
answer. Then two processes load the tables of the analyser at the same time, all pages touched: the growth of the proportional set size (PSS) of
each, so a page that both have counts half. It says nothing about a first start, which compiles for half a minute, nor about a collection's own tables
(words spelt alike, suggestions, words by sound), which stand in docs/text.md.
"""

import argparse
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from processes import TICK, _family

LIMIT = 120.0
HAN = "".join(chr(code) for code in range(0x4E00, 0x9FA6))


def start(home: str, workers: int) -> None:
    """Start a service and tell when it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "searchd", "serve", "--home", home, "--port", str(port), "--workers", str(workers)]
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for path in ("/health", "/ready"):
                wait_for(f"http://127.0.0.1:{port}{path}", began)
                print(f"{workers} workers, {path}: {time.monotonic() - began:.1f} s, {cpu_of(process.pid):.1f} s of CPU")
        finally:
            process.terminate()


def wait_for(address: str, began: float) -> None:
    while time.monotonic() - began < LIMIT:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    raise SystemExit(f"{address} did not answer within {LIMIT:.0f} s")


def cpu_of(root: int) -> float:
    times = (Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split() for pid in _family(root))
    return sum(int(fields[11]) + int(fields[12]) for fields in times) * TICK


def pss() -> float:
    """Megabytes of this process."""
    line = next(line for line in Path("/proc/self/smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) / 1024


def load_tables() -> None:
    """A child: load one table after the other, in step with its twin; says the growth after each."""
    from indexer.characters import characters, joining_characters
    from indexer.folding import fold
    from indexer.lexicon import Lexicon
    from indexer.standard import StandardAnalyzer
    from searchd.look_alikes import look_alikes
    from searchd.pinyin import readings

    analyzer = StandardAnalyzer(Lexicon())
    analyzer._segmenter.words("中文")  # imports and kernels, and few pages of the tables

    def tables(value: object) -> None:
        for one in value if isinstance(value, tuple) else ():
            one.sum() if hasattr(one, "sum") else tables(one)

    steps = {
        "segmentation, every page": lambda: tables(tuple(analyzer._segmenter.tables)),
        "characters of builds: folding, traditional forms, kinds": lambda: (
            fold(HAN),
            characters().learn(range_of(HAN)),
            joining_characters(),
        ),
        "words across scripts, of builds": lambda: tables(tuple(analyzer._mixed.tables)),
        "pinyin of 20,902 characters": lambda: [readings(one) for one in HAN],
        "characters of like shape": lambda: look_alikes("未来"),
    }
    for name, step in {"": lambda: None, **steps}.items():
        step()
        print(name, flush=True)
        input()  # the twin has it as well
        print(pss(), flush=True)
        input()


def range_of(text: str):
    import numpy as np

    return np.array([ord(one) for one in text])


def measure_tables() -> None:
    twins = [
        subprocess.Popen([sys.executable, __file__, "--child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    first = before = None
    while name := twins[0].stdout.readline():
        twins[1].stdout.readline()
        answer(twins)
        found = [float(twin.stdout.readline()) for twin in twins]
        answer(twins)
        if before is not None:
            print(f"{name.strip()}: {found[0] - before[0]:.1f} and {found[1] - before[1]:.1f} MB")
        first, before = first or found, found
    print(f"all: {before[0] - first[0]:.1f} and {before[1] - first[1]:.1f} MB")
    for twin in twins:
        twin.wait()


def answer(twins: list[subprocess.Popen]) -> None:
    for twin in twins:
        twin.stdin.write("\n")
        twin.stdin.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", help="A home with an index; without one only the tables are measured.")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        load_tables()
        return
    print(f"load of the machine {os.getloadavg()[0]:.1f}")
    for workers in (1, 2) if options.home else ():
        start(options.home, workers)
    measure_tables()


if __name__ == "__main__":
    main()
