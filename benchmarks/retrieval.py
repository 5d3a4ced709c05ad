"""Retrieval alone: microseconds of CPU a query for OR, AND and phrases, top 10 and top 1000, beside peers, and how exact the answers are.

Measured: from the text of a query to ids and scores, Python included on all sides; one thread. Engines take turns, each asked all queries one
after another as in the search benchmark game, so that the caches hold what its own last queries left there; query by query, the largest
engine would empty them for the others. Each query counts with the fastest of several passes, in CPU time of the whole process (about 0.3 us of
it is the clock). An engine that is much slower is asked every 20th query, once; ratios are over the queries that both were asked.
"Call" is the time of a query whose one word no document has: what goes to Python and the binding.
Agreement: the share of the exact top 10 (float64 BM25 over the texts, `exact.py`) that an engine returns, over 100 queries.
Cannot show: cold reads, several threads (`threads.py`), other sizes (`scale.py`), highlighting or fetching of documents. What each peer does
less or otherwise stands in its module in `engines/`.
"""

import gc
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from benchmark_queries import Query, bags, phrases
from engines.base import Engine
from engines.registry import OURS, available
from engines.searchd_engine import SearchdEngine
from exact import Oracle
from measure import Report, argument_parser, cpu_microseconds, geometric_ratio, microseconds, note, summary
from workspace import Collection, Workspace, workspace

SLOW_SHARE = 20
TUNING = 100
MEASURES = [("or", 10), ("or", 1000), ("and", 10), ("and", 1000), ("phrase", 10)]


def turns(engines: Sequence[Engine], queries: Sequence[Query], k: int, mode: str, repeat: int) -> dict[str, np.ndarray]:
    """The fastest repetition of each engine, float64[queries]; NaN where it was not asked."""
    best = {engine.name: np.full(len(queries), np.nan) for engine in engines}
    gc.collect()
    gc.disable()
    for repetition in range(repeat):
        for engine in engines:
            if not (engine.slow and repetition):
                _pass(engine, queries, k, mode, best[engine.name])
    gc.enable()
    return best


def _pass(engine: Engine, queries: Sequence[Query], k: int, mode: str, best: np.ndarray) -> None:
    """Ask one engine all queries, a slow one every 20th; ``best`` float64[queries] keeps the fastest."""
    for number in range(0, len(queries), SLOW_SHARE if engine.slow else 1):
        best[number] = np.fmin(best[number], cpu_microseconds(engine.retrieve, queries[number].text, k, mode))


def compare(ours: np.ndarray, peer: np.ndarray, queries: Sequence[Query]) -> dict[str, Any]:
    """Ratios above 1 mean that ours is faster."""
    asked = ~np.isnan(peer)
    sizes, sources = np.array([min(q.size, 7) for q in queries]), np.array([q.source for q in queries])
    return {
        "geo": round(geometric_ratio(peer, ours), 3),
        "mean": round(float(peer[asked].mean() / ours[asked].mean()), 3),
        "slower": round(float(np.mean(ours[asked] > peer[asked])), 4),
        "by_terms": _ratios_by(sizes, ours, peer),
        "by_source": _ratios_by(sources, ours, peer),
    }


def _ratios_by(groups: np.ndarray, ours: np.ndarray, peer: np.ndarray) -> dict[str, float]:
    """Geometric ratios of the groups of queries that both were asked."""
    asked = groups[~np.isnan(peer)]
    return {str(g): round(geometric_ratio(peer[groups == g], ours[groups == g]), 3) for g in np.unique(asked).tolist()}


