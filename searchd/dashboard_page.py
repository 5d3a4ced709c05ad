"""One page of the dashboard as HTML: its words, its links, the token of its forms, and the headers it needs."""

import datetime
import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import g, make_response, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from indexer.errors import SearchdError
from searchd.dashboard import DAYS
from searchd.dashboard_words import DashboardInterface
from searchd.errors_http import HttpProblem, public_message, status_of
from searchd.forms import COOKIE, FIELD, FOLDER, cookie_nonce, form_token, nonce_of_page
from searchd.interface import LANGUAGES, choose_language
from searchd.page import plain
from searchd.service import service

PAGES = (
    ("overview", "/admin"),
    ("queries", "/admin/queries"),
    ("ranking", "/admin/ranking"),
    ("experiments", "/admin/experiments"),
    ("index", "/admin/index"),
)


def words() -> DashboardInterface:
    """The words of this request's language."""
    if "dashboard_words" not in g:
        g.dashboard_words = DashboardInterface(choose_language(service().settings.language))
    found: DashboardInterface = g.dashboard_words
    return found


def days_asked() -> int:
    """How many days back the page looks; 7 unless the address has one of the choices."""
    asked = request.args.get("days", "")
    return int(asked) if asked in map(str, DAYS) else 7


def href(path: str, **values: object) -> str:
    """An address of the dashboard that keeps the language that was chosen by hand."""
    lang = request.args.get("lang")
    pairs = {**values, **({"lang": lang} if lang in LANGUAGES and "lang" not in values else {})}
    return f"{path}?{urlencode(pairs)}" if pairs else path


def page(name: str, template: str, status: int = 200, **values: Any) -> Response:
    """Render ``template`` as the page ``name`` of ``PAGES``."""
    t, svc = words(), service()
    here = dict(PAGES)[name]
    keep = {"days": request.args["days"]} if "days" in request.args else {}
    links = {"pages": PAGES, "href": href, "here": here, "other_href": href(here, lang=t.other, **keep)}
    form = {"token": form_token(svc.secret, g.key.id, nonce_of_page()), "token_field": FIELD}
    shown = {"moment": moment, "percent": percent, "size": size, "ms": milliseconds, "days": days_asked(), "choices": DAYS}
    body = render_template(f"admin/{template}", t=t, title=svc.settings.title, name=name, **links, **form, **shown, **values)
    response = make_response(body, status)
    # With no-referrer, which the other pages have, browsers send no Origin with a form.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Vary"] = "Accept-Language"
    response.headers["Content-Language"] = t.html_lang
    if not cookie_nonce():
        response.set_cookie(COOKIE, nonce_of_page(), httponly=True, samesite="Strict", secure=request.is_secure, path=FOLDER.rstrip("/"))
    return response


def told_as_page(name: str) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """A view whose errors are pages, too."""

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        """The view, or the page that says why it could not answer, with the status that it deserves."""

        @functools.wraps(view)
        def told(**values: Any) -> Response:
            try:
                return view(**values)
            except HttpProblem as error:
                return page(name, "problem.html", error.status, message=plain(str(error), 500), code=error.code)
            except SearchdError as error:
                return page(name, "problem.html", status_of(error), message=plain(public_message(error), 800), code=error.code)

        return told

    return decorate


def svg(drawing: str) -> Markup:
    """A drawing of ``ranker.charts``, which escapes what it is given."""
    return Markup(drawing)


def moment(milliseconds: int | None, seconds: bool = False) -> str:
    """A moment in UTC as people read it."""
    if not milliseconds:
        return "–"
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def percent(share: float | None) -> str:
    """A share as people read it."""
    return "–" if share is None else f"{share * 100:.1f}\u00a0%"  # never a line that begins with the sign


def milliseconds(seconds: float | None) -> str:
    """Seconds as milliseconds; what lies beyond the last bucket of a histogram is more than five seconds."""
    return "> 5000" if seconds is None else f"{seconds * 1000:.2f}" if seconds < 0.1 else f"{seconds * 1000:.0f}"


def size(number: int) -> str:
    """Bytes as people read them."""
    value, units = float(number), ["B", "KiB", "MiB", "GiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"
