"""Runs -> one segment file whose bytes depend on the documents alone, not on how they were batched.

The steps: choose the last document of every key, number the kept documents in order; unite the sorted vocabularies and number the terms by
falling number of postings; encode the postings of all runs, a stretch of terms after the other; translate sequences and compress documents
piece by piece. Runs are mapped files, so memory is bounded by what there is of each term and document: a number or two, and the tables of
frequent terms.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import orjson

import indexer.strings as strings
from indexer.columns import merge_columns, write_column
from indexer.container import ContainerWriter, FileInfo
from indexer.document_keys import write_keys
from indexer.forward import Sequences, write_forward
from indexer.gather import Gatherer
from indexer.inverter import Run
from indexer.lengths import write_lengths
from indexer.memory import give_back
from indexer.postings_encoder import PostingsEncoder
from indexer.schema import Schema
from indexer.stored import StoredWriter
from indexer.vocabulary import DROPPED, Vocabulary, unite, write_vocabulary


@dataclass(frozen=True)
class SegmentInfo:
    """What a finished segment file holds. ``duplicates``: documents left out because a later one has the same key."""

    file: FileInfo
    documents: int
    terms: int
    postings: int
    tokens: int
    duplicates: int


@dataclass(frozen=True)
class _Documents:
    """Which documents stay: ``kept`` bool per run and document, ``numbers`` their new number (int32, -1 = dropped)."""

    kept: list[np.ndarray]
    numbers: list[np.ndarray]
    count: int


def write_segment(runs: Sequence[Run], schema: Schema, path: Path) -> SegmentInfo:
    """Write the segment of ``runs``, which follow each other in document order; durable when it returns.

    Of documents with the same key the last one stays. ``runs`` may be empty.
    """
    runs = [run for run in runs if len(run.keys)]
    documents = _choose_documents(runs)
    give_back()
    with StoredWriter([(run.documents, np.flatnonzero(kept)) for run, kept in zip(runs, documents.kept)]) as stored:
        return _write(runs, documents, stored, schema, path)


def _write(runs: Sequence[Run], documents: _Documents, stored: StoredWriter, schema: Schema, path: Path) -> SegmentInfo:
    vocabulary = unite(runs, documents.kept)
    give_back()
    lengths = _join_lengths(runs, documents, len(schema.text_fields))
    postings = int(vocabulary.counts.sum())
    meta = _meta(schema, documents, vocabulary, postings)
    with ContainerWriter(path) as writer:
        writer.add("meta", np.frombuffer(orjson.dumps(meta, option=orjson.OPT_SORT_KEYS), np.uint8))
        write_lengths(writer, lengths)
        write_keys(writer, strings.concatenate([strings.take(r.keys, np.flatnonzero(k)) for r, k in zip(runs, documents.kept)]))
        write_vocabulary(writer, vocabulary)
        vocabulary = replace(vocabulary, terms=strings.pack([]))  # written, and the largest thing in memory
        give_back()
        _write_postings(writer, Gatherer(runs, documents.numbers, vocabulary), vocabulary, lengths, schema)
        write_forward(writer, [_sequences(*each) for each in zip(runs, documents.kept, vocabulary.numbers)])
        _write_columns(writer, runs, documents, schema)
        stored.write(writer)
        file = writer.finish()
    duplicates = sum(len(run.keys) for run in runs) - documents.count
    return SegmentInfo(file, documents.count, len(vocabulary), postings, int(lengths.sum(dtype=np.int64)), duplicates)


def _meta(schema: Schema, documents: _Documents, vocabulary: Vocabulary, postings: int) -> dict[str, object]:
    return {
        "id_field": schema.id_field,
        "documents": documents.count,
        "terms": len(vocabulary),
        "postings": postings,
        "text_fields": [f.name for f in schema.text_fields],
        "columns": [[f.name, f.type] for f in schema.columns],
    }


def _choose_documents(runs: Sequence[Run]) -> _Documents:
    last = strings.last_occurrences(strings.concatenate([run.keys for run in runs]))
    numbers = np.where(last, np.cumsum(last) - 1, DROPPED).astype(np.int32)
    borders = np.cumsum([0] + [len(run.keys) for run in runs]).tolist()
    parts = list(zip(borders, borders[1:]))
    return _Documents([last[a:b] for a, b in parts], [numbers[a:b] for a, b in parts], int(np.count_nonzero(last)))


def _join_lengths(runs: Sequence[Run], documents: _Documents, num_fields: int) -> np.ndarray:
    parts = [run.lengths[:, kept] for run, kept in zip(runs, documents.kept)]
    return np.ascontiguousarray(np.concatenate([np.zeros((num_fields, 0), np.uint32), *parts], axis=1))


def _write_postings(writer: ContainerWriter, gatherer: Gatherer, vocabulary: Vocabulary, lengths: np.ndarray, schema: Schema) -> None:
    encoder = PostingsEncoder(vocabulary.counts, gatherer.codes(), lengths, vocabulary.streams, schema)
    for part in encoder.parts:
        with writer.section(f"postings.{part.name}", part.dtype, part.row_shape) as write:
            for piece in encoder.encode(part, gatherer.stretches(part.first, part.last)):
                write(piece)
    writer.add_all("postings.", encoder.finish())


def _sequences(run: Run, kept: np.ndarray, new_ids: np.ndarray) -> Sequences:
    num_fields = len(run.lengths)
    rows = (np.flatnonzero(kept)[:, None] * num_fields + np.arange(num_fields)).ravel()
    values = np.zeros(len(new_ids) + 1, np.uint32)
    values[1:] = new_ids + 1
    return Sequences(run.tokens, run.token_offsets, rows, values)


def _write_columns(writer: ContainerWriter, runs: Sequence[Run], documents: _Documents, schema: Schema) -> None:
    for number, column_field in enumerate(schema.columns):
        parts = [run.columns[number] for run in runs]
        write_column(writer, number, merge_columns(column_field.type, parts, documents.kept))
