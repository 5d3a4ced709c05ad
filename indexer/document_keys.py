"""The caller's ids of a segment's documents: document -> key and key -> document, both in O(1).

Keys stand in the order of the documents. Most are counted up, or begin alike, so that a key shares much with the one before.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

import indexer.string_table as string_table
from indexer.container import ContainerWriter
from indexer.front_coding import FrontCoded, front_code
from indexer.strings import Strings


class DocumentKeys:
    """The sections ``keys.*`` by their last names."""

    SECTIONS = ("data", "starts", "slots")

    def __init__(self, sections: Mapping[str, np.ndarray], num_docs: int, path: Path) -> None:
        self._keys = FrontCoded(sections["data"], sections["starts"], num_docs, path, "keys.data")
        self._slots = sections["slots"]

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
        return int(string_table.find(self._keys, self._slots, [key])[0])


def write_keys(writer: ContainerWriter, keys: Strings) -> None:
    """The sections ``keys.*``: distinct keys in the order of the documents."""
    coded = front_code(keys)
    writer.add_all("keys.", {"data": coded.data, "starts": coded.starts, "slots": string_table.build_slots(keys)})
