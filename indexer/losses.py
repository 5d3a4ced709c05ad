"""Documents that die -> how many documents each term of their segments loses.

The forward index does not say it all: Chinese words and the parts of codes stand nowhere beside a document. Where many die, a walk over the postings
of their segment counts what they had (``postings_counts.py``), if all its terms have postings. Else they are analysed once more, but for those
whose texts stay as they are in the document that takes their place: that one was analysed just now.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from indexer.analysis import Analyzer
from indexer.documents import Document
from indexer.inverter import Run, invert_as
from indexer.postings_counts import counts_of
from indexer.postings_view import PostingsView
from indexer.schema import Schema
from indexer.segment import Segment
from indexer.strings import take

BATCH = 4096
NOBODY = -1
# Postings that are read in the time in which one document is analysed.
POSTINGS_A_DOCUMENT = 30_000


class Analysed(NamedTuple):
    """What was analysed just now: a run, and its documents by key with their places in it."""

    run: Run
    documents: dict[str, tuple[int, dict[str, Any]]]


def losses_of(
    segments: Sequence[Segment], dying: Sequence[np.ndarray], schema: Schema, former: Sequence[Analyzer], new: Analysed | None
) -> list[np.ndarray]:
    """For every segment and each of its terms, int64[T], how many of the ``dying`` documents have it; ``former`` are the analyzers that the
    segments were built by, and ``new`` was analysed by the same ones."""
    totals = [_walked(segment, docs) for segment, docs in zip(segments, dying)]
    analysed = [np.zeros(0, np.int64) if _is_walked(segment, docs) else docs for segment, docs in zip(segments, dying)]
    names = [field.name for field in schema.text_fields]
    unchanged = np.full(len(new.run.keys) if new else 0, NOBODY)
    waiting: list[tuple[int, Document]] = []
    for number, key, fields in _each(segments, analysed):
        place = _same_texts(new, key, fields, names) if new else NOBODY
        if place >= 0:
            unchanged[place] = number
        else:
            waiting.append((number, Document("", {name: fields[name] for name in names if name in fields})))
        if len(waiting) == BATCH:
            _analyse(waiting, schema, former, segments, totals)
            waiting = []
    _analyse(waiting, schema, former, segments, totals)
    if new:
        _count(new.run, unchanged, segments, totals)
    return totals


def _is_walked(segment: Segment, docs: np.ndarray) -> bool:
    """Whether all terms have postings, and so many documents die that reading those is less work than analysing them.

    Chinese words have a frequency and no postings: pairs of characters find them.
    """
    all_listed = PostingsView(segment.postings, segment.terms.df).header.num_listed == segment.num_terms
    return all_listed and 0 < segment.num_postings <= POSTINGS_A_DOCUMENT * len(docs)


def _walked(segment: Segment, docs: np.ndarray) -> np.ndarray:
    """How many of ``docs`` each term has, int64[T]; zeros where they are analysed instead."""
    if not _is_walked(segment, docs):
        return np.zeros(segment.num_terms, np.int64)
    return counts_of(PostingsView(segment.postings, segment.terms.df), segment.terms.df, docs)


def _each(segments: Sequence[Segment], dying: Sequence[np.ndarray]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Number of the segment, key and fields of every dying document."""
    for number, (segment, docs) in enumerate(zip(segments, dying)):
        for first in range(0, len(docs), BATCH):
            some = docs[first : first + BATCH]
            yield from ((number, key, segment.fields(doc)) for key, doc in zip(segment.keys(some), some.tolist()))


def _same_texts(new: Analysed, key: str, fields: dict[str, Any], names: Sequence[str]) -> int:
    """The place of the document that follows one if all their texts are the same."""
    place, followed = new.documents.get(key, (NOBODY, {}))
    return place if place >= 0 and all(_same(fields.get(name), followed.get(name)) for name in names) else NOBODY


def _same(one: Any, other: Any) -> bool:
    """Whether two values are surely the same text: of numbers 1, 1.0 and True would be equal and are not."""
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(_same, one, other))
    return one is other or (type(one) is str and type(other) is str and one == other)


def _analyse(
    waiting: Sequence[tuple[int, Document]],
    schema: Schema,
    former: Sequence[Analyzer],
    segments: Sequence[Segment],
    totals: Sequence[np.ndarray],
) -> None:
    if waiting:
        run = invert_as([document for _, document in waiting], schema, former)
        _count(run, np.array([number for number, _ in waiting]), segments, totals)


def _count(run: Run, owners: np.ndarray, segments: Sequence[Segment], totals: Sequence[np.ndarray]) -> None:
    """Add a run's postings to the totals of the segments that own its documents."""
    terms = np.repeat(np.arange(len(run.terms)), np.diff(run.ptr))
    owner = owners[run.docs]
    for number in np.unique(owners[owners != NOBODY]).tolist():
        counts = np.bincount(terms[owner == number], minlength=len(run.terms))
        there = np.flatnonzero(counts)
        ids = segments[number].lookup(take(run.terms, there).texts())
        totals[number][ids[ids >= 0]] += counts[there][ids >= 0]
