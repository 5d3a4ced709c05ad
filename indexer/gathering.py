"""Documents -> the arrays that are analysed and stored: keys, stored forms, values of columns, texts as spans of a buffer."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import indexer.stored as stored
from indexer.analysis import Analyzer
from indexer.columns import Column, ColumnBuilder
from indexer.documents import Document
from indexer.schema import Schema
from indexer.strings import Strings, encode, pack_bytes
from indexer.swar import PADDING
from indexer.texts import Texts
from indexer.values import texts


class Gathered(NamedTuple):
    """N documents before their analysis; ``documents``: their stored forms as lines; ``texts`` in the order of the schema's text fields,
    ``columns`` in that of its columns."""

    keys: Strings
    documents: Strings
    texts: list[Texts]
    columns: tuple[Column, ...]


class Gathering:
    """What grows while documents are read one by one."""

    def __init__(self, schema: Schema, analyzers: Sequence[Analyzer]) -> None:
        self.keys: list[bytes] = []
        self.documents: list[bytes] = []
        self.pieces: list[list[bytes]] = [[] for _ in analyzers]
        self.counts: list[list[int]] = [[] for _ in analyzers]
        self.values: list[list[object]] = [[] for _ in schema.columns]
        self._builders = [ColumnBuilder(one) for one in schema.columns]
        self._fields = [(one.name, analyzer.cleaned) for one, analyzer in zip(schema.text_fields, analyzers)]

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, document: Document) -> None:
        """Add one document whole, or raise BadDocument and add nothing."""
        fields = document.fields
        values = [builder.read(fields.get(builder.field.name)) for builder in self._builders]
        content = stored.encode_document(fields)
        for column, value in zip(self.values, values):
            column.append(value)
        self.keys.append(encode(document.key))
        self.documents.append(content + b"\n")
        for (name, cleaned), pieces, counts in zip(self._fields, self.pieces, self.counts):
            value = fields.get(name)
            found = [value] if isinstance(value, str) else texts(value)
            pieces += [encode(cleaned(text)) for text in found]
            counts.append(len(found))

    def gathered(self) -> Gathered:
        """Everything added, in order."""
        return Gathered(
            pack_bytes(self.keys),
            pack_bytes(self.documents),
            [_joined(pieces, counts) for pieces, counts in zip(self.pieces, self.counts)],
            tuple(columns_of(self._builders, self.values)),
        )


def columns_of(builders: Sequence[ColumnBuilder], values: Sequence[Sequence[object]]) -> list[Column]:
    """The columns of values that the builders read."""
    for builder, column in zip(builders, values):
        for value in column:
            builder.append(value)
    return [builder.build() for builder in builders]


def _joined(pieces: Sequence[bytes], counts: Sequence[int]) -> Texts:
    packed = pack_bytes(pieces)
    data = np.concatenate([packed.data, np.zeros(PADDING, np.uint8)])
    return Texts(data, packed.offsets[:-1], packed.offsets[1:], np.cumsum([0, *counts]))
