"""An index in memory with just what a Retriever asks of one: retrieval can be tested without files."""

from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
from oracle import Oracle, Values

from indexer import bm25
from indexer.forward import Forward, locate_rows
from indexer.lengths import Lengths, encode_lengths
from indexer.pages import Family
from indexer.postings import Tiers
from indexer.postings_encoder import TIERS, encode_postings
from indexer.schema import Field, Schema


def schema_of(num_fields: int, weights: Sequence[float] = (1.0, 2.5, 0.5), b: Sequence[float] = (0.75, 0.3, 1.0), **k1: float) -> Schema:
    fields = tuple(Field(f"f{i}", "text", weights[i], b[i]) for i in range(num_fields))
    return Schema(fields=fields, k1={"word": 1.2, "han1": 0.9, "han2": 0.9, **k1})


class SmallSegment:
    """One segment inverted with dictionaries; ``live`` is None or bool[num_docs]."""

    def __init__(self, oracle: Oracle, first: int, last: int, build_schema: Schema, tiers: Tiers) -> None:
        self.num_docs = last - first
        docs = range(first, last)
        frequencies = Counter(t for d in docs for t in {t for tf in oracle.tfs[d] for t in tf})
        names = sorted(frequencies, key=lambda t: (-frequencies[t], t))
        self._ids = {t: i for i, t in enumerate(names)}
        df = np.array([frequencies[t] for t in names], np.int64)
        self.terms = SimpleNamespace(df=lambda ids: df[ids])
        num_fields = len(build_schema.text_fields)
        lengths = np.array([[oracle.lengths[d][f] for d in docs] for f in range(num_fields)], np.uint32).reshape(num_fields, -1)
        self.lengths = Lengths(Family.in_memory(encode_lengths(lengths)), *lengths.shape)
        self.postings = self._encode(oracle, first, last, build_schema, names, tiers)
        self.forward = self._forward(oracle, docs)
        dead = [d - first for d in oracle.deleted if first <= d < last]
        self.live = None
        if dead:
            self.live = np.ones(self.num_docs, bool)
            self.live[dead] = False

    def _encode(self, oracle: Oracle, first: int, last: int, schema: Schema, names: list[str], tiers: Tiers) -> dict[str, np.ndarray]:
        lists: dict[str, list[int]] = {t: [] for t in names}
        for d in range(first, last):
            for term in sorted({t for tf in oracle.tfs[d] for t in tf}):
                lists[term].append(d)
        starts = np.cumsum([0, *(len(lists[t]) for t in names)])
        docs = np.array([d - first for t in names for d in lists[t]], np.int32)
        tfs = np.array([[tf.get(t, 0) for tf in oracle.tfs[d]] for t in names for d in lists[t]], np.uint32)
        streams = np.array([bm25.stream_of(t) for t in names], np.uint8)
        return encode_postings(
            starts, docs, tfs.reshape(len(docs), len(schema.text_fields)), np.asarray(self.lengths), streams, schema, tiers
        )

    def _forward(self, oracle: Oracle, docs: range) -> Forward:
        data, sizes = bytearray(), []
        for d in docs:
            for values in oracle.documents[d]:
                before = len(data)
                for term in values:
                    data += _varint(0 if term is None else self._ids[term] + 1)
                sizes.append(len(data) - before)
        return Forward.in_memory(np.frombuffer(bytes(data), np.uint8), locate_rows(np.array(sizes, np.int64)))

    def lookup(self, terms: Sequence[str]) -> np.ndarray:
        return np.array([self._ids.get(t, -1) for t in terms], np.int32)

    def prefix_ids(self, prefix: str) -> np.ndarray:
        return np.array(sorted(i for t, i in self._ids.items() if t.startswith(prefix)), np.int64)


class SmallIndex:
    """Documents cut into segments at ``cuts``, built under ``build_schema`` and searched under the oracle's."""

    def __init__(self, oracle: Oracle, cuts: Sequence[int] = (), build_schema: Schema | None = None, tiers: Tiers = TIERS) -> None:
        bounds = [0, *cuts, len(oracle.documents)]
        self.schema = oracle.schema
        self.segments = [SmallSegment(oracle, a, b, build_schema or self.schema, tiers) for a, b in zip(bounds, bounds[1:]) if a < b]
        self.bases = np.array([a for a, b in zip(bounds, bounds[1:]) if a < b], np.int64)
        self.max_doc, self.num_docs = len(oracle.documents), len(oracle.live)
        self.avg_lengths = np.array(oracle.averages)
        self._oracle = oracle

    def df(self, terms: Sequence[str]) -> np.ndarray:
        return np.array([self._oracle.df(t) for t in terms], np.int64)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def random_documents(rng: np.random.Generator, num_docs: int, num_fields: int, words: Sequence[str], max_length: int) -> list[list[Values]]:
    """Documents of Zipf-distributed words; a few repeat a word often, and a few are equal, so that scores tie."""
    chances = 1.0 / np.arange(1, len(words) + 1)
    chances /= chances.sum()
    documents: list[list[Values]] = []
    for _ in range(num_docs):
        if documents and rng.random() < 0.2:
            documents.append(documents[rng.integers(len(documents))])
            continue
        fields: list[Values] = []
        for _ in range(num_fields):
            values: Values = [words[i] for i in rng.choice(len(words), rng.integers(0, max_length + 1), p=chances)]
            if values and rng.random() < 0.1:
                values += [values[0]] * int(rng.integers(1, 40))
            if len(values) > 3 and rng.random() < 0.2:
                values.insert(int(rng.integers(1, len(values))), None)
            fields.append(values)
        documents.append(fields)
    return documents
