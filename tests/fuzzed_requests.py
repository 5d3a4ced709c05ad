"""Requests made up from a seed: the grammar of queries, filters and bodies, mutated; every route, method, header and media type; raw bytes in between."""

import json
import random
from typing import Any, NamedTuple

WORDS = (
    "list",
    "comprehension",
    "event",
    "loop",
    "机器学习",
    "正则",
    "re.sub",
    "Perl",
    "d1",
    "zebrafish",
    "ﷺ",
    "e\u0301",
    "\u202eabc",
    "👩‍👩‍👧",
    "T恤",
)
SYNTAX = (
    '"',
    "'",
    "(",
    ")",
    "-",
    "+",
    "OR",
    "AND",
    "NOT",
    "*",
    ":",
    "~",
    "^",
    "title:",
    "year:",
    "body:(",
    "nope:",
    "\\",
    "/",
    "{{7*7}}",
    "${x}",
    "%00",
)
HOSTILE = (
    "\x00", "\ud800", "\udfff", "\uffff", "\u0000", "\r\nSet-Cookie: a=b", "\u2028", "\x1b[31m", "<script>alert(1)</script>", "' OR 1=1 --", "../../etc/passwd",
    "%ff", "%c0%ae", "9" * 400, "-9" * 30, "1e999", "NaN", "null", "[]", "{}", "𝒳" * 9, "a" * 600, "(" * 200, '"' * 99, "x* " * 60, "\u0301" * 300, "ﷺ" * 40,
)  # fmt: skip
FIELDS = ("title", "body", "tag", "year", "url", "id", "nope", "", "year ", "标题")
OPERATORS = ("=", "!=", ">=", "<=", ">", "<", "IN", "==", "~", "EXISTS", "BETWEEN", "")
PARAMETERS = (
    "q", "limit", "offset", "filter", "sort", "facets", "fields", "highlight", "crop_length", "mode", "locale", "num_typos", "model", "rerank_depth", "explain",
    "log", "timeout_ms", "query_id", "client_id", "session_id", "user_id", "application", "minimum_should_match", "text", "field", "ids", "than", "page", "f",
    "from.year", "to.year", "lang", "exact", "id", "rank", "position", "s", "refresh", "status", "type", "version", "force", "days", "done", "set", "top",
    "queries", "first", "second", "line", "form_token", "name",
)  # fmt: skip
SEARCH = (
    "q", "limit", "offset", "filter", "filter", "sort", "facets", "fields", "highlight", "crop_length", "mode", "locale", "num_typos", "model", "rerank_depth", "explain",
    "log", "timeout_ms", "query_id", "client_id", "minimum_should_match",
)  # fmt: skip
PAGE = ("q", "f", "from.year", "to.year", "sort", "page", "lang", "exact", "filter")
# Values that a parameter may have, and values that hardly any has.
ODD = (
    "1",
    "0",
    "-1",
    "20",
    "1000",
    "99999999999999999999",
    "true",
    "false",
    "or",
    "and",
    "none",
    "active",
    "zh",
    "en",
    "",
    "x",
    "2001-02-30",
)
KINDS = {
    "limit": ("1", "3", "20"), "offset": ("0", "7", "900"), "highlight": ("true", "false"), "crop_length": ("20", "400"), "mode": ("or", "and"), "locale": ("zh", "en"),
    "num_typos": ("0", "2"), "model": ("none", "active"), "rerank_depth": ("1", "50"), "explain": ("true",), "log": ("true", "false"), "timeout_ms": ("1", "500"),
    "minimum_should_match": ("1", "2", "9"), "page": ("1", "2", "99"), "lang": ("zh", "en"), "id": ("d1", "zh-1", "x1"), "rank": ("1", "3"), "days": ("1", "30"),
    "version": ("v0001",), "set": ("top", "pasted"), "client_id": ("a",), "v": ("1",),
}  # fmt: skip
# Method, path and the parameters that the route knows; the first ones stand there several times, as they would be met.
ROUTES = (
    *[("GET", "/v1/search", SEARCH)] * 6, *[("POST", "/v1/search", SEARCH)] * 4, *[("GET", "/search", PAGE)] * 5, *[("GET", "/v1/suggest", ("q", "limit"))] * 2,
    ("GET", "/", ("lang",)), ("GET", "/why", (*PAGE, "id", "rank")), ("GET", "/document/", ("id", "lang")), ("GET", "/document/{}", ("lang",)),
    ("GET", "/click", ("id", "query_id", "position", "s")), ("GET", "/v1/explain/{}", ("q", "model", "than")), ("POST", "/v1/rank", ("q", "ids", "model")),
    ("GET", "/v1/analyze", ("text", "field")), ("POST", "/v1/analyze", ("text", "field")), ("POST", "/v1/events", ()), ("POST", "/v1/events", ()),
    ("GET", "/v1/queries/{}", ()), ("GET", "/v1/documents/{}", ()), ("GET", "/v1/documents/{}/similar", ("limit",)), ("GET", "/v1/models", ()),
    ("POST", "/v1/models/{}/activate", ("version", "force")), ("POST", "/v1/models/rollback", ()), ("GET", "/v1/stats", ()), ("GET", "/v1/tasks", ("limit", "status")),
    ("GET", "/v1/tasks/{}", ()), ("GET", "/v1/reports/queries", ("days", "limit")), ("GET", "/v1/reports/clicks", ("days",)), ("GET", "/v1/reports/latency", ()),
    ("GET", "/v1/generations", ()), ("GET", "/v1/models/history", ()), ("GET", "/v1/experiments", ()), ("POST", "/v1/experiments/{}/stop", ()),
    ("POST", "/v1/compare", ("first", "second", "queries", "set", "top")), ("POST", "/v1/synonyms", ("line",)), ("GET", "/metrics", ()), ("GET", "/box.js", ()),
    ("GET", "/static/{}", ("v",)), ("GET", "/admin", ("days",)), ("GET", "/admin/queries", ("days", "done")), ("GET", "/admin/ranking", ("done",)),
    ("GET", "/admin/experiments", ("done", "name")), ("POST", "/admin/compare", ()), ("POST", "/admin/synonyms", ()), ("GET", "/{}", ()),
)  # fmt: skip
# Each publication takes some tens of milliseconds, so they come seldom.
WRITERS = (
    ("POST", "/v1/documents", ("refresh",)),
    ("PUT", "/v1/documents/{}", ("refresh",)),
    ("DELETE", "/v1/documents/{}", ("refresh",)),
    ("POST", "/v1/reload", ()),
)
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW")
MEDIA = ("application/json",) * 8 + (
    "application/x-ndjson",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "",
    "a/b; c=\xff",
)


