"""The application of one worker process of ``searchd serve`` or of another WSGI server.

Kernels are warmed in the background: ``/health`` answers at once, ``/ready`` once every worker is warm.
"""

import gc
import os
import threading
import time

from flask import Flask

from searchd.app import create_app
from searchd.logs import log_to_stderr
from searchd.readiness import RUN_FOLDER, mark_warm
from searchd.service import EXTENSION, Service
from searchd.slow_clients import SlowClients

_POLL_SECONDS = 0.5


def make_application() -> Flask:
    """The application, being warmed in a thread; its home is named by ``SEARCHD_HOME``."""
    log_to_stderr()
    app = create_app()
    service: Service = app.extensions[EXTENSION]
    service.write_elsewhere()
    if RUN_FOLDER in os.environ and service.admission is not None:  # other servers deal with slow clients themselves, or do not
        SlowClients(service.settings.port, service.admission.busy, service.metrics.slow_clients.inc).watch()
    threading.Thread(target=_warm, args=(service,), name="warm-up", daemon=True).start()
    return app


def _warm(service: Service) -> None:
    while not service.home.current.exists():
        time.sleep(_POLL_SECONDS)
    service.warm_up()
    _settle()
    mark_warm(service.run_folder)


def _settle() -> None:
    """What has been loaded by now stays: looking whether it is garbage, 200,000 objects of compiled kernels, would hold up requests for 50 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
