"""Connections over which next to nothing moves are ended, so that slow clients cannot keep threads, memory and connections for good.

Granian ends who is slow with headers and who is silent between two requests, after ten seconds; who sends a body or reads an answer a byte at a
time it lets be. It tells no one which connection a request came by, so the system is asked (TCP_INFO: bytes received, and bytes of ours that the
other side has taken) for all connections of this process. One over which fewer than ``LEAST`` bytes came and went in ``SECONDS`` is ended, unless
somebody may be waiting for us: while any request has been worked at for as long, none is ended.
"""

import os
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import structlog

SECONDS, LEAST = 30.0, 512
EVERY = 5.0  # seconds
_MOVED = struct.Struct("120x2Q")  # of struct tcp_info in linux/tcp.h: bytes_acked and bytes_received
log = structlog.get_logger("searchd.slow_clients")

Ends = tuple[object, object]


class Seen(NamedTuple):
    """Bytes that had moved over a connection at a time."""

    at: float
    moved: int


class SlowClients:
    """Looks at this process's connections to ``port``; ``busy`` tells for how many seconds the longest request is being worked at."""

    def __init__(self, port: int, busy: Callable[[], float], ended: Callable[[], None]) -> None:
        """``ended`` is called for each connection that is."""
        self._port, self._busy, self._ended = port, busy, ended
        self._seen: dict[Ends, Seen] = {}

    def watch(self) -> None:
        """Look now and then, in a thread, until the process ends."""
        threading.Thread(target=self._watch, name="slow-clients", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(EVERY)
            self.look(time.monotonic())

    def look(self, now: float) -> int:
        """End what is too slow; how many connections that were."""
        seen, number = {}, 0
        for ends, connection in _connections(self._port):
            moved = sum(_MOVED.unpack_from(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)))
            before = self._seen.get(ends, Seen(now, moved))
            if now - before.at < SECONDS:
                seen[ends] = before
            elif moved - before.moved >= LEAST or self._busy() >= SECONDS:
                seen[ends] = Seen(now, moved)
            else:
                number += 1
                with suppress(OSError):
                    # What it has not read is forgotten too, when whoever serves it closes it.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.shutdown(socket.SHUT_RDWR)
                self._ended()
        self._seen = seen
        if number:
            log.warning("slow clients ended", connections=number)
        return number


def _connections(port: int) -> Iterator[tuple[Ends, socket.socket]]:
    """The ends of each connection of this process to ``port``, and a second hold of it, let go of afterwards."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            held = socket.socket(fileno=os.dup(int(name)))
        except OSError:  # closed since
            continue
        with held, suppress(OSError):
            ends = held.getsockname(), held.getpeername()
            if held.type == socket.SOCK_STREAM and held.family in (socket.AF_INET, socket.AF_INET6) and ends[0][1] == port:
                yield ends, held
