"""Ranked documents -> hits as they are returned: the stored fields asked for, and highlighted passages of the text among them."""

from collections.abc import Collection, Iterator, Sequence
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
    found: list[dict[str, Any]] = []
    while len(found) < len(documents) and not time_is_up("highlights"):
        found += _highlighted(markers, documents[len(found) :], crop_length)
    return found + [{} for _ in documents[len(found) :]]


def _highlighted(markers: "dict[str, Marker]", documents: list[dict[str, Any]], crop_length: int | None) -> list[dict[str, Any]]:
    """Those of the first document and of those that follow, up to ``TOGETHER`` characters."""
    from searchd.highlight import highlight_documents

    texts: list[str] = []
    asked: list[Marker] = []
    owners: list[int] = []
    size = taken = 0
    while taken < len(documents) and size < TOGETHER:
        for name, marker in markers.items():
            for text in _texts(documents[taken].get(name)):
                texts.append(text)
                asked.append(marker)
                owners.append(taken)
                size += len(text)
        taken += 1
    passages = iter(highlight_documents(texts, asked, owners, crop_length))
    return [_by_field(markers, document, passages) for document in documents[:taken]]


def _by_field(markers: "dict[str, Marker]", document: dict[str, Any], passages: Iterator[str]) -> dict[str, Any]:
    """The next passages, which are those of the document's texts, under the names of its fields."""
    found: dict[str, Any] = {}
    for name in markers:
        value = document.get(name)
        if isinstance(value, str):
            found[name] = next(passages)
        elif isinstance(value, list):
            found[name] = [next(passages) for _ in _texts(value)]
    return found


def _texts(value: object) -> Sequence[str]:
    """The texts of a field's value."""
    if isinstance(value, str):
        return (value,)
    return [text for text in value[:MAX_TEXTS] if isinstance(text, str)] if isinstance(value, list) else ()
