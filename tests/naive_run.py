"""The inverted form of a batch with Python's dictionaries: the oracle of the inverter."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from indexer.analysis import get_analyzer
from indexer.columns import ColumnBuilder
from indexer.documents import BadDocument, Document
from indexer.inverter import Rejected, Run
from indexer.schema import Schema
from indexer.stored import encode_document
from indexer.strings import pack, pack_bytes
from indexer.values import texts


def naive_run(documents: Sequence[Document], schema: Schema) -> Run:
    """What ``invert`` must return."""
    fields = [(f.name, get_analyzer(f.analyzer)) for f in schema.text_fields]
    builders = [ColumnBuilder(f) for f in schema.columns]
    keys, stored, rejected, rows, lengths, counts = [], [], [], [], [], {}
    for position, document in enumerate(documents):
        try:
            values = [builder.read(document.fields.get(builder.field.name)) for builder in builders]
            content = encode_document(document.fields)
        except BadDocument as error:
            rejected.append(Rejected(position, error.code, str(error)))
            continue
        for builder, value in zip(builders, values):
            builder.append(value)
        keys.append(document.key)
        stored.append(content + b"\n")
        for f, (name, analyzer) in enumerate(fields):
            row, length = [], 0
            for text in texts(document.fields.get(name)):
                terms = analyzer.index_terms(text)
                row += ([None] if row and terms.sequence else []) + list(terms.sequence)
                length += terms.length
                for term, n in Counter([*terms.sequence, *terms.extra]).items():
                    counts.setdefault(term, {}).setdefault(len(keys) - 1, [0] * len(fields))[f] += n
            rows.append(row)
            lengths.append(length)
    return _run(keys, stored, rejected, rows, lengths, counts, builders, len(fields))


def _run(keys, stored, rejected, rows, lengths, counts, builders, num_fields):
    terms = sorted(counts)
    rank = {term: i + 1 for i, term in enumerate(terms)} | {None: 0}
    tfs = [tf for term in terms for _, tf in sorted(counts[term].items())]
    rows = rows if num_fields else [[] for _ in keys]
    return Run(
        pack(keys),
        pack(terms),
        np.cumsum([0] + [len(counts[term]) for term in terms]),
        np.array([doc for term in terms for doc in sorted(counts[term])], np.uint16 if len(keys) <= 1 << 16 else np.int32),
        np.array(tfs, np.min_scalar_type(int(np.max(tfs, initial=0)))).reshape(len(tfs), num_fields),
        np.array([rank[term] for row in rows for term in row], np.uint16 if len(terms) < 1 << 16 else np.uint32),
        np.cumsum([0] + [len(row) for row in rows]),
        np.array(lengths, np.uint32).reshape(len(keys), num_fields).T,
        pack_bytes(stored),
        tuple(builder.build() for builder in builders),
        tuple(rejected),
    )


def assert_same_runs(found: Run, expected: Run) -> None:
    """Every array of both is the same, in type and content."""
    assert found.rejected == expected.rejected
    for name in ("keys", "documents", "terms"):
        a, b = getattr(found, name), getattr(expected, name)
        assert a.data.tobytes()[: a.offsets[-1]] == b.data.tobytes()[: b.offsets[-1]] and a.offsets.tolist() == b.offsets.tolist(), name
    for name in ("ptr", "docs", "tfs", "tokens", "token_offsets", "lengths"):
        a, b = getattr(found, name), getattr(expected, name)
        assert a.dtype == b.dtype and a.shape == b.shape and a.tolist() == b.tolist(), name
    for a, b in zip(found.columns, expected.columns, strict=True):
        for name in ("values", "valid", "offsets", "ords"):
            x, y = getattr(a, name), getattr(b, name)
            assert (x is None and y is None) or (x.dtype == y.dtype and x.tolist() == y.tolist()), name
        assert (a.dictionary is None) == (b.dictionary is None)
        assert a.dictionary is None or a.dictionary.texts() == b.dictionary.texts()
