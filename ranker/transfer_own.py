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
from ranker.transfer_records import Imported, Refusal, reason_of

ARRAYS = ("features", "scores", "propensities", "served", "weights")


def _line(record: type, **changed: Any) -> Any:
    """The fields of a record of the click log as a checked line, so that the two cannot drift apart; ``changed`` gives other types."""
    types = record.__annotations__ | changed
    defaults: dict[str, Any] = record._field_defaults  # type: ignore[attr-defined]
    fields = [(name, kind, defaults[name]) if name in defaults else (name, kind) for name, kind in types.items()]
    return msgspec.defstruct(f"{record.__name__}Line", fields, forbid_unknown_fields=True, omit_defaults=True)


ImpressionLine = _line(Impression, **dict.fromkeys(ARRAYS, str | None))
EventLine = _line(Event)


def read(records: Iterable[tuple[int, Any]]) -> Imported:
    """Impressions and events, in any order."""
    imported = Imported([], [], [])
    for number, record in records:
        try:
            if isinstance(record, dict) and "impression" in record:
                imported.impressions.append(_impression(msgspec.convert(record["impression"], ImpressionLine)))
            else:
                imported.events.append(Event(**msgspec.structs.asdict(msgspec.convert(record["event"], EventLine))))
        except (KeyError, TypeError):
            imported.refused.append(Refusal(number, f"expected an impression or an event, found {str(record)[:60]!r}"))
        except ValueError as error:
            imported.refused.append(Refusal(number, f"expected an impression or an event: {reason_of(error)}"))
    return imported


def _impression(line: Any) -> Impression:
    n = len(line.keys)
    features, *rows = (_floats(getattr(line, name)) for name in ARRAYS)
    for name, values in zip(ARRAYS[1:], rows):
        if values is not None and len(values) != n:
            raise ValueError(f"{name}: expected {n} values, found {len(values)}")
    if features is not None:
        features = features.reshape(n, -1) if n else None
    given = {name: getattr(line, name) for name in Impression._fields if name not in ARRAYS}
    return Impression(**{**given, "features": features, **dict(zip(ARRAYS[1:], rows))})


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
