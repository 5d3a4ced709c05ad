"""Bad input, set aside: one JSON line in the home for every record that could not be indexed, saying where, why and what it looked like.

One bad record never fails a build and never hides: ``read = indexed + quarantined + duplicates`` holds for every build.
"""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import orjson

import indexer.durable as durable
from indexer.documents import BadDocument

SAMPLE_BYTES = 200

REASONS = {
    "invalid_json": "not JSON",
    "truncated_json": "JSON that ends too early",
    "trailing_data": "something after the end of the JSON value",
    "not_finite": "NaN or an infinite number",
    "control_character": "a raw control character inside a JSON string",
    "invalid_utf8": "bytes that are not UTF-8",
    "lone_surrogate": "half of a surrogate pair",
    "nested_too_deep": "more than 32 levels of nesting",
    "line_too_long": "more than 64 MiB in one record",
    "not_an_object": "a JSON value that is not an object",
    "missing_id": "no id, or null",
    "invalid_id": "an id that is neither a string nor an integer",
    "empty_id": "an id without characters",
    "id_too_long": "an id of more than 512 characters",
    "id_control_character": "an id with a control character",
    "invalid_integer": "a value that is no whole number of 64 bits, in a field of such",
    "invalid_float": "a value that is no finite number, in a field of such",
    "invalid_date": "a value that is no date or time, in a field of such",
    "invalid_boolean": "a value that is neither true nor false, in a field of such",
    "wrong_column_count": "a row with more or fewer cells than the header",
    "invalid_csv": "a row whose quotes do not match",
    "too_large": "a document with more than 64 MiB of JSON",
    "not_json": "a document that has no form in JSON",
    "unsupported_value": "a value that has no form in JSON",
    "unreadable_file": "a file of a folder that cannot be read",
    "file_too_large": "a file of a folder with more than 64 MiB",
}


class Entry(NamedTuple):
    """One record set aside; ``sample`` is its beginning, with everything but printable ASCII escaped."""

    file: str
    line: int
    offset: int
    reason: str
    message: str
    sample: str


def entry(error: BadDocument, source: str, line: int, offset: int, raw: bytes | str) -> Entry:
    """Set ``raw`` aside for the reason that ``error`` gives."""
    return Entry(source, line, offset, error.code, str(error), escaped_sample(raw))


def escaped_sample(raw: bytes | str) -> str:
    """The first 200 bytes as printable ASCII, safe to show in any terminal, log or page source."""
    if isinstance(raw, str):
        raw = raw[:SAMPLE_BYTES].encode("utf-8", "surrogatepass")
    text = bytes(raw[:SAMPLE_BYTES]).decode("utf-8", "backslashreplace")
    return text.encode("unicode_escape").decode("ascii").replace("\\\\x", "\\x")


class Quarantine:
    """Collects entries in a temporary file and puts it in place, durably, when the work is done.

    Use as a context manager; without ``publish`` nothing of an aborted build stays behind.
    """

    def __init__(self, path: Path):
        self.path = path
        self.counts: Counter[str] = Counter()
        durable.make_folder(path.parent)
        self._file = durable.FileWriter(path)

    def __enter__(self) -> "Quarantine":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._file.abort()

    @property
    def total(self) -> int:
        return self.counts.total()

    def add(self, one: Entry) -> None:
        """Set one record aside."""
        self.counts[one.reason] += 1
        self._file.write(orjson.dumps(one._asdict(), option=orjson.OPT_APPEND_NEWLINE))

    def publish(self) -> None:
        """Replace the home's quarantine by this one."""
        self._file.close()
