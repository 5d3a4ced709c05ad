"""UBI 1.3 queries and events, as real clients write them, to the click log's records; and back, strictly by the schema.

Real logs stray from the schema: nulls, times in milliseconds, a position with nothing in it, ``x`` and ``y`` laid flat, ranks counted from
0 by one application and from 1 by the next. Each is mended here before the strict check. What was shown comes from
``query_response_hit_ids`` or, where that is missing, from one ``impression`` event a document.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from ranker.clicklog import ClickLog, Event, Impression
from ranker.events import BadEvents, check_event
from ranker.transfer_records import Imported, Refusal, iso, milliseconds, text

QUERIES, EVENTS = "ubi_queries", "ubi_events"
OLD_HIT_IDS = "query_response_object_ids"
MAX_OBJECT_ID = 256

Page = tuple[dict[str, Any], str]
"""A document that was shown: the query record that says so, and the document's key."""


def is_bulk_action(record: dict[str, Any]) -> bool:
    """Whether a line is the action line of OpenSearch's bulk form."""
    return len(record) == 1 and isinstance(record.get("index", record.get("create")), dict)


def read(records: Iterable[tuple[int, Any]]) -> Imported:
    """Queries (no ``action_name``) and events, in any order, of any number of applications."""
    queries: dict[str, list[dict[str, Any]]] = {}
    events: list[Event] = []
    refused: list[Refusal] = []
    for number, record in records:
        if isinstance(record, dict) and is_bulk_action(record):
            continue
        try:
            if isinstance(record, dict) and "action_name" not in record:
                queries.setdefault(_query_id(record), []).append(record)
            else:
                events.append(check_event(_mended(record)))
        except (BadEvents, ValueError) as error:
            refused.append(Refusal(number, str(error)))
    events = _counted_from_one(events)
    impressions = _impressions(queries, events)
    simulated = {impression.query_id for impression in impressions if impression.simulated}
    done = [event._replace(simulated=event.query_id in simulated) for event in events if event.action_name != "impression"]
    return Imported(impressions, done, refused)


def _query_id(record: dict[str, Any]) -> str:
    query_id = text(record.get("query_id"))
    if not query_id or not isinstance(record.get("user_query"), str):
        raise ValueError("expected an event (action_name) or a query (query_id, user_query), found neither")
    record["timestamp"] = milliseconds(record.get("timestamp", 0))
    return query_id


def _mended(record: Any) -> Any:
    """The record with the usual deviations put right; what cannot be mended is left for the check to refuse."""
    if not isinstance(record, dict):
        return record
    record = {name: value for name, value in record.items() if value is not None}
    if isinstance(record.get("timestamp"), int):
        record["timestamp"] = iso(milliseconds(record["timestamp"]))
    attributes = record.get("event_attributes")
    if isinstance(attributes, dict):
        record["event_attributes"] = attributes = dict(attributes)
        _mend_position(attributes)
        acted_on = attributes.get("object")
        if isinstance(acted_on, dict) and "object_id" not in acted_on:
            del attributes["object"]
        if "position" not in attributes and "object" in attributes:
            # The schema knows no object without a place; rank 0 stands for "not told" and is taken out again.
            attributes["position"] = {"ordinal": 0}
        elif "position" not in attributes:
            del record["event_attributes"]
    return record


def _mend_position(attributes: dict[str, Any]) -> None:
    position = attributes.pop("position", None)
    if not isinstance(position, dict):
        return
    if isinstance(position.get("ordinal"), int):
        attributes["position"] = {"ordinal": position["ordinal"]}
    elif "x" in position and "y" in position:
        attributes["position"] = {"xy": {"x": position["x"], "y": position["y"]}}
    elif position.get("xy"):
        attributes["position"] = {"xy": position["xy"]}


def _counted_from_one(events: list[Event]) -> list[Event]:
    """An application that shows documents at rank 0 counts from 0, so all its ranks go up by one; elsewhere rank 0 means not told."""
    from_zero = {event.application for event in events if event.position == 0 and event.action_name == "impression"}
    return [_shifted(event, event.application in from_zero) for event in events]


def _shifted(event: Event, from_zero: bool) -> Event:
    if event.position is None:
        return event
    position = event.position + 1 if from_zero else event.position or None
    attributes = dict(event.attributes or {})
    attributes["position"] = {"ordinal": position}
    if position is None:
        del attributes["position"]
    return event._replace(position=position, attributes=attributes)


