"""What every source becomes: documents, each with the caller's key and the place it came from."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from indexer.errors import SearchdError

MAX_KEY_CHARS = 512
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Document(NamedTuple):
    """One document: ``key`` is the caller's id, ``fields`` all else; ``line`` counts from 1, ``offset`` bytes from 0."""

    key: str
    fields: dict[str, Any]
    source: str = ""
    line: int = 0
    offset: int = 0


class BadDocument(SearchdError):
    """One document that cannot be indexed; ``code`` is the reason that stands in the quarantine."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def check_key(value: Any) -> str:
    """The key of a document whose id is ``value``: a string of 1 to 512 characters without control characters, or an integer.

    Raises BadDocument: missing_id, invalid_id, empty_id, id_too_long, id_control_character.
    """
    if type(value) is not str:
        value = _key_of_other(value)
    if not value:
        raise BadDocument("empty_id", "the id is an empty string; expected 1 to 512 characters")
    if len(value) > MAX_KEY_CHARS:
        raise BadDocument("id_too_long", f"the id has {len(value)} characters; expected at most {MAX_KEY_CHARS}")
    # isprintable is one fast call and true for nearly every key; only what it doubts needs the exact rule.
    if not value.isprintable():
        _refuse_odd_characters(value)
    return value


def _key_of_other(value: Any) -> str:
    if value is None:
        raise BadDocument("missing_id", "the document has no id; expected a string or an integer")
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise BadDocument("invalid_id", f"the id is a {type(value).__name__}; expected a string or an integer")
    return str(value)


def _refuse_odd_characters(value: str) -> None:
    if _CONTROL.search(value):
        raise BadDocument("id_control_character", f"the id {value[:60]!r} has a control character; remove it")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadDocument("lone_surrogate", f"the id {value[:60]!r} is not valid Unicode (a lone surrogate)") from None


def take_key(fields: dict[str, Any], id_field: str) -> str:
    """Remove the id from ``fields`` and return it as a key; raises BadDocument."""
    value = fields.pop(id_field, None)
    if value is None:
        raise BadDocument("missing_id", f"the document has no field {id_field!r}; every document needs an id (or give --id-field)")
    return check_key(value)


def document_from(raw: Mapping[str, Any], id_field: str, source: str = "", line: int = 0, offset: int = 0) -> Document:
    """A document from one JSON object: its id becomes the key, null fields are missing; raises BadDocument."""
    fields = dict(raw)
    key = take_key(fields, id_field)
    return Document(key, {name: value for name, value in fields.items() if value is not None}, source, line, offset)
