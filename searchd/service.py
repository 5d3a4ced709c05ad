"""What the requests of one process share: settings, engine, click log, keys, counters; opened once, each as late as possible.

A home without an index is a clean state: the service starts, says on ``/ready`` what is missing, and serves as soon as a generation is published.
"""

import atexit
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import structlog
from flask import current_app

from indexer.changes import Change, apply_all
from indexer.errors import SearchdError
from indexer.home import Home
from indexer.publish import NoIndex, current_generation
from ranker.clicklog import ClickLog
from ranker.exploration import Exploration
from ranker.log_file import logs_aside
from ranker.query_ids import load_secret
from searchd.admission import Admission
from searchd.committer import Committer
from searchd.config import Settings
from searchd.deadly import RUNNING, Running
from searchd.engine import Engine
from searchd.guard import Guard
from searchd.keys import Failures, KeyStore
from searchd.merger import Merger
from searchd.metrics import Metrics
from searchd.rate_limits import RateLimits
from searchd.readiness import RUN_FOLDER, missing_workers
from searchd.responses import hits_json
from searchd.table_maker import TableMaker
from searchd.tasks import Tasks
from searchd.writer import Writer

EXTENSION = "searchd"
LEAST_AT_ONCE = 2  # searches, so that a slow one does not hold up all others
# One of each kind: words, Chinese, a phrase, a minus, what is mistyped, and pinyin.
WARM_QUERIES = ("the search", "的 中文", '"a b"', "a -b", "serach", "搜锁", "sousuo")
log = structlog.get_logger("searchd.service")


