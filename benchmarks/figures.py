"""The plots of docs/performance.md. Colours are those of Okabe and Ito, which colour-blind readers tell apart; every line and bar is named
where it stands; the background is a light card of its own, so that nothing is lost on a dark page."""

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import NormalDist
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import LogLocator  # noqa: E402

OURS = "searchd"
INK, SOFT, FAINT, CARD = "#1f2430", "#5b6472", "#d9dce1", "#fbfaf7"
COLORS = {
    OURS: "#0072b2",
    "tantivy": "#d55e00",
    "pisa": "#009e73",
    "pisa 8-bit": "#66c2a5",
    "bm25s": "#aa4499",
    "sqlite": "#7a7a7a",
}
PARTS = {
    "postings": "#0072b2",
    "skip tables": "#56b4e9",
    "terms": "#e69f00",
    "lengths": "#8c6d1f",
    "positions": "#009e73",
    "stored texts": "#b9bec7",
    "ids": "#cc79a7",
    "rest": "#6b7280",
}
PART_OF = {
    "postings, wide": "postings",
    "postings, packed": "postings",
    "postings, rare": "postings",
    "postings, tables": "skip tables",
    "block maxima": "skip tables",
    "term dictionary": "terms",
    "forward": "positions",
    "stored": "stored texts",
    "keys": "ids",
}
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "text.color": INK,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": FAINT,
    "axes.facecolor": CARD,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "figure.facecolor": CARD,
    "savefig.facecolor": CARD,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "svg.hashsalt": "searchd",
}
plt.rcParams.update(STYLE)
OVER = {"facecolor": CARD, "edgecolor": "none", "pad": 1.5}
SHOWN = (5, 50, 90, 99)
Plots = Iterator[tuple[str, Figure]]


def save(figure: Figure, path: Path) -> None:
    """The same figure gives the same bytes: no date, no random ids."""
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def ratios(results: dict[str, Any]) -> Plots:
    """Bars to the right of 1: the peer takes longer."""
    for c in results["collections"]:
        bars = [(m, name, r["geo"]) for m in c["measures"] for name, r in m["ours_to"].items()]
        places, labels, place = [], [], 0.0
        for i, (m, _, _) in enumerate(bars):
            new = i == 0 or bars[i - 1][0] is not m
            place += 2.1 if new and i else (1.0 if i else 0.0)
            if new:
                labels.append((place - 0.95, f"{m['mode'].upper()} top {m['k']:,}"))
            places.append(place)
        figure, axes = _figure(7.6, 0.9 + 0.235 * (place + 2.5))
        for y, (_, name, value) in zip(places, bars):
            axes.barh(y, value - 1, left=1, height=0.78, color=COLORS[name])
            side = 1 if value >= 1 else -1
            axes.annotate(
                f"{name}  {value:.2g}×" if value < 10 else f"{name}  {value:,.0f}×",
                (value, y), (4 * side, 0), textcoords="offset points", va="center", ha="left" if side > 0 else "right", fontsize=9.5,
            )  # fmt: skip
        for y, text in labels:
            axes.text(0, y, text, transform=axes.get_yaxis_transform(), fontweight="bold", va="center")
        for y in places:
            axes.plot([1, 1], [y - 0.5, y + 0.5], color=INK, linewidth=1.1)
        axes.set_xscale("log")
        axes.set_xlim(min(0.4, 0.35 * min(v for *_, v in bars)), 3.2 * max(v for *_, v in bars))
        axes.set_ylim(place + 0.8, -1.6)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        _plain_log(axes.xaxis)
        axes.set_xlabel("time of the peer / time of searchd, geometric mean over queries; right of 1 searchd is faster")
        _headline(figure, axes, f"A query's time beside searchd's: {c['collection']}, {c['documents']:,} documents")
        yield f"-{c['collection']}", figure


