"""A click log to the list of what learning must not count, and why: repeats of one client, clients too busy to be people, readers who click on
everything, clicks on what was not shown or where nothing was.

The rules are few and bounded on purpose. Nothing is deleted: reading the log for learning leaves out exactly what ``validate`` reports, so
that a flood of events by one client moves a ranking no more than a handful of people would. What is odd and does no harm is remarked on.
"""

from typing import NamedTuple

import orjson

from ranker.clicklog import ClickLog

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Rules(NamedTuple):
    """How much one client may count; clients without an id are not limited.

    ``per_client_query``: searches for one query. ``per_client_day``: impressions on one day, beyond which the client is a program and all of
    its day is left out. ``everything``: who clicked on all of so many documents or more was not choosing. ``once``: of a client's searches for one
    query that end with a click on one document only the first counts; the others are left out: without the click they would say that nobody wanted
    it.
    """

    per_client_query: int = 5
    per_client_day: int = 1_000
    everything: int = 10
    once: bool = False


USUAL = Rules(once=True)


class Report(NamedTuple):
    """What a log holds and what learning leaves out, by reason; ``remarks`` count what is odd and does no harm.

    ``click_before_its_search``: by more than an hour; ``search_far_from_its_arrival``: by more than a day, as after an import or when a clock
    jumps. Learning goes by the order in which things arrived, so neither moves a model; the days of ``per_client_day`` are those of the clock.
    """

    impressions: int
    clicks: int
    impressions_left_out: dict[str, int]
    clicks_left_out: dict[str, int]
    remarks: dict[str, int]


class _Shown(NamedTuple):
    """What one query showed on all of its pages, and when."""

    keys: set[str]
    timestamp: int


SEARCHES = """
(SELECT query_id, client_id, normalised(user_query) AS text, min(rowid) AS place FROM impressions WHERE client_id <> '' GROUP BY query_id)
"""
REPEATS = f"""
SELECT query_id FROM (SELECT query_id, row_number() OVER (PARTITION BY client_id, text ORDER BY place) AS nth FROM {SEARCHES}) WHERE nth > ?
"""
AGAIN = f"""
SELECT DISTINCT query_id FROM (
    SELECT s.query_id, place, min(place) OVER (PARTITION BY client_id, text, object_id) AS first
    FROM {SEARCHES} AS s JOIN (SELECT DISTINCT query_id, object_id FROM events WHERE action_name = 'click') AS e ON e.query_id = s.query_id)
WHERE place > first
"""
BUSY = """
SELECT query_id FROM (
    SELECT query_id, count(*) OVER (PARTITION BY client_id, timestamp / ?) AS that_day
    FROM impressions WHERE client_id <> '') WHERE that_day > ?
"""
EVERYTHING = """
SELECT query_id FROM (
    SELECT query_id, count(DISTINCT object_id) AS clicked FROM events WHERE action_name = 'click' GROUP BY query_id HAVING clicked >= ?) AS readers
WHERE (SELECT count(DISTINCT e.object_id) FROM events AS e JOIN impressions AS i ON i.query_id = e.query_id, json_each(i.keys) AS shown
       WHERE e.query_id = readers.query_id AND e.action_name = 'click' AND shown.value = e.object_id)
   >= (SELECT sum(json_array_length(keys)) FROM impressions WHERE impressions.query_id = readers.query_id)
"""
IMPOSSIBLE = """
SELECT event_id FROM events WHERE action_name = 'click' AND position IS NOT NULL
AND (position < 0 OR position >= (SELECT max(first_rank + json_array_length(keys)) FROM impressions WHERE impressions.query_id = events.query_id))
"""
FAR = "SELECT count(*) FROM impressions WHERE NOT simulated AND abs(timestamp - received) > ?"


def left_out(log: ClickLog, rules: Rules | None = None) -> dict[str, str]:
    """``query_id`` to the reason, for the impressions that learning leaves out."""
    rules = rules or USUAL
    reasons = {query_id: "clicked_before" for (query_id,) in (log.rows(AGAIN) if rules.once else ())}
    reasons.update((query_id, "repeated_by_client") for (query_id,) in log.rows(REPEATS, (rules.per_client_query,)))
    reasons.update((query_id, "client_too_busy") for (query_id,) in log.rows(BUSY, (DAY_MS, rules.per_client_day)))
    reasons.update((query_id, "clicked_on_everything") for (query_id,) in log.rows(EVERYTHING, (rules.everything,)))
    return reasons


def impossible_clicks(log: ClickLog) -> set[str]:
    """``event_id`` of clicks at ranks where their search showed nothing; 0 is taken for the first rank of who counts from there."""
    return {event_id for (event_id,) in log.rows(IMPOSSIBLE)}


def validate(log: ClickLog, rules: Rules | None = None) -> Report:
    """Go through the whole log and count what learning would leave out, each impression and click under one reason."""
    reasons = left_out(log, rules)
    shown: dict[str, _Shown] = {}
    impressions, kinds = (
        0,
        ("repeated_by_client", "clicked_before", "client_too_busy", "clicked_on_everything", "nothing_shown", "without_features"),
    )
    out = dict.fromkeys(kinds, 0)
    for query_id, keys, features, timestamp in log.rows("SELECT query_id, keys, features, timestamp FROM impressions ORDER BY rowid"):
        impressions += 1
        listed = orjson.loads(keys)
        known = shown.setdefault(query_id, _Shown(set(), timestamp))
        known.keys.update(listed)
        if not listed:
            out["nothing_shown"] += 1
        elif query_id in reasons:
            out[reasons[query_id]] += 1
        elif features is None:
            out["without_features"] += 1
    clicks, clicks_out, early = _click_findings(log, shown, reasons)
    remarks = {"click_before_its_search": early, "search_far_from_its_arrival": next(log.rows(FAR, (DAY_MS,)))[0]}
    return Report(impressions, clicks, out, clicks_out, remarks)


def _click_findings(log: ClickLog, shown: dict[str, _Shown], reasons: dict[str, str]) -> tuple[int, dict[str, int], int]:
    """The number of clicks, how many are left out for each reason, and how many came long before their search."""
    clicks, early = 0, 0
    out = dict.fromkeys(("impression_unknown", "not_shown", "impossible_position", "clicked_again", "impression_left_out"), 0)
    seen: set[tuple[str, str]] = set()
    impossible = impossible_clicks(log)
    events = "SELECT event_id, query_id, object_id, timestamp FROM events WHERE action_name = 'click' ORDER BY rowid"
    for event_id, query_id, key, timestamp in log.rows(events):
        clicks += 1
        early += query_id in shown and timestamp < shown[query_id].timestamp - HOUR_MS
        if query_id not in shown:
            out["impression_unknown"] += 1
        elif key not in shown[query_id].keys:
            out["not_shown"] += 1
        elif event_id in impossible:
            out["impossible_position"] += 1
            continue
        elif (query_id, key) in seen:
            out["clicked_again"] += 1
        elif query_id in reasons:
            out["impression_left_out"] += 1
        seen.add((query_id, key))
    return clicks, out, early
