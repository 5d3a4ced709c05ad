"""The click log's tables and its two records: what was shown (``Impression``) and what was done with it (``Event``), to rows and back.

The schema is made and changed by sqlite-utils migrations, applied under one write lock, so that any number of processes may open an old
file at once. The feature matrix of a ranking is stored once however often the same ranking is shown: real traffic repeats its head queries,
and the matrix is most of the bytes.
"""

import hashlib
import sqlite3
import threading
import time
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlite_utils import Database, Migrations

from indexer.durable import make_file
from indexer.errors import SearchdError

BUSY_SECONDS = 5.0
_MAKING = threading.Lock()
EPOCH, MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
migrations = Migrations("searchd.clicks")


class ClickLogError(SearchdError):
    """The click log cannot be read or written."""

    code = "click_log"


class ClickLogBusy(ClickLogError):
    """Another process holds the write lock, or the queue of this one is full: nothing was stored, try again."""

    code = "click_log_busy"


class ClickLogFull(ClickLogError):
    """The disk is full: nothing was stored."""

    code = "click_log_full"


class ClickLogCorrupt(ClickLogError):
    """The file is damaged or is no click log."""

    code = "click_log_corrupt"


def normalised(text: str) -> str:
    """The form in which two query texts are the same query."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class Impression(NamedTuple):
    """One ranking as it was shown: the list, and the very vectors that were scored.

    ``timestamp`` is in milliseconds since the epoch, UTC. ``keys`` are the shown documents from ``first_rank`` (1 for the first page) on.
    ``features`` is float32[n, F] in the order of the feature set named by ``feature_fingerprint``, or None; ``scores`` float32[n] are those
    of retrieval. ``propensities`` float32[n] is P(this document at this rank | query) under a policy that explores, else None. ``model`` is
    ``name/version``, or "" for none. ``simulated`` marks what no person saw. In an ``experiment`` (its name) the list is drafted by several
    models, and ``teams`` has a character a document: the number of the model that gave it, or "-" where all of them agree; ``weights``
    float32[n] are those of clicks on them (see ``ranker.interleaving``). ``request`` is what was asked besides the text (JSON, see
    ``ranker.replay``) and ``served`` float32[n] the scores that gave the order.
    """

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
    features: NDArray[np.float32] | None = None
    scores: NDArray[np.float32] | None = None
    simulated: bool = False
    propensities: NDArray[np.float32] | None = None
    experiment: str = ""
    teams: str = ""
    request: str = ""
    served: NDArray[np.float32] | None = None
    weights: NDArray[np.float32] | None = None


class Event(NamedTuple):
    """One thing a user did, checked.

    ``timestamp`` in milliseconds since the epoch, by the client's clock; ``position`` is the rank, from 1.
    """

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


IMPRESSION_COLUMNS = {
    "query_id": str,
    "first_rank": int,
    "timestamp": int,
    "received": int,
    "user_query": str,
    "keys": str,
    "application": str,
    "client_id": str,
    "session_id": str,
    "user_id": str,
    "generation": str,
    "model": str,
    "feature_fingerprint": str,
    "features": bytes,
    "scores": bytes,
    "propensities": bytes,
    "simulated": int,
}
EXPERIMENT_COLUMNS = {"experiment": str, "teams": str}
REPLAY_COLUMNS = {"request": str, "served": bytes}
WEIGHT_COLUMNS = {"weights": bytes}
IMPRESSION_ROW = (*IMPRESSION_COLUMNS, *EXPERIMENT_COLUMNS, *REPLAY_COLUMNS, *WEIGHT_COLUMNS)
EVENT_COLUMNS = {
    "event_id": str,
    "query_id": str,
    "action_name": str,
    "timestamp": int,
    "received": int,
    "object_id": str,
    "position": int,
    "application": str,
    "client_id": str,
    "session_id": str,
    "user_id": str,
    "message_type": str,
    "message": str,
    "user_query": str,
    "attributes": str,
    "simulated": int,
}


@migrations()
def m001_impressions_events_matrices(db: Database) -> None:
    """The first schema."""
    db.table("impressions").create(IMPRESSION_COLUMNS, pk=("query_id", "first_rank"), strict=True)
    db.table("events").create(EVENT_COLUMNS, pk="event_id", not_null={"query_id", "action_name", "timestamp", "received"}, strict=True)
    db.table("matrices").create({"digest": bytes, "data": bytes}, pk="digest", not_null={"data"}, strict=True)
    db.table("events").create_index(["query_id", "action_name"])
    for table in ("impressions", "events"):
        db.table(table).create_index(["received"])
        db.table(table).create_index(["client_id"])


@migrations()
def m002_experiments(db: Database) -> None:
    """Which experiment drafted an impression, and which of its models gave each document."""
    for name, kind in EXPERIMENT_COLUMNS.items():
        db.table("impressions").add_column(name, kind)
    db.execute("CREATE INDEX idx_impressions_experiment ON impressions (experiment) WHERE experiment <> ''")


@migrations()
def m003_replay(db: Database) -> None:
    """What was asked, and the scores that gave the order, so that a search can be done again."""
    for name, kind in REPLAY_COLUMNS.items():
        db.table("impressions").add_column(name, kind)


@migrations()
def m004_weights(db: Database) -> None:
    """How much a click on each document says of the models of an experiment."""
    for name, kind in WEIGHT_COLUMNS.items():
        db.table("impressions").add_column(name, kind)


def ms_of(moment: datetime) -> int:
    """A moment with its time zone in milliseconds since the epoch, the part below one cut off; without floats, which lose one now and then."""
    return (moment - EPOCH) // MILLISECOND


def now_ms() -> int:
    """Milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def connect(path: Path, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """A connection on which COMMIT means durable; the caller closes it. The file must exist (``create``)."""
    try:
        connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        if connection.execute("PRAGMA synchronous").fetchone()[0] != 2:
            raise ClickLogError(f"{path}: expected SQLite to accept synchronous=FULL, found that it does not; use a standard SQLite")
        return connection
    except sqlite3.Error as error:
        raise explain(error, path) from error


def create(path: Path, busy_seconds: float = BUSY_SECONDS) -> None:
    """Make the file if absent (readable by its owner only) and bring its schema up to date."""
    _make_file(path)
    connection = connect(path, busy_seconds)
    try:
        _enter_wal(connection, busy_seconds)
        connection.execute("BEGIN IMMEDIATE")
        migrations.apply(Database(connection, execute_plugins=False))
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise explain(error, path) from error
    finally:
        connection.close()


def _make_file(path: Path) -> None:
    """An empty file that only its owner reads, if there is none.

    One that exists is not touched: to close any descriptor of a file gives up all the locks that the process has on it (POSIX), and then another
    program that closes the log takes itself for its last user and removes what this one still writes to.
    """
    with _MAKING:
        try:
            make_file(path, 0o600)
        except FileExistsError:
            return
        except OSError as error:
            raise ClickLogError(f"{path}: cannot be opened for writing: {error.strerror}; check the folder and its permissions") from error


def _enter_wal(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Switching to WAL ignores SQLite's busy timeout, so two first openers must take turns by hand."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise ClickLogError(f"expected a file system where SQLite can use WAL, found journal mode {mode}; put the home on a local disk")
        return


def explain(error: sqlite3.Error, path: Path) -> ClickLogError:
    """The click log's own error for one of SQLite's, saying what to do."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return ClickLogBusy(f"{path}: another process held the write lock for too long; try again")
    if primary == sqlite3.SQLITE_FULL:
        return ClickLogFull(f"{path}: the disk is full; nothing was stored; free some space and send again")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return ClickLogCorrupt(f"{path}: expected a click log, found a damaged or foreign file ({error}); restore or move it")
    return ClickLogError(f"{path}: {error}; check the disk and the permissions of the file")


def impression_row(impression: Impression, received: int) -> tuple[tuple[Any, ...], tuple[bytes, bytes] | None]:
    """The row of ``impressions``, and that of ``matrices`` if the impression has features."""
    matrix = _matrix_row(impression)
    row = (
        clean(impression.query_id),
        impression.first_rank,
        impression.timestamp,
        received,
        clean(impression.user_query),
        orjson.dumps([clean(key) for key in impression.keys]).decode(),
        clean(impression.application),
        clean(impression.client_id),
        clean(impression.session_id),
        clean(impression.user_id),
        impression.generation,
        impression.model,
        impression.feature_fingerprint,
        matrix[0] if matrix else None,
        _floats(impression.scores),
        _floats(impression.propensities),
        int(impression.simulated),
        clean(impression.experiment),
        impression.teams,
        clean(impression.request),
        _floats(impression.served),
        _floats(impression.weights),
    )
    return row, matrix


def _matrix_row(impression: Impression) -> tuple[bytes, bytes] | None:
    if impression.features is None or not impression.keys:
        return None
    if len(impression.features) != len(impression.keys):
        raise ValueError(f"expected {len(impression.keys)} rows of features, found {len(impression.features)}")
    data = _floats(impression.features) or b""
    return hashlib.blake2b(data, digest_size=16).digest(), data


def _floats(values: NDArray[np.float32] | None) -> bytes | None:
    return None if values is None else np.ascontiguousarray(values, dtype="<f4").tobytes()


def clean(text: str) -> str:
    """``text`` as SQLite can store it: lone surrogates, which JSON lets in, become question marks."""
    return text.encode("utf-8", "replace").decode()


IMPRESSION_SELECT = (
    "SELECT query_id, timestamp, user_query, keys, application, client_id, session_id, user_id, generation, model, feature_fingerprint,"
    " first_rank, data, scores, simulated, propensities, coalesce(experiment, ''), coalesce(teams, ''), coalesce(request, ''), served, weights"
    " FROM impressions LEFT JOIN matrices ON matrices.digest = impressions.features"
)


def impression_of(row: tuple[Any, ...]) -> Impression:
    """The record of one row of ``IMPRESSION_SELECT``."""
    *texts, features, scores, simulated, propensities, experiment, teams, request, served, weights = row
    keys = texts[3] = orjson.loads(texts[3])
    matrix = None if features is None else np.frombuffer(features, "<f4").reshape(len(keys), -1)
    arrays = _array(scores), bool(simulated), _array(propensities), experiment, teams, request, _array(served), _array(weights)
    return Impression._make([*texts, matrix, *arrays])


def _array(data: bytes | None) -> NDArray[np.float32] | None:
    return None if data is None else np.frombuffer(data, "<f4")


def event_row(event: Event, received: int) -> tuple[Any, ...]:
    """The row of ``events``, in the order of ``EVENT_COLUMNS``."""
    return (
        clean(event.event_id),
        clean(event.query_id),
        clean(event.action_name),
        event.timestamp,
        received,
        clean(event.object_id),
        event.position,
        clean(event.application),
        clean(event.client_id),
        clean(event.session_id),
        clean(event.user_id),
        clean(event.message_type),
        clean(event.message),
        clean(event.user_query),
        None if event.attributes is None else orjson.dumps(event.attributes).decode(),
        int(event.simulated),
    )


EVENT_SELECT = (
    "SELECT event_id, query_id, action_name, timestamp, object_id, position, application, client_id, session_id, user_id, message_type,"
    " message, user_query, attributes, simulated FROM events"
)


def event_of(row: tuple[Any, ...]) -> Event:
    """The record of one row of ``EVENT_SELECT``."""
    *texts, attributes, simulated = row
    return Event._make([*texts, None if attributes is None else orjson.loads(attributes), bool(simulated)])
