"""A home's click log and models to one HTML page that needs nothing else: what is searched, what is clicked, what drifts, what the model does."""

import html
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from indexer.errors import SearchdError
from indexer.home import Home
from ranker.charts import Line, day_bars, lines, ranked_bars, scatter, whiskers
from ranker.clicklog import DAY_MS, ClickLog
from ranker.contributions import contributions
from ranker.drift import ALARM, WATCH, Drift, Window, click_rates, drift
from ranker.featureset import FeatureSet
from ranker.model import Model
from ranker.registry import ModelEntry, Registry

STYLE = Path(__file__).with_name("report.css")
SHOWN_FEATURES = 12
SHOWN_SHAPES = 6
SHOWN_QUERIES = 12
SAMPLE = 600  # rows whose scores are taken apart


class NothingToReport(SearchdError):
    """A home without a click log, or with an empty one."""

    code = "nothing_to_report"


def report(home: Home, days: float = 7.0) -> str:
    """The page; raises NothingToReport. ``days``: how much of the log's end counts as recent."""
    if not home.clicks.exists():
        raise NothingToReport(f"expected a click log at {home.clicks}, found none; serve searches, import clicks, or simulate")
    model = active_model(home)
    with ClickLog(home.clicks) as log:
        names = feature_names(home, model)
        found = drift(log, days, names)
    if found is None:
        raise NothingToReport(f"{home.clicks}: expected searches, found none; serve some, import clicks, or simulate")
    return page(home, found, model, Registry(home).entries(), days)


def active_model(home: Home) -> Model | None:
    """The model that is served; None without one, or when it cannot be read."""
    registry = Registry(home)
    try:
        return registry.load() if registry.active() else None
    except SearchdError:
        return None


def feature_names(home: Home, model: Model | None) -> Sequence[str]:
    """Names of what is logged now: those of the model, else of the index's schema; none without either."""
    if model is not None:
        return model.featureset.names
    if not home.current.exists():
        return ()
    from indexer.index import Index

    with Index.open(home) as index:
        return FeatureSet.default(index.schema).names


def page(home: Home, found: Drift, model: Model | None, entries: Sequence[ModelEntry], days: float) -> str:
    """The parts put together."""
    name = "no model" if model is None else f"{model.name} {model.version}"
    both = found.older, found.recent
    span = f"{_day(min(w.first for w in both if w.impressions))} to {_day(max(w.last for w in both))}"
    sections = [_traffic(found, days), _clicks(found), _drift(found), *_inside(found, model), _models(entries), _queries(found)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Ranking report</title><style>\n{STYLE.read_text('utf-8')}</style></head><body>"
        f"<header><h1>Ranking report</h1><p>{html.escape(home.root.name)}, {span}, serving {html.escape(name)}</p></header>"
        f"{_tiles(found)}<main>{''.join(sections)}</main>"
        f"<footer>Recent: the last {days:g} days of the log. Bands and whiskers are 95 % intervals.</footer></body></html>\n"
    )


def _tiles(found: Drift) -> str:
    older, recent = found.older, found.recent
    tiles = [
        ("Searches", f"{older.impressions + recent.impressions:,}", f"{recent.impressions:,} recent"),
        ("Queries", f"{len(older.queries | recent.queries):,}", f"{_percent(found.new)} of recent searches new"),
        (
            "Clicks a search",
            *(f"{_ratio(_totals(window)[1], window.impressions)}{told}" for window, told in ((recent, ""), (older, " before"))),
        ),
        ("Clicks a result", *(f"{_share(*_totals(window)[::-1])}{told}" for window, told in ((recent, ""), (older, " before")))),
        ("Without results", _share(recent.empty, recent.impressions), f"{older.empty + recent.empty:,} in all"),
    ]
    return '<dl class="tiles">' + "".join(f"<div><dt>{a}</dt><dd>{b}<small>{c}</small></dd></div>" for a, b, c in tiles) + "</dl>"


def _traffic(found: Drift, days: float) -> str:
    counts = found.older.days + found.recent.days
    border = found.recent.first // DAY_MS
    numbers = range(min(counts), max(counts) + 1)
    bars = [(_day(number * DAY_MS), counts[number], number >= border) for number in list(numbers)[-120:]]
    return _section("Searches a day", f"The last {days:g} days are compared with what was before.", _key() + day_bars(bars))


def _clicks(found: Drift) -> str:
    series = [
        Line(name, style, points)
        for name, style, window in (("before", "older", found.older), ("recent", "recent", found.recent))
        if (points := list(click_rates(window)))
    ]
    if not series:
        return ""
    told = "How often a result is clicked where it stands. A fall at the top with the same queries means worse rankings."
    return _section("Click rate by rank", told, _key() + lines(series))


def _drift(found: Drift) -> str:
    worst = max((one.verdict for one in (*found.features, found.head)), key=["", "watch", "alarm"].index, default="")
    label = {"": "steady", "watch": "watch", "alarm": "drifting"}[worst]
    badge = f'<span class="verdict {worst or "good"}">{label}</span>'
    rows = [(one.name, one.psi, one.verdict or "older") for one in (found.head, *found.features[:SHOWN_FEATURES])]
    told = (
        "Population stability index, recent against before; grey is small, or within what chance gives. "
        "Above 0.2 the model sees something else than it learned from."
    )
    if not found.features:
        told = "Too little on one side of the border to compare features; only the mix of queries is."
    return _section(f"Drift{badge}", told, ranked_bars(rows, [(WATCH, "0.1"), (ALARM, "0.2")]))


