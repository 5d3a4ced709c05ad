"""Results as the tables of docs/performance.md. Each function takes all results (benchmark name -> its JSON) and gives Markdown lines."""

from collections.abc import Callable, Sequence
from typing import Any

Results = dict[str, Any]
OURS = "searchd"
MISSING = "Not measured yet: `make bench`."


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, figures to the right."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *rows])


def machine(results: Results) -> str:
    found = results["retrieval"]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items() if name not in (OURS, "pisa 8-bit"))
    left_out = "".join(f" Left out: {name}." for name in found["missing"])
    return (
        f"Measured on {found['date']}: {found['processor']}, {found['cores']} cores, {found['memory_bytes'] / 2**30:.0f} GiB, "
        f"Python {found['python']}. Peers: {versions}.{left_out}"
    )


def ratios(results: Results) -> str:
    """Geometric mean of peer / ours, all queries, one table a collection."""
    parts = []
    for found in results["retrieval"]["collections"]:
        peers = list(dict.fromkeys(name for m in found["measures"] for name in m["ours_to"]))
        rows = []
        for m in found["measures"]:
            ours = m["engines"][OURS]
            cells = [f"{m['ours_to'][p]['geo']:.2f}" if p in m["ours_to"] else "" for p in peers]
            rows.append([f"{m['mode'].upper()} top {m['k']}", f"{ours['mean']:,.1f}", f"{ours['p50']:,.1f}", f"{ours['p99']:,.1f}", *cells])
        parts.append(f"**{found['collection']}, {found['documents']:,} documents**\n")
        parts.append(table(["", "us, mean", "p50", "p99", *(f"x {p}" for p in peers)], rows) + "\n")
    return "\n".join(parts).rstrip()


def latencies(results: Results) -> str:
    """Every engine's microseconds."""
    parts = []
    for found in results["retrieval"]["collections"]:
        rows = []
        for m in found["measures"]:
            for name, t in m["engines"].items():
                slower = f"{m['ours_to'][name]['slower']:.1%}" if name in m["ours_to"] else ""
                algorithm = f" ({m['algorithms'][name]})" if name in m["algorithms"] else ""
                rows.append(
                    [
                        f"{m['mode'].upper()} {m['k']}, {name}{algorithm}",
                        *(f"{t[key]:,.1f}" for key in ("mean", "p50", "p95", "p99")),
                        slower,
                    ]
                )
        parts.append(f"**{found['collection']}**\n")
        parts.append(table(["", "mean us", "p50", "p95", "p99", "queries where ours is slower"], rows) + "\n")
    return "\n".join(parts).rstrip()


def by_terms(results: Results) -> str:
    """Geometric mean of tantivy's and PISA's time to ours by number of terms."""
    found = results["retrieval"]["collections"][0]
    measures = [m for m in found["measures"] if m["k"] == 10]
    sizes = sorted({n for m in measures for n in m["by_terms"]}, key=int)
    rows = []
    for m in measures:
        rows.append([f"{m['mode'].upper()} 10: queries", *(str(m["by_terms"].get(n, "")) for n in sizes)])
        for peer in ("tantivy", "pisa"):
            if peer in m["ours_to"]:
                cells = [f"{m['ours_to'][peer]['by_terms'][n]:.2f}" if n in m["ours_to"][peer]["by_terms"] else "" for n in sizes]
                rows.append([f"x {peer}", *cells])
    return table(["terms", *(n + ("+" if n == "7" else "") for n in sizes)], rows)


def by_source(results: Results) -> str:
    found = results["retrieval"]["collections"][0]
    sources = list(dict.fromkeys(s for m in found["measures"] for s in m["ours_to"].get("tantivy", {}).get("by_source", {})))
    rows = [
        [
            f"{m['mode'].upper()} top {m['k']}, x tantivy",
            *(f"{m['ours_to']['tantivy']['by_source'][s]:.2f}" if s in m["ours_to"]["tantivy"]["by_source"] else "" for s in sources),
        ]
        for m in found["measures"]
        if "tantivy" in m["ours_to"]
    ]
    return table(["", *sources], rows)


def exactness(results: Results) -> str:
    collections = results["retrieval"]["collections"]
    names = list(collections[0]["agreement"])
    return table(
        ["share of the exact top 10", *(c["collection"] for c in collections)],
        [[name, *(f"{c['agreement'][name]:.3f}" for c in collections)] for name in names],
    )


def calls(results: Results) -> str:
    found = results["retrieval"]["collections"][0]["call"]
    return table(["", *found], [["microseconds of a call that finds nothing", *(f"{spent:.1f}" for spent in found.values())]])


