"""Retrieval alone, OR and AND, top 10 and top 1000: microseconds of CPU a query, beside tantivy.

Measured: from the text of a query to ids and scores, Python included on both sides; warm caches, one thread; engines take turns query by query
and each query counts with the fastest of the repetitions.
Cannot show: cold reads, several threads, highlighting or fetching of documents, other sizes. Scores of tantivy use one-byte lengths, ours exact
ones, so its work is a little less.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from benchmark_collections import queries, texts, write_jsonl
from engines import Tantivy, build_ours, build_tantivy

from searchd.engine import Engine


def cpu_microseconds(action: Callable[[], object]) -> float:
    start = time.process_time_ns()
    action()
    return (time.process_time_ns() - start) / 1e3


def compare(ours: Engine, peer: Tantivy, words: list[str], k: int, mode: str, repeat: int) -> np.ndarray:
    """float64[queries, 2]: the fastest repetition of each engine."""
    best = np.full((len(words), 2), np.inf)
    for number, text in enumerate(words):
        for _ in range(repeat):
            mine = cpu_microseconds(lambda text=text: ours.retrieve(text, k=k, mode=mode))
            theirs = cpu_microseconds(lambda text=text: peer.retrieve(text, k, mode))
            best[number] = np.minimum(best[number], (mine, theirs))
    return best


def report(label: str, best: np.ndarray) -> None:
    mine, theirs = best.T
    figures = [f"{np.mean(x):8.1f} {np.median(x):7.1f} {np.quantile(x, 0.95):8.1f} {np.quantile(x, 0.99):8.1f}" for x in (mine, theirs)]
    ratio = np.exp(np.mean(np.log(theirs / mine)))
    print(
        f"{label:14} {figures[0]}   {figures[1]} {np.mean(theirs) / np.mean(mine):9.2f} {ratio:7.2f} {np.mean(mine > theirs):8.1%}",
        flush=True,
    )


def measure(collection: str, limit: int, count: int, repeat: int) -> None:
    corpus = texts(collection, limit)
    words = queries(collection, corpus, count)
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        write_jsonl(tmp / "docs.jsonl", corpus)
        build_ours(tmp / "docs.jsonl", tmp / "ours")
        peer = Tantivy(build_tantivy(tmp / "docs.jsonl", tmp / "peer"))
        print(f"\n{collection}: {len(corpus):,} documents, {len(words)} queries")
        print(f"{'':14} {'searchd: mean p50 p95 p99':>34}   {'tantivy: mean p50 p95 p99':>34} {'mean x':>9} {'geo x':>7} {'slower':>8}")
        with Engine(tmp / "ours") as engine:
            for mode in ("or", "and"):
                for k in (10, 1000):
                    report(f"{mode} top {k}", compare(engine, peer, words, k, mode, repeat))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=int, default=1_000_000, help="at most so many documents of each collection")
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--collections", default="arxiv,poems")
    arguments = parser.parse_args()
    for name in arguments.collections.split(","):
        measure(name, arguments.docs, arguments.queries, arguments.repeat)
