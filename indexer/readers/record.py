"""One JSON object, as bytes, becomes a document, or an entry that says what is wrong with it.

orjson refuses what is not strict JSON (NaN, lone surrogates, raw control characters, bad UTF-8) on its fast path; only a refused record is
looked at again, slowly, to name the reason.
"""

import re
from typing import Any

import orjson

from indexer.documents import BadDocument, Document, take_key
from indexer.quarantine import Entry, entry
from indexer.readers.chunk import MAX_NESTING, MAX_RECORD

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NOT_FINITE = re.compile(rb"(?<![\w.])-?(?:NaN|Infinity|nan|inf)\b")

_loads = orjson.loads


def read_record(raw: bytes, id_field: str, source: str, line: int, offset: int) -> Document | Entry:
    """Parse one record; never raises."""
    try:
        if len(raw) > MAX_RECORD:
            raise BadDocument("line_too_long", f"the record has more than {MAX_RECORD >> 20} MiB; split it or leave it out")
        # An object inside an object inside ... needs as many brackets: most records are cleared by two counts.
        if raw.count(b"{") + raw.count(b"[") > MAX_NESTING:
            _check_nesting(raw)
        fields = _loads(raw)
        if type(fields) is not dict:
            raise BadDocument("not_an_object", f"expected an object, found {_json_type(fields)}")
        return Document(take_key(fields, id_field), _present(fields), source, line, offset)
    except orjson.JSONDecodeError as error:
        return entry(_reason(raw, error), source, line, offset, raw)
    except BadDocument as error:
        return entry(error, source, line, offset, raw)


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that are not null; the same dict when all are, which is the usual case."""
    if None in fields.values():
        fields = {name: value for name, value in fields.items() if value is not None}
    return fields


def _check_nesting(raw: bytes) -> None:
    depth = deepest = 0
    for byte in _STRING.sub(b"", raw):
        if byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    if deepest > MAX_NESTING:
        raise BadDocument("nested_too_deep", f"{deepest} levels of nesting; expected at most {MAX_NESTING}")


def _reason(raw: bytes, error: orjson.JSONDecodeError) -> BadDocument:
    """What kind of bad JSON it is."""
    text = str(error)
    if (bad := _bad_utf8(raw)) is not None:
        return BadDocument("invalid_utf8", f"byte {bad} of the record is not UTF-8; convert the file to UTF-8")
    if "surrogate" in text:
        return BadDocument("lone_surrogate", f"a \\u escape is half of a surrogate pair ({text})")
    if "control character" in text:
        return BadDocument("control_character", f"a raw control character inside a string; escape it ({text})")
    if "infinity" in text or _NOT_FINITE.search(_STRING.sub(b'""', raw)):
        return BadDocument("not_finite", "NaN or an infinite number; JSON has neither: write null")
    if "unexpected end" in text or "unclosed string" in text:
        return BadDocument("truncated_json", f"the record ends too early ({text})")
    if "unexpected content after document" in text:
        return BadDocument("trailing_data", f"expected one JSON object, found more behind it ({text})")
    return BadDocument("invalid_json", f"not JSON: {text}")


def _bad_utf8(raw: bytes) -> int | None:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return None


def _json_type(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number", type(None): "null"}
    return names[type(value)]