def measure(engines: Sequence[Engine], queries: Sequence[Query], k: int, mode: str, repeat: int) -> dict[str, Any]:
    """One mode and k: times of all engines that have it, ratios of ours to each."""
    taking_part = [engine for engine in engines if mode in engine.modes]
    sample = [q.text for q in queries[:: max(1, len(queries) // TUNING)]]
    chosen = {engine.name: name for engine in taking_part if (name := engine.tune(sample, k, mode))}
    for engine in taking_part:
        for query in queries[: 1 if engine.slow else 50]:
            engine.retrieve(query.text, k, mode)
    times = turns(taking_part, queries, k, mode, repeat)
    return {
        "mode": mode,
        "k": k,
        "queries": len(queries),
        "by_terms": {str(n): int(sum(min(q.size, 7) == n for q in queries)) for n in sorted({min(q.size, 7) for q in queries})},
        "algorithms": chosen,
        "engines": {name: summary(spent) for name, spent in times.items()},
        "ours_to": {name: compare(times[OURS], spent, queries) for name, spent in times.items() if name != OURS},
    }


def agreement(engines: Sequence[Engine], collection: Collection, queries: Sequence[Query], count: int) -> dict[str, float]:
    """Mean share of the exact top 10 for OR, by engine."""
    sample = [q.text for q in queries[:: max(1, len(queries) // count)]][:count]
    oracle = Oracle(collection.path, sample)
    shares = {}
    for engine in engines:
        asked = sample[::5] if engine.slow else sample
        shares[engine.name] = float(
            np.mean([oracle.agreement(text, engine.numbers(engine.retrieve(text, 10, "or")), 10) for text in asked])
        )
    return {name: round(share, 4) for name, share in shares.items()}


def call_times(engines: Sequence[Engine]) -> dict[str, float]:
    """Microseconds of a query that finds nothing: the fastest of many."""
    absent = "zzqqxj"
    return {e.name: round(min(cpu_microseconds(e.retrieve, absent, 10, "or") for _ in range(500)), 2) for e in engines}


def tell(report: Report, result: dict[str, Any]) -> None:
    algorithms = ", ".join(f"{engine}: {name}" for engine, name in result["algorithms"].items())
    report.say(f"\n{result['mode'].upper()} top {result['k']}, {result['queries']} queries" + (f" ({algorithms})" if algorithms else ""))
    sizes = list(result["by_terms"])
    header = ["", "mean us", "p50", "p95", "p99", "mean x", "geo x", "slower", *(f"{n}{'+' if n == '7' else ''} terms" for n in sizes)]
    rows = []
    for name, figures in result["engines"].items():
        row = [name, *(microseconds(figures[key]) for key in ("mean", "p50", "p95", "p99"))]
        if name in result["ours_to"]:
            ratios = result["ours_to"][name]
            row += [f"{ratios['mean']:.2f}", f"{ratios['geo']:.2f}", f"{ratios['slower']:.1%}"]
            row += [f"{ratios['by_terms'][n]:.2f}" if n in ratios["by_terms"] else "-" for n in sizes]
        else:
            row += ["", "", "", *(f"({result['by_terms'][n]})" for n in sizes)]
        rows.append(row)
    report.table(header, rows)
    for name, ratios in result["ours_to"].items():
        if len(ratios["by_source"]) > 1:
            report.say(f"  geo x {name} by source: " + ", ".join(f"{s} {x:.2f}" for s, x in ratios["by_source"].items()))


def run(place: Workspace, spec: str, classes: Sequence[type[Engine]], count: int, repeat: int, report: Report) -> dict[str, Any]:
    collection = place.collection(spec)
    engines = [engine(place.index(engine, collection)) for engine in classes]
    known = next(engine for engine in engines if isinstance(engine, SearchdEngine)).known
    words = bags(collection.name, collection.path, known, count)
    sequences = phrases(collection.name, collection.path, known, count)
    report.say(f"\n{collection.label}, {collection.bytes / 1e6:.1f} MB of text")
    result: dict[str, Any] = {"collection": collection.name, "documents": collection.documents, "bytes": collection.bytes, "measures": []}
    for mode, k in MEASURES:
        note(f"{collection.name}: {mode} top {k}")
        result["measures"].append(measure(engines, sequences if mode == "phrase" else words, k, mode, repeat))
        tell(report, result["measures"][-1])
    result["agreement"] = agreement(engines, collection, words, min(100, count))
    report.say("\nshare of the exact top 10: " + ", ".join(f"{name} {share:.3f}" for name, share in result["agreement"].items()))
    result["call"] = call_times(engines)
    report.say("microseconds of a call that finds nothing: " + ", ".join(f"{name} {spent:.1f}" for name, spent in result["call"].items()))
    for engine in engines:
        engine.close()
    return result


def main(arguments: Sequence[str]) -> None:
    parser = argument_parser(__doc__, "english,poems")
    parser.add_argument("--engines", default="all")
    parser.add_argument("--queries", type=int, default=900, help="bags of words, and as many phrases")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args(arguments)
    report = Report("retrieval", options.output)
    classes, missing = available(options.engines)
    report.results |= {"versions": {c.name: c.version() for c in classes}, "missing": missing, "repeat": options.repeat, "collections": []}
    for name, why in missing.items():
        report.say(f"{name}: left out, {why}")
    with workspace(options.work) as place:
        for spec in options.collections.split(","):
            report.results["collections"].append(run(place, spec, classes, options.queries, options.repeat, report))
    report.save()


if __name__ == "__main__":
    main(sys.argv[1:])
