"""The two clients behind one face, so that one suite runs over both: calls of the asynchronous one are made on an event loop of its own."""

import contextlib
from collections.abc import Iterator
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal

from searchd.client import Client
from searchd.client_async import AsyncClient

KINDS = ("sync", "async")


class Waited:
    """An AsyncClient whose methods return what they would return when awaited."""

    def __init__(self, portal: BlockingPortal, client: AsyncClient) -> None:
        self._portal, self._client = portal, client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        async def call(args: tuple[Any, ...], named: dict[str, Any]) -> Any:
            return await method(*args, **named)

        return lambda *args, **named: self._portal.call(call, args, named)


@contextlib.contextmanager
def client_of_kind(kind: str, base: str, **options: Any) -> Iterator[Any]:
    """A client of ``kind``, closed in the end."""
    if kind == "sync":
        with Client(base, **options) as client:
            yield client
        return
    with start_blocking_portal() as portal:
        waited = Waited(portal, AsyncClient(base, **options))
        yield waited
        waited.close()