class Service:
    """The state of one application. Thread-safe."""

    def __init__(self, home: Home, settings: Settings, engine: Any = None) -> None:
        self.home, self.settings = home, settings
        self.keys, self.failures, self.metrics = KeyStore(home.keys), Failures(), Metrics(self._gauges)
        self.run_folder = Path(os.environ.get(RUN_FOLDER) or _folder_of_this_process())
        self.tasks = Tasks(self.run_folder / "tasks.sqlite3")
        self.committer, self.merger = Committer(self._publish), Merger(home, self.tasks)
        self.writer: Writer | None = None
        self.admission: Admission | None = None
        self.changing = threading.Lock()
        self.running = Running(self.run_folder / RUNNING)
        self.limits = RateLimits(settings.rate_limit / settings.workers, -(-settings.rate_burst // settings.workers))
        # More searches at once than processors only take turns at Python's lock, and leave suggestions and events no gap.
        self.at_once = max(LEAST_AT_ONCE, len(os.sched_getaffinity(0)) // settings.workers)
        self.turns = threading.BoundedSemaphore(self.at_once)
        self.warm = False
        self.guard = Guard(home, settings.guard_seconds, lambda: self.click_log)
        self._lock = threading.RLock()
        self._engine = engine
        self._click_log: ClickLog | None = None
        self._secret: bytes | None = None
        self._lost = 0
        self._shown, self._seen = self.run_folder / "shown", 0

    @property
    def engine(self) -> Any:
        """The open engine; raises NoIndex while nothing is published, and what else keeps an index from being opened."""
        if self._engine is None:
            with self._lock:
                if self._engine is None:
                    current_generation(self.home)  # before the click log, which must not be made in a folder that is no home
                    logged = self.click_log if self.settings.log_queries else None
                    engine = Engine(self.home, logged, self.secret, self._exploration())
                    engine.wait_for_nothing()
                    engine.keep_answers(self.settings.kept_answers_mb << 20, hits_json)
                    if self.writer:
                        engine.open_behind(self._must_see)
                        engine.share_tables(TableMaker(self.home, self.run_folder / "tables"))
                    self._engine = engine
        return self._engine

    def limit_ms(self, asked: int | None) -> int | None:
        """How long a search may take that asks for a limit or for none; a worker that still loads its kernels sets none."""
        return asked or (self.settings.timeout_ms if self.warm else 0) or None

    def show_at_once(self) -> None:
        """What is published now is served by this worker when this returns, and by the others from their next search on."""
        self._shown.touch()
        self.engine.reload_if_changed()

    def _must_see(self) -> bool:
        """Whether somebody has asked for that since this worker looked."""
        try:
            newest = self._shown.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        seen, self._seen = self._seen, newest
        return newest != seen

    def state(self) -> tuple[str | None, list[str]]:
        """The served generation, None when there is none; and what is missing until searches are answered at full speed."""
        waiting = [] if self.warm else ["kernels"]
        if missing_workers(self.run_folder):
            waiting.append("workers")
        try:
            self.engine.reload_if_changed()
            return self.engine.index.generation, waiting
        except NoIndex:
            return None, [*waiting, "index"]

    def count_log(self) -> None:
        """Tell the metrics how the click log gets on."""
        if self._click_log is not None:
            self.metrics.log_waiting.set(self._click_log.waiting)
            lost = self._click_log.lost
            if lost > self._lost:
                self.metrics.unlogged.inc(lost - self._lost)
                self._lost = lost

    def _gauges(self) -> Iterator[tuple[str, str, dict[str, str], float]]:
        """What /metrics looks up; of an index only when it is open, since counting must not wait for opening."""
        engine = self._engine
        yield "searchd_click_logs_set_aside", "Damaged click logs that lie beside the new one.", {}, len(logs_aside(self.home.clicks))
        yield "searchd_ready", "1 when the kernels are warm and an index is open.", {}, float(self.warm and engine is not None)
        yield "searchd_queries_blocked", "Queries refused for now, since workers died over them.", {}, self.running.num_blocked()
        if engine is None:
            return
        generation = re.sub(r"\D", "", engine.index.generation)
        yield "searchd_documents", "Live documents of the served generation.", {}, engine.index.num_docs
        missing = engine.searched().index.missing
        yield "searchd_documents_missing", "Documents of damaged segments, which searches leave out.", {}, missing
        yield "searchd_segments", "Segments of the served generation.", {}, len(engine.index.segments)
        yield "searchd_generation", "Number of the served generation.", {}, float(generation or 0)
        name, _, version = engine.model_name().partition("/")
        yield "searchd_model_active", "1 for the model that serves; no name when there is none.", {"model": name, "version": version}, 1.0

    def _exploration(self) -> Exploration | None:
        share, gap = self.settings.explore_share, self.settings.explore_gap
        return Exploration(share, gap) if share > 0 else None

    @property
    def click_log(self) -> ClickLog:
        """The click log, made on first use."""
        if self._click_log is None:
            with self._lock:
                if self._click_log is None:
                    self._click_log = ClickLog(self.home.clicks, steady=True)
        return self._click_log

    @property
    def secret(self) -> bytes:
        """The home's secret, which signs query ids and click links."""
        if self._secret is None:
            self._secret = load_secret(self.home)
        return self._secret

    def _publish(self, changes: Sequence[Change]) -> str:
        try:
            generation = self.writer.apply(changes) if self.writer else apply_all(self.home, changes, self.engine.index)
        except (UnicodeEncodeError, OverflowError):  # text that only this process can hold
            generation = apply_all(self.home, changes, self.engine.index)
        if self.settings.merge:
            self.merger.look()
        return generation

    def write_elsewhere(self) -> None:
        """Leave changes of documents, and tables of a large collection, to other processes, so that searches do not wait for them."""
        self.writer = Writer(self.home)

    def warm_up(self) -> None:
        """Run each kind of search once, so that no request pays for loading kernels and dictionaries."""
        started = time.perf_counter()
        self._attempt(self._warm_engine)
        self._attempt(self._warm_writer)
        self.warm = True
        log.info("warm", seconds=round(time.perf_counter() - started, 2))

    def _warm_engine(self) -> None:
        for query in WARM_QUERIES:
            for mode in ("or", "and"):
                self.engine.search(query, limit=3, mode=mode, model=self.settings.model, log=False)
        self.engine.suggest("th")

    def _warm_writer(self) -> None:
        """Whoever has made a key for changing documents is going to."""
        if self.writer and self.home.keys.exists() and any(key.allows("documents") and key.revoked is None for key in self.keys.all()):
            self.writer.start()

    def _attempt(self, task: Callable[[], None], failed: str = "not ready") -> None:
        try:
            task()
        except SearchdError as error:  # told again, to the client, by the request that needs it
            log.warning(failed, reason=str(error), code=error.code)

    def close(self) -> None:
        """Make what is logged durable and close the files."""
        self.merger.close()
        if self.writer:
            self.writer.close()
        if self._engine is not None:
            self._attempt(self._engine.close, "not logged")
        if self._click_log is not None:
            self._click_log.close()


def _folder_of_this_process() -> str:
    """Where nobody made a folder for all workers: one of this process's own, removed at its end."""
    folder = tempfile.mkdtemp(prefix="searchd-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def service() -> Service:
    """The service of the current application."""
    found: Service = current_app.extensions[EXTENSION]
    return found
