"""Requests sent at their times, whether or not earlier ones were answered (an open loop): what a stall costs all who come meanwhile is counted.

One process and one thread over non-blocking sockets, so that the generator takes little of the machine it measures on: about 40 us of CPU a
request. Arrivals are those of a Poisson process. A request without a free connection waits for one, and the wait is part of its time.
"""

import random
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import orjson

CONNECTIONS = 64
AFTER = 10.0  # seconds in which late answers still count


class Outcome(NamedTuple):
    """Milliseconds from when a request was due to the end of its answer, by request; ``failed`` of them had no 2xx or no answer at all."""

    times: np.ndarray
    failed: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.times) / self.seconds


class _Connection:
    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.due, self.received, self.wanted = 0.0, b"", -1

    def send(self, request: bytes, due: float) -> None:
        self.due, self.received, self.wanted = due, b"", -1
        self.socket.sendall(request)

    def receive(self) -> int:
        """The status when the answer is whole, 0 before, -1 when the connection ended."""
        try:
            piece = self.socket.recv(1 << 18)
        except BlockingIOError:
            return 0
        except OSError:
            return -1
        if not piece:
            return -1
        self.received += piece
        if self.wanted < 0:
            self.wanted = _length(self.received)
        return int(self.received[9:12]) if 0 <= self.wanted <= len(self.received) else 0


def _length(received: bytes) -> int:
    """Bytes of the whole answer, -1 before its head is there."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return -1
    at = received.lower().find(b"content-length:", 0, end)
    return end + 4 + int(received[at + 15 : received.find(b"\r\n", at)])


class _OpenLoop:
    """Requests that are due, on the way and answered."""

    def __init__(self, address: tuple[str, int], rate: float, seconds: float, seed: int) -> None:
        self._address, self._rate, self._chance = address, rate, random.Random(seed)
        self._selector = selectors.DefaultSelector()
        self._free = deque(self._connect() for _ in range(CONNECTIONS))
        self._waiting: deque[float] = deque()
        self._sent = self._busy = self.failed = 0
        self.times: list[float] = []
        self._due = time.perf_counter()
        self._end = self._due + seconds

    @property
    def open(self) -> int:
        """Requests without an answer."""
        return self._busy + len(self._waiting)

    def step(self, requests: Sequence[bytes]) -> bool:
        """Send what is due, take what is there; False at the end."""
        now = time.perf_counter()
        while self._due <= min(now, self._end):
            self._waiting.append(self._due)
            self._due += self._chance.expovariate(self._rate)
        while self._waiting and self._free:
            self._free.popleft().send(requests[self._sent % len(requests)], self._waiting.popleft())
            self._sent, self._busy = self._sent + 1, self._busy + 1
        over = self._due > self._end
        if (over and not self.open) or now > self._end + AFTER:
            return False
        for key, _ in self._selector.select(0.05 if over else max(0.0, min(0.05, self._due - now))):
            self._take(key.data)
        return True

    def _take(self, connection: _Connection) -> None:
        status = connection.receive()
        if not status:
            return
        self._busy -= 1
        if 200 <= status < 300:
            self.times.append(1000 * (time.perf_counter() - connection.due))
        else:
            self.failed += 1
        if status < 0:
            self._selector.unregister(connection.socket)
            connection.socket.close()
            connection = self._connect()
        self._free.append(connection)

    def _connect(self) -> _Connection:
        made = _Connection(self._address)
        self._selector.register(made.socket, selectors.EVENT_READ, made)
        return made

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            key.data.socket.close()


def drive(address: tuple[str, int], requests: Sequence[bytes], rate: float, seconds: float, seed: int = 0) -> Outcome:
    """Send requests by turns at ``rate`` a second."""
    cpu, begin = time.process_time(), time.perf_counter()
    loop = _OpenLoop(address, rate, seconds, seed)
    while loop.step(requests):
        pass
    took = max(seconds, time.perf_counter() - begin)
    loop.close()
    return Outcome(np.array(loop.times), loop.failed + loop.open, took, time.process_time() - cpu)


def main() -> None:
    """A process of its own: JSON on standard input (host, port, requests as text, rate, seconds, seed), the outcome on standard output."""
    asked = orjson.loads(sys.stdin.buffer.read())
    requests = [text.encode() for text in asked["requests"]]
    found = drive((asked["host"], asked["port"]), requests, asked["rate"], asked["seconds"], asked["seed"])
    sys.stdout.buffer.write(orjson.dumps([found.times, found.failed, found.seconds, found.cpu_seconds], option=orjson.OPT_SERIALIZE_NUMPY))


if __name__ == "__main__":
    main()
