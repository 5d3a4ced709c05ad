"""How far bootstrapped collections are from real ones: real passages beside as many that were bootstrapped from every sixth abstract.

Measured: passages cut from all abstracts (each sentence stands in one) against the same number of documents bootstrapped from 10,000 of
them, as `benchmark_collections.py` does it for larger collections: vocabulary, words in one document, postings, bytes of our index, our
microseconds a query and those of tantivy for the same queries.
Cannot show: what happens beyond six passes.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from benchmark_collections import LENGTH, Piece, bootstrapped, read_pieces, respelling_of
from benchmark_queries import Query, bags
from engines.base import texts_of
from engines.registry import OURS, load
from engines.searchd_engine import stats_of
from measure import Report, argument_parser, geometric_ratio, microseconds
from retrieval import turns
from workspace import Collection, Workspace, workspace, write_jsonl

SIXTH = 6


def passages(articles: Sequence[Sequence[Piece]]) -> Iterator[str]:
    """Adjacent sentences up to the length of a bootstrapped document."""
    for pieces in articles:
        wanted, drawn = LENGTH["english"] * sum(p.length for p in pieces), []
        for piece in pieces:
            drawn.append(piece)
            if sum(p.length for p in drawn) >= wanted:
                yield " ".join(p.text for p in drawn)
                drawn = []
        if drawn:
            yield " ".join(p.text for p in drawn)


def collections(place: Workspace, limit: int) -> tuple[Collection, Collection]:
    articles = [[Piece(text, text.count(" ") + 1) for text in pieces] for pieces in read_pieces("arxiv")][:limit]
    real = written(place, "real", passages(articles))
    some = articles[::SIXTH]
    return real, written(place, "bootstrapped", bootstrapped(some, real.documents, LENGTH["english"], 1, respelling_of(some)))


def written(place: Workspace, name: str, texts: Iterator[str]) -> Collection:
    path = place.folder / f"validate-{name}.jsonl"
    return Collection(name, path, **write_jsonl(path, texts))


def figures(place: Workspace, collection: Collection, queries: Sequence[Query], repeat: int) -> dict[str, Any]:
    engines = [load(name)(place.index(load(name), collection)) for name in (OURS, "tantivy")]
    stats = stats_of(place.index(load(OURS), collection))
    df = Counter(word for text in texts_of(collection.path) for word in set(text.split()))
    found = {
        "documents": collection.documents,
        "tokens a document": round(collection.tokens / collection.documents, 1),
        "postings a document": round(stats["postings"] / collection.documents, 1),
        "words": len(df),
        "words in one document": round(sum(n == 1 for n in df.values()) / len(df), 3),
        "bytes a posting": stats["retrieval_bytes_a_posting"],
        "index bytes / text": round(stats["bytes"] / collection.bytes, 3),
        "AND hits, mean": round(float(np.mean([len(engines[0].numbers(engines[0].retrieve(q.text, 1000, "and"))) for q in queries])), 1),
    }
    for mode, k in (("or", 10), ("or", 1000), ("and", 10)):
        times = turns(engines, queries, k, mode, repeat)
        found[f"{mode} {k}, us"] = round(float(np.median(times[OURS])), 1)
        found[f"{mode} {k}, x tantivy"] = round(geometric_ratio(times["tantivy"], times[OURS]), 2)
    for engine in engines:
        engine.close()
    return found


def main(arguments: Sequence[str]) -> None:
    parser = argument_parser(__doc__, "arxiv")
    parser.add_argument("--docs", type=int, default=60_000, help="abstracts to cut passages from")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args(arguments)
    report = Report("validate", options.output)
    with workspace(options.work) as place:
        made = collections(place, options.docs)
        known = known_to_both([load(OURS)(place.index(load(OURS), collection)).known for collection in made])
        queries = bags("english", made[0].path, known, options.queries)
        found = {collection.name: figures(place, collection, queries, options.repeat) for collection in made}
    report.results["collections"] = found
    real, other = found.values()
    report.table(
        ["", "real", "bootstrapped", "ratio"],
        [[name, microseconds(value), microseconds(other[name]), f"{other[name] / value:.2f}"] for name, value in real.items()],
    )
    report.save()


def known_to_both(known: Sequence[Any]) -> Any:
    return lambda words: known[0](words) & known[1](words)


if __name__ == "__main__":
    main(sys.argv[1:])
