"""``python benchmarks/service.py``: a service under load: searches, suggestions, events, swaps; and where the time of a search goes.

A collection of abstracts (or ``--home DIR``, with a model of its own) is served by two workers on the machine that also sends the requests, by an
open loop (``open_loop.py``). A model with all default features orders 100 candidates; ten results with highlights; searches are logged. Searches at
rising rates until answers fall behind; then at half of what was sustained: latencies alone, beside suggestions, beside durable events, and while
generations are swapped. Memory is that of the service's processes without what is mapped.

Queries are words of 20,000 titles. All is measured twice: with none asked again before all were, so that pages and blocks are warm and what is
remembered of a query is not; and drawn as people ask, the n-th most popular in proportion to 1/n (Zipf's law), where answers that were kept help.
A home that is given is copied, so that neither its click log nor its index changes, and gets a second generation if it has one only. Nothing is said
of networks, of TLS, of more than two cores, nor of a collection larger than memory. The generator's own CPU is told; it is part of the machine.
"""

import argparse
import gzip
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson
from benchmark_collections import DATA
from measure import Report, note
from open_loop import Outcome
from processes import _memory

TESTS = Path(__file__).resolve().parent.parent / "tests"
FOLDERS = {"arxiv": "en-arxiv-60k", "poems": "zh-classical-poetry"}
RATES = (50, 100, 200, 300, 400, 500, 600, 800, 1000, 1250, 1500, 1750, 2000, 2500, 3000)
QUERIES = 20_000
MAX_WAIT = 1000.0  # milliseconds of p99 at which answers have fallen behind


def titles_of(collection: str, count: int) -> list[tuple[str, str]]:
    """(id, title) of some documents."""
    with gzip.open(DATA / "corpora" / FOLDERS[collection] / "docs.jsonl.gz", "rb") as lines:
        documents = [orjson.loads(line) for line in lines]
    return [(str(one["id"]), str(one["title"])) for one in random.Random(1).sample(documents, min(count, len(documents)))]


def query_of(title: str, chance: random.Random) -> str:
    """Two to five words of a title, or two to five of its Chinese characters."""
    words = re.findall(r"[A-Za-z]{3,}", title)
    if len(words) < 2:
        words = list("".join(re.findall(r"[\u4e00-\u9fff]+", title)))
    size = min(len(words), chance.randint(2, 5))
    start = chance.randint(0, len(words) - size)
    return (" " if words and words[0].isascii() else "").join(words[start : start + size])


def queries_of(collection: str, count: int) -> list[tuple[str, str]]:
    """(id of the document, query)."""
    chance = random.Random(2)
    found = ((key, query_of(title, chance)) for key, title in titles_of(collection, 2 * count))
    return [(key, query) for key, query in found if query][:count]


def make_home(folder: Path, collection: str) -> Path:
    """Two generations of the collection and a model for it, by the commands that users have."""
    home, asked = folder / "home", queries_of(collection, 300)
    (folder / "queries.tsv").write_text("".join(f"q{n}\t{query}\n" for n, (_, query) in enumerate(asked)), encoding="utf-8")
    (folder / "judged.qrels").write_text("".join(f"q{n} 0 {quote(key)} 1\n" for n, (key, _) in enumerate(asked)), encoding="utf-8")
    source = DATA / "corpora" / FOLDERS[collection] / "docs.jsonl.gz"
    judged = ["--queries", folder / "queries.tsv", "--judgments", folder / "judged.qrels"]
    for command in [["indexer", "build", source]] * 2 + [
        ["ranker", "train", "--family", "pairwise", *judged, "--name", "judged", "--activate"]
    ]:
        note(" ".join(map(str, command[:2])))
        subprocess.run([Path(sys.executable).with_name(command[0]), *command[1:], "--home", home], check=True, capture_output=True)
    return home


def copied(home: Path, folder: Path) -> Path:
    """The home in another place, with two generations at least: the second adds a document."""
    found = folder / "home"
    shutil.copytree(home, found, ignore=shutil.ignore_patterns("clicks.sqlite3*", "cache"))
    if len(generations(found)) < 2:
        (folder / "one.jsonl").write_text(json.dumps({"id": "benchmark", "title": "A benchmark of the service"}) + "\n")
        command = [Path(sys.executable).with_name("indexer"), "update", folder / "one.jsonl", "--home", found]
        subprocess.run(command, check=True, capture_output=True)
    return found


def generations(home: Path) -> list[str]:
    """The names of those on disk, oldest first."""
    return sorted(one.name for one in (home / "index").iterdir() if one.is_dir() and one.name.startswith("g"))


