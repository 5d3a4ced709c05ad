"""More requests than a service can answer: a process of its own that sends them at their times (an open loop) and says what became of each.

Run as a program it reads JSON (host, port, requests, rate, seconds, connections) and prints JSON: [milliseconds from when it was due, status, whether it
says when to come again] of each request, and how many had no answer. Rate 0 is a closed loop: each connection sends when it has been answered.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import open_loop  # noqa: E402 - found by the path above


class Loop(open_loop._OpenLoop):
    """The benchmark's loop, which also keeps what was refused."""

    def __init__(self, address, rate, seconds):
        self.told, self.closed = [], not rate
        super().__init__(address, rate or 1.0, seconds, 0)
        if self.closed:
            self._due = float("inf")
            self._waiting.extend([time.perf_counter()] * len(self._free))

    def _take(self, connection):
        status = connection.receive()
        if not status:
            return
        self._busy -= 1
        now = time.perf_counter()
        if status > 0:
            self.told.append([1000 * (now - connection.due), status, b"\r\nretry-after: " in connection.received.lower()])
        else:
            self.failed += 1
        if status < 0 or b"\r\nconnection: close" in connection.received.lower():
            self._selector.unregister(connection.socket)
            connection.socket.close()
            connection = self._connect()
        self._free.append(connection)
        if self.closed and now < self._end:
            self._waiting.append(now)


def main():
    asked = json.load(sys.stdin)
    open_loop.CONNECTIONS = asked["connections"]
    requests = [text.encode() for text in asked["requests"]]
    loop = Loop((asked["host"], asked["port"]), asked["rate"], asked["seconds"])
    while loop.step(requests):
        if loop.closed and time.perf_counter() > loop._end and not loop.open:
            break
    json.dump([loop.told, loop.failed + loop.open], sys.stdout)


class Outcome:
    """What became of requests: ``good`` milliseconds of those answered 200, ``statuses`` of all, ``failed`` without an answer."""

    def __init__(self, told, failed, seconds):
        self.good = sorted(ms for ms, status, _ in told if status == 200)
        self.statuses = {status: sum(one[1] == status for one in told) for status in {one[1] for one in told}}
        self.without_advice = sum(status != 200 and not advised for _, status, advised in told)
        self.failed, self.rate = failed, len(self.good) / seconds

    def percentile(self, share):
        return self.good[min(len(self.good) - 1, int(share * len(self.good)))]


def started(base, paths, rate, seconds, connections=400):
    """A running generator; ``finished`` waits for it. ``paths`` are asked by turns."""
    host, port = base.removeprefix("http://").split(":")
    requests = [f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n" for path in paths]
    asked = {"host": host, "port": int(port), "requests": requests, "rate": rate, "seconds": seconds, "connections": connections}
    process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(json.dumps(asked))
    process.stdin.close()
    return process, seconds


def finished(generator):
    """Its Outcome."""
    process, seconds = generator
    told = process.stdout.read()
    assert process.wait(60) == 0
    return Outcome(*json.loads(told), seconds)


if __name__ == "__main__":
    main()
