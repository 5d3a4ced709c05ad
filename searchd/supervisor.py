"""The process that watches over the workers: one listening socket for all of them, and another worker for each that dies.

Granian on Linux gives every worker a socket of its own, and with a worker that is killed the connections that wait at its socket are reset; with
one socket they wait for the next worker. And it ends the whole service when a worker dies again within five seconds: here the next one is started
a little later each time, at most ten seconds, so that what kills workers at once does not take the machine too, and the others serve on.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from socket import AF_INET, AF_INET6, IPPROTO_TCP, TCP_NODELAY, create_server, socket
from typing import Any

import structlog
from granian._granian import SocketHolder
from granian.server.mp import MPServer, WorkerProcess

MINUTE = 60.0
FREE_DEATHS = 3  # in a minute, before the next worker has to wait
LONGEST_WAIT = 10.0
log = structlog.get_logger("searchd.supervisor")


class Backoff:
    """Seconds to wait before the next worker, by the deaths of the minute before: 0 for the first three, then 0.25 and twice as much each time."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque()

    def died(self, now: float) -> float:
        """A worker died at ``now``."""
        self._deaths.append(now)
        while self._deaths[0] <= now - MINUTE:
            self._deaths.popleft()
        further = len(self._deaths) - FREE_DEATHS
        return 0.0 if further <= 0 else min(LONGEST_WAIT, 0.125 * 2.0 ** min(further, 16))


class Shared:
    """A listening socket on its way to a worker, where it arrives as what Granian serves on."""

    def __init__(self, listener: socket, backlog: int) -> None:
        self.listener, self.backlog = listener, backlog

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[socket, int]]:
        return _held, (self.listener, self.backlog)


def _held(listener: socket, backlog: int) -> Any:
    return SocketHolder(listener.detach(), False, backlog)  # type: ignore[call-arg]


class Supervisor(MPServer):
    """Granian's server with one socket and patience; ``on_death`` is called with the number of a worker's process and its exit status."""

    on_death: Callable[[int, int], None] | None = None

    def _init_shared_socket(self) -> None:
        family = AF_INET6 if ":" in self.bind_addr else AF_INET
        self._listener = listener = create_server((self.bind_addr, self.bind_port), family=family, backlog=self.backlog)
        # As Granian's own: without it the last bytes of every answer wait 40 ms for the client's acknowledgement of those before.
        listener.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        listener.setblocking(False)
        self._ssp, self._sso = None, None
        self._shd: Any = Shared(listener, self.backlog)

    def _drop_shared_socket(self) -> None:
        self._listener.close()

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        backoff, self._changing = Backoff(), threading.Lock()
        while True:
            self.main_loop_interrupt.wait()
            self.main_loop_interrupt.clear()  # before looking, or what comes in between would be forgotten
            if self.interrupt_signal:
                with self._changing:  # a worker that is being started is stopped with the others
                    return
            self.reload_signal = False  # there is nothing to reload that workers do not see by themselves
            while self.interrupt_children:
                self._replace(self.interrupt_children.pop(0), backoff, spawn_target, target_loader)

    def _replace(self, number: int, backoff: Backoff, spawn_target: Any, target_loader: Any) -> None:
        """Another worker for one that died, by and by: waiting for one does not hold up the others."""
        dead: WorkerProcess = self.wrks[number]
        status = dead.inner.exitcode or 0
        if self.on_death is not None:
            self.on_death(dead.inner.pid, status)
        seconds = backoff.died(time.monotonic())
        log.error("worker died", pid=dead.inner.pid, status=status, next_in=seconds)
        waiting = threading.Timer(seconds, self._start, (number, spawn_target, target_loader))
        waiting.daemon = True
        waiting.start()

    def _start(self, number: int, spawn_target: Any, target_loader: Any) -> None:
        with self._changing:
            if not self.interrupt_signal:
                self.wrks[number] = self._spawn_worker(idx=number, target=spawn_target, callback_loader=target_loader)
                self.wrks[number].start()
