"""What every reader of a foreign click log gives back, and the small conversions they share."""

import math
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from ranker.clicklog import Event, Impression
from ranker.clicklog_schema import ms_of

_MISSING = re.compile(r"Object missing required field `(.+)`")


class Refusal(NamedTuple):
    """A line, counted from 1, that was not imported, and why."""

    line: int
    reason: str


class Imported(NamedTuple):
    """What a file holds, in the records of the click log."""

    impressions: list[Impression]
    events: list[Event]
    refused: list[Refusal]


def milliseconds(value: Any) -> int:
    """Milliseconds since the epoch of a number of them or of an ISO 8601 text (UTC unless it says otherwise). Raises ``ValueError``."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"timestamp: expected milliseconds or ISO 8601, found {value!r:.60}")
    if isinstance(value, str) and not value.strip().lstrip("-").isdigit():
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"timestamp: expected milliseconds or ISO 8601, found {value[:60]!r}") from None
        return ms_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"timestamp: expected milliseconds or ISO 8601, found {value!r}")
    number = int(value)
    if abs(number) > 2**53:
        raise ValueError(f"timestamp: expected milliseconds since 1970, found {number}")
    return number


def iso(timestamp: int) -> str:
    """ISO 8601 in UTC with milliseconds and a Z, as OpenSearch wants it."""
    moment = datetime.fromtimestamp(timestamp / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text(value: Any) -> str:
    """A text or a number as text; "" for nothing. Raises ``ValueError`` for anything else."""
    if value is None:
        return ""
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"expected a text, found {type(value).__name__}")


def reason_of(error: ValueError) -> str:
    """Why a record was refused, the place first, also where msgspec says so."""
    if not isinstance(error, msgspec.ValidationError):
        return str(error)
    reason, _, place = str(error).partition(" - at `$")
    where = place.strip("`.")
    missing = _MISSING.fullmatch(reason)
    if missing is not None:
        return f"{where + '.' if where else ''}{missing[1]}: missing, expected a value"
    return f"{where}: {reason}" if where else reason
