"""A click log to arrays: how often each document was shown and clicked, for each query and rank, and the sessions one by one.

Impressions are brought together by the normalised text of their query and the key of the document: a *row* is one (query, key). Its feature
vector is the newest that was logged, so that a model learns from exactly what was served. What was clicked but not shown is ignored and
counted; a document counts at most one click an impression.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from ranker.clicklog import ClickLog, ClickLogCorrupt
from ranker.clicklog_schema import normalised
from ranker.fingerprints import base_of
from ranker.hygiene import Rules, impossible_clicks, left_out

NUM_RANKS = 20
"""Ranks that are told apart; what is shown further down is not counted."""


class Sessions(NamedTuple):
    """The impressions one by one: session s shows positions ``offsets[s]:offsets[s + 1]``, from the top.

    ``rows`` int32[P] indexes the rows of ``ClickData``; ``ranks`` int32[P] counts from 0; ``clicked`` bool[P].
    """

    offsets: NDArray[np.int64]
    rows: NDArray[np.int32]
    ranks: NDArray[np.int32]
    clicked: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True)
class ClickData:
    """R rows, one a (query, key), over Q queries, K ranks and F features.

    ``queries`` are normalised; ``texts`` are the same queries as they were last asked, to be asked again. ``row_query`` int32[R] indexes
    both; ``X`` float32[R, F] (NaN rows where no vector was logged, see ``read_clicks``); ``shown`` and ``clicked`` int32[R, K] count
    impressions and clicks by rank. ``ignored`` says what was left out of the log, and why.
    """

    queries: list[str]
    row_query: NDArray[np.int32]
    row_key: list[str]
    X: NDArray[np.float32]
    shown: NDArray[np.int32]
    clicked: NDArray[np.int32]
    sessions: Sessions
    feature_fingerprint: str = ""
    ignored: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    @property
    def num_rows(self) -> int:
        return len(self.row_key)

    @property
    def num_ranks(self) -> int:
        return self.shown.shape[1]

    def blocks(self) -> Iterator[Sessions]:
        """All sessions, in one piece: they are in memory."""
        yield self.sessions

    @property
    def num_sessions(self) -> int:
        return len(self.sessions)

    @property
    def num_clicks(self) -> int:
        return int(self.clicked.sum())


class _List(NamedTuple):
    """One distinct ranking of ``length`` documents: row numbers and ranks (from 0) of those that count, and the position of each key."""

    length: int
    rows: NDArray[np.int32]
    ranks: NDArray[np.int32]
    position: dict[str, int]


def read_clicks(
    logs: ClickLog | Sequence[ClickLog],
    feature_fingerprint: str | None = None,
    simulated: bool | None = None,
    since: int | None = None,
    rules: Rules | None = None,
    require_features: bool = True,
) -> ClickData:
    """All that was shown and clicked, of one log or of several servers' logs read as one set.

    ``feature_fingerprint``: take vectors of this feature set only, without the columns of a model's click rates; by default that of the newest
    impression. ``simulated``: only (True),
    none (False) or both (None). ``since``: milliseconds since the epoch. ``require_features``: leave out rows that have no vector of that
    feature set, else give them NaN. ``rules``: what one client may count, see ``hygiene``. What two logs both hold counts once: one was copied
    from the other. Two searches that only share an id are two, and each has the clicks of its own log.
    """
    logs = [logs] if isinstance(logs, ClickLog) else list(logs)
    if feature_fingerprint is None:
        feature_fingerprint = _newest_fingerprint(logs)
    reader = _Reader(feature_fingerprint, len(logs) > 1)
    for log in logs:
        reader.read(log, simulated, since, rules)
    return reader.data(require_features)


def _newest_fingerprint(logs: Iterable[ClickLog]) -> str:
    sql = "SELECT received, feature_fingerprint FROM impressions WHERE features IS NOT NULL ORDER BY received DESC, rowid DESC LIMIT 1"
    newest = [row for log in logs for row in log.rows(sql)]
    return base_of(max(newest)[1])[0] if newest else ""


class _Reader:
    """Gathers impressions list by list; only what differs between sessions is kept for each of them."""

    def __init__(self, feature_fingerprint: str, several: bool) -> None:
        self.feature_fingerprint = feature_fingerprint
        self.ignored: Counter[str] = Counter()
        self.queries: dict[str, int] = {}
        self.texts: dict[int, str] = {}
        self.rows: dict[tuple[int, str], int] = {}
        self.lists: list[_List] = []
        self.vectors: dict[int, tuple[ClickLog, bytes, int]] = {}  # the last: how many columns are left out
        self.list_numbers: dict[tuple[str, str, int], int] = {}
        self.session_lists: list[int] = []
        self.clicked: list[tuple[int, int]] = []
        self.several = several
        self.seen: set[tuple[str, int, int]] = set()

    def read(self, log: ClickLog, simulated: bool | None, since: int | None, rules: Rules | None) -> None:
        """Add the sessions of one log, in its order; what ``rules`` leaves out and clicks on what was not shown are counted in ``ignored``."""
        clicks = _clicks(log)
        excluded = left_out(log, rules)
        waiting: set[str] = set()  # queries with clicks; a later page of the query may show what an earlier one did not
        for query_id, text, keys, first_rank, fingerprint, digest, timestamp in _impressions(log, simulated, since):
            if query_id in excluded:
                self.ignored[excluded[query_id]] += 1
                continue
            number = self._list_number(text, keys, first_rank)
            if self.several and self._seen_before((query_id, timestamp, number)):
                self.ignored["in_two_logs"] += 1
                continue
            if not len(self.lists[number].rows):
                self.ignored["nothing_shown"] += 1
                continue
            base, behind = base_of(fingerprint)
            if digest is not None and base == self.feature_fingerprint:
                self.vectors.pop(number, None)  # the newest list comes last, and its vectors win
                self.vectors[number] = (log, digest, behind)
            if query_id in clicks:
                clicks[query_id] = [key for key in clicks[query_id] if not self._click(number, key)]
                waiting.add(query_id)
            self.session_lists.append(number)
        self.ignored["click_not_shown"] += sum(len(clicks[query_id]) for query_id in waiting)

    def _seen_before(self, search: tuple[str, int, int]) -> bool:
        """Whether another log held the same search: one id, time and list. One id alone may be two servers' that count alike."""
        known = search in self.seen
        self.seen.add(search)
        return known

    def _list_number(self, text: str, keys: str, first_rank: int) -> int:
        name = (text, keys, first_rank)
        number = self.list_numbers.get(name)
        if number is None:
            number = self.list_numbers[name] = len(self.lists)
            self.lists.append(self._list(text, orjson.loads(keys), first_rank))
        return number

    def _list(self, text: str, keys: list[str], first_rank: int) -> _List:
        counted = keys[: max(0, NUM_RANKS + 1 - first_rank)]
        query = self.queries.setdefault(normalised(text), len(self.queries)) if counted else -1
        self.texts[query] = text
        rows = [self.rows.setdefault((query, key), len(self.rows)) for key in counted]
        ranks = np.arange(first_rank - 1, first_rank - 1 + len(rows), dtype=np.int32)
        return _List(len(keys), np.array(rows, np.int32), ranks, {key: position for position, key in reversed(list(enumerate(counted)))})

    def _click(self, number: int, key: str) -> bool:
        """Note a click of the session that is read now; False when its list does not hold the key."""
        position = self.lists[number].position.get(key)
        if position is not None:
            self.clicked.append((len(self.session_lists), position))
        return position is not None

    def data(self, require_features: bool) -> ClickData:
        """Everything read so far as arrays; with ``require_features``, without the rows whose vector is not known."""
        sessions = self._sessions()
        X, known = self._vectors()
        row_query = np.array([query for query, _ in self.rows], np.int32)
        row_key = [key for _, key in self.rows]
        if require_features and not known.all():
            self.ignored["row_without_features"] = int((~known).sum())
            sessions = _kept_sessions(sessions, known)
            X, row_query, row_key = X[known], row_query[known], [key for key, keep in zip(row_key, known) if keep]
        shown, clicked = counts_of(sessions, len(row_key))
        fingerprint, ignored = self.feature_fingerprint, {reason: count for reason, count in self.ignored.items() if count}
        texts = [self.texts[query] for query in range(len(self.queries))]
        return ClickData(list(self.queries), row_query, row_key, X, shown, clicked, sessions, fingerprint, ignored, texts)

    def _sessions(self) -> Sessions:
        lists = [self.lists[number] for number in self.session_lists]
        offsets = np.concatenate([[0], np.cumsum([len(shown.rows) for shown in lists])]).astype(np.int64)
        rows = np.concatenate([shown.rows for shown in lists]) if lists else np.zeros(0, np.int32)
        ranks = np.concatenate([shown.ranks for shown in lists]) if lists else np.zeros(0, np.int32)
        clicked = np.zeros(len(rows), bool)
        if self.clicked:
            pairs = np.array(self.clicked, np.int64)
            clicked[offsets[pairs[:, 0]] + pairs[:, 1]] = True
        return Sessions(offsets, rows, ranks, clicked)

    def _vectors(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """X float32[R, F] and which rows of it are known; lists are visited from the oldest to the newest."""
        matrices: dict[bytes, NDArray[np.float32]] = {}
        for log in {id(log): log for log, _, _ in self.vectors.values()}.values():
            matrices.update((digest, np.frombuffer(data, "<f4")) for digest, data in log.rows("SELECT digest, data FROM matrices"))
        lists = [(self.lists[number], matrices[digest], behind) for number, (_, digest, behind) in self.vectors.items()]
        widths = {matrix.size // shown.length - behind for shown, matrix, behind in lists}
        if len(widths) > 1:
            raise ClickLogCorrupt(
                f"feature set {self.feature_fingerprint}: expected one vector length, found {sorted(widths)}; purge the log"
            )
        width = max(widths, default=0)
        X = np.full((len(self.rows), width), np.nan, np.float32)
        known = np.zeros(len(self.rows), bool)
        for shown, matrix, _ in lists:
            X[shown.rows] = matrix.reshape(shown.length, -1)[: len(shown.rows), :width]
            known[shown.rows] = True
        return X, known


def _clicks(log: ClickLog) -> dict[str, list[str]]:
    """``query_id`` to the distinct keys that were clicked, where something was."""
    found: dict[str, dict[str, None]] = {}
    impossible = impossible_clicks(log)
    for event_id, query_id, key in log.rows("SELECT event_id, query_id, object_id FROM events WHERE action_name = 'click'"):
        if event_id not in impossible:
            found.setdefault(query_id, {})[key] = None
    return {query_id: list(keys) for query_id, keys in found.items()}


def _impressions(log: ClickLog, simulated: bool | None, since: int | None) -> Iterator[tuple[Any, ...]]:
    sql = (
        "SELECT query_id, user_query, keys, first_rank, feature_fingerprint, features, timestamp FROM impressions"
        " WHERE (? IS NULL OR simulated = ?) AND timestamp >= ? ORDER BY rowid"
    )
    return log.rows(sql, (simulated, simulated, -(2**62) if since is None else since))


def _kept_sessions(sessions: Sessions, known: NDArray[np.bool_]) -> Sessions:
    """The sessions without the rows that are not ``known``; those that keep none go too."""
    keep = known[sessions.rows]
    lengths = np.add.reduceat(keep, sessions.offsets[:-1], dtype=np.int64) if len(sessions) else np.zeros(0, np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths[lengths > 0])]).astype(np.int64)
    renumbered = (np.cumsum(known) - 1).astype(np.int32)
    return Sessions(offsets, renumbered[sessions.rows[keep]], sessions.ranks[keep], sessions.clicked[keep])