class Target:
    """A running service, and what to ask it."""

    def __init__(self, base: str, pid: int, queries: Sequence[str]) -> None:
        self.base, self.pid = base, pid
        self.host, port = base.removeprefix("http://").split(":")
        self.port = int(port)
        self._searches = [self.get(f"/v1/search?limit=10&q={quote(query)}") for query in dict.fromkeys(queries)]
        self._asked = 0
        self.popular = False
        self._weights = list(accumulate(1 / rank for rank in range(1, len(self._searches) + 1)))
        self._chance = random.Random(3)
        self.suggestions = [self.get(f"/v1/suggest?q={quote(query[:size])}") for query in queries for size in (1, 2, 3, 5)]

    def searches(self, rate: float, seconds: float) -> list[str]:
        """As many as will be sent, each another one than before while there are any; of ``popular`` ones the most popular most often."""
        if self.popular:
            return self._chance.choices(self._searches, cum_weights=self._weights, k=1 + int(1.5 * rate * seconds))
        first, count = self._asked, 1 + int(1.5 * rate * seconds)
        self._asked += count
        return [self._searches[number % len(self._searches)] for number in range(first, first + count)]

    def get(self, path: str) -> str:
        return f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n"

    def events(self, count: int) -> list[str]:
        """Clicks on what one search showed, each an event of its own."""
        found = self.json("/v1/search?limit=10&q=" + quote(self._first()))
        hits = found["hits"]
        return [self.post("/v1/events", click(found["query_id"], hits[n % len(hits)]["id"], n % len(hits), n)) for n in range(count)]

    def _first(self) -> str:
        return next(q for q in ("theory", "learning", "春", "月") if self.json("/v1/search?limit=1&q=" + quote(q))["hits"])

    def post(self, path: str, body: dict[str, Any]) -> str:
        content = json.dumps(body)
        return f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n{content}"

    def json(self, path: str) -> Any:
        with urllib.request.urlopen(self.base + path, timeout=30) as answer:
            return orjson.loads(answer.read())

    def stages(self) -> dict[str, float]:
        """Seconds of every stage of all searches so far, and how many searches there were."""
        with urllib.request.urlopen(self.base + "/metrics", timeout=30) as answer:
            text = answer.read().decode()
        sums = re.findall(r'searchd_stage_seconds_sum\{stage="(\w+)"\} (\S+)', text)
        count = re.search(r"searchd_search_seconds_count\S* (\S+)", text)
        total = re.search(r"searchd_search_seconds_sum\S* (\S+)", text)
        return {
            **{name: float(value) for name, value in sums},
            "search": float(total[1]) if total else 0.0,
            "n": float(count[1]) if count else 0,
        }


def click(query_id: str, key: str, position: int, number: int) -> dict[str, Any]:
    attributes = {"object": {"object_id": key}, "position": {"ordinal": position + 1}}
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    names = {"action_name": "click", "event_id": f"{query_id}:{number}", "query_id": query_id, "client_id": f"c{number}"}
    return {**names, "timestamp": stamp, "event_attributes": attributes}


class Sender(threading.Thread):
    """A process that sends requests; ``outcome`` when joined."""

    def __init__(self, target: Target, requests: Sequence[str], rate: float, seconds: float, seed: int = 0) -> None:
        super().__init__()
        self._asked = {"host": target.host, "port": target.port, "requests": list(requests), "rate": rate, "seconds": seconds, "seed": seed}
        self.start()

    def run(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("open_loop.py"))]
        said = subprocess.run(command, input=orjson.dumps(self._asked), stdout=subprocess.PIPE, check=True).stdout
        times, failed, seconds, cpu = orjson.loads(said)
        self.outcome = Outcome(np.array(times), failed, seconds, cpu)

    def finish(self) -> Outcome:
        self.join()
        return self.outcome


def figures(outcome: Outcome) -> dict[str, float]:
    p50, p99 = np.percentile(outcome.times, [50, 99]).tolist() if len(outcome.times) else (float("nan"),) * 2
    return {"rate": round(outcome.rate, 1), "p50": round(p50, 2), "p99": round(p99, 2), "failed": outcome.failed}


def sustained(target: Target, seconds: float, report: Report) -> float:
    """The highest rate of those tried that is answered at p99 below a second; raises nothing when the machine is slow: 0 then."""
    reached, rows = 0.0, []
    for rate in RATES:
        found = Sender(target, target.searches(rate, seconds), rate, seconds).finish()
        got = figures(found)
        generator = found.cpu_seconds / max(1, len(found.times)) * 1e6
        rows.append([f"{rate:,}", *cells(got), f"{generator:.0f}"])
        report.results.setdefault(_named("rates", target), []).append({"asked": rate, **got})
        if got["p99"] > MAX_WAIT or got["failed"] or got["rate"] < 0.9 * rate:
            break
        reached = float(rate)
    report.table(["searches/s", "answered/s", "p50 ms", "p99 ms", "failed", "generator us"], rows)
    return reached