def _impressions(queries: dict[str, list[dict[str, Any]]], events: list[Event]) -> list[Impression]:
    """One impression a query and run of ranks, in the order of the queries."""
    shown: dict[str, dict[int, str]] = {}
    first: dict[str, Event] = {}
    for event in events:
        if event.query_id:
            first.setdefault(event.query_id, event)
        if event.action_name == "impression" and event.query_id and event.position is not None and event.position > 0:
            shown.setdefault(event.query_id, {}).setdefault(event.position, event.object_id)
    impressions: list[Impression] = []
    for query_id in dict.fromkeys([*queries, *shown]):
        records = queries.get(query_id) or [_record_of(first[query_id])]
        pages = {rank: (record, key) for record in records for rank, key in _hit_ids(record).items()}
        pages = pages or {rank: (records[0], key) for rank, key in shown.get(query_id, {}).items()}
        for first_rank, run in _runs(pages):
            record = run[0][0] if run else records[0]
            impressions.append(_impression(query_id, record, first.get(query_id), first_rank, [key for _, key in run]))
    return impressions


def _hit_ids(record: dict[str, Any]) -> dict[int, str]:
    hit_ids = record.get("query_response_hit_ids") or record.get(OLD_HIT_IDS) or []
    attributes = record.get("query_attributes")
    first_rank = attributes.get("first_rank", 1) if isinstance(attributes, dict) else 1
    if not isinstance(hit_ids, list) or not isinstance(first_rank, int):
        return {}
    return dict(enumerate(map(str, hit_ids), first_rank))


def _record_of(event: Event) -> dict[str, Any]:
    """The query record that an event lets us guess."""
    return {"user_query": event.user_query, "timestamp": event.timestamp, "application": event.application, "client_id": event.client_id}


def _runs(pages: dict[int, Page]) -> Iterator[tuple[int, list[Page]]]:
    """Unbroken runs of ranks of one record, with the first rank of each; an empty one when nothing is known to have been shown."""
    start, run = 1, list[Page]()
    for rank in sorted(pages):
        if run and (rank != start + len(run) or pages[rank][0] is not run[-1][0]):
            yield start, run
            run = []
        if not run:
            start = rank
        run.append(pages[rank])
    yield start, run


def _impression(query_id: str, record: dict[str, Any], event: Event | None, first_rank: int, keys: list[str]) -> Impression:
    attributes = record.get("query_attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    return Impression(
        query_id=query_id,
        timestamp=record["timestamp"],
        user_query=record["user_query"],
        keys=keys,
        application=text(record.get("application")),
        client_id=text(record.get("client_id")),
        session_id=event.session_id if event else "",
        user_id=event.user_id if event else "",
        generation=str(attributes.get("generation", "")),
        model=str(attributes.get("model", "")),
        first_rank=first_rank,
        simulated=attributes.get("simulated") is True,
    )


def write(log: ClickLog) -> Iterator[dict[str, Any]]:
    """Queries, one ``impression`` event a shown document (others' click models read nothing else), and the events."""
    return (record for _, record in _written(log))


def write_bulk(log: ClickLog) -> Iterator[dict[str, Any]]:
    """The same in OpenSearch's bulk form: each record after the line that says where it goes."""
    for index, record in _written(log):
        yield {"index": {"_index": index}}
        yield record


def _written(log: ClickLog) -> Iterator[tuple[str, dict[str, Any]]]:
    for impression in log.impressions():
        yield QUERIES, _query(impression)
        for rank, key in enumerate(impression.keys, impression.first_rank):
            yield EVENTS, _shown(impression, rank, key)
    for event in log.events():
        yield EVENTS, _event(event)


def _query(impression: Impression) -> dict[str, Any]:
    return {
        **_given(application=impression.application, query_id=impression.query_id, client_id=impression.client_id),
        "user_query": impression.user_query,
        "query_attributes": {
            **_given(generation=impression.generation, model=impression.model),
            "first_rank": impression.first_rank,
            "simulated": impression.simulated,
        },
        "timestamp": iso(impression.timestamp),
        "query_response_hit_ids": impression.keys,
    }


def _shown(impression: Impression, rank: int, key: str) -> dict[str, Any]:
    return {
        "action_name": "impression",
        "timestamp": iso(impression.timestamp),
        **_given(application=impression.application, query_id=impression.query_id, client_id=impression.client_id),
        **_given(session_id=impression.session_id, user_id=impression.user_id, user_query=impression.user_query),
        "event_attributes": {"object": {"object_id": key}, "position": {"ordinal": rank}},
    }


def _event(event: Event) -> dict[str, Any]:
    record: dict[str, Any] = {
        "action_name": event.action_name,
        "timestamp": iso(event.timestamp),
        "event_id": event.event_id,
        **_given(application=event.application, query_id=event.query_id, client_id=event.client_id, session_id=event.session_id),
        **_given(user_id=event.user_id, message_type=event.message_type, message=event.message, user_query=event.user_query),
    }
    if event.attributes is not None:
        record["event_attributes"] = event.attributes
    elif event.object_id:
        # The schema knows no object without a place; rank 0 says "not told", to `read` too.
        record["event_attributes"] = {"object": {"object_id": event.object_id}, "position": {"ordinal": event.position or 0}}
    return record


def _given(**texts: str) -> dict[str, str]:
    return {name: value for name, value in texts.items() if value}
