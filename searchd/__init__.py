"""A search engine that learns from clicks: ``searchd.open(home)`` gives an Engine to search with, ``searchd.Client(url)`` one behind a server.

Each is imported on first use, so that commands which need neither start quickly, and programs that call a server have no engine in memory.
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from searchd.client import Client
    from searchd.client_async import AsyncClient
    from searchd.engine import Engine

__all__ = ["AsyncClient", "Client", "Engine", "open"]


def open(home: str | os.PathLike[str] | None = None) -> "Engine":  # noqa: A001 - the name of the contract, as in gzip.open
    """The engine over the published index of ``home`` (default ``SEARCHD_HOME``, else ``var``); raises SearchdError when there is none."""
    from searchd.engine import Engine

    return Engine(home)


def __getattr__(name: str) -> Any:
    if name == "Engine":
        from searchd.engine import Engine

        return Engine
    if name == "Client":
        from searchd.client import Client

        return Client
    if name == "AsyncClient":
        from searchd.client_async import AsyncClient

        return AsyncClient
    raise AttributeError(f"module 'searchd' has no attribute {name!r}")
