"""Ranked documents -> hits as they are returned: the stored fields asked for, and highlighted passages of the text among them."""

from collections.abc import Collection
from typing import Any, NamedTuple

from searchd.plan import Plan
from searchd.snapshot import Snapshot

# Of a very long text only the beginning is searched for a passage: cutting it into tokens would cost more than the search.
MAX_HIGHLIGHTED = 20_000
MAX_TEXTS = 20


class Hit(NamedTuple):
    """One result. ``highlights`` maps fields to HTML-escaped text with ``<mark>``, or to a list of such for a list of texts."""

    id: str
    score: float
    document: dict[str, Any]
    highlights: dict[str, Any]
    features: dict[str, float] | None = None
    explanation: dict[str, Any] | None = None


def document_of(snapshot: Snapshot, doc: int, fields: Collection[str] | None) -> tuple[str, dict[str, Any]]:
    """Key and stored fields (all, or those named) of a document."""
    document = snapshot.index.stored(doc)
    key = document[snapshot.index.schema.id_field] if snapshot.index.schema.id_field in document else snapshot.index.key(doc)
    return str(key), document if fields is None else {name: value for name, value in document.items() if name in fields}


def highlights_of(snapshot: Snapshot, plan: Plan, document: dict[str, Any], crop_length: int | None) -> dict[str, Any]:
    """A passage of every text field of the document."""
    found: dict[str, Any] = {}
    for name in snapshot.query_terms.fields:
        value = document.get(name)
        if isinstance(value, str):
            found[name] = _passage(snapshot, plan, name, value, crop_length)
        elif isinstance(value, list):
            found[name] = [_passage(snapshot, plan, name, text, crop_length) for text in value[:MAX_TEXTS] if isinstance(text, str)]
    return found


def _passage(snapshot: Snapshot, plan: Plan, field: str, text: str, crop_length: int | None) -> str:
    from searchd.highlight import highlight

    if crop_length is not None:
        text = text[: max(MAX_HIGHLIGHTED, crop_length)]
    return highlight(text, snapshot.query_terms.analyzer(field), plan.query_terms, crop_length)
