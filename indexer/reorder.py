"""Runs -> one run whose documents stand in the order of ``bisection.py`` instead of that of the source.

    keep the last document of every key · documents by term -> terms by document · bisect · everything else follows the new order

The terms by document lie in nameless scratch files beside the segment, so memory is bounded by the vocabulary and the documents' numbers. Ties of
equal scores then fall in the new order, which depends on the documents alone, as everything in a segment does.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import indexer.durable as durable
import indexer.strings as strings
from indexer.bisection import bisect
from indexer.columns import take_documents
from indexer.inverter import Run
from indexer.jit import kernel
from indexer.pool import united
from indexer.schema import Schema
from indexer.strings import Strings

# Terms of fewer documents bring few together, those of more documents keep none apart.
LEAST_DOCUMENTS, LARGEST_SHARE = 16, 0.25


class _Joined(NamedTuple):
    """All runs as one: ``kept`` documents by their place in all runs; CSR of terms by kept document with frequencies."""

    terms: Strings
    places: list[np.ndarray]
    kept: np.ndarray
    ptr: np.ndarray
    doc_terms: np.ndarray
    doc_tfs: np.ndarray


def reorder(runs: Sequence[Run], schema: Schema, folder: Path) -> Run:
    """One run of the documents of ``runs``, the last of every key, neighbours sharing terms; ``folder`` is for scratch files."""
    joined = _join(runs, folder)
    order = document_order(joined.ptr, joined.doc_terms, len(joined.terms))
    tokens, token_offsets = _sequences(runs, joined, order, len(schema.text_fields), folder)
    ptr, docs, tfs = _postings(joined, order, folder)
    chosen = joined.kept[order]
    return Run(
        keys=strings.take(strings.concatenate([run.keys for run in runs]), chosen),
        terms=joined.terms,
        ptr=ptr,
        docs=docs,
        tfs=tfs,
        tokens=tokens,
        token_offsets=token_offsets,
        lengths=np.ascontiguousarray(np.concatenate([run.lengths for run in runs], axis=1)[:, chosen]),
        documents=_stored(runs, chosen, folder),
        columns=tuple(take_documents([run.columns[i] for run in runs], chosen) for i in range(len(schema.columns))),
    )


def document_order(ptr: np.ndarray, doc_terms: np.ndarray, num_terms: int) -> np.ndarray:
    """The bisected order of N documents, int32[N], by those of their terms that tell documents apart."""
    df = np.bincount(doc_terms, minlength=num_terms)
    telling = (df >= LEAST_DOCUMENTS) & (df <= max(LEAST_DOCUMENTS, LARGEST_SHARE * (len(ptr) - 1)))
    number = np.where(telling, np.cumsum(telling) - 1, -1).astype(np.int32)
    kept_ptr, kept_terms = np.zeros(len(ptr), np.int64), np.empty(int(df[telling].sum()), np.int32)
    _keep_terms(ptr, doc_terms, number, kept_ptr, kept_terms)
    return bisect(kept_ptr, kept_terms, int(np.count_nonzero(telling)))


@kernel
def _keep_terms(ptr, doc_terms, number, kept_ptr, kept_terms):
    to = 0
    for doc in range(len(ptr) - 1):
        for p in range(ptr[doc], ptr[doc + 1]):
            if number[doc_terms[p]] >= 0:
                kept_terms[to] = number[doc_terms[p]]
                to += 1
        kept_ptr[doc + 1] = to


def _join(runs: Sequence[Run], folder: Path) -> _Joined:
    last = strings.last_occurrences(strings.concatenate([run.keys for run in runs]))
    numbers = np.where(last, np.cumsum(last) - 1, -1).astype(np.int32)
    borders = np.cumsum([0] + [len(run.keys) for run in runs])
    terms, places = united(runs)
    parts = [numbers[a:b] for a, b in zip(borders[:-1], borders[1:])]
    sizes = np.zeros(int(np.count_nonzero(last)), np.int64)
    for run, part in zip(runs, parts):
        _count_terms(run.docs, part, sizes)
    ptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    doc_terms = durable.scratch_array(folder, "<i4", (int(ptr[-1]),))
    doc_tfs = durable.scratch_array(folder, _width(runs), (int(ptr[-1]), runs[0].tfs.shape[1]))
    at = ptr[:-1].copy()
    for run, part, place in zip(runs, parts, places):
        _transpose(run.ptr, run.docs, run.tfs, np.argsort(place), place, part, at, doc_terms, doc_tfs)
    return _Joined(terms, places, np.flatnonzero(last), ptr, doc_terms, doc_tfs)


def _width(runs: Sequence[Run]) -> str:
    return "<u4" if any(run.tfs.dtype == np.uint32 for run in runs) else "<u2"


@kernel
def _count_terms(run_docs, numbers, sizes):
    for i in range(len(run_docs)):
        if numbers[run_docs[i]] >= 0:
            sizes[numbers[run_docs[i]]] += 1


@kernel
def _transpose(ptr, run_docs, run_tfs, by_place, places, numbers, at, doc_terms, doc_tfs):
    """Append every posting to its document; ``at``: where each document's terms continue. Terms come by place, so they stay sorted."""
    for term in by_place:
        for i in range(ptr[term], ptr[term + 1]):
            doc = numbers[run_docs[i]]
            if doc >= 0:
                doc_terms[at[doc]] = places[term]
                doc_tfs[at[doc]] = run_tfs[i]
                at[doc] += 1


