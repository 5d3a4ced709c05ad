"""Many documents as requests of a good size, one after another, with a word on how far it is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec

from searchd.answers import ChangeAnswer
from searchd.client_errors import ClientError

MOST_BYTES = 16 * 1024 * 1024
Document = Mapping[str, Any]
Progress = Callable[["Added"], None]


class Added(NamedTuple):
    """Documents that were accepted so far, in how many requests, and the generation of the last one."""

    accepted: int = 0
    requests: int = 0
    generation: str = ""

    def with_(self, answer: ChangeAnswer, progress: "Progress | None") -> "Added":
        """One request more, of which ``progress`` is told."""
        done = Added(self.accepted + answer.accepted, self.requests + 1, answer.generation)
        if progress is not None:
            progress(done)
        return done


class Batches:
    """Collects documents, one JSON object a line, until a request has ``most`` of them or MOST_BYTES."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lines: list[bytes] = []
        self._bytes = 0

    def add(self, document: Document) -> bytes | None:
        """Take a document; the body of a request if there was no more room for it."""
        line = msgspec.json.encode(document)
        full = len(self._lines) >= self.most or (self._lines and self._bytes + len(line) > MOST_BYTES)
        body = self.rest() if full else None
        self._lines.append(line)
        self._bytes += len(line) + 1
        return body

    def rest(self) -> bytes | None:
        """The body of what is left, None for nothing."""
        body = b"\n".join(self._lines) if self._lines else None
        self._lines, self._bytes = [], 0
        return body


@contextmanager
def explained_stop(done: Added) -> Iterator[None]:
    """Let the error of a batch tell what became of those before it."""
    try:
        yield
    except ClientError as error:
        error.add_note(f"{done.accepted} documents of {done.requests} earlier requests were accepted and stay")
        raise
