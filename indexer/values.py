"""Values of a document's fields -> what the index stores of them: texts, numbers, seconds, keywords.

Values come from JSON, CSV, Parquet and SQLite, so a number may arrive as text and a date as a datetime. What cannot be read as its field's
type is a BadDocument: the document is set aside with the reason, never bent into shape.
"""

import math
from datetime import UTC, date, datetime
from typing import Any

from indexer.documents import BadDocument

TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")
INT64 = 1 << 63


def texts(value: Any) -> list[str]:
    """The searchable texts of a value; null has none, a list those of its items, an object those of its values."""
    if isinstance(value, str):
        return [value]
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in texts(item)]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    return [keyword(value)]


def keywords(value: Any) -> list[str]:
    """The distinct keywords of a value, in order."""
    return list(dict.fromkeys(texts(value)))


def keyword(value: Any) -> str:
    """One scalar as the text a filter compares with."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value)


def integer(value: Any) -> int:
    """A whole number of 64 bits; raises ValueError."""
    if isinstance(value, str):
        if len(value) > 40:
            raise ValueError("too long for a number")
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("not a whole number")
    if not -INT64 <= value < INT64:
        raise ValueError("outside 64 bits")
    return value


def number(value: Any) -> float:
    """A finite number; raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("not a number")
    try:
        found = float(value)
    except OverflowError as error:
        raise ValueError("too large") from error
    if not math.isfinite(found):
        raise ValueError("not finite")
    return found


def seconds(value: Any) -> float:
    """Seconds since 1970 of an ISO 8601 date or time (without a zone: UTC), or of a number of seconds; raises ValueError."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return number(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return number(value)


def boolean(value: Any) -> bool:
    """True or false, also as text or 0 and 1; raises ValueError."""
    text = value.strip().lower() if isinstance(value, str) else str(int(value)) if isinstance(value, (bool, int)) else ""
    if text not in TRUE + FALSE:
        raise ValueError("neither true nor false")
    return text in TRUE


PARSERS = {"integer": integer, "float": number, "date": seconds, "boolean": boolean}
EXPECTED = {"integer": "a whole number", "float": "a finite number", "date": "an ISO 8601 date or time", "boolean": "true or false"}


def parse(kind: str, value: Any, field: str) -> Any:
    """The value of a column that is not a keyword, None when missing; raises BadDocument."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, (list, tuple)) and len(value) <= 1:
        return parse(kind, value[0] if value else None, field)
    try:
        return PARSERS[kind](value)
    except (ValueError, OverflowError, TypeError) as error:
        shown = repr(value)
        raise BadDocument(f"invalid_{kind}", f"field {field!r}: expected {EXPECTED[kind]}, found {shown[:60]}") from error
