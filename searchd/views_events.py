"""``/v1/events`` and ``/v1/queries/{id}``: what users did with what was shown. 2xx means durable."""

from typing import Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from ranker.clicklog import Accepted
from ranker.events import UbiEvent, receive
from ranker.query_ids import issue_time
from searchd.answers import EventsAnswer, QueryAnswer, Refused
from searchd.errors_http import HttpProblem, Problem
from searchd.params import EVENTS_BODY, JSON, LINES, decode_json, require_media_type
from searchd.responses import Plain, json_bytes, json_response
from searchd.routing import Operation, route
from searchd.service import Service, service

blueprint = Blueprint("events", __name__)
_EXAMPLE = {
    "action_name": "click",
    "timestamp": "2026-01-01T00:00:00Z",
    "query_id": "the query_id of a search",
    "event_attributes": {"object": {"object_id": "1"}, "position": {"ordinal": 1}},
}


def _stored(svc: Service, data: bytes) -> Plain | None:
    """Store the good events of a body of JSON; None where there is none."""
    decode_json(data)  # what is no JSON at all is refused as by every other route
    accepted = receive(svc.click_log, svc.secret, data, svc.settings.query_id_lifetime)
    if not accepted.accepted:
        return None
    _count(svc, accepted)
    return Plain(json_bytes(_told(accepted)))


def _count(svc: Service, accepted: Accepted) -> None:
    svc.metrics.events.labels("accepted").inc(accepted.accepted)
    svc.metrics.events.labels("refused").inc(len(accepted.refused))


def _told(accepted: Accepted) -> EventsAnswer:
    refused = [Refused(one.index, one.code, one.message) for one in accepted.refused]
    return EventsAnswer(accepted.accepted, refused, accepted.duplicates)


_EVENTS = Operation(
    "events",
    "Send UBI 1.3 events",
    None,
    UbiEvent | list[UbiEvent],
    EventsAnswer,
    max_body=EVENTS_BODY,
    tag="events",
    many=True,
    example=_EXAMPLE,
    also={"422": (EventsAnswer, Problem)},
    direct=_stored,
)


@route(blueprint, "/v1/events", ("POST",), _EVENTS)
def post_events() -> Response:
    """Store the good events of the body; a body of which nothing is good is a 422, or a 400 when it is malformed."""
    require_media_type(JSON, LINES)
    data = request.get_data(cache=False)
    if request.mimetype == JSON:
        decode_json(data)  # what is no JSON at all is refused as by every other route
    svc = service()
    accepted = receive(svc.click_log, svc.secret, data, svc.settings.query_id_lifetime)
    _count(svc, accepted)
    if accepted.refused and not accepted.accepted and len(accepted.refused) == 1:
        first = accepted.refused[0]
        raise HttpProblem(422, first.code, first.message)
    return json_response(_told(accepted), 422 if accepted.refused and not accepted.accepted else 200)


@route(
    blueprint, "/v1/queries/<query_id>", ("GET",), Operation("events", "What was shown for a query", None, None, QueryAnswer, tag="events")
)
def get_query(query_id: str) -> Response:
    """A logged search in UBI's words; who asked is not told, since the id is known to more than one."""
    svc = service()
    issue_time(svc.secret, query_id)
    shown = svc.click_log.query(query_id)
    if shown is None:
        raise HttpProblem(404, "query_not_found", "this search was not logged, or its record has been erased")
    return json_response(_ubi(shown, [event.action_name for event in svc.click_log.events_of(query_id)]))


def _ubi(shown: Any, actions: list[str]) -> dict[str, Any]:
    return {
        "query_id": shown.query_id,
        "timestamp": shown.timestamp,
        "application": shown.application,
        "user_query": shown.user_query,
        "query_response_hit_ids": shown.keys,
        "generation": shown.generation,
        "model": shown.model or None,
        "events": {name: actions.count(name) for name in sorted(set(actions))},
    }