def size(results: Results) -> str:
    rows = []
    for c in results["size"]["collections"]:
        for name, e in c["engines"].items():
            retrieval = [f"{e['retrieval_bytes'] / 1e6:,.1f}", f"{e['bytes_a_posting']:.2f}"] if "retrieval_bytes" in e else ["", ""]
            rows.append([f"{c['collection']}, {name}", f"{e['bytes'] / 1e6:,.1f}", f"{e['bytes'] / c['bytes']:.2f}", *retrieval])
    return table(["", "index, MB", "index / text", "retrieval part, MB", "bytes a posting"], rows)


def structures(results: Results) -> str:
    collections = results["size"]["collections"]
    names = list(dict.fromkeys(name for c in collections for name in c["engines"][OURS]["structures"]))
    header = [""]
    for c in collections:
        header += [f"{c['collection']}, MB", "bytes a posting"]
    rows = []
    for name in names:
        row = [name.removeprefix("retrieval: ")]
        for c in collections:
            count = c["engines"][OURS]["structures"].get(name, 0)
            row += [f"{count / 1e6:,.2f}", f"{count / c['postings']:.3f}"]
        rows.append(row)
    return table(header, rows)


def build(results: Results) -> str:
    rows = []
    for c in results["build"]["collections"]:
        peer = c["engines"].get("tantivy")
        for name, e in c["engines"].items():
            rows.append(
                [
                    f"{c['collection']}, {name}",
                    f"{e['seconds']:,.1f}",
                    f"{e['cpu_seconds']:,.1f}",
                    f"{e['documents_a_second']:,}",
                    f"{e['documents_a_second'] / peer['documents_a_second']:.2f}" if peer else "",
                    f"{peer['cpu_seconds'] / e['cpu_seconds']:.2f}" if peer else "",
                    f"{e['anonymous_bytes'] / 1e6:,.0f}",
                    f"{e['mapped_bytes'] / 1e6:,.0f}",
                ]
            )
    return table(["", "seconds", "CPU seconds", "documents/s", "x tantivy", "x tantivy, by CPU seconds", "anonymous MB", "mapped MB"], rows)


def scale(results: Results) -> str:
    rows = []
    for s in results["scale"]["sizes"]:
        for name, e in s["engines"].items():
            times = [f"{e['times'][key]['p50']:,.1f}" if key in e["times"] else "" for key in ("or 10", "or 1000", "and 10", "phrase 10")]
            posting = f"{e['bytes_a_posting']:.2f}" if "bytes_a_posting" in e else ""
            rows.append(
                [
                    f"{s['documents']:,}, {name}",
                    *times,
                    f"{e['times']['or 10']['p95']:,.1f}",
                    f"{e['bytes'] / s['bytes']:.2f}",
                    posting,
                    f"{e['documents_a_second']:,}",
                    f"{e['open_milliseconds']:,.1f}",
                ]
            )
    header = [
        "documents",
        "OR 10 p50, us",
        "OR 1000",
        "AND 10",
        "phrase 10",
        "OR 10 p95",
        "index / text",
        "bytes a posting",
        "documents/s",
        "open, ms",
    ]
    return table(header, rows)


def threads(results: Results) -> str:
    (c, *_) = results["threads"]["collections"]
    rows = [
        [f"{name}, {mode.upper()} top 10", *(f"{speed:,}" for speed in speeds), *(f"{speed / speeds[0]:.2f}" for speed in speeds[1:])]
        for name, modes in c["engines"].items()
        for mode, speeds in modes.items()
    ]
    counts = c["threads"]
    return table(["queries a second", *(f"{n} thread{'s' * (n > 1)}" for n in counts), *(f"{n} / {counts[0]}" for n in counts[1:])], rows)


def reordering(results: Results) -> str:
    rows = []
    for c in results["reorder"]["collections"]:
        for name, row in c["rows"].items():
            times = [f"{row[kind][0]:,.1f} ({row[kind][2]:.2f})" for kind in ("or 10", "or 1000", "and 10")]
            sizes = [f"{row[kind] / 1e6:,.1f}" for kind in ("bytes", "retrieval")]
            rows.append([f"{c['collection']}, {name}", f"{row['cpu']:.1f}", *sizes, *times])
    return table(["", "build, CPU s", "index, MB", "retrieval, MB", "OR top 10", "OR top 1000", "AND top 10"], rows)


def opening(results: Results) -> str:
    (c, *_) = results["open"]["collections"]
    rows = []
    for name, e in c["engines"].items():
        warm, cold = e["warm"], e["cold"]
        rows.append(
            [
                name,
                f"{e['bytes'] / 1e6:,.0f}",
                f"{warm['open_ms']:,.1f}",
                f"{cold['open_ms']:,.1f}",
                f"{cold['cached'] / 1e6:,.2f}",
                f"{cold['cached after queries'] / 1e6:,.2f}",
                f"{warm['anonymous'] / 1e6:,.2f}",
            ]
        )
    header = [
        f"{c['documents']:,} documents", "index, MB", "open, ms", "cold, ms", "read, MB", "after 10 queries", "anonymous, MB",
    ]  # fmt: skip
    return table(header, rows)


