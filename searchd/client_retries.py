"""Which calls are tried again, when, and how often.

A call is tried again after 429 and 503 (502 and 504 of a proxy likewise), and after a connection that broke or an answer that did not come in
time, unless doing it twice could do harm: such a call is tried again only where it surely never began (429, no connection). Waits are drawn evenly
from 0 to a bound that doubles ("full jitter", Brooker, "Exponential Backoff and Jitter", 2015), so that many clients do not come back at once;
``Retry-After`` is waited for on top.
"""

import random
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, NamedTuple, TypeVar

import httpx
import msgspec

from searchd.client_errors import ClientError, NoAnswer, UnexpectedAnswer, error_of

T = TypeVar("T")
REPEATED = frozenset({429, 502, 503, 504})
REQUEST_ID = "X-Request-Id"


class Retries(NamedTuple):
    """``times`` further tries; before the n-th one a wait of at most ``first * 2 ** (n - 1)`` seconds, and never more than ``most``.

    An answer whose ``Retry-After`` is longer than ``most`` is raised at once.
    """

    times: int = 4
    first: float = 0.25
    most: float = 20.0

    def wait(self, tried: int, asked: float = 0.0) -> float:
        """Seconds to wait after the ``tried``-th try (from 1), of which the server ``asked`` for some."""
        return min(self.most, asked + random.uniform(0.0, min(self.most, self.first * 2 ** (tried - 1))))


class Call(NamedTuple, Generic[T]):
    """One request of the API. ``repeatable``: doing it twice leaves what doing it once does; ``slow``: it publishes something."""

    method: str
    path: str
    answer: type[T]
    params: Mapping[str, Any] | None = None
    body: bytes | None = None
    media: str = "application/json"
    repeatable: bool = True
    slow: bool = False
    also: tuple[int, ...] = ()  # statuses besides 2xx with an answer of this type
    once_done: T | None = None  # the answer where a try that was not heard turns out to have done it (404 to a second deletion)


class Connection(NamedTuple):
    """Where a client's calls go, and how."""

    base_url: str
    headers: Mapping[str, str]
    timeout: float
    write_timeout: float
    retries: Retries


class Tries(Generic[T]):
    """The tries of one call: the same bytes and the same request id each time."""

    def __init__(self, call: Call[T], connection: Connection) -> None:
        self.call, self.connection = call, connection
        self.request_id, self.tried, self.unheard = uuid.uuid4().hex, 0, False

    def request(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """The next try."""
        call, settings = self.call, self.connection
        self.tried += 1
        headers = {**settings.headers, REQUEST_ID: self.request_id, "Accept": "application/json"}
        if call.body is not None:
            headers["Content-Type"] = call.media
        seconds = settings.write_timeout if call.slow else settings.timeout
        timeout = httpx.Timeout(seconds, connect=min(5.0, seconds))
        url = settings.base_url + call.path
        return http.build_request(call.method, url, params=call.params or None, content=call.body, headers=headers, timeout=timeout)

    def lost(self, error: httpx.RequestError) -> float:
        """Seconds to wait after a try without an answer; raises NoAnswer when there is to be no other."""
        never_began = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
        self.unheard = self.unheard or not never_began
        if self.tried > self.connection.retries.times or not (self.call.repeatable or never_began):
            raise NoAnswer(self._unanswered(error, never_began), self.request_id) from error
        return self.connection.retries.wait(self.tried)

    def _unanswered(self, error: Exception, never_began: bool) -> str:
        done = "nothing was sent" if never_began and not self.unheard else "it may or may not have been done"
        reason = str(error) or type(error).__name__
        return f"{self.connection.base_url}{self.call.path}: no answer after {self.tried} tries ({reason}); {done}"

    def again_after(self, response: httpx.Response) -> float | None:
        """Seconds to wait before another try, None if this is the answer."""
        status, retries = response.status_code, self.connection.retries
        may_repeat = self.call.repeatable or status == 429
        if status not in REPEATED or status in self.call.also or not may_repeat or self.tried > retries.times:
            return None
        asked = seconds_of(response.headers.get("Retry-After")) or 0.0
        if asked > retries.most:
            return None
        # A proxy that gave up cannot tell what was done behind it.
        self.unheard = self.unheard or status in (502, 504)
        return retries.wait(self.tried, asked)

    def answer(self, response: httpx.Response) -> T:
        """What was answered; raises the ClientError of an answer that is no success."""
        status = response.status_code
        if status == 404 and self.unheard and self.call.once_done is not None:
            return self.call.once_done
        if response.is_success or status in self.call.also:
            try:
                return msgspec.json.decode(response.content, type=self.call.answer)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                if response.is_success:
                    expected = f"{self.connection.base_url}{self.call.path}: expected an answer of searchd"
                    raise UnexpectedAnswer(f"{expected}, found something else: {error}", self._request_id(response)) from error
        raise self._error(response)

    def _error(self, response: httpx.Response) -> ClientError:
        wait = seconds_of(response.headers.get("Retry-After"))
        return error_of(response.status_code, response.content, self.connection.base_url, self._request_id(response), wait)

    def _request_id(self, response: httpx.Response) -> str:
        return response.headers.get(REQUEST_ID) or self.request_id


def seconds_of(header: str | None) -> float | None:
    """The seconds of a ``Retry-After``: a number, or a date (RFC 9110, 10.2.3); None when it is neither."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
