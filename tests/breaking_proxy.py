"""A proxy that hands requests to a server and may keep the answers to itself: what a client sees when a connection breaks after the work was done."""

import contextlib
import socket
import struct
import threading
import urllib.parse
from collections.abc import Iterator

BREAK = b""
"""In place of an answer: the connection is reset, after the server has answered."""


class BreakingProxy:
    """Forwards requests to ``base``; each item of ``script`` is what the next request gets: BREAK, or bytes that are sent without asking the server."""

    def __init__(self, base: str) -> None:
        address = urllib.parse.urlsplit(base)
        self._server = (address.hostname, address.port)
        self.script: list[bytes] = []
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            while request := _message(client):
                self.requests.append(request)
                planned = self.script.pop(0) if self.script else None
                if planned:
                    client.sendall(planned)
                    continue
                with socket.create_connection(self._server) as server:
                    server.sendall(request)
                    answer = _message(server)
                if planned == BREAK:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
                    return
                client.sendall(answer)


def _message(peer: socket.socket) -> bytes:
    """One HTTP message with its body; empty when the peer has no more."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (got := peer.recv(65536)):
            return b""
        data += got
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = int(fields.get(b"content-length", 0))
    while len(body) < length:
        body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    """An answer of a server that is not asked."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.contextmanager
def breaking_proxy(base: str) -> Iterator[BreakingProxy]:
    proxy = BreakingProxy(base)
    try:
        yield proxy
    finally:
        proxy.close()