def validation(results: Results) -> str:
    real, other = results["validate"]["collections"].values()
    return table(["", "real", "bootstrapped", "ratio"], [[n, f"{v:,}", f"{other[n]:,}", f"{other[n] / v:.2f}"] for n, v in real.items()])


def aims(results: Results) -> str:
    """What was aimed at, what was reached: the larger collection first."""
    rows = []
    for c in results["retrieval"]["collections"]:
        measures = {(m["mode"], m["k"]): m for m in c["measures"]}
        for mode, k, peer, key, aim in AIMS:
            m = measures.get((mode, k))
            if m is None or peer not in m["ours_to"]:
                continue
            value = m["engines"][peer]["p50"] / m["engines"][OURS]["p50"] if key == "p50" else m["ours_to"][peer][key]
            met = value <= aim if key == "slower" else value >= aim
            what = {
                "geo": f"x {peer}, geometric mean",
                "mean": f"x {peer}, mean",
                "p50": f"x {peer}, p50",
                "slower": f"slower than {peer}",
            }[key]
            shown = (f"{value:.1%}", f"at most {aim:.0%}") if key == "slower" else (f"{value:.2f}", f"{aim:g}")
            rows.append([f"{c['collection']}, {mode.upper()} top {k}, {what}", shown[1], shown[0], "" if met else "missed"])
    return table(["", "aim", "reached", ""], rows + _aims_elsewhere(results))


AIMS = (
    ("or", 10, "tantivy", "geo", 12.0),
    ("or", 10, "tantivy", "slower", 0.01),
    ("or", 10, "pisa", "geo", 3.0),
    ("or", 1000, "tantivy", "geo", 5.0),
    ("or", 1000, "pisa", "geo", 3.5),
    ("and", 10, "tantivy", "geo", 3.0),
    ("and", 10, "pisa", "geo", 1.5),
    ("phrase", 10, "tantivy", "mean", 2.0),
    ("phrase", 10, "tantivy", "p50", 1.0),
)


def _aims_elsewhere(results: Results) -> list[list[str]]:
    rows = []

    def add(what: str, aim: float, value: float, most: bool) -> None:
        missed = value > aim if most else value < aim
        rows.append([what, f"at most {aim:g}" if most else f"{aim:g}", f"{value:.2f}", "missed" if missed else ""])

    for c in results.get("size", {}).get("collections", []):
        ours, peer = c["engines"][OURS], c["engines"].get("tantivy")
        add(f"{c['collection']}, bytes a posting", 2.6, ours["bytes_a_posting"], True)
        if peer:
            add(f"{c['collection']}, whole index / tantivy's", 1.0, ours["bytes"] / peer["bytes"], True)
        add(f"{c['collection']}, whole index / text", 1.1, ours["bytes"] / c["bytes"], True)
    for c in results.get("build", {}).get("collections", []):
        e = c["engines"]
        if "tantivy" in e:
            add(f"{c['collection']}, build, documents/s x tantivy", 1.5, e["tantivy"]["seconds"] / e[OURS]["seconds"], False)
        add(f"{c['collection']}, build, 2 processes x 1", 1.8, e[OURS]["seconds"] / e[f"{OURS}, 2 processes"]["seconds"], False)
    for c in results.get("open", {}).get("collections", []):
        add(f"open {c['documents']:,} documents, ms", 50, c["engines"][OURS]["warm"]["open_ms"], True)
    at = {s["documents"]: s["engines"][OURS]["times"] for s in results.get("scale", {}).get("sizes", [])}
    if 1_000_000 in at:
        add("AND top 10 at 1,000,000 documents, mean us", 15, at[1_000_000]["and 10"]["mean"], True)
    if 250_000 in at and 4_000_000 in at:
        add("OR top 10 p50, 4,000,000 / 250,000 documents", 4, at[4_000_000]["or 10"]["p50"] / at[250_000]["or 10"]["p50"], True)
    return rows


# Marker in the document -> the benchmark that it needs, and what fills it.
TABLES: dict[str, tuple[str, Callable[[Results], str]]] = {
    "machine": ("retrieval", machine),
    "aims": ("retrieval", aims),
    "ratios": ("retrieval", ratios),
    "latencies": ("retrieval", latencies),
    "by-terms": ("retrieval", by_terms),
    "by-source": ("retrieval", by_source),
    "calls": ("retrieval", calls),
    "exactness": ("retrieval", exactness),
    "size": ("size", size),
    "structures": ("size", structures),
    "build": ("build", build),
    "scale": ("scale", scale),
    "threads": ("threads", threads),
    "reorder": ("reorder", reordering),
    "open": ("open", opening),
    "validate": ("validate", validation),
}
