"""Queries a second with 1, 2 and more threads in one process: what Python's lock leaves of several cores.

Measured: each thread asks the whole list of OR top 10 (then AND top 10) queries over and over, from its own starting point, for a few
seconds of wall time; the kernels run without Python's lock, the rest of a call with it. tantivy beside it under the same lock.
Cannot show: several processes, which is how a service would use many cores; more threads than cores only queue.
"""

import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from benchmark_queries import bags
from engines.base import Engine
from engines.registry import OURS, available
from measure import Report, argument_parser, note
from workspace import Workspace, each_collection

MODES = ("or", "and")


def queries_a_second(engine: Engine, texts: Sequence[str], mode: str, threads: int, seconds: float) -> float:
    """Over all threads; they begin together."""
    barrier, answered = threading.Barrier(threads + 1), [0] * threads
    ends = [0.0] * threads

    def ask(number: int) -> None:
        at = number * len(texts) // threads
        for text in texts[at : at + 20]:
            engine.retrieve(text, 10, mode)
        barrier.wait()
        end = time.perf_counter() + seconds
        while (now := time.perf_counter()) < end:
            for text in texts[at : at + 20]:
                engine.retrieve(text, 10, mode)
                answered[number] += 1
            at = (at + 20) % len(texts)
        ends[number] = now

    workers = [threading.Thread(target=ask, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    barrier.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    return sum(answered) / (max(ends) - start)


def measure(place: Workspace, spec: str, options: Any) -> dict[str, Any]:
    collection = place.collection(spec)
    classes = available(options.engines)[0]
    engines = [engine(place.index(engine, collection)) for engine in classes]
    texts = [q.text for q in bags(collection.name, collection.path, engines[0].known, options.queries)]
    counts = [int(n) for n in options.threads.split(",")]
    result: dict[str, Any] = {"collection": collection.name, "documents": collection.documents, "threads": counts, "engines": {}}
    for mode in MODES:
        for engine in engines:
            note(f"{collection.name}: {mode}, {engine.name}")
            speeds = [[queries_a_second(engine, texts, mode, n, options.seconds) for n in counts] for _ in range(options.rounds)]
            result["engines"].setdefault(engine.name, {})[mode] = [round(max(column)) for column in zip(*speeds)]
    for engine in engines:
        engine.close()
    return result


def tell(report: Report, result: dict[str, Any]) -> None:
    report.say(f"\n{result['collection']}: {result['documents']:,} documents, queries a second, top 10")
    counts = result["threads"]
    rows = [
        [f"{name}, {mode}", *(f"{speed:,}" for speed in speeds), *(f"{speed / speeds[0]:.2f}" for speed in speeds[1:])]
        for name, modes in result["engines"].items()
        for mode, speeds in modes.items()
    ]
    report.table(["", *(f"{n} threads" for n in counts), *(f"{n} / {counts[0]}" for n in counts[1:])], rows)


def main(arguments: Sequence[str]) -> None:
    parser = argument_parser(__doc__, "english")
    parser.add_argument("--engines", default=f"{OURS},tantivy")
    parser.add_argument("--threads", default="1,2,4")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--queries", type=int, default=600)
    options = parser.parse_args(arguments)
    report = Report("threads", options.output)
    each_collection(options, report, lambda place, spec: measure(place, spec, options), tell)


if __name__ == "__main__":
    main(sys.argv[1:])
