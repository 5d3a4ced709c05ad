"""A served generation of which a file turns out to be damaged: searches go on without that part and say what is missing.

Bytes are checked where they are read, so damage shows in the middle of a search. The segment that it is in is left out of searches from then on, as
if its documents had never been indexed, and every answer says so: ``partial``, and as ``coverage`` the exact share of the documents that are left.
Below half of them, or for callers that want all or nothing, the damage is an error. What answers for single documents is never without a part: it is
right or an error. A new generation begins anew.
"""

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

import structlog

from indexer.errors import SearchdError
from indexer.format import Corrupt
from indexer.index import Index
from searchd.snapshot import Snapshot

FLOOR = 0.5
F = TypeVar("F", bound=Callable[..., Any])
log = structlog.get_logger("searchd.damage")


class PartialAnswer(SearchdError):
    """The caller wants a whole answer or none."""

    code = "partial_answer"


class Undamaged:
    """What is left of the snapshot that serves, for searches. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: tuple[Snapshot, Snapshot] | None = None

    def of(self, whole: Snapshot) -> Snapshot:
        """The snapshot itself, or what was left of it last."""
        left = self._left
        return left[1] if left is not None and left[0] is whole else whole

    def leave_out(self, whole: Snapshot, error: Corrupt) -> bool:
        """Go on without the segment that ``error`` is about; False when that cannot be."""
        with self._lock:
            now = self.of(whole)
            damaged = next((segment for segment in now.index.segments if segment.owns(error.path)), None)
            if damaged is None:
                # Another thread has left it out already, or it is no segment of this generation.
                return any(segment.owns(error.path) for segment in whole.index.segments)
            left = now.index.without(damaged)
            log.error("damaged segment", reason=str(error), code=error.code, documents=damaged.num_live, coverage=left.coverage)
            if left.coverage < FLOOR:
                return False
            self._left = whole, _snapshot_of(left, whole)
            return True


def _snapshot_of(left: Index, whole: Snapshot) -> Snapshot:
    """All but the index as it was; nothing that reads the damaged one is shared."""
    snapshot = Snapshot(left, whole.model, whole.model_error, rules=whole.rules, experiment=whole.experiment)
    snapshot.query_terms.subwords.in_background = whole.query_terms.subwords.in_background
    return snapshot


def without_damage(search: F) -> F:
    """A search of an engine that is asked again whenever a damaged part could be left out; not with ``partial="deny"``."""

    @functools.wraps(search)
    def searched(engine: Any, *asked: Any, **how: Any) -> Any:
        while True:
            before = engine.opened
            try:
                return search(engine, *asked, **how)
            except Corrupt as error:
                whole = engine.snapshot()
                if how.get("partial") == "deny" or (whole is before and not engine.undamaged.leave_out(whole, error)):
                    raise

    return cast(F, searched)