def chosen_sessions(sessions: Sessions, keep: NDArray[np.bool_]) -> Sessions:
    """The sessions for which ``keep`` bool[S] is true."""
    lengths = np.diff(sessions.offsets)
    positions = np.repeat(keep, lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths[keep])]).astype(np.int64)
    return Sessions(offsets, sessions.rows[positions], sessions.ranks[positions], sessions.clicked[positions])


def counts_of(sessions: Sessions, num_rows: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Impressions and clicks by row and rank, int32[R, K] each."""
    cells = sessions.rows.astype(np.int64) * NUM_RANKS + sessions.ranks
    shape, size = (num_rows, NUM_RANKS), num_rows * NUM_RANKS
    shown = np.bincount(cells, minlength=size).reshape(shape).astype(np.int32)
    clicked = np.bincount(cells[sessions.clicked], minlength=size).reshape(shape).astype(np.int32)
    return shown, clicked


def of_queries(data: ClickData, chosen: NDArray[np.int64]) -> ClickData:
    """Some of the queries (int64, rising), renumbered, with their rows and sessions."""
    part = _of_rows(data, np.isin(data.row_query, chosen), data.sessions)
    queries, texts = ([names[q] for q in chosen.tolist()] for names in (data.queries, data.texts))
    return replace(part, queries=queries, texts=texts, row_query=np.searchsorted(chosen, part.row_query).astype(np.int32))


def of_sessions(data: ClickData, keep: NDArray[np.bool_]) -> ClickData:
    """The sessions for which ``keep`` bool[S] is true, with the rows that they show; queries keep their numbers."""
    sessions = chosen_sessions(data.sessions, keep)
    return _of_rows(data, np.bincount(sessions.rows, minlength=data.num_rows) > 0, sessions)


def _of_rows(data: ClickData, known: NDArray[np.bool_], sessions: Sessions) -> ClickData:
    kept = _kept_sessions(sessions, known)
    keys = [key for key, keep in zip(data.row_key, known.tolist()) if keep]
    shown, clicked = counts_of(kept, len(keys))
    return replace(
        data, row_query=data.row_query[known], row_key=keys, X=data.X[known], shown=shown, clicked=clicked, sessions=kept
    )  # fmt: skip
