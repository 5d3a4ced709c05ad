"""UBI 1.3 events, as they arrive over HTTP, to checked records in the click log; one clear reason for each that is refused.

The checks are those of the UBI 1.3.0 event schema with two repairs: where it says ``oneOf`` over an enumeration and a free string it refuses
its own standard names (``click`` matches both), so here a name is any string of at most 100 characters; and an ``object_id`` may have 512
characters, as ids of documents may, not 256. A null stands for an absent value,
since UBI's own clients send it. An ``event_id`` may be given, at the top level; else it is the hash of the event, so that a retry counts
once.
"""

import hashlib
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple, Protocol

import msgspec
import orjson
from msgspec import Meta

from indexer.errors import SearchdError
from ranker.clicklog import Accepted, Event, Refused
from ranker.clicklog_schema import ms_of
from ranker.query_ids import MAX_AGE, UnknownQuery, verify_query_id

MAX_BATCH_BYTES = 256 * 1024
MAX_BATCH_EVENTS = 1_000
MAX_EVENT_BYTES = 16 * 1024
MAX_DEPTH = 32

PRIVATE_ATTRIBUTES = frozenset({"ip", "ip_address", "remote_addr", "browser", "user_agent", "useragent", "ua"})
"""What some UBI clients put among the attributes and a click log must not keep."""

Short = Annotated[str, Meta(max_length=100)]
ObjectId = Annotated[str, Meta(max_length=512)] | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Ordinal = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]


class BadEvents(SearchdError):
    """The body as a whole is not a batch of events."""

    code = "bad_events"


class Point(msgspec.Struct):
    """Where on the screen."""

    x: Annotated[float, Meta(description="Pixels from the left.")]
    y: Annotated[float, Meta(description="Pixels from the top.")]


class Position(msgspec.Struct):
    """A rank counted from 1, or a place on the screen: exactly one of the two."""

    ordinal: Annotated[Ordinal, Meta(description="Rank in the list, from 1.")] | None = None
    xy: Annotated[Point | None, Meta(description="Place on the screen.")] = None

    def __post_init__(self) -> None:
        if (self.ordinal is None) == (self.xy is None):
            raise ValueError("expected either `ordinal` or `xy`, and not both")


class Object(msgspec.Struct):
    """What was acted on; ``object_id`` is the document's id."""

    object_id: Annotated[ObjectId, Meta(description="The document's id.")]
    object_id_type: Annotated[Short, Meta(description="What kind of id that is.")] | None = None
    object_id_field: Annotated[Short, Meta(description="The field that holds it.")] | None = None
    internal_id: Annotated[ObjectId, Meta(description="The caller's own name for it.")] | None = None


class Attributes(msgspec.Struct):
    """UBI asks for a position wherever there are attributes; an event without a place in a list leaves ``event_attributes`` out."""

    position: Annotated[Position, Meta(description="Where it stood.")]
    object: Annotated[Object | None, Meta(description="What was acted on.")] = None


class UbiEvent(msgspec.Struct):
    """A UBI 1.3 event; the schema of the request body of ``POST /v1/events``. Other fields may be present and are not kept."""

    action_name: Annotated[str, Meta(min_length=1, max_length=100, description="What was done, such as `click`.")]
    timestamp: Annotated[datetime, Meta(tz=True, description="When, in ISO 8601 with a time zone.")]
    event_id: Annotated[Short, Meta(description="Name of the event: sent twice it counts once.")] | None = None
    application: Annotated[Short, Meta(description="Which of the caller's applications.")] | None = None
    query_id: Annotated[Short, Meta(description="What the search answered as its `query_id`.")] | None = None
    session_id: Annotated[Short, Meta(description="The visit.")] | None = None
    client_id: Annotated[Short, Meta(description="The device or browser.")] | None = None
    user_id: Annotated[Short, Meta(description="The account.")] | None = None
    message_type: Annotated[Short, Meta(description="UBI's kind of message.")] | None = None
    message: Annotated[str, Meta(max_length=1024, description="A remark for people.")] | None = None
    user_query: Annotated[str, Meta(description="The text of the query, as typed.")] | None = None
    event_attributes: Annotated[Attributes | None, Meta(description="What was acted on, and where it stood.")] = None


class Log(Protocol):
    """The part of ``ClickLog`` that is needed here."""

    def append(self, events: Sequence[Event]) -> Accepted: ...


class Parsed(NamedTuple):
    """A batch, sorted out: the good events with their places in the batch, and the others with reasons."""

    indices: list[int]
    events: list[Event]
    refused: list[Refused]


class _Refusal(Exception):
    """Why one event is refused: a code and a sentence."""


def receive(log: Log, secret: bytes, body: bytes, max_age: float = MAX_AGE, now: float | None = None) -> Accepted:
    """Store the good events of a body and say why the others are not: what ``POST /v1/events`` does.

    Refused are what ``parse_events`` refuses (``invalid_event``) and events whose ``query_id`` this service did not issue in the last
    ``max_age`` seconds (``unknown_query``). Returns once the accepted ones are durable. Raises ``BadEvents`` for a body that is no batch,
    and a ``ClickLogError`` when nothing could be stored.
    """
    parsed = parse_events(body)
    now = time.time() if now is None else now
    genuine: list[Event] = []
    refused = list(parsed.refused)
    for index, event in zip(parsed.indices, parsed.events):
        try:
            verify_query_id(secret, event.query_id, max_age, now)
            genuine.append(event)
        except UnknownQuery as error:
            refused.append(Refused(index, error.code, str(error)))
    stored = log.append(genuine) if genuine else Accepted(0, [])
    return Accepted(stored.accepted, sorted(refused), stored.duplicates)


