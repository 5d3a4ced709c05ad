"""Metarank's ``ranking`` and ``interaction`` events to the click log's records and back.

Metarank's ``item`` and ``user`` events describe things, not behaviour, and are passed over. A ranking may carry the query's text in a field
named ``query``, ``q`` or ``search``; without one the ranking stands under the empty query.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ranker.clicklog import ClickLog, Event, Impression
from ranker.transfer_records import Imported, Refusal, milliseconds, reason_of, text

KINDS = ("item", "user", "ranking", "interaction")
QUERY_FIELDS = ("query", "q", "search")
Name = str | int
"""Ids are texts or numbers."""


class Item(msgspec.Struct):
    """A document of a ranking."""

    id: Name


class Field(msgspec.Struct):
    """What was asked, among others."""

    name: str
    value: Any


class Ranking(msgspec.Struct):
    """What was shown; other fields may be there."""

    id: Name
    timestamp: str | int | float
    items: list[Item]
    fields: list[Field] | None = None
    tenant: Name | None = None
    user: Name | None = None
    session: Name | None = None


class Interaction(msgspec.Struct):
    """What was done with an item."""

    id: Name
    timestamp: str | int | float
    type: Name
    item: Name
    ranking: Name | None = None
    tenant: Name | None = None
    user: Name | None = None
    session: Name | None = None


def read(records: Iterable[tuple[int, Any]]) -> Imported:
    """Rankings and interactions, in any order."""
    imported = Imported([], [], [])
    for number, record in records:
        try:
            kind = record.get("event") if isinstance(record, dict) else None
            if kind not in KINDS:
                raise ValueError(f"event: expected one of {', '.join(KINDS)}, found {kind!r:.60}")
            if kind == "ranking":
                imported.impressions.append(_impression(msgspec.convert(record, Ranking)))
            elif kind == "interaction":
                imported.events.append(_event(msgspec.convert(record, Interaction)))
        except ValueError as error:
            imported.refused.append(Refusal(number, reason_of(error)))
    shown = {impression.query_id: impression for impression in imported.impressions}
    return imported._replace(events=[_placed(event, shown.get(event.query_id)) for event in imported.events])


def _impression(told: Ranking) -> Impression:
    fields = {field.name: field.value for field in told.fields or ()}
    return Impression(
        query_id=str(told.id),
        timestamp=milliseconds(told.timestamp),
        user_query=next((str(fields[name]) for name in QUERY_FIELDS if name in fields), ""),
        keys=[str(item.id) for item in told.items],
        **_who(told),
    )


def _event(told: Interaction) -> Event:
    return Event(
        event_id=str(told.id),
        query_id=text(told.ranking),
        action_name=str(told.type),
        timestamp=milliseconds(told.timestamp),
        object_id=str(told.item),
        **_who(told),
    )


def _who(told: Ranking | Interaction) -> dict[str, Any]:
    user = text(told.user)
    return {"application": text(told.tenant), "client_id": user, "session_id": text(told.session), "user_id": user}


def _placed(event: Event, impression: Impression | None) -> Event:
    """The event with the rank at which its ranking showed the item."""
    if impression is None or event.object_id not in impression.keys:
        return event
    return event._replace(position=impression.keys.index(event.object_id) + 1, user_query=impression.user_query)


def write(log: ClickLog) -> Iterator[dict[str, Any]]:
    """Rankings, with the retrieval score of each item as ``relevancy``, then interactions."""
    for impression in log.impressions():
        yield {
            "event": "ranking",
            "id": impression.query_id,
            "timestamp": str(impression.timestamp),
            "user": impression.user_id or impression.client_id,
            "session": impression.session_id,
            "fields": [{"name": "query", "value": impression.user_query}],
            "items": [_item(impression, place) for place in range(len(impression.keys))],
        }
    for event in log.events():
        if event.object_id:
            yield {
                "event": "interaction",
                "id": event.event_id,
                "ranking": event.query_id,
                "timestamp": str(event.timestamp),
                "user": event.user_id or event.client_id,
                "session": event.session_id,
                "type": event.action_name,
                "item": event.object_id,
            }


def _item(impression: Impression, place: int) -> dict[str, Any]:
    if impression.scores is None:
        return {"id": impression.keys[place]}
    return {"id": impression.keys[place], "fields": [{"name": "relevancy", "value": float(impression.scores[place])}]}
