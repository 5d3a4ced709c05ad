"""The real server as others meet it: what it opens, what it writes into its log, and requests that two readers would read as two."""

import contextlib
import json
import os
import socket
import sys
import urllib.error
import urllib.request

import pytest
from web_home import make_home
from web_server import free_port, ready_process

from searchd.keys import KeyStore

# Read by every process of the server when it starts: tells of each connection that Python is asked to open, and of each program.
WATCH = """
import os, sys
def told(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname", "urllib.Request", "os.system", "subprocess.Popen"):
        with open(os.environ["WATCHED"], "a") as file:
            file.write(f"{event} {arguments[1:]!r}\\n" if event.startswith("socket.c") else f"{event} {arguments!r}\\n")
sys.addaudithook(told)
"""
QUERY, AGENT = "canaryquery", "canary-agent"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Port, home and log of a server of which every connection is noted, and a key for it."""
    folder = tmp_path_factory.mktemp("running")
    home = make_home(folder)
    key = KeyStore(home.keys).create("admin")
    (folder / "sitecustomize.py").write_text(WATCH)
    port, log, watched = free_port(), folder / "server.log", folder / "watched"
    environ = {
        **os.environ,
        "PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}",
        "WATCHED": str(watched),
        "SEARCHD_LOG_REQUESTS": "all",
    }
    with ready_process([sys.executable, "-m", "searchd", "serve", "--home", str(home.root), "--port", str(port)], port, log, env=environ):
        yield port, key, log, watched


def asked(port, path, body=None, **headers):
    """Status and text of an answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"User-Agent": AGENT, **({"Content-Type": "application/json"} if body is not None else {}), **headers}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def sent_raw(port, data):
    """All that the server answers to bytes, until it closes the connection or says nothing more."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection, contextlib.suppress(OSError):
        connection.sendall(data)
        connection.settimeout(1.0)
        while part := connection.recv(65536):
            found += part
    return found


SECOND = b"GET /v1/documents/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
BODY = b'{"q": "list"}'
HEAD = b"POST /v1/search HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
# Gunicorn CVE-2024-1135 and CVE-2024-6827, and the classes of desynchronisation that PortSwigger describes: two ways to tell where a request ends.
SMUGGLED = {
    "length and chunks": HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "chunks and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n" % (5 + len(SECOND)) + SECOND,
    "two lengths": HEAD + b"Content-Length: %d\r\nContent-Length: %d\r\n\r\n" % (len(BODY), len(BODY) + len(SECOND)) + BODY + SECOND,
    "a list of lengths": HEAD + b"Content-Length: %d, %d\r\n\r\n" % (len(BODY), len(BODY) + 1) + BODY + SECOND,
    "a signed length": HEAD + b"Content-Length: +%d\r\n\r\n" % len(BODY) + BODY + SECOND,
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n" + BODY + SECOND,
    "a length in hexadecimal": HEAD + b"Content-Length: 0x%x\r\n\r\n" % len(BODY) + BODY + SECOND,
    "an unknown coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKED + SECOND,
    "chunked is not the last": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKED + SECOND,
    "a blank before the colon": HEAD + b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + SECOND,
    "a line that is continued": HEAD + b"X: a\r\n Transfer-Encoding: chunked\r\n\r\n" + CHUNKED + SECOND,
    "a bare line feed in a name": HEAD + b"A\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED + SECOND,
    "a null in a header": HEAD + b"Transfer-Encoding: chunked\x00\r\n\r\n" + CHUNKED + SECOND,
    "a chunk of a signed size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n" + SECOND,
    "a chunk of an endless size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n" + BODY + SECOND,
    "a chunk of another size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\n" + BODY + b"\r\n0\r\n\r\n" + SECOND,
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_request_that_can_be_read_as_two_is_not_answered_as_two(server, name):
    """Either it is refused, or what follows it is never taken for a request of its own."""
    answer = sent_raw(server[0], SMUGGLED[name])
    assert b"smuggled" not in answer and b" 5" not in answer[:14], answer
    assert answer.count(b"HTTP/1.1 ") <= 1 or b" 400 " in answer[:40], answer


def test_two_requests_in_one_go_are_answered_as_two(server):
    """The same second request, where nothing is in doubt: these tests would see it."""
    answer = sent_raw(server[0], HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY + SECOND)
    assert answer.count(b"HTTP/1.1 ") == 2 and b"smuggled" in answer


def test_the_log_holds_lines_of_json_and_nothing_that_is_nobodys_business(server):
    port, key, log, _ = server
    secret = key.partition(".")[2]
    for path in (
        f"/v1/search?q={QUERY}",
        f"/search?q={QUERY}",
        f"/v1/suggest?q={QUERY}",
        f"/v1/search?q=a&key={key}",
        f"/v1/nothing/{QUERY}",
    ):
        for headers in (
            {},
            {"X-API-Key": key},
            {"Authorization": f"Bearer {key}"},
            {"X-API-Key": f"{key}x"},
            {"Authorization": f"Basic {key}"},
        ):
            assert asked(port, path, **headers)[0] < 500
    assert asked(port, "/v1/search", {"q": QUERY, "client_id": "canary-client"}, **{"X-Request-Id": "x\ty", "Cookie": f"a={key}"})[0] == 200
    text = log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert sum(line["event"] == "request" for line in lines) > 25
    for canary in (secret, QUERY, AGENT, "canary-client"):
        assert canary not in text, canary


def test_the_server_opens_no_connection_whatever_it_is_told(server):
    """Solr CVE-2021-27905: an address in a parameter or a document that the server goes and fetches."""
    port, key, _, watched = server
    url = f"http://127.0.0.1:{free_port()}/fetched"
    for name in ("q", "filter", "sort", "model", "locale", "shards", "url", "callback", "stream.url"):
        asked(port, f"/v1/search?q=a&{name}={url}")
    for header in ("X-Forwarded-Host", "X-Forwarded-For", "Referer", "Origin", "X-Callback"):
        asked(port, "/search?q=list", **{header: url})
    document = {"id": "far", "title": url, "url": url, "body": f"<img src={url}> <!DOCTYPE x SYSTEM '{url}'> file://{url}"}
    assert asked(port, "/v1/documents?refresh=true", [document], **{"X-API-Key": key})[0] == 200
    assert asked(port, "/document/far")[0] == 200
    asked(port, "/v1/models/http%3A%2F%2F127.0.0.1/activate", {}, **{"X-API-Key": key})
    told = watched.read_text().splitlines() if watched.exists() else []
    assert [line for line in told if line.startswith(("socket.", "urllib.", "os.system"))] == []
    assert any(line.startswith("subprocess.Popen") for line in told)  # the writer: the watch works in this process
