"""API keys: who may do what, in one small SQLite file of hashes.

A key is ``id.secret`` with 256 random bits of secret. Only its SHA-256 is stored: a plain hash is enough for a secret nobody chose. The id finds
the row, so that the secret itself is compared once, in constant time, and never takes part in a search. The file is read at every request that
brings a key, so a revoked key stops working at once in every worker.
"""

import hashlib
import hmac
import re
import secrets
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import sqlite_utils

from indexer.durable import make_folder, write_new_file
from indexer.errors import SearchdError

SCOPES = ("search", "events", "documents", "admin")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
MAX_FAILURES = 20  # wrong keys a minute and address
_WINDOW_SECONDS = 60.0
_MAX_ADDRESSES = 10_000
# What an unknown id is compared with, so that knowing an id cannot be told by time.
_NO_DIGEST = hashlib.sha256(b"").hexdigest()


class KeyProblem(SearchdError):
    """A key, a scope or a lifetime that cannot be used."""

    code = "invalid_key_request"


class KeysUnusable(SearchdError):
    """The file of keys is damaged, locked or read-only."""

    code = "keys_unusable"


class Key(NamedTuple):
    """What may be known of a key after its creation; times are seconds since 1970."""

    id: str
    scopes: tuple[str, ...]
    label: str
    created: int
    expires: int | None
    revoked: int | None

    def allows(self, scope: str) -> bool:
        """Whether the key opens ``scope``; admin opens all."""
        return scope in self.scopes or "admin" in self.scopes


def parse_lifetime(text: str) -> int:
    """Seconds in ``90d``, ``12h``, ``30m``, ``45s`` or ``2w``."""
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhdw])", text.strip())
    if not found:
        raise KeyProblem(f"expected a lifetime such as 90d or 12h, found {text!r}; the units are s, m, h, d and w")
    return int(found[1]) * _UNITS[found[2]]


class KeyStore:
    """The keys of one home. The file is made, readable by its owner only, with the first key."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, scopes: str | Iterable[str], expires: str | int | None = None, label: str = "") -> str:
        """Make a key and return its text, which cannot be shown again. ``expires`` is a lifetime: seconds, or text such as 90d."""
        wanted = tuple(dict.fromkeys([scopes] if isinstance(scopes, str) else scopes))
        unknown = [scope for scope in wanted if scope not in SCOPES]
        if unknown or not wanted:
            raise KeyProblem(f"expected scopes of {', '.join(SCOPES)}, found {unknown[0] if unknown else 'none'!r}")
        lifetime = parse_lifetime(expires) if isinstance(expires, str) else expires
        now = int(time.time())
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        row = {"id": key_id, "digest": _digest(secret), "scopes": " ".join(wanted), "label": label[:100], "created": now}
        self._insert({**row, "expires": None if lifetime is None else now + lifetime, "revoked": None})
        return f"{key_id}.{secret}"

    def all(self) -> list[Key]:
        """All keys, oldest first, revoked ones too."""
        return [_key(row) for row in self._rows("select * from keys order by created, id")]

    def revoke(self, key_id: str) -> None:
        """End a key for good; raises KeyProblem when there is none of that id."""
        key_id = key_id.split(".")[0]
        if not self._rows("select * from keys where id = ?", key_id):
            raise KeyProblem(f"expected the id of a key, found {key_id!r}; `searchd keys list` shows them")
        with self._opened() as connection, connection:
            connection.execute("update keys set revoked = coalesce(revoked, ?) where id = ?", (int(time.time()), key_id))

    def check(self, text: str) -> Key | None:
        """The valid key whose text this is, else None: unknown, wrong, expired or revoked."""
        key_id, _, secret = text.partition(".")
        rows = self._rows("select * from keys where id = ?", key_id[:64]) if key_id.isascii() else []
        digest = rows[0]["digest"] if rows else _NO_DIGEST
        same = hmac.compare_digest(_digest(secret), digest)
        if not rows or not same:
            return None
        key = _key(rows[0])
        expired = key.expires is not None and key.expires <= time.time()
        return None if expired or key.revoked is not None else key

    def _rows(self, sql: str, *parameters: str) -> list[sqlite3.Row]:
        if not self.path.exists() or not self.path.stat().st_size:
            return []
        with self._opened() as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(sql, parameters).fetchall()

    def _insert(self, row: dict[str, object]) -> None:
        make_folder(self.path.parent)
        if not self.path.exists():
            with suppress(FileExistsError):
                write_new_file(self.path, _no_keys(), 0o600)
        with self._opened() as connection:
            table = _table(connection)
            with connection:
                table.insert(row)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=5.0)) as connection:
                connection.execute("pragma synchronous = full")
                if connection.execute("pragma synchronous").fetchone()[0] != 2:
                    raise KeysUnusable(
                        f"{self.path}: expected SQLite to accept synchronous=FULL, found that it does not; use a standard SQLite"
                    )
                yield connection
        except sqlite3.Error as error:
            raise KeysUnusable(f"{self.path}: expected a usable file of keys, found: {error}; make it writable, or restore it") from error


class Failures:
    """Wrong keys by address within the last minute, so that guessing is slowed down; thread-safe, bounded."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def blocked(self, address: str) -> bool:
        """Whether this address has used up its wrong tries."""
        with self._lock:
            return len(self._recent(address)) >= MAX_FAILURES

    def add(self, address: str) -> None:
        """Count one wrong try."""
        with self._lock:
            if len(self._times) >= _MAX_ADDRESSES:
                self._times.clear()
            self._times.setdefault(address, deque(maxlen=MAX_FAILURES)).append(time.monotonic())

    def _recent(self, address: str) -> deque[float]:
        times = self._times.get(address, deque())
        while times and times[0] < time.monotonic() - _WINDOW_SECONDS:
            times.popleft()
        return times


def _no_keys() -> bytes:
    """The file before its first key, so that it appears with its table or not at all."""
    with closing(sqlite3.connect(":memory:")) as connection:
        _table(connection)
        return connection.serialize()


def _table(connection: sqlite3.Connection) -> sqlite_utils.db.Table:
    columns = {"id": str, "digest": str, "scopes": str, "label": str, "created": int, "expires": int, "revoked": int}
    return sqlite_utils.Database(connection).table("keys").create(columns, pk="id", if_not_exists=True)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: sqlite3.Row) -> Key:
    return Key(row["id"], tuple(row["scopes"].split()), row["label"], row["created"], row["expires"], row["revoked"])
