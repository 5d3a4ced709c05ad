"""Ranked documents -> hits as they are returned: the stored fields asked for, and highlighted passages of the text among them."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from searchd.plan import Plan
from searchd.snapshot import Snapshot

if TYPE_CHECKING:
    from searchd.highlight import Marker

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


def highlights_of(markers: "dict[str, Marker]", document: dict[str, Any], crop_length: int | None) -> dict[str, Any]:
    """A passage of every text field of the document, or one of each text of a list."""
    from searchd.highlight import highlight_fields

    texts = {name: _texts(document.get(name)) for name in markers}
    passages = iter(highlight_fields([(text, markers[name]) for name, found in texts.items() for text in found], crop_length))
    marked = {name: [next(passages) for _ in found] for name, found in texts.items()}
    return {name: found if isinstance(document[name], list) else found[0] for name, found in marked.items() if _is_text(document.get(name))}


def _is_text(value: object) -> bool:
    return isinstance(value, str | list)


def _texts(value: object) -> list[str]:
    if isinstance(value, list):
        return [text for text in value[:MAX_TEXTS] if isinstance(text, str)]
    return [value] if isinstance(value, str) else []
