"""Ranked documents -> hits as they are returned: the stored fields asked for, and highlighted passages of the text among them."""

from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from searchd.plan import Plan
from searchd.snapshot import Snapshot
from searchd.stages import time_is_up

if TYPE_CHECKING:
    from searchd.highlight import Marker

MAX_TEXTS = 20
# Texts are marked together up to so many characters: they are in the processor's cache then, and a search whose time is up ends soon.
TOGETHER = 1 << 16


class Hit(NamedTuple):
    """One result. ``highlights`` maps fields to HTML-escaped text with ``<mark>``, or to a list of such for a list of texts."""

    id: str
    score: float
    document: dict[str, Any]
    highlights: dict[str, Any]
    features: dict[str, float] | None = None
    explanation: dict[str, Any] | None = None


def documents_of(snapshot: Snapshot, docs: np.ndarray, fields: Collection[str] | None) -> tuple[list[str], list[dict[str, Any]]]:
    """Keys and stored fields (all, or those named) of documents, int64[n]."""
    documents = snapshot.index.documents(docs)
    id_field = snapshot.index.schema.id_field
    keys = [str(document[id_field]) for document in documents]
    if fields is None:
        return keys, documents
    return keys, [{name: value for name, value in document.items() if name in fields} for document in documents]


def markers_of(snapshot: Snapshot, plan: Plan) -> "dict[str, Marker]":
    """How the plan's query is marked, by text field; fields of one analyser share one."""
    from searchd.highlight import Marker

    asked = {term.term for term in plan.query_terms} | {term for term, _ in plan.further}
    by_analyzer: dict[str, Marker] = {}
    found: dict[str, Marker] = {}
    for name in snapshot.query_terms.fields:
        analyzer = snapshot.query_terms.analyzer(name)
        if analyzer.name not in by_analyzer:
            by_analyzer[analyzer.name] = Marker(analyzer, plan.query_terms, plan.phrases, plan.prefixes, plan.further)
            # Where nothing that was asked for is, words spelt like it may be why the document was found.
            by_analyzer[analyzer.name].fall_back(set(plan.terms) - asked)
        found[name] = by_analyzer[analyzer.name]
    return found


def highlights_of(markers: "dict[str, Marker]", documents: list[dict[str, Any]], crop_length: int | None) -> list[dict[str, Any]]:
    """A passage of every text field of each document, or one of each text of a list; none for documents that no time is left for."""
    if time_is_up("highlights") or not markers:
        return [{} for _ in documents]
    values: list[Any] = [document.get(name) for document in documents for name in markers]
    found = None if set(map(type, values)) == {str} else [_texts(value) for value in values]
    texts: list[str] = values if found is None else list(chain.from_iterable(found))
    if len(documents) > 1 and sum(map(len, texts)) > TOGETHER:
        half = len(documents) // 2
        return highlights_of(markers, documents[:half], crop_length) + highlights_of(markers, documents[half:], crop_length)
    sizes = [1] * len(values) if found is None else list(map(len, found))
    passages = _passages(list(markers.values()), texts, sizes, crop_length)
    return _by_field(list(markers), passages if found is None else _by_value(values, sizes, iter(passages)))


def _passages(markers: "list[Marker]", texts: list[str], sizes: list[int], crop_length: int | None) -> list[str]:
    """Those of the texts; field after field of document after document has as many as ``sizes`` tell."""
    from searchd.highlight import highlight_documents

    owners, fields = np.divmod(np.arange(len(sizes)).repeat(sizes), len(markers))
    return highlight_documents(texts, markers, fields, owners, crop_length)


def _by_value(values: list[Any], sizes: list[int], passages: Iterator[str]) -> list[str | list[str] | None]:
    """What is shown of each value of a field: a passage, a list of them, or None for what is no text."""
    return [
        next(passages) if isinstance(value, str) else list(islice(passages, size)) if isinstance(value, list) else None
        for value, size in zip(values, sizes)
    ]


def _by_field(names: list[str], shown: Sequence[str | list[str] | None]) -> list[dict[str, Any]]:
    """What is shown of each document, under the names of its fields."""
    rows = [zip(names, shown[first : first + len(names)]) for first in range(0, len(shown), len(names))]
    return [{name: passage for name, passage in row if passage is not None} for row in rows]


def _texts(value: object) -> Sequence[str]:
    """The texts of a field's value."""
    if isinstance(value, str):
        return (value,)
    return [text for text in value[:MAX_TEXTS] if isinstance(text, str)] if isinstance(value, list) else ()
