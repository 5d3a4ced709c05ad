"""The engine's result to the result page: hits as they are shown, facets and filters as links, pages as numbers."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from indexer.schema import Schema
from searchd.interface import Interface
from searchd.page import (
    MAX_TITLE,
    Choice,
    Facet,
    ShownHit,
    click_link,
    crumbs,
    document_path,
    field_text,
    has_all_words,
    highlighted,
    matched_fields,
    page_numbers,
    passage,
    plain,
    safe_url,
    title_field,
)
from searchd.page_query import PageQuery
from searchd.params import MAX_WINDOW
from searchd.service import Service

MAX_CHOICES = 8
MAX_BADGES = 3


class ShownResult(NamedTuple):
    """Everything the result page shows."""

    query_id: str
    summary: str
    took: str
    hits: list[ShownHit]
    facets: list[Facet]
    chips: list[Choice]
    corrected: Choice | None
    as_typed: Choice | None
    partial: bool
    model: str
    pages: list[Choice]
    previous: str | None
    next: str | None


def shown_result(service: Service, result: Any, query: PageQuery, t: Interface) -> ShownResult:
    """What the page shows of ``result``."""
    schema, size = service.engine.index.schema, service.settings.page_size
    first = (query.page - 1) * size + 1
    answered = result.corrected_query if result.shown_instead else query.q
    hits = [shown_hit(service.secret, schema, hit, result.query_id, rank, answered, t) for rank, hit in enumerate(result.hits, first)]
    last = max(1, -(-min(result.total.value, MAX_WINDOW) // size))
    corrected = _corrected(result, query)
    return ShownResult(
        query_id=result.query_id,
        summary=_count(result.total, t),
        took=t("took", ms=f"{result.took:.0f}" if result.took >= 10 else f"{result.took:.1f}"),
        hits=hits,
        facets=[facet for name, values in (result.facets or {}).items() if (facet := shown_facet(name, values, query, t)).choices],
        chips=[Choice(f"{name}: {plain(value, 40)}", query.without_filter(name, value).href()) for name, value in query.chosen],
        corrected=corrected,
        as_typed=Choice(query.q, query._replace(page=1, exact=True).href()) if corrected and result.shown_instead else None,
        partial=bool(result.partial),
        model=_model_name(result.model) or t("bm25"),
        pages=[Choice(str(number), query._replace(page=number).href()) for number in page_numbers(query.page, last)] if last > 1 else [],
        previous=query._replace(page=query.page - 1).href() if query.page > 1 else None,
        next=query._replace(page=query.page + 1).href() if query.page < last and hits else None,
    )


def _corrected(result: Any, query: PageQuery) -> Choice | None:
    """The query that was probably meant, as a link."""
    meant = result.corrected_query
    return Choice(meant, query._replace(q=meant, page=1, exact=False).href()) if meant and meant != query.q else None


def shown_hit(secret: bytes, schema: Schema, hit: Any, query_id: str, rank: int, q: str, t: Interface) -> ShownHit:
    """One result; its title is highlighted where the engine highlighted it whole."""
    name = title_field(schema, hit.document)
    text = field_text(hit.document.get(name)) if name else hit.id
    marked = highlighted(hit.highlights, name)
    title = marked if marked is not None and len(marked.striptags()) <= MAX_TITLE else escape(plain(text, MAX_TITLE))
    target = safe_url(hit.document) or document_path(hit.id)
    link = click_link(secret, query_id, hit.id, rank)
    return ShownHit(
        hit.id,
        rank,
        title or Markup(escape(t("untitled"))),
        link,
        target,
        crumbs(hit.id, hit.document),
        passage(schema, hit, name),
        badges(schema, hit, q, t),
    )


def badges(schema: Schema, hit: Any, q: str, t: Interface) -> list[str]:
    """Why this is a result, in a few words: all words, and the fields that have them."""
    reasons = [t("all_words")] if has_all_words(hit, q) else []
    reasons += [t("in_field", field=plain(name, 24)) for name in matched_fields(schema, hit)]
    return reasons[:MAX_BADGES]


def shown_facet(name: str, values: Any, query: PageQuery, t: Interface) -> Facet:
    """The commonest values of a field that are not chosen already, each as a link that adds it."""
    chosen = {value for field, value in query.chosen if field == name}
    pairs = sorted(_pairs(values), key=lambda pair: (-pair[1], pair[0]))
    choices = [Choice(plain(value, 40), query.with_filter(name, value).href(), count) for value, count in pairs if value not in chosen]
    return Facet(name, choices[:MAX_CHOICES])


def _pairs(values: Any) -> Iterable[tuple[str, int]]:
    """(value, count) of a facet, whether it is a mapping or a sequence of pairs."""
    pairs: Sequence[Any] = list(values.items()) if isinstance(values, dict) else [tuple(pair)[:2] for pair in values]
    return [(str(value), int(count)) for value, count in pairs]


def _count(total: Any, t: Interface) -> str:
    if total.relation != "eq":
        return t("about_count", count=t.number(total.value))
    return t("result_count_one" if total.value == 1 else "result_count", count=t.number(total.value))


def _model_name(model: Any) -> str:
    if model is None:
        return ""
    return str(model.name if hasattr(model, "name") else model[0])
