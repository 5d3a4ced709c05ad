"""Two servers that count alike: what is brought in under ids that the log has for something else, found before it is stored.

An id is a search's or an event's for good, so whatever comes second under it would be taken for a copy, and its clicks for clicks on the first one's
documents. Copies are welcome and counted; others stay out, with all that was done with them, until their ids are told apart.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from ranker.clicklog import ClickLog, Event, Impression
from ranker.transfer_records import Imported

CHUNK = 10_000
SHOWN = "SELECT query_id, first_rank, timestamp, user_query, keys FROM impressions WHERE query_id IN (SELECT value FROM json_each(?))"
DONE = "SELECT event_id, query_id, object_id, timestamp FROM events WHERE event_id IN (SELECT value FROM json_each(?))"


class Conflicts(NamedTuple):
    """How many searches and events were left out since the log has their ids for others, and one such id."""

    impressions: int = 0
    events: int = 0
    example: str = ""

    def __bool__(self) -> bool:
        return bool(self.impressions or self.events)

    def __str__(self) -> str:
        return (
            f"left out {self.impressions} searches and {self.events} events whose ids are others' in this log, such as {self.example!r}: "
            "two servers that count alike? Give --server NAME to keep their ids apart"
        )


def of_server(imported: Imported, server: str) -> Imported:
    """With ids that begin with the server's name."""
    named = lambda given: f"{server}/{given}" if given else ""  # noqa: E731
    impressions = [one._replace(query_id=named(one.query_id)) for one in imported.impressions]
    events = [one._replace(query_id=named(one.query_id), event_id=named(one.event_id)) for one in imported.events]
    return imported._replace(impressions=impressions, events=events)


def without_others(log: ClickLog, imported: Imported) -> tuple[Imported, Conflicts]:
    """What may be stored, and what may not: searches with others' ids, their events, and events with others' ids."""
    searches = {(query_id, first_rank): told for query_id, first_rank, told in _known_searches(log, imported.impressions)}
    copied = {one.query_id for one in imported.impressions if searches.get((one.query_id, one.first_rank)) == _told(one)}
    known = {one.query_id for one in imported.impressions if (one.query_id, one.first_rank) in searches}
    strange = known - copied
    events = dict(_known_events(log, imported.events))
    others = [one for one in imported.events if one.query_id in strange or events.get(one.event_id, _did(one)) != _did(one)]
    if not strange and not others:
        return imported, Conflicts()
    left = {one.event_id for one in others}
    kept = imported._replace(
        impressions=[one for one in imported.impressions if one.query_id not in strange],
        events=[one for one in imported.events if one.event_id not in left],
    )
    example = next(iter(sorted(strange)), others[0].event_id if others else "")
    return kept, Conflicts(len(imported.impressions) - len(kept.impressions), len(others), example)


def _told(impression: Impression) -> tuple[Any, ...]:
    return impression.timestamp, impression.user_query, impression.keys


def _did(event: Event) -> tuple[Any, ...]:
    return event.query_id, event.object_id, event.timestamp


def _known_searches(log: ClickLog, impressions: list[Impression]) -> Iterator[tuple[str, int, tuple[Any, ...]]]:
    for query_id, first_rank, timestamp, text, keys in _rows(log, SHOWN, [one.query_id for one in impressions]):
        yield query_id, first_rank, (timestamp, text, orjson.loads(keys))


def _known_events(log: ClickLog, events: list[Event]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for event_id, query_id, key, timestamp in _rows(log, DONE, [one.event_id for one in events]):
        yield event_id, (query_id, key, timestamp)


def _rows(log: ClickLog, sql: str, ids: list[str]) -> Iterator[tuple[Any, ...]]:
    for first in range(0, len(ids), CHUNK):
        yield from log.rows(sql, (orjson.dumps(ids[first : first + CHUNK]).decode(),))
