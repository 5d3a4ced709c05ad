"""A search engine that learns from clicks: ``searchd.open(home)`` gives an Engine to search with.

The engine is imported on first use, so that commands which need none start quickly.
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from searchd.engine import Engine

__all__ = ["Engine", "open"]


def open(home: str | os.PathLike[str] | None = None) -> "Engine":  # noqa: A001 - the name of the contract, as in gzip.open
    """The engine over the published index of ``home`` (default ``SEARCHD_HOME``, else ``var``); raises SearchdError when there is none."""
    from searchd.engine import Engine

    return Engine(home)


def __getattr__(name: str) -> Any:
    if name == "Engine":
        from searchd.engine import Engine

        return Engine
    raise AttributeError(f"module 'searchd' has no attribute {name!r}")
