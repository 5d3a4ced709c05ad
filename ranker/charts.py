"""Numbers to small SVG drawings, as text, for a page without scripts or outside assets: bars over days, lines with bands, ranked bars, dots.

Colours are the page's CSS variables, so a drawing follows light and dark. Every mark has a title, which browsers show as a tooltip and screen
readers read. Coordinates are in units of the view box; drawings scale with the page.
"""

import html
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

WIDTH = 540
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 30
LABELS = 178  # width of names beside bars
ROW = 22


class Line(NamedTuple):
    """A series over x: rows of (x, y, low, high), and the class that colours it."""

    name: str
    style: str
    points: Sequence[tuple[float, float, float, float]]


def nice_ticks(top: float, count: int = 4) -> list[float]:
    """0 to at least ``top`` in steps of 1, 2 or 5 times a power of ten."""
    if not top > 0:
        return [0.0, 1.0]
    step = 10 ** math.floor(math.log10(top / count))
    step *= next(factor for factor in (1, 2, 5, 10) if top / (step * factor) <= count)
    return [round(step * i, 12) for i in range(math.ceil(top / step - 1e-9) + 1)]


def day_bars(days: Sequence[tuple[str, int, bool]], height: int = 230, label: str = "searches a day") -> str:
    """A bar a day: (label, number, whether it is recent)."""
    ticks = nice_ticks(max(number for _, number, _ in days))
    width, base, scale = WIDTH - LEFT - RIGHT, height - BOTTOM, (height - BOTTOM - TOP) / ticks[-1]
    step = width / len(days)
    marks = [_grid(ticks, base, scale)]
    for i, (day, number, recent) in enumerate(days):
        x, tall = LEFT + i * step + step * 0.12, number * scale
        style = "recent" if recent else "older"
        box = f'x="{x:.1f}" y="{base - tall:.1f}" width="{min(step * 0.76, 40):.1f}" height="{tall:.1f}" rx="2"'
        marks.append(f'<rect class="{style}" {box}><title>{html.escape(day)}: {number:,}</title></rect>')
    return _svg(height, [*marks, *_ends([day for day, *_ in days], height)], label)


def pair_bars(rows: Sequence[tuple[str, int, int]], names: tuple[str, str], label: str, height: int = 230) -> str:
    """A bar a moment with another inside of it: (label, number, how many of them are of the second kind); ``names`` of both kinds."""
    ticks = nice_ticks(max(number for _, number, _ in rows))
    base, scale = height - BOTTOM, (height - BOTTOM - TOP) / ticks[-1]
    step = (WIDTH - LEFT - RIGHT) / len(rows)
    wide = min(step * 0.76, 40)
    marks = [_grid(ticks, base, scale)]
    for i, (moment, number, part) in enumerate(rows):
        x = LEFT + (i + 0.5) * step - wide / 2
        told = html.escape(f"{moment}: {number:,} {names[0]}, {part:,} {names[1]}")
        bars = [
            f'<rect class="{style}" x="{x:.1f}" y="{base - count * scale:.1f}" width="{wide:.1f}" height="{count * scale:.1f}" rx="2"/>'
            for style, count in (("older", number), ("recent", part))
        ]
        marks.append(f"<g><title>{told}</title>{''.join(bars)}</g>")
    return _svg(height, [*marks, *_ends([moment for moment, *_ in rows], height)], label)


def interval(value: float, low: float, high: float, at: float, style: str, label: str, top: float = 1.0) -> str:
    """A dot with its interval on a line from 0 to ``top``, and a tick ``at`` what it is compared with; small enough for a cell of a table."""
    width, height = 150, 18
    place = lambda share: 4 + (width - 8) * min(max(share / top, 0.0), 1.0)  # noqa: E731
    marks = [
        f'<line class="grid" x1="4" x2="{width - 4}" y1="9" y2="9"/>',
        f'<line class="rule" x1="{place(at):.1f}" x2="{place(at):.1f}" y1="2" y2="16"/>',
        f'<line class="whisker {style}" x1="{place(low):.1f}" x2="{place(high):.1f}" y1="9" y2="9"/>',
        f'<circle class="{style}" cx="{place(value):.1f}" cy="9" r="4"/>',
    ]
    return _svg(height, marks, label, width)


def lines(
    series: Sequence[Line], height: int = 230, percent: bool = True, label: str = "click rate by rank", told: str = "rank {x:g}: {y:.1%}"
) -> str:
    """Series over ranks, each with the band of its intervals."""
    points = [point for line in series for point in line.points]
    ticks = nice_ticks(max(high for *_, high in points))
    right = max(x for x, *_ in points)
    base, scale = height - BOTTOM, (height - BOTTOM - TOP) / ticks[-1]
    place = lambda x: LEFT + (WIDTH - LEFT - RIGHT) * (x - 0.5) / max(right, 1)  # noqa: E731
    marks = [_grid(ticks, base, scale, percent)]
    for line in series:
        upper = [f"{place(x):.1f},{base - high * scale:.1f}" for x, _, _, high in line.points]
        lower = [f"{place(x):.1f},{base - low * scale:.1f}" for x, _, low, _ in reversed(line.points)]
        marks.append(f'<polygon class="band {line.style}" points="{" ".join(upper + lower)}"/>')
        path = " ".join(f"{place(x):.1f},{base - y * scale:.1f}" for x, y, *_ in line.points)
        marks.append(f'<polyline class="line {line.style}" points="{path}"/>')
        for x, y, low, high in line.points:
            title = html.escape(f"{line.name}, {told.format(x=x, y=y)} ({low:.1%} – {high:.1%})")
            marks.append(
                f'<circle class="{line.style}" cx="{place(x):.1f}" cy="{base - y * scale:.1f}" r="3.2"><title>{title}</title></circle>'
            )
    marks += [_text(place(x), height - 9, f"{x:g}", "tick", "middle") for x in sorted({x for x, *_ in points})]
    return _svg(height, marks, label)


