"""A batch of documents -> a run: the batch's postings, sequences, columns and documents as arrays.

    documents ─> gathered: keys, stored forms, spans of text ─> tokens: numbers of terms by first sight ─> postings by term

Python touches a document at most, never a token: texts are UTF-8 in one buffer, and kernels number what they find there. A run does not know the
other batches: its terms are numbered by their bytes, its documents from 0, and ``merge.py`` makes one segment of many runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.analysis import Analyzer, get_analyzer
from indexer.columns import Column, read_column, to_sections
from indexer.documents import BadDocument, Document
from indexer.gathering import Gathered, Gathering
from indexer.interning import new_names
from indexer.inversion import interleaved, postings_of
from indexer.schema import Schema
from indexer.scratch import copy_arrays, load_arrays, save_arrays
from indexer.string_order import order_of
from indexer.strings import Strings, take

_ARRAYS = ("ptr", "docs", "tfs", "tokens", "token_offsets", "lengths")
_STRINGS = ("keys", "terms", "documents")


class Rejected(NamedTuple):
    """A document of the batch that is not in the run, by its place in the batch, and why."""

    position: int
    code: str
    message: str


@dataclass(frozen=True)
class Run:
    """The inverted form of one batch: N documents, T terms sorted by their bytes, P postings, F text fields.

    ``ptr`` int64[T + 1]; ``docs`` uint16 or int32[P]; ``tfs`` uint8, uint16 or uint32[P, F]; ``tokens`` uint16 or uint32 (term + 1, 0 = gap)
    and ``token_offsets`` int64[N*F + 1], row = doc * F + field; ``lengths`` uint32[F, N]; ``documents``: the stored form of each, a line;
    ``columns`` in the schema's order.
    """

    keys: Strings
    terms: Strings
    ptr: np.ndarray
    docs: np.ndarray
    tfs: np.ndarray
    tokens: np.ndarray
    token_offsets: np.ndarray
    lengths: np.ndarray
    documents: Strings
    columns: tuple[Column, ...]
    rejected: tuple[Rejected, ...] = ()

    def save(self, path: Path) -> None:
        """Write to a scratch file; what was rejected is not part of it."""
        save_arrays(path, self._arrays())

    @classmethod
    def load(cls, path: Path, schema: Schema) -> "Run":
        """The run as views of the mapped file; ``schema`` is the one it was inverted with."""
        return cls._of(load_arrays(path), schema)

    def copied(self, schema: Schema) -> "Run":
        """What ``save`` and ``load`` give, in a block of memory: nothing of the batch's buffers, which are larger, stays with it."""
        return self._of(copy_arrays(self._arrays()), schema)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self._arrays().values())

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        for name in _STRINGS:
            strings = getattr(self, name)
            arrays |= {f"{name}.data": strings.data, f"{name}.offsets": strings.offsets}
        for number, column in enumerate(self.columns):
            arrays |= {f"columns.{number}.{name}": array for name, array in to_sections(column).items()}
        return arrays

    @classmethod
    def _of(cls, arrays: dict[str, np.ndarray], schema: Schema) -> "Run":
        strings = [Strings(arrays[f"{name}.data"], arrays[f"{name}.offsets"]) for name in _STRINGS]
        ptr, docs, tfs, tokens, token_offsets, lengths = (arrays[name] for name in _ARRAYS)
        columns = tuple(read_column(arrays, i, f.type) for i, f in enumerate(schema.columns))
        return cls(strings[0], strings[1], ptr, docs, tfs, tokens, token_offsets, lengths, strings[2], columns)


def invert(documents: Sequence[Document], schema: Schema, lexicon: Path | None = None) -> Run:
    """The run of a batch; documents that do not fit the schema are left out and listed in ``rejected``."""
    return invert_as(documents, schema, analyzers_of(schema, lexicon))


def invert_as(documents: Sequence[Document], schema: Schema, analyzers: Sequence[Analyzer]) -> Run:
    """The same, with an analyzer for every text field."""
    gathering, rejected = Gathering(schema, analyzers), []
    for position, document in enumerate(documents):
        try:
            gathering.add(document)
        except BadDocument as error:
            rejected.append(Rejected(position, error.code, str(error)))
    return replace(invert_gathered(gathering.gathered(), analyzers), rejected=tuple(rejected))


def analyzers_of(schema: Schema, lexicon: Path | None) -> list[Analyzer]:
    """The analyzer of every text field."""
    return [get_analyzer(f.analyzer, lexicon) for f in schema.text_fields]


def invert_gathered(gathered: Gathered, analyzers: Sequence[Analyzer]) -> Run:
    """The run of documents whose text fields are analysed so."""
    names, fields = new_names(), []
    for texts, analyzer in zip(gathered.texts, analyzers):
        names, found = analyzer.number_terms(texts, names)
        fields.append(found)
    order = order_of(names.strings())
    num_docs = len(gathered.keys)
    tokens, token_ends = interleaved([(one.tokens, one.ends) for one in fields], num_docs)
    extra, extra_ends = interleaved([(one.extra, one.extra_ends) for one in fields], num_docs)
    ptr, docs, tfs, sequences = postings_of(tokens, token_ends, extra, extra_ends, order, len(fields))
    lengths = np.stack([one.lengths for one in fields]) if fields else np.zeros((0, num_docs), np.uint32)
    terms = take(names.strings(), order)
    return Run(gathered.keys, terms, ptr, docs, tfs, sequences, token_ends, lengths, gathered.documents, gathered.columns)
