"""The pages for people: search, a document, a click that leads on. Rendered here, so that they work without JavaScript.

A search that cannot be answered (no index yet, a filter for a field that is gone) is a page that says so, with the status it deserves.
"""

import secrets
from typing import Any
from urllib.parse import quote, urlencode

from flask import Blueprint, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from indexer.errors import SearchdError
from indexer.publish import NoIndex
from searchd.clicks import log_click
from searchd.error_words import error_words
from searchd.errors_http import HttpProblem, public_message, status_of
from searchd.interface import Interface, choose_language
from searchd.page import crumbs, document_path, field_text, isolated, plain, safe_url, title_field
from searchd.page_query import PageQuery
from searchd.page_result import shown_result
from searchd.page_search import page_search
from searchd.page_why import shown_why
from searchd.params import MAX_WINDOW
from searchd.routing import Operation, route
from searchd.service import Service, service
from searchd.similar import similar_hits, stored_document

blueprint = Blueprint("page", __name__)
COOKIE = "searchd_client"
_PAGE = Operation("search", "The search page", None, None, None, "text/html", tag="pages")


@route(blueprint, "/", ("GET",), _PAGE)
def home() -> Response:
    """The front page: a search box, and what is in the collection."""
    return _page("home.html", 200, PageQuery.of_request(service().settings.page_size), about=_about(service()))


@route(blueprint, "/search", ("GET",), _PAGE)
def results() -> Response:
    """A page of results."""
    svc = service()
    query = PageQuery.of_request(svc.settings.page_size)
    if not query.asks:
        return _page("home.html", 200, query, about=_about(svc))
    try:
        result = page_search(svc, query, _client_id())
    except (SearchdError, HttpProblem) as error:
        return _problem(error, query)
    return _page("results.html", 200, query, result=shown_result(svc, result, query, _interface()), client_id=_client_id())


