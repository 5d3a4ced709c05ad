"""A site of another origin than the server's, for the tests of what other sites use of it."""

import contextlib
import functools
import http.server
from pathlib import Path

from threaded import serving


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}

    def log_message(self, *args: object) -> None:
        pass


def other_site(folder: Path) -> contextlib.AbstractContextManager[str]:
    """Serves ``folder``; yields the address."""
    return serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))))


def watch(page: object) -> list[str]:
    """The errors and warnings of a page, as they come."""
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    return faults