class Sent(NamedTuple):
    """One request, as WSGI has it."""

    method: str
    path: str  # after unquoting, each byte a character of Latin-1
    query: str
    body: bytes
    headers: dict[str, str]
    keyed: bool


class Requests:
    """An endless stream of requests, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def next(self) -> Sent:
        chance = self.chance
        method, template, names = chance.choice(WRITERS) if chance.random() < 0.01 else chance.choice(ROUTES)
        if chance.random() < 0.07:
            method = chance.choice(METHODS)
        odd = self.text(3).replace(" ", "/") if chance.random() < 0.6 else chance.choice(("d1", "x1", "zh-1", "active", "page.css"))
        in_body = method in ("POST", "PUT") and chance.random() < 0.95
        query = self.query(names) if names and (not in_body or chance.random() < 0.05) else ""
        body = self.body(names) if in_body or chance.random() < 0.02 else b""
        headers = {} if chance.random() < 0.8 else self.headers()
        if body or method == "POST":
            headers["Content-Type"] = chance.choice(MEDIA)
        return Sent(method, _latin(template.replace("{}", odd)), _latin(query), body, headers, chance.random() < 0.6)

    def text(self, most: int = 8) -> str:
        """What a user, or somebody who is none, types."""
        chance = self.chance
        parts = []
        for _ in range(chance.randint(1, most)):
            pool: Any = chance.choices((WORDS, SYNTAX, HOSTILE), (6, 4, 1))[0]
            parts.append(chance.choice(pool))
        text = chance.choice((" ", " ", "")).join(parts)
        return self.mutated(text) if chance.random() < 0.3 else text

    def mutated(self, text: str) -> str:
        """A few characters cut, doubled or replaced."""
        chance, found = self.chance, list(text)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(found) + 1)
            found[at : at + chance.randint(0, 3)] = chance.choice(
                ("", chr(chance.randrange(1, 0x3000)), chr(chance.randrange(128)), "".join(found[:at])[-20:])
            )
        return "".join(found)

    def filter(self, depth: int = 0) -> str:
        """A filter, well-formed or nearly so."""
        chance = self.chance
        if depth < 4 and chance.random() < 0.4:
            joined = chance.choice((" AND ", " OR ", " NOT ", " ")).join(self.filter(depth + 1) for _ in range(chance.randint(1, 4)))
            return f"({joined})" if chance.random() < 0.7 else joined
        value = chance.choice(('"x"', "2001", "-1.5", "true", '["a", "b"]', "[1, 2", "1e400", '"\\"', "library", json.dumps(self.text(2))))
        return f"{chance.choice(FIELDS)} {chance.choice(OPERATORS)} {value}"

    def value(self, name: str) -> str:
        """A value of a parameter, of its own kind more often than not."""
        chance = self.chance
        if name == "filter" and chance.random() < 0.9:
            return self.filter()
        if name in ("sort", "facets", "fields", "f"):
            return chance.choice(("", ",", ":")).join((chance.choice(FIELDS), chance.choice(("asc", "desc", "", "x", "library"))))
        if name in ("q", "text", "ids", "than", "queries", "line") or chance.random() < 0.15:
            return self.text()
        return chance.choice(ODD)

    def query(self, known: tuple[str, ...]) -> str:
        """The part behind the question mark."""
        chance = self.chance
        if chance.random() < 0.05:
            return "".join(chr(chance.randrange(256)) for _ in range(chance.randint(1, 60)))
        names = list(dict.fromkeys([known[0], *(chance.choice(known) for _ in range(chance.randint(0, 3)))]))
        pairs = [f"{name}={self.escaped(self.value(name))}" for name in names]
        if chance.random() < 0.08:
            pairs.append(f"{chance.choice(PARAMETERS)}={self.escaped(self.text(2))}")
        return chance.choice(("&",) * 9 + (";", "&&")).join(pairs)

    def escaped(self, text: str) -> str:
        data = text.encode("utf-8", "surrogatepass" if self.chance.random() < 0.5 else "replace")
        return "".join(chr(b) if chr(b).isalnum() and b < 128 else f"%{b:02x}" for b in data)

    def tree(self, depth: int = 0) -> Any:
        """A JSON value of any kind."""
        chance = self.chance
        kind = chance.randrange(7 if depth < 3 else 5)
        if kind == 5:
            return [self.tree(depth + 1) for _ in range(chance.randint(0, 3))]
        if kind == 6:
            return {chance.choice((*PARAMETERS, *FIELDS)): self.tree(depth + 1) for _ in range(chance.randint(0, 4))}
        return chance.choice((None, True, 0, -1, 2**70, 1.5, 1e308, "", self.text(2), "d1", "2026-01-01T00:00:00Z"))

    def body(self, known: tuple[str, ...]) -> bytes:
        """JSON of parameters, of events, of documents, of nothing in particular; or no JSON."""
        chance = self.chance
        kind = chance.randrange(8)
        if kind == 0:
            return bytes(chance.randrange(256) for _ in range(chance.randint(0, 80)))
        if kind == 1:
            return chance.choice(
                (
                    b"[" * 5000,
                    b'{"a":' * 5000,
                    b"9" * 5000,
                    b'"\\ud800"',
                    b"NaN",
                    b"{}{}",
                    b"[]",
                    b"{}",
                    b'{"q": 1e999}',
                    b"\xef\xbb\xbf{}",
                    b"null",
                )
            )
        if kind <= 4:
            names = [*known[:1], *(chance.choice(known or PARAMETERS) for _ in range(chance.randint(0, 3)))]
            found: Any = {name: self._of(name) for name in names + [chance.choice(PARAMETERS)] * (chance.random() < 0.1)}
        elif kind == 5:
            found = [self.event() for _ in range(chance.randint(1, 3))]
        else:
            found = self.tree()
        data = json.dumps(found).encode("ascii")
        if chance.random() < 0.15:
            at = chance.randrange(len(data) + 1)
            data = data[:at] + bytes([chance.randrange(256)]) * chance.randint(0, 3) + data[at + chance.randint(0, 3) :]
        return data

    def _of(self, name: str) -> Any:
        chance = self.chance
        if name in ("limit", "offset", "num_typos", "crop_length", "rerank_depth", "timeout_ms", "minimum_should_match"):
            return chance.choice((1, 5, 100, -1, 2**40, "1"))
        if name in ("sort", "facets", "fields", "ids"):
            return [self.value(name) for _ in range(chance.randint(0, 3))]
        return self.value(name) if chance.random() < 0.8 else self.tree()

    def event(self) -> dict[str, Any]:
        """A UBI event, or nearly one."""
        chance = self.chance
        attributes = {
            "object": {"object_id": chance.choice(("d1", 7, self.text(1)))},
            "position": {"ordinal": chance.choice((1, 0, -5, 2**40, "1"))},
        }
        event = {"action_name": "click", "query_id": self.text(1), "timestamp": "2026-01-01T00:00:00Z", "event_attributes": attributes}
        if chance.random() < 0.5:
            event[chance.choice((*event, "client_id", "message"))] = self.tree()
        return event

    def headers(self) -> dict[str, str]:
        chance = self.chance
        names = (
            "Accept",
            "Accept-Language",
            "Cookie",
            "If-None-Match",
            "Origin",
            "X-Request-Id",
            "X-Forwarded-For",
            "Range",
            "DNT",
            "Content-Encoding",
            "Host",
        )
        values = (
            "text/html",
            "*/*;q=x",
            "zh,en;q=0.5",
            "searchd_client=\x7f",
            '"x"',
            "bytes=0-",
            "gzip",
            "1",
            "a" * 5000,
            "=?utf-8?q?=",
            "\xff\xfe",
            "null",
            "",
        )
        return {chance.choice(names): chance.choice(values) for _ in range(chance.randint(1, 3))}


def _latin(text: str) -> str:
    """As WSGI has paths and query strings: the bytes of UTF-8 as characters."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def environ_of(sent: Sent, key: str) -> dict[str, Any]:
    """The WSGI environment of a request, made by hand: no client library refuses anything on its way."""
    from io import BytesIO, StringIO

    environ = {
        "REQUEST_METHOD": sent.method, "SCRIPT_NAME": "", "PATH_INFO": sent.path, "QUERY_STRING": sent.query, "SERVER_NAME": "localhost", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost", "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(sent.body), "wsgi.errors": StringIO(), "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(sent.body)),
    }  # fmt: skip
    for name, value in sent.headers.items():
        environ["CONTENT_TYPE" if name == "Content-Type" else f"HTTP_{name.upper().replace('-', '_')}"] = value
    if sent.keyed:
        environ["HTTP_X_API_KEY"] = key
    return environ
