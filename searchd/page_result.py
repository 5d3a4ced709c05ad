"""The engine's result to the result page: hits as they are shown, facets and filters as links, pages as numbers."""

from typing import Any, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup, escape

from indexer.schema import Schema
from searchd.interface import Interface
from searchd.page import (
    MAX_TITLE,
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
from searchd.page_narrowing import Choice, Narrowing, narrowing
from searchd.page_query import PageQuery
from searchd.params import MAX_WINDOW
from searchd.service import Service

MAX_BADGES = 3


class ShownResult(NamedTuple):
    """Everything the result page shows."""

    query_id: str
    summary: str
    took: str
    hits: list[ShownHit]
    narrowing: Narrowing
    corrected: Choice | None
    as_typed: Choice | None
    partial: bool
    order: str
    pages: list[Choice]
    previous: str | None
    next: str | None


def shown_result(service: Service, result: Any, query: PageQuery, t: Interface) -> ShownResult:
    """What the page shows of ``result``."""
    snapshot, size = service.engine.searched(), service.settings.page_size
    schema = snapshot.index.schema
    first = (query.page - 1) * size + 1
    answered = result.corrected_query if result.shown_instead else query.q
    asked = query._replace(q=answered, exact=query.exact or result.shown_instead, page=1)
    hits = [shown_hit(service.secret, schema, hit, result.query_id, rank, asked, t) for rank, hit in enumerate(result.hits, first)]
    last = max(1, -(-min(result.total.value, MAX_WINDOW) // size))
    corrected = _corrected(result, query)
    return ShownResult(
        query_id=result.query_id,
        summary=_count(result.total, t),
        took=t("took", ms=f"{result.took:.0f}" if result.took >= 10 else f"{result.took:.1f}"),
        hits=hits,
        narrowing=narrowing(schema, snapshot.columns, result.facets or {}, query, t),
        corrected=corrected,
        as_typed=Choice(query.q, query._replace(page=1, exact=True).href()) if corrected and result.shown_instead else None,
        partial=bool(result.partial),
        order=_order(result, query, t),
        pages=_pages(query, last),
        previous=query._replace(page=query.page - 1).href() if query.page > 1 else None,
        next=query._replace(page=query.page + 1).href() if query.page < last and hits else None,
    )


def _order(result: Any, query: PageQuery, t: Interface) -> str:
    """What decided the order where no field did: the model, or BM25."""
    return "" if query.sort else _model_name(result.model) or t("bm25")


def _pages(query: PageQuery, last: int) -> list[Choice]:
    """Links to the pages around the current one; none where there is one page."""
    numbers = page_numbers(min(query.page, last), last) if last > 1 else ()
    return [Choice(str(number), query._replace(page=number).href(), number, number == query.page) for number in numbers]


def _corrected(result: Any, query: PageQuery) -> Choice | None:
    """The query that was probably meant, as a link."""
    meant = result.corrected_query
    return Choice(meant, query._replace(q=meant, page=1, exact=False).href()) if meant and meant != query.q else None


def shown_hit(secret: bytes, schema: Schema, hit: Any, query_id: str, rank: int, query: PageQuery, t: Interface) -> ShownHit:
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
        badges(schema, hit, query.q, t),
        f"{query.href('/why')}&{urlencode({'id': hit.id, 'rank': rank})}",
        f"{query.in_language(document_path(hit.id))}#similar",
    )


def badges(schema: Schema, hit: Any, q: str, t: Interface) -> list[str]:
    """Why this is a result, in a few words: all words, and the fields that have them."""
    reasons = [t("all_words")] if has_all_words(hit, q) else []
    reasons += [t("in_field", field=plain(name, 24)) for name in matched_fields(schema, hit)]
    return reasons[:MAX_BADGES]


def _count(total: Any, t: Interface) -> str:
    if total.relation != "eq":
        return t("about_count", count=t.number(total.value))
    return t("result_count_one" if total.value == 1 else "result_count", count=t.number(total.value))


def _model_name(model: Any) -> str:
    if model is None:
        return ""
    return str(model.name if hasattr(model, "name") else model[0])
