"""The caller's ids of a segment's documents: document -> key and key -> document, both in O(1).

Keys stand in the order of the documents. Most are counted up, or begin alike, so that a key shares much with the one before.
"""

from collections.abc import Sequence

import numpy as np

from indexer.container import Container, ContainerWriter
from indexer.front_coding import front_code
from indexer.string_table import StringTable, build_slots
from indexer.strings import Strings


class DocumentKeys:
    """The sections ``keys.*`` of ``num_docs`` documents, read as they are needed; raises Corrupt."""

    def __init__(self, container: Container, num_docs: int) -> None:
        self._keys = StringTable(num_docs, *(container.pages(f"keys.{name}") for name in ("data", "starts", "slots")))

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, doc: int) -> str:
        """The key of a document from 0 to N - 1."""
        return self._keys.text(doc)

    def keys(self, docs: np.ndarray) -> list[str]:
        """The keys of documents, int[n] from 0 to N - 1."""
        return self._keys.texts(docs)

    def doc(self, key: str) -> int:
        """The document with a key, -1 when there is none."""
        return int(self.docs([key])[0])

    def docs(self, keys: Sequence[str]) -> np.ndarray:
        """The documents with keys, int64[n]; -1 where there is none."""
        return self._keys.find(keys).astype(np.int64)


def write_keys(writer: ContainerWriter, keys: Strings) -> None:
    """The sections ``keys.*``: distinct keys in the order of the documents."""
    writer.add_all("keys.", {**front_code(keys)._asdict(), "slots": build_slots(keys)})
