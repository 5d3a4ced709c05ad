"""A batch of documents -> a run: the batch's postings, sequences, columns and documents as arrays.

    documents ─> gathered: keys, stored forms, spans of text ─> tokens: numbers of terms by first sight ─> postings by term

Python touches a document at most, never a token: texts are UTF-8 in one buffer, and kernels number what they find there. A run numbers its own
terms and its documents from 0; what the terms are, it knows itself, or a pool that it shares with other batches (``pool.py``). ``merge.py`` makes one
segment of many runs.
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
from indexer.interning import Names, new_names
from indexer.inversion import interleaved, postings_of
from indexer.pool import Pool
from indexer.schema import Schema
from indexer.scratch import copy_arrays, load_arrays, save_arrays
from indexer.string_order import sorted_strings
from indexer.strings import Strings, pack

_ARRAYS = ("ptr", "docs", "tfs", "tokens", "token_offsets", "lengths")
_STRINGS = ("keys", "terms", "documents")


class Rejected(NamedTuple):
    """A document of the batch that is not in the run, by its place in the batch, and why."""

    position: int
    code: str
    message: str


@dataclass(frozen=True)
class Run:
    """The inverted form of one batch: N documents, T terms, P postings, F text fields.

    Term t is ``numbers[t]``, int32, of the ``pool``, or else of the sorted ``terms``; without ``numbers`` it is term t of those.
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
    numbers: np.ndarray | None = None
    pool: Pool | None = None

    def save(self, path: Path) -> None:
        """Write to a scratch file, with terms of its own; what was rejected is not part of it."""
        save_arrays(path, self._apart()._arrays())

    @classmethod
    def load(cls, path: Path, schema: Schema) -> "Run":
        """The run as views of the mapped file; ``schema`` is the one it was inverted with."""
        return cls._of(load_arrays(path), schema)

    def copied(self, schema: Schema) -> "Run":
        """The same in a block of memory: nothing of the batch's buffers, which are larger, stays with it."""
        return replace(self._of(copy_arrays(self._arrays()), schema), pool=self.pool)

    def _apart(self) -> "Run":
        """The same without a pool."""
        if self.pool is None or self.numbers is None:
            return self
        terms, numbers = self.pool.chosen(self.numbers)
        return replace(self, terms=terms, numbers=numbers, pool=None)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self._arrays().values())

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {name: getattr(self, name) for name in _ARRAYS} | ({} if self.numbers is None else {"numbers": self.numbers})
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
        numbers = arrays.get("numbers")
        return cls(strings[0], strings[1], ptr, docs, tfs, tokens, token_offsets, lengths, strings[2], columns, numbers=numbers)


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


def invert_gathered(gathered: Gathered, analyzers: Sequence[Analyzer], pool: Pool | None = None) -> Run:
    """The run of documents whose text fields are analysed so; its terms are sorted, or those of the pool in the order of their first sight."""
    names, fields = new_names() if pool is None else pool.names, []
    for texts, analyzer in zip(gathered.texts, analyzers):
        names, numbered = analyzer.number_terms(texts, names)
        fields.append(numbered)
    terms, local = _known_terms(names) if pool is None else (pack([]), pool.with_names(names))
    num_docs = len(gathered.keys)
    tokens, token_ends = interleaved([(one.tokens, one.ends) for one in fields], num_docs)
    extra, extra_ends = interleaved([(one.extra, one.extra_ends) for one in fields], num_docs)
    found = postings_of(tokens, token_ends, extra, extra_ends, local, len(terms), len(fields))
    lengths = np.stack([one.lengths for one in fields]) if fields else np.zeros((0, num_docs), np.uint32)
    run = Run(gathered.keys, terms, *found[:4], token_ends, lengths, gathered.documents, gathered.columns)
    return run if pool is None else replace(run, numbers=found.numbers, pool=pool)


def _known_terms(names: Names) -> tuple[Strings, np.ndarray]:
    """All names, sorted, and one more than the place of each, int32."""
    terms, places = sorted_strings(names.strings())
    return terms, places + np.int32(1)
