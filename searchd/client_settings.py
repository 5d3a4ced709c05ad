"""Where a client's calls go, and how: the arguments that both clients take."""

from importlib.metadata import PackageNotFoundError, version
from typing import TypedDict, Unpack

import httpx

from indexer.errors import SearchdError
from searchd.client_retries import Connection, Retries

DEFAULT_URL = "http://127.0.0.1:8000"


class BadAddress(SearchdError):
    """The address of a server is none."""

    code = "bad_address"


class ClientOptions(TypedDict, total=False):
    """What a client may be told besides the address.

    ``key``: sent as ``Authorization: Bearer``. ``timeout``: seconds that may pass without a byte of an answer (10); ``write_timeout``: the same
    of what publishes something (120). ``retries``: how often and when calls are tried again. ``connections``: so many at most (20), kept open.
    """

    key: str | None
    timeout: float
    write_timeout: float
    retries: Retries
    connections: int


def connection_of(base_url: str, **options: Unpack[ClientOptions]) -> Connection:
    """The options as a record; raises BadAddress for a URL that is not http or https."""
    url = httpx.URL(base_url.rstrip("/"))
    if url.scheme not in ("http", "https") or not url.host:
        raise BadAddress(f"expected an address such as {DEFAULT_URL}, found {base_url!r}")
    headers = {"User-Agent": f"searchd-python/{_version()}"}
    if key := options.get("key"):
        headers["Authorization"] = f"Bearer {key}"
    return Connection(
        str(url), headers, options.get("timeout", 10.0), options.get("write_timeout", 120.0), options.get("retries", Retries())
    )


def limits_of(options: ClientOptions) -> httpx.Limits:
    """The size of the pool of connections."""
    most = options.get("connections", 20)
    return httpx.Limits(max_connections=most, max_keepalive_connections=most)


def _version() -> str:
    try:
        return version("searchd")
    except PackageNotFoundError:  # run from a folder that was not installed
        return "0"
