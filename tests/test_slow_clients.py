"""Clients that send or read a byte at a time, or nothing: others are answered as if they were not there, and they are ended after a time."""

import selectors
import socket
import struct
import threading
import time

import pytest
from memory import MB, pss
from overload import finished, started
from web_home import make_home
from web_server import running_server

import searchd.slow_clients as slow_clients
from searchd.slow_clients import LEAST, SECONDS, SlowClients


class Connections:
    """Both ends of some connections to one port, all of this process."""

    def __init__(self, count):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.clients = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(count)]
        self.served = [self.listener.accept()[0] for _ in range(count)]

    def open(self):
        """Which of the clients are still connected."""
        found = []
        for number, client in enumerate(self.clients):
            client.setblocking(False)
            try:
                if client.recv(1 << 16):
                    found.append(number)
            except BlockingIOError:
                found.append(number)
        return found

    def close(self):
        for one in (self.listener, *self.clients, *self.served):
            one.close()


@pytest.fixture
def connections():
    made = Connections(3)
    yield made
    made.close()


def test_a_connection_over_which_next_to_nothing_moves_is_ended(connections):
    ended = []
    watcher = SlowClients(connections.port, lambda: 0.0, lambda: ended.append(1))
    assert watcher.look(0.0) == 0
    connections.clients[0].sendall(b"x" * LEAST)  # one that sends
    connections.served[1].sendall(b"x" * LEAST)  # one that reads
    connections.clients[1].recv(LEAST)
    connections.clients[2].sendall(b"x" * 30)
    time.sleep(0.1)
    assert watcher.look(SECONDS - 1) == 0 and watcher.look(SECONDS) == 1 == len(ended)
    assert connections.open() == [0, 1]
    assert watcher.look(2 * SECONDS) == 2 and connections.open() == []


def test_none_is_ended_while_an_answer_is_being_made(connections):
    busy = [SECONDS]
    watcher = SlowClients(connections.port, lambda: busy[0], lambda: None)
    assert watcher.look(0.0) == watcher.look(SECONDS) == 0
    busy[0] = 1.0
    assert watcher.look(SECONDS + 1) == 0 and watcher.look(2 * SECONDS) == 3


def test_connections_elsewhere_are_none_of_its_business(connections):
    watcher = SlowClients(connections.port + 1, lambda: 0.0, lambda: None)
    assert watcher.look(0.0) == watcher.look(SECONDS) == 0 and connections.open() == [0, 1, 2]


def test_what_never_ends_anybody_is_found(connections, monkeypatch):
    """A test of the tests."""
    monkeypatch.setattr(slow_clients, "LEAST", 0)
    watcher = SlowClients(connections.port, lambda: 0.0, lambda: None)
    assert watcher.look(0.0) == watcher.look(SECONDS) == 0 and connections.open() == [0, 1, 2]


BODY = b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
KINDS = {
    "headers": (b"GET /v1/search?q=list HTTP/1.1\r\nHost: x\r\nX-A: ", b"a"),
    "body": (BODY + b'{"q": "', b"a"),
    "chunks": (BODY.replace(b"Content-Length: 5000", b"Transfer-Encoding: chunked"), b"1\r\na\r\n"),
    "silent": (BODY, b""),
    "reading": (b"GET /static/box.js HTTP/1.1\r\nHost: x\r\n\r\n" * 200, b""),
    "half closed": (BODY + b"{", None),
    "reset": (BODY + b"{", None),
}


class Crowd(threading.Thread):
    """``count`` slow clients of all kinds, each coming again when it is ended; ``ended`` counts that by kind."""

    def __init__(self, base, count, pause=1.0):
        super().__init__(daemon=True)
        host, port = base.removeprefix("http://").split(":")
        self.address, self.pause, self.stop = (host, int(port)), pause, threading.Event()
        self.ended = dict.fromkeys(KINDS, 0)
        self._selector, self._clients = selectors.DefaultSelector(), []
        for number in range(count):
            self._come(list(KINDS)[number % len(KINDS)])
        self.start()

    def _come(self, kind):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(self.address)
        client.setblocking(False)
        client.send(KINDS[kind][0])
        if kind == "half closed":
            client.shutdown(socket.SHUT_WR)
        if kind == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            return
        self._clients.append((client, kind))

    def run(self):
        while not self.stop.wait(self.pause):
            clients, self._clients = self._clients, []
            for client, kind in clients:
                if self._goes_on(client, kind):
                    self._clients.append((client, kind))
                else:
                    client.close()
                    self.ended[kind] += 1
                    self._come(kind)
            self._come("reset")
        for client, _ in self._clients:
            client.close()

    def _goes_on(self, client, kind):
        try:
            client.send(KINDS[kind][1] or b"")
            return bool(client.recv(1))
        except BlockingIOError:
            return True
        except OSError:
            return False


@pytest.mark.slow
def test_two_hundred_slow_clients_change_nothing_for_others(tmp_path):
    paths = [f"/v1/search?limit=20&q=list+note+{n}" for n in range(5000)]
    with running_server(make_home(tmp_path).root, tmp_path) as (base, process):
        finished(started(base, paths, 50, 3.0, connections=50))
        alone, before = finished(started(base, paths, 50, 20.0, connections=50)), pss(process.pid) / MB
        crowd = Crowd(base, 200)
        time.sleep(5)
        beside, after = finished(started(base, paths, 50, 80.0, connections=50)), pss(process.pid) / MB
        crowd.stop.set()
        crowd.join(30)
    print(
        f"p50 {alone.percentile(0.5):.1f} -> {beside.percentile(0.5):.1f} ms, p99 {alone.percentile(0.99):.1f} -> {beside.percentile(0.99):.1f} ms"
    )
    print(f"PSS {before:.0f} -> {after:.0f} MB; ended {crowd.ended}")
    assert set(beside.statuses) == {200} and beside.failed == 0
    assert beside.percentile(0.99) <= max(2 * alone.percentile(0.99), 100)
    assert after <= before + 200 and all(crowd.ended[kind] for kind in KINDS if kind != "reset")
