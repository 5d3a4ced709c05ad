"""A click log to the list of what learning must not count, and why: repeats of one client, clients too busy to be people, clicks on what
was not shown.

The rules are few and bounded on purpose. Nothing is deleted: reading the log for learning leaves out exactly what ``validate`` reports, so
that a flood of events by one client moves a ranking no more than a handful of people would.
"""

from typing import NamedTuple

import orjson

from ranker.clicklog import ClickLog

DAY_MS = 86_400_000


class Rules(NamedTuple):
    """How much one client may count; clients without an id are not limited.

    ``per_client_query``: impressions of one query text. ``per_client_day``: impressions on one day, beyond which the client is a program
    and all of its day is left out.
    """

    per_client_query: int = 5
    per_client_day: int = 1_000


class Report(NamedTuple):
    """What a log holds and what learning leaves out, by reason."""

    impressions: int
    clicks: int
    impressions_left_out: dict[str, int]
    clicks_left_out: dict[str, int]


REPEATS = """
SELECT query_id FROM (
    SELECT query_id, row_number() OVER (PARTITION BY client_id, user_query, first_rank ORDER BY rowid) AS nth
    FROM impressions WHERE client_id <> '') WHERE nth > ?
"""
BUSY = """
SELECT query_id FROM (
    SELECT query_id, count(*) OVER (PARTITION BY client_id, timestamp / ?) AS that_day
    FROM impressions WHERE client_id <> '') WHERE that_day > ?
"""


def left_out(log: ClickLog, rules: Rules | None = None) -> dict[str, str]:
    """``query_id`` to the reason, for the impressions that learning leaves out."""
    rules = rules or Rules()
    reasons = {query_id: "repeated_by_client" for (query_id,) in log.rows(REPEATS, (rules.per_client_query,))}
    reasons.update((query_id, "client_too_busy") for (query_id,) in log.rows(BUSY, (DAY_MS, rules.per_client_day)))
    return reasons


def validate(log: ClickLog, rules: Rules | None = None) -> Report:
    """Go through the whole log and count what learning would leave out, each impression and click under one reason."""
    reasons = left_out(log, rules)
    shown: dict[str, set[str]] = {}
    impressions, impressions_out = 0, dict.fromkeys(("repeated_by_client", "client_too_busy", "nothing_shown", "without_features"), 0)
    for query_id, keys, features in log.rows("SELECT query_id, keys, features FROM impressions ORDER BY rowid"):
        impressions += 1
        listed = orjson.loads(keys)
        shown.setdefault(query_id, set()).update(listed)
        if not listed:
            impressions_out["nothing_shown"] += 1
        elif query_id in reasons:
            impressions_out[reasons[query_id]] += 1
        elif features is None:
            impressions_out["without_features"] += 1
    clicks, clicks_out = _click_findings(log, shown, reasons)
    return Report(impressions, clicks, impressions_out, clicks_out)


def _click_findings(log: ClickLog, shown: dict[str, set[str]], reasons: dict[str, str]) -> tuple[int, dict[str, int]]:
    """The number of clicks, and how many are left out for each reason."""
    clicks, out = 0, dict.fromkeys(("impression_unknown", "not_shown", "clicked_again", "impression_left_out"), 0)
    seen: set[tuple[str, str]] = set()
    for query_id, key in log.rows("SELECT query_id, object_id FROM events WHERE action_name = 'click' ORDER BY rowid"):
        clicks += 1
        if query_id not in shown:
            out["impression_unknown"] += 1
        elif key not in shown[query_id]:
            out["not_shown"] += 1
        elif (query_id, key) in seen:
            out["clicked_again"] += 1
        elif query_id in reasons:
            out["impression_left_out"] += 1
        seen.add((query_id, key))
    return clicks, out
