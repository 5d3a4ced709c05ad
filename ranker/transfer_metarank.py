"""Metarank's ``ranking`` and ``interaction`` events to the click log's records and back.

Metarank's ``item`` and ``user`` events describe things, not behaviour, and are passed over. A ranking may carry the query's text in a field
named ``query``, ``q`` or ``search``; without one the ranking stands under the empty query.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from ranker.clicklog import ClickLog, Event, Impression
from ranker.transfer_records import Imported, Refusal, milliseconds, text

KINDS = ("item", "user", "ranking", "interaction")
QUERY_FIELDS = ("query", "q", "search")


def read(records: Iterable[tuple[int, Any]]) -> Imported:
    """Rankings and interactions, in any order."""
    imported = Imported([], [], [])
    for number, record in records:
        try:
            kind = record.get("event") if isinstance(record, dict) else None
            if kind not in KINDS:
                raise ValueError(f"event: expected one of {', '.join(KINDS)}, found {kind!r}")
            if kind == "ranking":
                imported.impressions.append(_impression(record))
            elif kind == "interaction":
                imported.events.append(_event(record))
        except (KeyError, TypeError, ValueError) as error:
            imported.refused.append(Refusal(number, f"{error.args[0]}: missing" if isinstance(error, KeyError) else str(error)))
    shown = {impression.query_id: impression for impression in imported.impressions}
    return imported._replace(events=[_placed(event, shown.get(event.query_id)) for event in imported.events])


def _impression(record: dict[str, Any]) -> Impression:
    fields = {field["name"]: field["value"] for field in record.get("fields") or ()}
    return Impression(
        query_id=text(record["id"]),
        timestamp=milliseconds(record["timestamp"]),
        user_query=next((str(fields[name]) for name in QUERY_FIELDS if name in fields), ""),
        keys=[text(item["id"]) for item in record["items"]],
        application=text(record.get("tenant")),
        client_id=text(record.get("user")),
        session_id=text(record.get("session")),
        user_id=text(record.get("user")),
    )


def _event(record: dict[str, Any]) -> Event:
    return Event(
        event_id=text(record["id"]),
        query_id=text(record.get("ranking")),
        action_name=text(record["type"]),
        timestamp=milliseconds(record["timestamp"]),
        object_id=text(record["item"]),
        application=text(record.get("tenant")),
        client_id=text(record.get("user")),
        session_id=text(record.get("session")),
        user_id=text(record.get("user")),
    )


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