def beside(target: Target, rate: float, seconds: float, report: Report) -> None:
    """Searches at ``rate`` alone, beside suggestions, beside events, and while generations are swapped."""
    rows = []
    for name, others, other_rate in (("alone", [], 0), ("suggestions", target.suggestions, 100), ("events", target.events(20_000), 1000)):
        other = Sender(target, others, other_rate, seconds, 1) if others else None
        found = figures(Sender(target, target.searches(rate, seconds), rate, seconds).finish())
        rows.append(["searches" + (f" beside {name}" if others else " alone"), *cells(found)])
        report.results[_named(f"searches, {name}", target)] = found
        if other is not None:
            others_found = report.results[_named(name, target)] = figures(other.finish())
            rows.append([f"{name}, {other_rate} a second", *cells(others_found)])
    with swapping(target, seconds) as swaps:
        found = figures(Sender(target, target.searches(rate, seconds), rate, seconds).finish())
    if not swaps:
        raise SystemExit("expected at least one swap of the index, found none; measure for more than two seconds")
    report.results[_named("searches, swaps", target)] = {**found, "swaps": len(swaps)}
    rows.append([f"searches, {len(swaps)} swaps of the index", *cells(found)])
    report.say()
    report.table([f"{rate:,.0f} searches a second", "answered/s", "p50 ms", "p99 ms", "failed"], rows)


def _named(result: str, target: Target) -> str:
    return result + (", popular" if target.popular else "")


def cells(found: dict[str, float]) -> list[str]:
    return [f"{found['rate']:,.0f}", f"{found['p50']:.2f}", f"{found['p99']:.2f}", f"{found['failed']}"]


@contextmanager
def swapping(target: Target, seconds: float) -> Iterator[list[float]]:
    """Every two seconds the other of two generations is published, by ``indexer rollback`` and forward again."""
    done: list[float] = []
    stop = threading.Event()
    home = Path(f"/proc/{target.pid}/cmdline").read_bytes().split(b"\0")

    def swap() -> None:
        folder = Path(home[home.index(b"--home") + 1].decode()) / "index"
        names = generations(folder.parent)[-2:]
        while not stop.wait(2):
            (folder / "CURRENT.swap").write_text(names[len(done) % 2] + "\n")
            (folder / "CURRENT.swap").replace(folder / "CURRENT")
            done.append(time.perf_counter())

    thread = threading.Thread(target=swap)
    thread.start()
    yield done
    stop.set()
    thread.join()


def where_time_goes(target: Target, before: dict[str, float], report: Report) -> None:
    """Microseconds of each stage of a search by the clock, from the service's own metrics."""
    after = target.stages()
    count = max(1.0, after["n"] - before["n"])
    rows = {name: 1e6 * (after[name] - before.get(name, 0.0)) / count for name in after if name != "n"}
    report.results[_named("stages_us", target)] = {name: round(value, 1) for name, value in rows.items()}
    report.say()
    report.table(["stage of a search", "us"], [[name, f"{value:.0f}"] for name, value in sorted(rows.items(), key=lambda row: -row[1])])


def wait_for_tables(home: Path) -> None:
    """Until the process that makes suggestions for all workers has ended: it is there for seconds of a day."""
    while any(b"making_tables" in command and str(home).encode() in command for command in commands()):
        time.sleep(0.5)


def commands() -> Iterator[bytes]:
    """The command lines of all processes."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_bytes()


def measure(home: Path, queries: Sequence[str], seconds: float, report: Report) -> None:
    sys.path.insert(0, str(TESTS))
    from web_server import free_port, ready_process

    port = free_port()
    command = [sys.executable, "-m", "searchd", "serve", "--home", str(home), "--port", str(port), "--workers", "2"]
    with tempfile.TemporaryDirectory() as logs, ready_process(command, port, Path(logs) / "server.log") as process:
        target = Target(f"http://127.0.0.1:{port}", process.pid, queries)
        Sender(target, target.searches(50, max(5.0, seconds)), 50, max(5.0, seconds)).finish()  # all is read and warm
        wait_for_tables(home)
        for target.popular in (False, True):
            report.say("\nqueries as people ask, by Zipf's law" if target.popular else "queries that nobody has asked before")
            rate = sustained(target, seconds, report)
            before = target.stages()
            beside(target, max(1.0, rate / 2), seconds, report)
            where_time_goes(target, before, report)
        wait_for_tables(home)
        own, _ = _memory(process.pid, {})
        report.results["anonymous_mb"] = round(own / 1e6, 1)
        report.say(f"\nmemory of the service, two workers, without what is mapped: {own / 1e6:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--collection", default="arxiv", choices=list(FOLDERS), help="[%(default)s]")
    parser.add_argument("--home", type=Path, metavar="DIR", help="a home of that collection with a model, instead of making one")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement [%(default)s]")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write the results there as JSON and text")
    asked = parser.parse_args()
    report = Report(f"service-{asked.collection}", asked.output)
    with tempfile.TemporaryDirectory() as folder:
        home = copied(asked.home, Path(folder)) if asked.home else make_home(Path(folder), asked.collection)
        measure(home, [query for _, query in queries_of(asked.collection, QUERIES)], asked.seconds, report)
    report.save()


if __name__ == "__main__":
    main()
