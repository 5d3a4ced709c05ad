"""What the reading process hands to the working ones: a piece of a source, still unparsed, that knows how to become documents.

Cutting a source into chunks is cheap and sequential; parsing a chunk is the expensive part and runs wherever the batch is inverted.
"""

from collections.abc import Iterator
from typing import Protocol

from indexer.documents import Document
from indexer.errors import SearchdError
from indexer.quarantine import Entry

MAX_RECORD = 64 << 20
MAX_NESTING = 32


class SourceError(SearchdError):
    """A source that is missing, unreadable, damaged or of an unknown kind."""

    code = "invalid_source"


class Chunk(Protocol):
    """A piece of one source, small enough to hold in memory, cheap to send to another process."""

    @property
    def size(self) -> int:
        """Bytes of source it stands for, about."""
        ...

    def documents(self, id_field: str) -> Iterator[Document | Entry]:
        """The documents of the piece in source order; a record that is none becomes an Entry."""
        ...
