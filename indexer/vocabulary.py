"""The vocabularies of runs -> the vocabulary of a segment: which terms, how frequent, under which numbers.

Ids fall with the number of postings, so that the frequent terms are the first ids, have short varints and need no table from id to row.
Terms without postings (Chinese words, which only suggestions and features ask for) come last, by falling document frequency.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import indexer.bit_packing as bit_packing
import indexer.strings as strings
from indexer.bm25 import stream_of
from indexer.container import ContainerWriter
from indexer.format import HANWORD
from indexer.front_coding import front_code
from indexer.inverter import Run
from indexer.jit import kernel
from indexer.pool import united
from indexer.radix import stable_order
from indexer.string_table import build_slots
from indexer.strings import Strings

DROPPED = -1


@dataclass(frozen=True)
class Vocabulary:
    """The segment's ``terms`` in the order of their bytes, and ``ids`` uint32[T] of each. By id: ``df`` uint32[T]; ``streams`` uint8[T] (see
    ``bm25.stream_of``); ``with_postings``: how many terms, the first ones, have postings. ``numbers``: for every run, the id of each of its
    terms (int32, -1 = in no kept document)."""

    terms: Strings
    ids: np.ndarray
    df: np.ndarray
    streams: np.ndarray
    with_postings: int
    numbers: list[np.ndarray]

    def __len__(self) -> int:
        return len(self.df)

    @property
    def counts(self) -> np.ndarray:
        """Postings of every term by id, int64[T]."""
        counts = self.df.astype(np.int64)
        counts[self.with_postings :] = 0
        return counts


def unite(runs: Sequence[Run], kept: Sequence[np.ndarray]) -> Vocabulary:
    """The terms of kept documents (bool per run and document), numbered."""
    union, places = united(runs)
    df = np.zeros(len(union), np.uint32)
    for run, place, keep in zip(runs, places, kept):
        df[place] += _document_frequencies(run, keep)
    alive = np.flatnonzero(df)
    terms = union if len(alive) == len(union) else strings.take(union, alive)
    streams = _streams(terms)
    no_postings = streams == stream_of(HANWORD)
    by_id = _by_frequency(df[alive], no_postings)
    chosen = alive[by_id]
    number = np.full(len(union), DROPPED, np.int32)
    number[chosen] = np.arange(len(chosen), dtype=np.int32)
    return Vocabulary(
        terms, number[alive].astype(np.uint32), df[chosen], streams[by_id],
        int(np.count_nonzero(~no_postings)), [number[place] for place in places],
    )  # fmt: skip


def _by_frequency(df: np.ndarray, no_postings: np.ndarray) -> np.ndarray:
    """Terms by falling document frequency, those without postings last."""
    most = df.max(initial=0)
    return stable_order((most - df) + no_postings * (most + np.uint32(1)))


def _document_frequencies(run: Run, kept: np.ndarray) -> np.ndarray:
    if kept.all():
        return np.diff(run.ptr).astype(np.uint32)
    df = np.zeros(len(run.ptr) - 1, np.uint32)
    _count_kept(run.ptr, run.docs, kept, df)
    return df


@kernel
def _count_kept(ptr, docs, kept, df):
    for term in range(len(df)):
        for i in range(ptr[term], ptr[term + 1]):
            df[term] += kept[docs[i]]


def _streams(terms: Strings) -> np.ndarray:
    """The stream of every term by its first byte, uint8 (see ``bm25.stream_of``)."""
    by_byte = np.array([stream_of(chr(byte)) for byte in range(256)], np.uint8)
    starts = terms.offsets[:-1]
    first = np.where(np.diff(terms.offsets) > 0, np.append(terms.data, np.uint8(255))[starts], 255)
    return by_byte[first]


def write_vocabulary(writer: ContainerWriter, vocabulary: Vocabulary) -> None:
    """The sections ``terms.*``."""
    ids = bit_packing.pack(vocabulary.ids, bit_packing.bits_for(len(vocabulary)))
    writer.add_all("terms.", {**front_code(vocabulary.terms)._asdict(), "slots": build_slots(vocabulary.terms), "ids": ids})
    writer.add_all("terms.", frequency_runs(vocabulary.df))


def frequency_runs(df: np.ndarray) -> dict[str, np.ndarray]:
    """Runs of equal document frequencies: ``df_firsts`` uint32[V], the first id of each, and ``df_values`` uint32[V]."""
    firsts = np.flatnonzero(np.diff(df, prepend=np.uint32(0)) != 0)
    return {"df_firsts": firsts.astype(np.uint32), "df_values": df[firsts]}
