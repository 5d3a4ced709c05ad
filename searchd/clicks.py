"""A click on a result link, without JavaScript, to an event in the click log.

The script of the page sends the same event by beacon, under the same event id, so a click that arrives both ways is stored once.
"""

import hmac
import time

import structlog

from indexer.errors import SearchdError
from ranker.clicklog import Event
from ranker.query_ids import UnknownQuery, verify_query_id
from searchd.page import click_signature
from searchd.params import MAX_WINDOW
from searchd.service import Service

log = structlog.get_logger("searchd.clicks")


def event_id(query_id: str, position: int) -> str:
    """One id for the click on one result of one search, however often and by whichever way it arrives."""
    return f"{query_id}:click:{position}"


def log_click(service: Service, query_id: str, key: str, position: str, signature: str, client_id: str) -> bool:
    """Store the click when its link is genuine and fresh; False when it was not counted. Never raises: a reader must get where the link leads."""
    if not (position.isascii() and position.isdigit() and len(position) < 5 and 1 <= int(position) <= MAX_WINDOW):
        return False
    if not hmac.compare_digest(
        click_signature(service.secret, query_id, key, int(position)).encode(), signature.encode("utf-8", "replace")
    ):
        return False
    event = Event(
        event_id(query_id, int(position)),
        query_id,
        "click",
        int(time.time() * 1000),
        key,
        int(position),
        service.settings.application,
        client_id,
    )
    try:
        verify_query_id(service.secret, query_id, service.settings.query_id_lifetime)
        service.click_log.append([event])
    except UnknownQuery:
        return False
    except SearchdError as error:
        log.error("click not stored", reason=str(error))
        return False
    service.metrics.events.labels("accepted").inc()
    return True