def latencies(results: dict[str, Any]) -> Plots:
    """Microseconds at each percentile of the queries, spread as a normal distribution would be; slow engines left out."""
    for c in results["collections"]:
        measures = [m for m in c["measures"] if m["k"] == 10]
        figure, panels = plt.subplots(
            1, len(measures), figsize=(3.6 * len(measures), 4.3), sharey=True, layout="constrained", squeeze=False
        )
        ends_of: dict[Axes, list[tuple[str, float]]] = {}
        for axes, m in zip(panels[0], measures):
            ends: list[tuple[str, float]] = []
            for name, times in m["engines"].items():
                if name == "sqlite":
                    continue
                at = [_normal(float(p)) for p in times["percentiles"]]
                values = list(times["percentiles"].values())
                axes.plot(at, values, color=COLORS[name], linewidth=2.6 if name == OURS else 1.6, zorder=3 if name == OURS else 2)
                ends.append((name, values[-1]))
            axes.set_yscale("log")
            axes.set_xlim(_normal(0.7), _normal(99.5) + 1.9)
            axes.set_xticks([_normal(p) for p in SHOWN], [f"p{p}" for p in SHOWN])
            axes.set_title(f"{m['mode'].upper()} top {m['k']}")
            axes.grid(axis="y", color=FAINT, linewidth=0.8)
            axes.set_axisbelow(True)
            ends_of[axes] = ends
        # All share one scale, known only now.
        for axes, ends in ends_of.items():
            _label_ends(axes, _normal(99.5) + 0.12, ends)
        _plain_log(panels[0][0].yaxis)
        panels[0][0].set_ylabel("microseconds a query")
        figure.suptitle(f"How long queries take, from the fastest to the slowest: {c['collection']}, {c['documents']:,} documents",
                        x=0.01, ha="left", fontsize=12.5, fontweight="bold")  # fmt: skip
        yield f"-{c['collection']}", figure


def size(results: dict[str, Any]) -> Plots:
    """Stacked bars of megabytes by structure, the text itself as a line."""
    for c in results["collections"]:
        engines = c["engines"]
        figure, axes = _figure(8.4, 1.5 + 0.52 * len(engines))
        widest = max(max(e["bytes"] for e in engines.values()), c["bytes"]) / 1e6
        for y, engine in enumerate(engines.values()):
            left = 0.0
            for part, count in _parts(engine["structures"]).items():
                width = count / 1e6
                axes.barh(y, width, left=left, height=0.66, color=PARTS[part], edgecolor=CARD, linewidth=0.8)
                if width > 0.045 * widest:
                    ink = INK if part in ("stored texts", "skip tables", "terms", "ids") else "white"
                    axes.text(
                        left + width / 2,
                        y,
                        f"{width:,.0f}" if width >= 10 else f"{width:.1f}",
                        ha="center",
                        va="center",
                        color=ink,
                        fontsize=9,
                    )
                left += width
            posting = f", {engine['bytes_a_posting']:.2f} bytes a posting" if "bytes_a_posting" in engine else ""
            axes.annotate(
                f"{left:,.0f} MB{posting}" if left >= 10 else f"{left:.1f} MB{posting}",
                (left, y),
                (5, 0),
                textcoords="offset points",
                va="center",
                fontsize=9.5,
                bbox=OVER,
            )
        axes.axvline(c["bytes"] / 1e6, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=0.5)
        axes.annotate("the text itself", (c["bytes"] / 1e6, -0.62), (3, 0), textcoords="offset points", fontsize=9, color=SOFT)
        axes.set_yticks(range(len(engines)), list(engines))
        for tick, name in zip(axes.get_yticklabels(), engines):
            tick.set(color=INK, fontweight="bold" if name == OURS else "normal", fontsize=10.5)
        axes.set_ylim(len(engines) - 0.5, -0.85)
        axes.set_xlim(0, 1.38 * widest)
        axes.set_xlabel("megabytes")
        used = [part for part in PARTS if any(part in _parts(e["structures"]) for e in engines.values())]
        _headline(figure, axes, f"Where the bytes are: {c['collection']}, {c['documents']:,} documents", pad=26)
        _swatches(axes, used)
        yield f"-{c['collection']}", figure


def scale(results: dict[str, Any]) -> Plots:
    """Small multiples over the number of documents."""
    times = [
        (f"{key.upper()} p50, microseconds", lambda e, key=key: e["times"].get(key, {}).get("p50"))
        for key in ("or 10", "or 1000", "and 10", "phrase 10")
    ]
    others = [
        ("index / text", lambda e: e["bytes"] / e["text"]),
        ("built, documents a second", lambda e: e["documents_a_second"]),
    ]
    figure, panels = plt.subplots(2, 3, figsize=(10.8, 6.2), layout="constrained")
    for axes, (title, value) in zip(panels.flat, times + others):
        ends = []
        for name in dict.fromkeys(name for s in results["sizes"] for name in s["engines"]):
            points = [(s["documents"], value(s["engines"][name] | {"text": s["bytes"]})) for s in results["sizes"] if name in s["engines"]]
            points = [(x, y) for x, y in points if y is not None]
            if points:
                axes.plot(*zip(*points), color=COLORS[name], marker="o", markersize=4.5, linewidth=2.4 if name == OURS else 1.6)
                ends.append((name, points[-1]))
        axes.set_xscale("log")
        axes.set_title(title)
        axes.grid(axis="y", color=FAINT, linewidth=0.8)
        axes.set_axisbelow(True)
        if "microseconds" in title:
            axes.set_yscale("log")
            _plain_log(axes.yaxis)
        else:
            axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
            axes.yaxis.set_major_formatter(lambda y, _: f"{y:,.0f}" if y >= 10 else f"{y:g}")
        _documents(axes, [s["documents"] for s in results["sizes"]])
        for name, (x, y) in ends:
            axes.annotate(
                name, (x, y), (6, 0), textcoords="offset points", color=COLORS[name], va="center", fontweight="bold", fontsize=9.5
            )
    figure.suptitle("From thousands to millions of documents (bootstrapped English)", x=0.01, ha="left", fontsize=12.5, fontweight="bold")
    yield "", figure


