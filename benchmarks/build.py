"""Documents to a published index: seconds, documents a second and bytes, beside tantivy.

Measured: whole processes from a JSONL file on disk to a searchable, durable index; one process each; texts tokenised beforehand, so that both
do the same work. The row "default" is our full analysis of the same texts (stems, Chinese words and bigrams).
Cannot show: how either engine grows beyond this size, nor parallel builds (two noisy cores).
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmark_collections import texts, write_jsonl
from engines import build_ours, build_tantivy, bytes_of


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(collection: str, limit: int) -> None:
    corpus = texts(collection, limit)
    size = sum(len(text.encode()) for text in corpus)
    print(f"\n{collection}: {len(corpus):,} documents, {size / 1e6:.1f} MB of text")
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        write_jsonl(tmp / "docs.jsonl", corpus)
        rows = {
            "searchd": (timed(lambda: build_ours(tmp / "docs.jsonl", tmp / "ours")), tmp / "ours" / "index"),
            "searchd, default": (timed(lambda: build_ours(tmp / "docs.jsonl", tmp / "full", default_schema=True)), tmp / "full" / "index"),
            "tantivy": (timed(lambda: build_tantivy(tmp / "docs.jsonl", tmp / "peer")), tmp / "peer"),
        }
        peer, peer_bytes = rows["tantivy"][0], bytes_of(rows["tantivy"][1])
        print(f"{'engine':18} {'seconds':>8} {'docs/s':>9} {'MB':>7} {'time / tantivy':>15} {'size / tantivy':>15}")
        for name, (seconds, where) in rows.items():
            total = bytes_of(where)
            print(
                f"{name:18} {seconds:8.1f} {len(corpus) / seconds:9,.0f} {total / 1e6:7.1f} {seconds / peer:15.2f} {total / peer_bytes:15.2f}",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=int, default=1_000_000, help="at most so many documents of each collection")
    parser.add_argument("--collections", default="arxiv,poems")
    arguments = parser.parse_args()
    for name in arguments.collections.split(","):
        measure(name, arguments.docs)
