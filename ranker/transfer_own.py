"""The click log's records to lines of JSON that keep everything, and back: for copies, and to bring several servers' logs together.

A line is ``{"impression": {...}}`` or ``{"event": {...}}`` with the fields of the record; arrays of float32 are base64 of their
little-endian bytes.
"""

import base64
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ranker.clicklog import ClickLog, Event, Impression
from ranker.transfer_records import Imported, Refusal

ARRAYS = ("features", "scores", "propensities")


class ImpressionLine(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An impression with its arrays as base64."""

    query_id: str
    timestamp: int
    user_query: str
    keys: list[str]
    application: str = ""
    client_id: str = ""
    session_id: str = ""
    user_id: str = ""
    generation: str = ""
    model: str = ""
    feature_fingerprint: str = ""
    first_rank: int = 1
    features: str | None = None
    scores: str | None = None
    simulated: bool = False
    propensities: str | None = None


class EventLine(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An event."""

    event_id: str
    query_id: str
    action_name: str
    timestamp: int
    object_id: str = ""
    position: int | None = None
    application: str = ""
    client_id: str = ""
    session_id: str = ""
    user_id: str = ""
    message_type: str = ""
    message: str = ""
    user_query: str = ""
    attributes: dict[str, Any] | None = None
    simulated: bool = False


def read(records: Iterable[tuple[int, Any]]) -> Imported:
    """Impressions and events, in any order."""
    imported = Imported([], [], [])
    for number, record in records:
        try:
            if isinstance(record, dict) and "impression" in record:
                imported.impressions.append(_impression(msgspec.convert(record["impression"], ImpressionLine)))
            else:
                imported.events.append(Event(**msgspec.structs.asdict(msgspec.convert(record["event"], EventLine))))
        except (KeyError, TypeError, ValueError) as error:
            imported.refused.append(Refusal(number, f"expected an impression or an event, found neither ({error})"))
    return imported


def _impression(line: ImpressionLine) -> Impression:
    n = len(line.keys)
    features, scores, propensities = (_floats(getattr(line, name)) for name in ARRAYS)
    for name, values in (("scores", scores), ("propensities", propensities)):
        if values is not None and len(values) != n:
            raise ValueError(f"{name}: expected {n} values, found {len(values)}")
    if features is not None:
        features = features.reshape(n, -1) if n else None
    given = {name: getattr(line, name) for name in Impression._fields if name not in ARRAYS}
    return Impression(**given, features=features, scores=scores, propensities=propensities)


def _floats(encoded: str | None) -> NDArray[np.float32] | None:
    return None if encoded is None else np.frombuffer(base64.b64decode(encoded, validate=True), "<f4")


def write(log: ClickLog) -> Iterator[dict[str, Any]]:
    """Every impression, then every event."""
    for impression in log.impressions():
        arrays = {name: _encoded(getattr(impression, name)) for name in ARRAYS}
        yield {"impression": ImpressionLine(**{**impression._asdict(), **arrays})}
    for event in log.events():
        yield {"event": EventLine(**event._asdict())}


def _encoded(values: NDArray[np.float32] | None) -> str | None:
    return None if values is None else base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()
