"""Time and chance to a signed query id: proof, without a look into the log, that this service asked the question, and when.

An id is 33 bytes in 44 characters of URL-safe base64: 6 bytes of milliseconds since the epoch, 11 random bytes, 16 bytes of HMAC-SHA256
over the first 17. No padding and no spare bits, so that every id has exactly one spelling. An event whose id does not verify is refused.
"""

import base64
import hmac
import secrets
import time
from contextlib import suppress

from indexer import durable
from indexer.errors import SearchdError
from indexer.home import Home

MAX_AGE = 3600.0
"""Seconds for which events of a query are welcome."""

CLOCK_SKEW = 60.0
"""Seconds by which the servers' clocks may differ."""

SECRET_BYTES = 32
_TIME, _RANDOM, _MAC = 6, 11, 16
_LENGTH = (_TIME + _RANDOM + _MAC) * 4 // 3


class UnknownQuery(SearchdError):
    """The query id was never issued here, or is too old."""

    code = "unknown_query"


class BadSecret(SearchdError):
    """The file with the signing secret does not hold one."""

    code = "bad_secret"


def issue_query_id(secret: bytes, now: float | None = None) -> str:
    """A fresh id, 44 characters of ``A-Z a-z 0-9 _ -``; ``now`` in seconds since the epoch."""
    milliseconds = int((time.time() if now is None else now) * 1000)
    body = milliseconds.to_bytes(_TIME, "big") + secrets.token_bytes(_RANDOM)
    return base64.urlsafe_b64encode(body + _mac(secret, body)).decode()


def verify_query_id(secret: bytes, query_id: str, max_age: float = MAX_AGE, now: float | None = None) -> float:
    """The time of issue in seconds since the epoch.

    Raises ``UnknownQuery`` for an id that was never issued, or more than ``max_age`` seconds ago.
    """
    issued = issue_time(secret, query_id)
    age = (time.time() if now is None else now) - issued
    if age > max_age:
        raise UnknownQuery(f"query_id: expected one at most {max_age:.0f} seconds old, found {age:.0f}; search again")
    if age < -CLOCK_SKEW:
        raise UnknownQuery("query_id: issued in the future; check the clocks of the servers")
    return issued


def issue_time(secret: bytes, query_id: str) -> float:
    """When a genuine id was issued, in seconds since the epoch, however long ago; raises ``UnknownQuery`` for any other text."""
    raw = _decoded(query_id)
    body, mac = raw[: _TIME + _RANDOM], raw[_TIME + _RANDOM :]
    if not hmac.compare_digest(_mac(secret, body), mac):
        raise UnknownQuery("query_id: was not issued by this service; send the query_id of the search response, unchanged")
    return int.from_bytes(body[:_TIME], "big") / 1000


def _decoded(query_id: str) -> bytes:
    # b64decode skips what is not in its alphabet, so only the re-encoded form proves the spelling.
    try:
        raw = base64.urlsafe_b64decode(query_id) if len(query_id) == _LENGTH else b""
    except ValueError:
        raw = b""
    if len(raw) != _TIME + _RANDOM + _MAC or base64.urlsafe_b64encode(raw).decode() != query_id:
        raise UnknownQuery("query_id: expected 44 characters as given in a search response, found something else; send it unchanged")
    return raw


def _mac(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, b"searchd.query_id" + body, "sha256")[:_MAC]


def load_secret(home: Home) -> bytes:
    """The home's signing secret, 32 bytes; made on first use, readable by its owner only, the same for all who ask at once."""
    if not home.secret.exists():
        _make_secret(home)
    secret = home.secret.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise BadSecret(f"{home.secret}: expected {SECRET_BYTES} bytes, found {len(secret)}; remove the file, a new one is made")
    return secret


def _make_secret(home: Home) -> None:
    """Of several first users one wins, and the others find the winner's file whole."""
    durable.make_folder(home.root)
    with suppress(FileExistsError):
        durable.write_new_file(home.secret, secrets.token_bytes(SECRET_BYTES), mode=0o600)
