"""The dashboard's numbers to drawings, in the words of the reader's language."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ranker.charts import Line, interval, lines, pair_bars, ranked_bars
from searchd.dashboard_latency import Latency
from searchd.dashboard_log import Counts, days_of
from searchd.dashboard_page import percent, svg, words
from searchd.dashboard_queries import QueryRow


def over_time(counts: Counts) -> Markup:
    """Searches and those with a click, by day or hour."""
    t, form = words(), "%m-%d %H:00" if counts.hours else "%Y-%m-%d"
    rows = [
        (datetime.datetime.fromtimestamp(at / 1000, datetime.UTC).strftime(form), number, clicked)
        for at, number, clicked in days_of(counts)
    ]
    return svg(pair_bars(rows, (t("unit_searches"), t("unit_with_click")), t("searches_over_time")))


def clicks_by_rank(rates: Sequence[Any]) -> Markup:
    """Click rates with their intervals."""
    t = words()
    series = [Line(t("click_rate"), "recent", [(one.rank, one.rate, one.low, one.high) for one in rates])]
    return svg(lines(series, label=t("ctr"), told=t("rank_of"))) if rates else Markup("")


def stages(times: Latency) -> Markup:
    """The mean of every stage of a search."""
    rows = [(one.name, one.mean * 1000, "recent") for one in times.stages]
    return svg(ranked_bars(rows, digits=2, label=words()("latency"), unit=" ms")) if rows else Markup("")


def low_click(row: QueryRow, rate: float | None) -> Markup:
    """A query's shrunk rate with its interval beside the rate of all."""
    if row.rate is None or row.low is None or row.high is None or rate is None:
        return Markup("")
    told = words()("click_rate_of", rate=percent(row.rate), low=percent(row.low), high=percent(row.high), all=percent(rate))
    return svg(interval(row.rate, row.low, row.high, rate, "alarm", told))


def win_rate(standing: Mapping[str, Any]) -> Markup:
    """A challenger's share of the sessions won, beside one half."""
    rate, low, high = (standing[name] for name in ("win_rate", "low", "high"))
    style = "good" if low > 0.5 else "alarm" if high < 0.5 else "older"
    return svg(interval(rate, low, high, 0.5, style, words()("win_rate_of", rate=rate, low=low, high=high)))