@route(blueprint, "/why", ("GET",), Operation("search", "Why a result has its place", None, None, None, "text/html", tag="pages"))
def why() -> Response:
    """The parts of one result's score, and what tells it from its neighbours."""
    svc = service()
    query = PageQuery.of_request(svc.settings.page_size)
    key, rank = request.args.get("id", ""), request.args.get("rank", "")
    number = int(rank) if rank.isascii() and rank.isdigit() and len(rank) < 5 else 0
    try:
        shown = shown_why(svc, query, key, min(number, MAX_WINDOW), _interface())
    except (SearchdError, HttpProblem) as error:
        return _problem(error, query)
    page = query._replace(page=max(1, -(-number // svc.settings.page_size)))
    return _page("why.html", 200, query, why=shown, back=page.href(), where=query.in_language(document_path(key)))


@route(blueprint, "/document/", ("GET",), _PAGE)
@route(blueprint, "/document/<path:key>", ("GET",), Operation("search", "A document's page", None, None, None, "text/html", tag="pages"))
def document(key: str = "") -> Response:
    """All of one stored document, and what is similar."""
    svc = service()
    key = key or request.args.get("id", "")
    query = PageQuery.of_request(svc.settings.page_size)
    try:
        svc.engine.reload_if_changed()
        index = svc.engine.index
        stored = stored_document(index, key)
        similar = similar_hits(svc.engine, key, 5)
    except SearchdError as error:
        return _problem(error, query)
    name = title_field(index.schema, stored)
    title = plain(field_text(stored.get(name)), 300) if name else plain(key, 300)
    texts = {field: _shown(value) for field, value in stored.items() if field not in (name, "url", index.schema.id_field)}
    fields = [(field, text) for field, text in texts.items() if text and text != title]
    links = [(plain(_title_of(index.schema, hit), 120), query.in_language(document_path(hit.id))) for hit in similar]
    where = crumbs(key, stored)
    return _page("document.html", 200, query, key=key, heading=title, crumbs=where, url=safe_url(stored), fields=fields, similar=links)


@route(blueprint, "/click", ("GET",), Operation("search", "Log a click and lead on", None, None, None, "text/html", tag="pages"))
def click() -> Response:
    """Lead on to the document's own address or page, which is looked up and never taken from the link; count the click if it is genuine."""
    svc = service()
    key = request.args.get("id", "")
    svc.engine.reload_if_changed()
    target = safe_url(stored_document(svc.engine.index, key)) or document_path(key)
    log_click(svc, request.args.get("query_id", ""), key, request.args.get("position", ""), request.args.get("s", ""), _client_id())
    response = redirect(target, 303)
    response.headers["Cache-Control"] = "no-store"
    return response


def _shown(value: Any) -> str:
    """The value of a field in the reader's language."""
    return _interface()(str(value).lower()) if isinstance(value, bool) else field_text(value).strip()


def _title_of(schema: Any, hit: Any) -> str:
    name = title_field(schema, hit.document)
    return field_text(hit.document[name]) if name else hit.id


def _about(svc: Service) -> dict[str, Any] | None:
    """What the front page tells of the collection; None when there is none yet."""
    try:
        svc.engine.reload_if_changed()
        return {
            "documents": svc.engine.index.num_docs,
            "generation": svc.engine.index.generation,
            "model": svc.engine.model_name().partition("/")[0],
        }
    except NoIndex:
        return None


def _interface() -> Interface:
    if "interface" not in g:
        g.interface = Interface(choose_language(service().settings.language))
    found: Interface = g.interface
    return found


def _page(template: str, status: int, query: PageQuery, **values: Any) -> Response:
    t = _interface()
    body = render_template(
        template, t=t, query=query, isolated=isolated, title=service().settings.title, other_href=_other_language(query, t), **values
    )
    response = make_response(body, status)
    response.headers["Cache-Control"] = "private, no-store" if values.get("result") else "private, no-cache"
    response.headers["Vary"] = "Accept-Language"
    response.headers["Content-Language"] = t.html_lang
    if "client_id" in g and g.client_id and request.cookies.get(COOKIE) != g.client_id:
        response.set_cookie(COOKIE, g.client_id, httponly=True, samesite="Lax", secure=request.is_secure)
    return response


def _other_language(query: PageQuery, t: Interface) -> str:
    if request.path.startswith("/document"):
        here = {"id": request.args["id"]} if "id" in request.args else {}
        return f"{quote(request.path)}?{urlencode(here | {'lang': t.other})}"
    if request.path == "/why":
        return f"{query._replace(lang=t.other).href('/why')}&{urlencode([(name, request.args.get(name, '')) for name in ('id', 'rank')])}"
    return query._replace(lang=t.other).href("/search" if query.asks else "/")


def _problem(error: SearchdError | HttpProblem, query: PageQuery) -> Response:
    status, message = (error.status, str(error)) if isinstance(error, HttpProblem) else (status_of(error), public_message(error))
    return _problem_page(status, error.code, message, query)


def _problem_page(status: int, code: str, message: str, query: PageQuery) -> Response:
    heading, hint = error_words(code, status)
    # Who asked for a document or a filter that is gone may go on from the same words.
    return _page("problem.html", status, query, code=code, heading=heading, hint=hint, message=plain(message, 500))


@blueprint.after_app_request
def _readable(response: Response) -> Response:
    """The error of any address but the API's as a page, for a browser that asks for one."""
    wants_page = "text/html" in request.headers.get("Accept", "") and not request.path.startswith(("/v1/", "/static/"))
    if not wants_page or response.status_code < 400 or response.mimetype != "application/json":
        return response
    problem = response.get_json()
    page = _problem_page(response.status_code, problem["code"], problem["message"], PageQuery())
    for name, value in response.headers.items():
        if name not in page.headers:
            page.headers[name] = value
    return page


def _client_id() -> str:
    """A random name for this browser session, so that clicks of one visit belong together; none for readers who ask not to be tracked."""
    if "client_id" not in g:
        if request.headers.get("DNT") == "1" or request.headers.get("Sec-GPC") == "1":
            g.client_id = ""
        else:
            known = request.cookies.get(COOKIE, "")
            g.client_id = known if len(known) == 22 and known.isascii() and known.isprintable() else secrets.token_urlsafe(16)
    found: str = g.client_id
    return found
