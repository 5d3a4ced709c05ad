"""``python benchmarks/updates.py``: documents that change beside searches.

A copy of a collection's home is served over HTTP by one worker. First searches alone at a fixed rate, then the same searches while one client
replaces documents in batches, one request after another; the latencies of both stand side by side. Then single documents: seconds from the call to
the first search that finds them, with and without ``refresh``. Last, such batches without a server: CPU of the library, by kind of batch.

Searches are sent at their times whether or not earlier ones have been answered (an open loop), so a stall counts for all that wait. It says nothing
about several workers, about collections that do not fit into memory, or about disks: the folder of ``--work`` is where the home lies.
"""

import argparse
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from indexer.build import build
from indexer.changes import apply_changes
from indexer.home import Home
from indexer.index import Index

TESTS = Path(__file__).resolve().parent.parent / "tests"
QUERIES = [
    "quantum gravity",
    "neural networks",
    "galaxy rotation",
    "magnetic fields of stars",
    "random matrices",
    "graph theory",
    "phase transition",
]


def read_collection(shared: Path) -> list[dict]:
    with gzip.open(shared / "corpora" / "en-arxiv-60k" / "docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


class Client:
    """Requests to one server."""

    def __init__(self, base: str, key: str) -> None:
        self.base, self.key = base, key

    def search(self, q: str) -> dict:
        with urllib.request.urlopen(f"{self.base}/v1/search?log=false&q={q.replace(' ', '+')}", timeout=60) as response:
            return json.loads(response.read())

    def post(self, documents: list[dict], refresh: bool = False) -> None:
        body = "\n".join(map(json.dumps, documents)).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/x-ndjson"}
        request = urllib.request.Request(f"{self.base}/v1/documents?refresh={str(refresh).lower()}", body, headers, method="POST")
        with urllib.request.urlopen(request, timeout=120) as response:
            response.read()


def latencies(client: Client, rate: float, seconds: float) -> np.ndarray:
    """Milliseconds from when a search was due to its answer."""
    found: list[float] = []
    begin = time.perf_counter() + 0.1

    def one(number: int) -> None:
        due = begin + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        client.search(QUERIES[number % len(QUERIES)])
        found.append(1000 * (time.perf_counter() - due))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(one, range(int(rate * seconds))))
    return np.array(found)


def beside_updates(client: Client, documents: list[dict], batch: int, rate: float, seconds: float) -> tuple[np.ndarray, float]:
    """The latencies while batches are replaced, and how many documents a second were."""
    stop, done, chance = threading.Event(), [0], random.Random(1)
    started = time.perf_counter()

    def update() -> None:
        while not stop.is_set():
            client.post(chance.sample(documents, batch))
            done[0] += batch

    writer = threading.Thread(target=update)
    writer.start()
    found = latencies(client, rate, seconds)
    stop.set()
    writer.join()
    return found, done[0] / (time.perf_counter() - started)


def until_searchable(client: Client, refresh: bool, times: int) -> list[float]:
    """Seconds from the call to the first search that finds a new document."""
    found = []
    for number in range(times):
        word = f"zyx{'r' if refresh else 'n'}{number}q"
        started = time.perf_counter()
        client.post([{"id": word, "title": word}], refresh)
        while client.search(word)["total"]["value"] == 0:
            time.sleep(0.005)
        found.append(round(time.perf_counter() - started, 4))
    return found


def library_cpu(home: Home, documents: list[dict], times: int) -> dict[str, list[float]]:
    """Milliseconds of CPU of a change, by kind: documents replaced by others of another title, or new ones."""
    chance, found = random.Random(2), {}
    kinds = {f"{size:,} {'new' if new else 'replaced'}": (size, new) for size in (1, 1000, 10_000) for new in (False, True)}
    for _ in range(times):
        for name, (size, new) in kinds.items():
            other = [{"id": f"new-{chance.random()}"} if new else {"title": f"other title {chance.random()}"} for _ in range(size)]
            some = [dict(document) | change for document, change in zip(chance.sample(documents, size), other)]
            started = time.process_time()
            apply_changes(home, some)
            found.setdefault(name, []).append(round(1000 * (time.process_time() - started), 1))
    return found


def summary(times: np.ndarray) -> dict[str, float]:
    return {"p50": round(float(np.percentile(times, 50)), 2), "p99": round(float(np.percentile(times, 99)), 2), "n": len(times)}


def measure(work: Path, documents: list[dict], rate: float, seconds: float, batch: int) -> dict:
    sys.path.insert(0, str(TESTS))
    from web_server import running_server

    home = Home.at(work / "home")
    if not home.current.exists():
        source = work / "documents.jsonl"
        source.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
        build(home, [str(source)])
    copy = Home.at(work / "copy")
    shutil.rmtree(copy.root, ignore_errors=True)
    subprocess.run(["cp", "-r", str(home.root), str(copy.root)], check=True)
    key = create_key(copy)
    with running_server(copy.root, work) as (base, _):
        client = Client(base, key)
        client.post(documents[:batch])  # whatever has to be compiled is
        latencies(client, rate, 3)
        alone = summary(latencies(client, rate, seconds))
        beside, speed = beside_updates(client, documents, batch, rate, seconds)
        single = {"refresh": until_searchable(client, True, 10), "no refresh": until_searchable(client, False, 10)}
    with Index.open(copy) as index:
        segments = [segment.num_docs for segment in index.segments]
    return {
        "documents": len(documents), "searches a second": rate, "batch": batch, "load average": os.getloadavg()[0], "search ms alone": alone,
        "search ms beside updates": summary(beside), "documents replaced a second": round(speed), "segments after": segments,
        "seconds until searchable": single, "CPU ms of a change in the library": library_cpu(copy, documents, 5),
    }  # fmt: skip


def create_key(home: Home) -> str:
    command = [sys.executable, "-m", "searchd", "keys", "create", "--home", str(home.root), "--scope", "documents"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="folder that keeps the built home")
    parser.add_argument("--output", type=Path, help="folder for updates.json and updates.txt")
    parser.add_argument("--rate", type=float, default=100.0, help="searches a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--batch", type=int, default=1000)
    options = parser.parse_args()
    shared = os.environ.get("SEARCHD_SHARED_DATA")
    if not shared:
        raise SystemExit("SEARCHD_SHARED_DATA does not name the folder of the collections")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options.work or Path(folder), read_collection(Path(shared)), options.rate, options.seconds, options.batch)
    text = json.dumps(found, indent=2)
    print(text)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "updates.json").write_text(text + "\n", encoding="utf-8")
        (options.output / "updates.txt").write_text("\n".join(f"{name}: {value}" for name, value in found.items()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