def _models(entries: Sequence[ModelEntry]) -> str:
    if not entries:
        return _section("Models", "None yet: every search is served in retrieval's own order.", "", wide=True)
    rows = []
    for entry in entries[-8:]:
        held = entry.card.get("heldout") or {}
        if held.get("gain") is not None and held.get("interval"):
            low, high = (held["gain"] if v is None else v for v in held["interval"])
            rows.append((f"{entry.name} {entry.version}{' (served)' if entry.active else ''}", held["gain"], low, high))
    table = "".join(_model_row(entry) for entry in entries[-8:])
    head = '<table><tr><th>model</th><th>from</th><th class="number">nDCG@10</th><th class="number">retrieval</th></tr>'
    told = "nDCG@10 on queries that the model had not seen, beside retrieval's own order."
    drawn = f"<div>{whiskers(rows)}</div>" if rows else ""
    return _section("Models", told, f'<div class="columns">{drawn}<div>{head}{table}</table></div></div>', wide=True)


def _model_row(entry: ModelEntry) -> str:
    held = entry.card.get("heldout") or {}
    name = f"{html.escape(entry.name)} {entry.version}" + (" <b>served</b>" if entry.active else "")
    known = [str(entry.card[key]) for key in ("family", "source") if entry.card.get(key)]
    source = "damaged" if entry.damaged else ", ".join(known)
    numbers = ["" if held.get(key) is None else f"{held[key]:.4f}" for key in ("nDCG@10", "retrieval")]
    cells = "".join(f'<td class="number">{value}</td>' for value in numbers)
    return f"<tr><td>{name}</td><td>{html.escape(source)}</td>{cells}</tr>"


def _inside(found: Drift, model: Model | None) -> list[str]:
    """What the served model makes of the newest rankings."""
    taken = _taken_apart(found.recent, model)
    if taken is None or model is None:
        return []
    x, parts = taken
    weight = np.abs(parts[:, :-1]).mean(axis=0)
    best = np.argsort(-weight, kind="stable")
    names = model.featureset.names
    bars = ranked_bars([(names[i], float(weight[i]), "recent") for i in best[:SHOWN_FEATURES] if weight[i] > 0], digits=4)
    told = f"Mean size of what each feature adds to the score, over {len(x):,} recent results (exact Shapley values)."
    shapes = "".join(
        f"<div><h3>{html.escape(names[i])}</h3>{scatter(x[:, i], parts[:, i], names[i])}</div>" for i in best[:SHOWN_SHAPES] if weight[i]
    )
    return [
        _section("What the model looks at", told, bars),
        _section("How it looks at it", "What a feature adds to the score (up) over its value (right); a dot is a result, amber where it is missing.",
                 f'<div class="columns">{shapes}</div>', wide=True),
    ]  # fmt: skip


def _taken_apart(window: Window, model: Model | None) -> tuple[np.ndarray, np.ndarray] | None:
    """Some recent rows and what each feature added to their scores, list by list; None when the model cannot tell."""
    if model is None:
        return None
    lists = [rows for rows in window.rows if rows.shape[1] == len(model.featureset.names)]
    tables, parts, size = [], [], 0
    for rows in lists[:: max(1, len(lists) * 10 // SAMPLE)]:
        added = contributions(model, rows, np.arange(len(rows)))
        if added is None:
            return None
        tables.append(rows)
        parts.append(added)
        size += len(rows)
        if size >= SAMPLE:
            break
    return (np.concatenate(tables), np.concatenate(parts)) if tables else None


def _queries(found: Drift) -> str:
    older, recent = found.older, found.recent
    share = lambda window, query: window.queries[query] / max(window.impressions, 1)  # noqa: E731
    rising = sorted(recent.queries, key=lambda query: (share(older, query) - share(recent, query), query))
    columns = [("Most frequent", [query for query, _ in (older.queries + recent.queries).most_common(SHOWN_QUERIES)])]
    columns.append(("Rising", rising[:SHOWN_QUERIES]))
    tables = "".join(f"<div><h3>{title}</h3>{_query_table(queries, older, recent)}</div>" for title, queries in columns)
    return _section("Queries", "Share of all searches, before and recently.", f'<div class="columns">{tables}</div>', wide=True)


def _query_table(queries: Sequence[str], older: Window, recent: Window) -> str:
    rows = ['<tr><th>query</th><th class="number">before</th><th class="number">recent</th></tr>']
    for query in queries:
        shares = [_share(window.queries[query], window.impressions) for window in (older, recent)]
        cells = "".join(f'<td class="number">{value}</td>' for value in shares)
        rows.append(f"<tr><td>{html.escape(query[:60]) or '<i>empty</i>'}</td>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _section(title: str, told: str, body: str, wide: bool = False) -> str:
    return f"<section{' class=wide' if wide else ''}><h2>{title}</h2><p>{told}</p>{body}</section>"


def _key() -> str:
    return '<div class="key"><span><i></i>before</span><span><i class="recent"></i>recent</span></div>'


def _totals(window: Window) -> tuple[int, int]:
    return int(window.shown.sum()), int(window.clicked.sum())


def _day(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp / 1000, UTC).strftime("%-d %b %Y")


def _share(part: int, whole: int) -> str:
    return _percent(part / whole if whole else math.nan)


def _percent(share: float) -> str:
    return "\u2013" if math.isnan(share) else f"{share:.1%}"


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "\u2013"