def _postings(joined: _Joined, order: np.ndarray, folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Back to documents by term: (ptr, docs, tfs) of a run."""
    ptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(joined.doc_terms, minlength=len(joined.terms)))])
    docs = durable.scratch_array(folder, "<i4", (int(ptr[-1]),))
    tfs = durable.scratch_array(folder, joined.doc_tfs.dtype.str, (int(ptr[-1]), joined.doc_tfs.shape[1]))
    _fill_postings(order, joined.ptr, joined.doc_terms, joined.doc_tfs, ptr[:-1].copy(), docs, tfs)
    return ptr, docs, tfs


@kernel
def _fill_postings(order, ptr, doc_terms, doc_tfs, at, docs, tfs):
    for doc in range(len(order)):
        for p in range(ptr[order[doc]], ptr[order[doc] + 1]):
            to = at[doc_terms[p]]
            docs[to] = doc
            tfs[to] = doc_tfs[p]
            at[doc_terms[p]] = to + 1


def _sequences(runs: Sequence[Run], joined: _Joined, order: np.ndarray, num_fields: int, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Rows of tokens in the new order, terms numbered as in the union."""
    rows = (joined.kept[order][:, None] * num_fields + np.arange(num_fields)).ravel()
    sizes = np.concatenate([np.diff(run.token_offsets) for run in runs])
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes[rows])])
    tokens = durable.scratch_array(folder, "<u4", (int(offsets[-1]),))
    target = np.full(len(sizes), -1, np.int64)
    target[rows] = offsets[:-1]
    first = 0
    for run, place in zip(runs, joined.places):
        count = len(run.token_offsets) - 1
        _copy_rows(run.tokens, run.token_offsets, place, target[first : first + count], tokens)
        first += count
    return tokens, offsets


@kernel
def _copy_rows(run_tokens, ends, places, target, tokens):
    for row in range(len(target)):
        if target[row] < 0:
            continue
        to = target[row]
        for i in range(ends[row], ends[row + 1]):
            term = run_tokens[i]
            tokens[to] = 0 if term == 0 else places[term - 1] + 1
            to += 1


def _stored(runs: Sequence[Run], chosen: np.ndarray, folder: Path) -> Strings:
    """The stored documents in the new order."""
    sizes = np.concatenate([np.diff(run.documents.offsets.astype(np.int64)) for run in runs])
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes[chosen])])
    data = durable.scratch_array(folder, "|u1", (int(offsets[-1]),))
    target = np.full(len(sizes), -1, np.int64)
    target[chosen] = offsets[:-1]
    first = 0
    for run in runs:
        _copy_documents(run.documents.data, run.documents.offsets, target[first : first + len(run.documents)], data)
        first += len(run.documents)
    return Strings(data, offsets)


@kernel
def _copy_documents(run_data, ends, target, data):
    for doc in range(len(target)):
        if target[doc] >= 0:
            for j in range(ends[doc + 1] - ends[doc]):
                data[target[doc] + j] = run_data[ends[doc] + j]