def build(results: dict[str, Any]) -> Plots:
    """Documents a second."""
    for c in results["collections"]:
        rows = list(c["engines"].items())
        figure, axes = _figure(7.6, 1.1 + 0.36 * len(rows))
        for y, (name, engine) in enumerate(rows):
            speed = engine["documents_a_second"]
            axes.barh(y, speed, height=0.7, color=COLORS[name.split(",")[0]], alpha=1.0 if "default" not in name else 0.55)
            axes.annotate(f"{speed:,}", (speed, y), (5, 0), textcoords="offset points", va="center", fontsize=9.5)
        axes.set_yticks(range(len(rows)), [name for name, _ in rows])
        for tick, (name, _) in zip(axes.get_yticklabels(), rows):
            tick.set(color=INK, fontweight="bold" if name == OURS else "normal")
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, 1.15 * max(e["documents_a_second"] for _, e in rows))
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        axes.set_xlabel("documents a second, from a file to a durable index")
        _headline(figure, axes, f"Building: {c['collection']}, {c['documents']:,} documents")
        yield f"-{c['collection']}", figure


def _normal(percentile: float) -> float:
    return NormalDist().inv_cdf(percentile / 100)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    return plt.subplots(figsize=(width, height), layout="constrained")


def _headline(figure: Figure, axes: Axes, text: str, pad: float = 10) -> None:
    axes.set_title(text, fontsize=12.5, pad=pad, x=0)


def _plain_log(axis: Any) -> None:
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 60 else (1,)))
    axis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    axis.set_minor_formatter(lambda value, _: "")


def _documents(axes: Axes, counts: list[int]) -> None:
    axes.set_xlim(min(counts) * 0.8, max(counts) * (max(counts) / min(counts)) ** 0.28)
    axes.set_xticks(counts, [f"{n / 1e6:g}M" if n >= 1e6 else f"{n / 1e3:g}k" for n in counts])
    axes.xaxis.set_minor_formatter(lambda value, _: "")
    axes.tick_params(axis="x", which="minor", length=0)


def _label_ends(axes: Axes, x: float, ends: list[tuple[str, float]]) -> None:
    """Names at the ends of lines, pushed apart where they would touch (logarithmic axis)."""
    low, high = np.log10(axes.get_ylim())
    gap, last = 0.052 * (high - low), -np.inf
    for name, value in sorted(ends, key=lambda end: end[1]):
        y = last = max(np.log10(value), last + gap)
        weight = "bold" if name == OURS else "normal"
        axes.text(x, 10**y, name, color=COLORS[name], va="center", fontsize=9.5, fontweight=weight, clip_on=False)


def _parts(structures: dict[str, int]) -> dict[str, int]:
    """Bytes by the parts that all engines share, in the order of PARTS."""
    found = dict.fromkeys(PARTS, 0)
    for name, count in structures.items():
        plain = name.removeprefix("retrieval: ")
        part = PART_OF.get(plain, plain)
        found[part if part in PARTS else "rest"] += count
    return {part: count for part, count in found.items() if count}


def _swatches(axes: Axes, parts: list[str]) -> None:
    handles = [plt.Rectangle((0, 0), 1, 1, color=PARTS[part]) for part in parts]
    axes.legend(
        handles, parts, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=len(parts), frameon=False, fontsize=9,
        handlelength=0.9, handleheight=0.9, columnspacing=1.1, handletextpad=0.4, borderpad=0,
    )  # fmt: skip


# Marker "plot-NAME" -> the benchmark that it needs, and what draws it.
PLOTS: dict[str, tuple[str, Callable[[dict[str, Any]], Plots]]] = {
    "ratios": ("retrieval", ratios),
    "latencies": ("retrieval", latencies),
    "size": ("size", size),
    "scale": ("scale", scale),
    "build": ("build", build),
}
ALTERNATIVES = {
    "ratios": "Bars: the time of each peer over that of searchd, by mode and k",
    "latencies": "Lines: microseconds at each percentile of the queries, by engine",
    "size": "Stacked bars: megabytes of each engine's index by structure",
    "scale": "Lines: time, size and building speed over the number of documents",
    "build": "Bars: documents a second while building, by engine",
}
