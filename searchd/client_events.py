"""UBI events as the client sends them: every event has an id before it is first sent, so that one that arrives twice counts once.

The id of a click is made of its search and its place, as the search page makes it: the click on one result of one search is one click, whoever tells
of it. Other events get a random id.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from searchd.answers import EventsAnswer, Refused

MOST_EVENTS, MOST_BYTES = 1_000, 250 * 1024
Event = dict[str, Any]


def click_event(query_id: str, object_id: str, position: int, who: Mapping[str, Any]) -> Event:
    """A click on the result at ``position`` (from 1) of a search."""
    return _about("click", query_id, object_id, position, who)


def impression_events(query_id: str, object_ids: Sequence[str], first: int, who: Mapping[str, Any]) -> list[Event]:
    """That results were seen, the first of them at rank ``first``."""
    return [_about("impression", query_id, object_id, rank, who) for rank, object_id in enumerate(object_ids, first)]


def _about(action: str, query_id: str, object_id: str, position: int, who: Mapping[str, Any]) -> Event:
    return {
        "action_name": action,
        "event_id": f"{query_id}:{action}:{position}",
        "query_id": query_id,
        "event_attributes": {"object": {"object_id": object_id}, "position": {"ordinal": position}},
        **who,
    }


def complete(event: Mapping[str, Any]) -> Event:
    """The event with an id and a time, if it has none."""
    return {"event_id": uuid.uuid4().hex, "timestamp": datetime.now(UTC).isoformat(), **event}


def event_batches(events: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Bodies of at most MOST_EVENTS events and, unless one event alone is longer, MOST_BYTES each; one JSON object a line."""
    lines: list[bytes] = []
    for event in events:
        line = msgspec.json.encode(complete(event))
        if lines and (len(lines) == MOST_EVENTS or sum(map(len, lines)) + len(lines) + len(line) > MOST_BYTES):
            yield b"\n".join(lines)
            lines = []
        lines.append(line)
    if lines:
        yield b"\n".join(lines)


class Sent:
    """The answers to the batches of one call, as one answer whose places count from the first event."""

    def __init__(self) -> None:
        self.answer, self._before = EventsAnswer(0, []), 0

    def add(self, body: bytes, answer: EventsAnswer) -> None:
        """Count a batch."""
        self.answer.accepted += answer.accepted
        self.answer.duplicates += answer.duplicates
        self.answer.refused += [Refused(self._before + one.index, one.code, one.message) for one in answer.refused]
        self._before += body.count(b"\n") + 1
