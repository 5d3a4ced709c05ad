"""``searchd serve``: the application on granian, warm before it is ready, gone within seconds of SIGTERM.

Granian reads headers and writes answers outside of Python, so a client that is slow with them holds no thread. The process that watches over the
workers loads nothing of what they do (``worker.py``), which would double the time to a first answer.
"""

import multiprocessing
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from indexer.home import Home
from searchd.config import Settings, SettingsError, load_settings
from searchd.deadly import RUNNING, account
from searchd.readiness import RUN_FOLDER, WORKERS
from searchd.supervisor import Supervisor

_METRICS = "PROMETHEUS_MULTIPROC_DIR"
BACKLOG = 1024
STOP_SECONDS = 5
SPARE_THREADS = 16
log = structlog.get_logger("searchd.serve")


def serve(home: Home, host: str | None = None, port: int | None = None, workers: int | None = None) -> None:
    """Serve ``home`` until SIGTERM or SIGINT; what is None comes from the settings. Raises SettingsError."""
    given = {"host": host, "port": port, "workers": workers}
    settings = load_settings(home, {name: value for name, value in given.items() if value is not None})
    _require_free(settings.host, settings.port)
    folder = Path(tempfile.mkdtemp(prefix="searchd-"))
    # Forked workers would inherit half of a library's threads, and a counters' library that was imported before its folder was named.
    multiprocessing.set_start_method("spawn", force=True)
    try:
        _tell_workers(home, settings, folder)
        log.info("serving", home=str(home.root), url=f"http://{settings.host}:{settings.port}", workers=settings.workers)
        server = _server(settings)
        server.on_death = lambda pid, status: account(folder / RUNNING, pid)
        server.serve()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _require_free(host: str, port: int) -> None:
    """Workers share their port, so a second server would take half of the first one's requests instead of failing."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise SettingsError(f"expected a free port, found {host} port {port}: {reason}; give another --host or --port") from error


def _tell_workers(home: Home, settings: Settings, folder: Path) -> None:
    """Workers are fresh processes that read the environment; the counters' folder must be named before their library is imported."""
    metrics = folder / "metrics"
    metrics.mkdir()
    os.environ.update({"SEARCHD_HOME": str(home.root.resolve()), RUN_FOLDER: str(folder), WORKERS: str(settings.workers)})
    os.environ.update({"SEARCHD_WORKERS": str(settings.workers), "SEARCHD_PORT": str(settings.port), "SEARCHD_HOST": settings.host})
    # glibc keeps what threads let go of in a heap of each one's own: with two for all, a worker of 32 threads has 14 to 30 MB less of its own.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    if settings.workers > 1:
        os.environ[_METRICS] = str(metrics)


def _server(settings: Settings) -> Any:
    return Supervisor(
        "searchd.worker:make_application",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        # Some that are always free, to refuse what is too much and to say that the service is well.
        blocking_threads=settings.threads + settings.queue + SPARE_THREADS,
        backlog=BACKLOG,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        log_level=LogLevels.error,
        log_access=False,
    )
