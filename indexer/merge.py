"""Runs -> one segment file whose bytes depend on the documents alone, not on how they were batched.

The steps: choose the last document of every key, number the kept documents in order; unite the sorted vocabularies and number the terms by
falling number of postings; copy every run's postings, run after run, to where each term's list continues; translate sequences chunk by
chunk. Runs are mapped files and the postings lie in a nameless scratch file, so memory is bounded by the vocabulary and one segment's
compressed postings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

import indexer.durable as durable
import indexer.strings as strings
from indexer.columns import merge_columns, write_column
from indexer.container import ContainerWriter, FileInfo
from indexer.document_keys import write_keys
from indexer.forward import encode_rows
from indexer.inverter import Run
from indexer.jit import kernel
from indexer.lengths import write_lengths
from indexer.postings_encoder import encode_postings
from indexer.schema import Schema
from indexer.stored import write_stored
from indexer.vocabulary import DROPPED, Vocabulary, unite, write_vocabulary

CHUNK = 1 << 14  # documents whose sequences are translated at a time


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
    vocabulary = unite(runs, documents.kept)
    lengths = _join_lengths(runs, documents, len(schema.text_fields))
    ptr, docs, tfs = _join_postings(runs, documents, vocabulary, len(schema.text_fields), path.parent)
    meta = _meta(schema, documents, vocabulary, len(docs))
    with ContainerWriter(path) as writer:
        writer.add("meta", np.frombuffer(orjson.dumps(meta, option=orjson.OPT_SORT_KEYS), np.uint8))
        write_lengths(writer, lengths)
        write_keys(writer, strings.concatenate([strings.take(r.keys, np.flatnonzero(k)) for r, k in zip(runs, documents.kept)]))
        write_vocabulary(writer, vocabulary)
        writer.add_all("", encode_postings(ptr, docs, tfs, lengths, vocabulary.streams, schema))
        _write_forward(writer, runs, documents, vocabulary, len(schema.text_fields))
        _write_columns(writer, runs, documents, schema)
        write_stored(writer, [(run.documents, np.flatnonzero(kept)) for run, kept in zip(runs, documents.kept)])
        file = writer.finish()
    duplicates = sum(len(run.keys) for run in runs) - documents.count
    return SegmentInfo(file, documents.count, len(vocabulary), len(docs), int(lengths.sum(dtype=np.int64)), duplicates)


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


def _join_postings(
    runs: Sequence[Run], documents: _Documents, vocabulary: Vocabulary, num_fields: int, folder: Path
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ptr int64[T + 1], docs int32[P], tfs[P, F]) of the segment; jieba words have a df but no postings."""
    counts = vocabulary.counts
    ptr = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=ptr[1:])
    width = "<u4" if any(run.tfs.dtype == np.uint32 for run in runs) else "<u2"
    docs = durable.scratch_array(folder, "<i4", (int(ptr[-1]),))
    tfs = durable.scratch_array(folder, width, (int(ptr[-1]), num_fields))
    at = np.where(counts > 0, ptr[:-1], DROPPED)
    for run, numbers, terms in zip(runs, documents.numbers, vocabulary.numbers):
        _append_postings(run.ptr, run.docs, run.tfs, numbers, terms, at, docs, tfs)
    return ptr, docs, tfs


@kernel
def _append_postings(ptr, run_docs, run_tfs, numbers, terms, at, docs, tfs):
    """``at``: where each term's list continues, -1 for terms without postings."""
    for term in range(len(terms)):
        target = terms[term]
        if target < 0 or at[target] < 0:
            continue
        to = at[target]
        for i in range(ptr[term], ptr[term + 1]):
            doc = numbers[run_docs[i]]
            if doc >= 0:
                docs[to] = doc
                for text_field in range(tfs.shape[1]):
                    tfs[to, text_field] = run_tfs[i, text_field]
                to += 1
        at[target] = to


def _write_forward(writer: ContainerWriter, runs: Sequence[Run], documents: _Documents, vocabulary: Vocabulary, num_fields: int) -> None:
    sizes = [np.zeros(1, np.int64)]
    with writer.section("forward.data", "|u1") as write:
        for run, kept, terms in zip(runs, documents.kept, vocabulary.numbers):
            chosen = np.flatnonzero(kept)
            for start in range(0, len(chosen), CHUNK):
                rows = (chosen[start : start + CHUNK, None] * num_fields + np.arange(num_fields)).ravel()
                data, row_sizes = encode_rows(run.tokens, run.token_offsets, rows, terms)
                write(data)
                sizes.append(row_sizes)
    writer.add("forward.offsets", np.cumsum(np.concatenate(sizes)).astype(np.uint64))


def _write_columns(writer: ContainerWriter, runs: Sequence[Run], documents: _Documents, schema: Schema) -> None:
    for number, column_field in enumerate(schema.columns):
        parts = [run.columns[number] for run in runs]
        write_column(writer, number, merge_columns(column_field.type, parts, documents.kept))
