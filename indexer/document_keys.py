"""The caller's ids of a segment's documents: document -> key and key -> document, both in O(1)."""

import numpy as np

import indexer.strings as strings
from indexer.container import ContainerWriter
from indexer.strings import Strings


def write_keys(writer: ContainerWriter, keys: Strings) -> None:
    """The sections ``keys.*``: distinct keys in the order of the documents."""
    writer.add_all("keys.", {"data": keys.data, "offsets": keys.offsets.astype(np.int64), "slots": strings.build_table(keys)})