def ranked_bars(
    rows: Sequence[tuple[str, float, str]],
    rules: Sequence[tuple[float, str]] = (),
    digits: int = 3,
    label: str = "ranked bars",
    unit: str = "",
) -> str:
    """A bar a name: (name, value, class); ``rules`` are upright lines with a label."""
    top = nice_ticks(max([value for _, value, _ in rows] + [at for at, _ in rules] + [1e-9]))[-1]
    above = 22 if rules else 4
    height = above + ROW * len(rows) + 4
    scale = (WIDTH - LABELS - 58) / top
    marks = []
    for at, name in rules:
        x = LABELS + at * scale
        marks.append(f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{above - 4}" y2="{height - 4}"/>')
        marks.append(_text(x, above - 9, html.escape(name), "tick", "middle"))
    for i, (name, value, style) in enumerate(rows):
        y, long = above + i * ROW, max(value * scale, 1.0)
        marks.append(_text(LABELS - 10, y + 14, html.escape(name), "name", "end"))
        marks.append(f'<rect class="{style}" x="{LABELS}" y="{y + 3}" width="{long:.1f}" height="{ROW - 8}" rx="2"/>')
        marks.append(_text(LABELS + long + 7, y + 14, f"{value:.{digits}f}{unit}", "value", "start"))
    return _svg(height, marks, label)


def whiskers(rows: Sequence[tuple[str, float, float, float]]) -> str:
    """A dot with its interval a name, about an upright line at 0: (name, value, low, high)."""
    ends = [abs(v) for _, *three in rows for v in three]
    top = nice_ticks(max([*ends, 1e-3]), 2)[-1]
    middle, scale = (LABELS + WIDTH - 58) / 2, (WIDTH - LABELS - 58) / 2 / top
    height = 22 + ROW * len(rows) + 4
    marks = [
        f'<line class="rule" x1="{middle:.1f}" x2="{middle:.1f}" y1="18" y2="{height - 4}"/>',
        _text(middle, 13, "retrieval", "tick", "middle"),
    ]
    for i, (name, value, low, high) in enumerate(rows):
        y = 22 + i * ROW + ROW / 2 - 1
        style = "good" if low > 0 else "alarm" if high < 0 else "older"
        x0, x1 = middle + low * scale, middle + high * scale
        marks.append(_text(LABELS - 10, y + 4, html.escape(name), "name", "end"))
        marks.append(f'<line class="whisker {style}" x1="{x0:.1f}" x2="{x1:.1f}" y1="{y}" y2="{y}"/>')
        marks.append(f'<circle class="{style}" cx="{middle + value * scale:.1f}" cy="{y}" r="4.5"/>')
        marks.append(_text(WIDTH - 4, y + 4, f"{value:+.3f}", "value", "end"))
    return _svg(height, marks, "gain on held-out queries")


def scatter(x: np.ndarray, y: np.ndarray, name: str, width: int = 300, height: int = 170) -> str:
    """Dots of what a feature adds over its value; missing values stand apart at the left edge."""
    known = ~np.isnan(x)
    low, high = (float(np.quantile(x[known], q)) for q in (0.01, 0.99)) if known.any() else (0.0, 1.0)
    most = max(float(np.abs(y).max(initial=0.0)), 1e-9)
    spread = max(high - low, 1e-9)
    px = np.where(known, 56 + (width - 68) * (np.clip(np.nan_to_num(x), low, high) - low) / spread, 42)
    py = height / 2 - 8 - (height / 2 - 22) * y / most
    dots = [f'<circle class="dot{"" if k else " lost"}" cx="{a:.1f}" cy="{b:.1f}" r="2.1"/>' for a, b, k in zip(px, py, known)]
    zero = f'<line class="rule" x1="34" x2="{width - 8}" y1="{height / 2 - 8}" y2="{height / 2 - 8}"/>'
    ends = [_text(56, height - 6, f"{low:.3g}", "tick", "start"), _text(width - 10, height - 6, f"{high:.3g}", "tick", "end")]
    ends += [_text(30, 18, f"+{most:.2g}", "tick", "end"), _text(30, height - 26, f"\u2212{most:.2g}", "tick", "end")]
    return _svg(height, [zero, *dots, *ends], f"what {html.escape(name)} adds over its value", width)


def _ends(labels: Sequence[str], height: float) -> list[str]:
    """The first label, the one in the middle and the last, below their bars."""
    width, last = WIDTH - LEFT - RIGHT, len(labels) - 1
    step, found = width / len(labels), []
    for i in sorted({0, len(labels) // 2, last}):
        anchor = "start" if i == 0 and last else "end" if i == last and last else "middle"
        x = LEFT if anchor == "start" else LEFT + width if anchor == "end" else LEFT + (i + 0.5) * step
        found.append(_text(x, height - 9, html.escape(labels[i]), "tick", anchor))
    return found


def _grid(ticks: Sequence[float], base: float, scale: float, percent: bool = False) -> str:
    parts = []
    for tick in ticks:
        y = base - tick * scale
        parts.append(f'<line class="{"axis" if tick == 0 else "grid"}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{tick * 100:g} %" if percent else f"{tick:,g}", "tick", "end"))
    return "".join(parts)


def _text(x: float, y: float, text: str, style: str, anchor: str) -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _svg(height: float, marks: Sequence[str], label: str, width: int = WIDTH) -> str:
    return f'<svg viewBox="0 0 {width} {height:g}" role="img" aria-label="{html.escape(label)}">{"".join(marks)}</svg>'