def parse_events(body: bytes) -> Parsed:
    """One event, an array of events, or one a line; in UTF-8 JSON. Raises ``BadEvents`` when it is none of these or too large."""
    parsed = Parsed([], [], [])
    for index, raw in enumerate(_split(body)):
        try:
            parsed.events.append(_checked(_decoded(raw)))
            parsed.indices.append(index)
        except _Refusal as refusal:
            parsed.refused.append(Refused(index, "invalid_event", str(refusal)))
    return parsed


def check_event(record: object) -> Event:
    """The event of one decoded JSON object; raises ``BadEvents`` with the one reason."""
    try:
        return _checked(record)
    except _Refusal as refusal:
        raise BadEvents(str(refusal)) from None


def _split(body: bytes) -> Sequence[bytes | msgspec.Raw]:
    if len(body) > MAX_BATCH_BYTES:
        raise BadEvents(f"expected at most {MAX_BATCH_BYTES} bytes of events, found {len(body)}; send smaller batches")
    body = body.strip()
    try:
        if body.startswith(b"["):
            items: Sequence[bytes | msgspec.Raw] = msgspec.json.decode(body, type=list[msgspec.Raw])
        else:
            items = _lines(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadEvents(f"expected a UBI event or an array of them as JSON, found something else ({error})") from None
    if not items:
        raise BadEvents("expected a UBI event or an array of them as JSON, found nothing")
    if len(items) > MAX_BATCH_EVENTS:
        raise BadEvents(f"expected at most {MAX_BATCH_EVENTS} events in a batch, found {len(items)}; send smaller batches")
    return items


def _lines(body: bytes) -> list[bytes | msgspec.Raw]:
    """A lone object (which may span lines), else one object a line."""
    try:
        return [msgspec.json.decode(body, type=msgspec.Raw)] if body else []
    except msgspec.DecodeError:
        lines = [line for line in body.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return list(lines)


def _decoded(raw: bytes | msgspec.Raw) -> Any:
    data = bytes(raw)
    if len(data) > MAX_EVENT_BYTES:
        raise _Refusal(f"expected an event of at most {MAX_EVENT_BYTES} bytes, found {len(data)}")
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        raise _Refusal(f"expected JSON nested at most {MAX_DEPTH} deep, found more") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Refusal(f"not JSON: {error}") from None


def _checked(record: Any) -> Event:
    """The stored form of a decoded UBI event."""
    if not isinstance(record, dict):
        raise _Refusal(f"expected a JSON object, found {type(record).__name__}")
    if deeper_than(record, MAX_DEPTH):
        raise _Refusal(f"expected JSON nested at most {MAX_DEPTH} deep, found more")
    try:
        event = msgspec.convert(record, UbiEvent)
    except msgspec.ValidationError as error:
        raise _Refusal(_reason(error)) from None
    try:
        attributes = _public(record.get("event_attributes"))
        return _stored(event, attributes, event.event_id or _content_id(record))
    except (TypeError, OverflowError, ValueError) as error:
        raise _Refusal(f"a value cannot be stored: {error}") from None


def _reason(error: msgspec.ValidationError) -> str:
    """msgspec's ``Expected `str`, got `int` - at `$.client_id` `` with the place first."""
    reason, _, place = str(error).partition(" - at `$.")
    return f"{place.rstrip('`')}: {reason}" if place else reason


def _stored(event: UbiEvent, attributes: dict[str, Any] | None, event_id: str) -> Event:
    acted_on = event.event_attributes.object if event.event_attributes else None
    return Event(
        event_id=event_id,
        query_id=event.query_id or "",
        action_name=event.action_name,
        timestamp=ms_of(event.timestamp),
        object_id=str(acted_on.object_id) if acted_on else "",
        position=event.event_attributes.position.ordinal if event.event_attributes else None,
        application=event.application or "",
        client_id=event.client_id or "",
        session_id=event.session_id or "",
        user_id=event.user_id or "",
        message_type=event.message_type or "",
        message=event.message or "",
        user_query=event.user_query or "",
        attributes=attributes,
    )


def _public(attributes: dict[str, Any] | None) -> dict[str, Any] | None:
    return attributes and {name: value for name, value in attributes.items() if name.casefold() not in PRIVATE_ATTRIBUTES}


def _content_id(record: dict[str, Any]) -> str:
    return hashlib.blake2b(orjson.dumps(record, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def deeper_than(value: Any, depth: int) -> bool:
    """Whether lists and objects of a decoded value are nested more than ``depth`` deep."""
    layer = [value]
    for _ in range(depth):
        layer = [child for item in layer if isinstance(item, (dict, list)) for child in (item.values() if isinstance(item, dict) else item)]
        if not layer:
            return False
    return any(isinstance(item, (dict, list)) for item in layer)
