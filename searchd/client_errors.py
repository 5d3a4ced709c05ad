"""What can go wrong between a client and a server, as exceptions: one for each ``type`` of error that the API has, and those of a server not heard.

An error of the API keeps all that was answered: ``message``, ``code``, ``status``, ``type``, ``link`` (to what the code means) and ``request_id``,
by which the server's log has the request.
"""

import msgspec

from indexer.errors import SearchdError


class ClientError(SearchdError):
    """A call that did not succeed; ``request_id`` names it in the server's log."""

    code = "client"

    def __init__(self, message: str, request_id: str = "") -> None:
        super().__init__(message)
        self.message, self.request_id = message, request_id


class NoAnswer(ClientError):
    """The server was not reached, or the connection broke before its answer was there, as often as was tried."""

    code = "no_answer"


class UnexpectedAnswer(ClientError):
    """What answered is no searchd, or one of another version: the answer cannot be read."""

    code = "unexpected_answer"


class TaskUnfinished(ClientError):
    """A task was still going on when the time to wait for it was over."""

    code = "task_unfinished"


class ApiError(ClientError):
    """The server refused or failed; one of the classes below unless the error's type is newer than this program."""

    def __init__(self, problem: "Answered", status: int, link: str, request_id: str, retry_after: float | None) -> None:
        super().__init__(problem.message, request_id)
        self.code, self.type, self.status, self.link, self.retry_after = problem.code, problem.type, status, link, retry_after

    def __str__(self) -> str:
        return f"{self.message} ({self.code}, {self.status}; {self.link}; request {self.request_id})"


class InvalidRequest(ApiError):
    """The request cannot be carried out as it is: a parameter, a document, an id. Another try fails as well."""


class NotFound(InvalidRequest):
    """There is no such document, model, task or route (404)."""


class TooManyRequests(InvalidRequest):
    """The rate limit was met (429); ``retry_after`` is the seconds to wait."""


class NotAllowed(ApiError):
    """The key is missing, unknown, expired, revoked, or does not open this route (401, 403)."""


class Unavailable(ApiError):
    """The server cannot answer at the moment (503)."""


class ServerFailed(ApiError):
    """A fault of the server (500); its log has the reason."""


class Answered(msgspec.Struct):
    """The body of an error."""

    message: str
    code: str
    type: str
    link: str = ""


_OF_STATUS: dict[int, type[ApiError]] = {404: NotFound, 429: TooManyRequests}
_OF_TYPE: dict[str, type[ApiError]] = {
    "invalid_request": InvalidRequest,
    "auth": NotAllowed,
    "unavailable": Unavailable,
    "internal": ServerFailed,
}


def error_of(status: int, body: bytes, base_url: str, request_id: str, retry_after: float | None) -> ClientError:
    """The exception for an answer that is no success."""
    try:
        problem = msgspec.json.decode(body, type=Answered)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _foreign(status, body, base_url, request_id, retry_after)
    kind = _OF_STATUS.get(status) or _OF_TYPE.get(problem.type, ApiError)
    link = base_url + problem.link if problem.link.startswith("/") else problem.link
    return kind(problem, status, link, request_id, retry_after)


def _foreign(status: int, body: bytes, base_url: str, request_id: str, retry_after: float | None) -> ClientError:
    """An error whose body is not the API's: that of a proxy, mostly, of which only the status can be believed."""
    if status in (429, 502, 503, 504):
        kind = TooManyRequests if status == 429 else Unavailable
        problem = Answered(
            f"{base_url}: answered {status} without a reason; a proxy in front of the server may have", "proxy", "unavailable"
        )
        return kind(problem, status, "", request_id, retry_after)
    found = body[:100].decode("utf-8", "replace")
    return UnexpectedAnswer(
        f"{base_url}: expected an answer of searchd, found status {status} with {found!r}; check the address", request_id
    )
