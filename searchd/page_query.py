"""The address of a search page to what it asks for, and back: every link of the page is an address made here."""

from typing import NamedTuple, Self
from urllib.parse import urlencode

from flask import request

from searchd.errors_http import HttpProblem
from searchd.params import MAX_QUERY, MAX_WINDOW, clean, clean_query

MAX_FILTERS = 20


class PageQuery(NamedTuple):
    """What a reader asked for.

    ``page`` counts from 1, ``chosen`` are (field, value) filters in the order they were set; ``exact``: as typed, without a correction.
    """

    q: str = ""
    page: int = 1
    chosen: tuple[tuple[str, str], ...] = ()
    lang: str = ""
    exact: bool = False

    @classmethod
    def of_request(cls, page_size: int) -> Self:
        """Read leniently: a page shows something for any address, so what makes no sense is cut or ignored."""
        try:
            q = clean_query(request.args.get("q", ""))
        except HttpProblem:
            q = clean(request.args.get("q", ""))[: MAX_QUERY // 18]  # NFKC makes text at most 18 times longer
        number = request.args.get("page", "")
        page = int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 1
        pairs = (clean(text)[:600].partition(":") for text in request.args.getlist("f")[:MAX_FILTERS])
        chosen = tuple(dict.fromkeys((name, value) for name, colon, value in pairs if colon and name))
        lang = request.args.get("lang", "")
        page = min(max(page, 1), max(1, MAX_WINDOW // page_size))
        return cls(" ".join(q.split()), page, chosen, lang if lang in ("en", "zh") else "", request.args.get("exact") == "1")

    def href(self, path: str = "/search") -> str:
        """The address that asks for this."""
        pairs = [("q", self.q), *(("f", f"{name}:{value}") for name, value in self.chosen)]
        pairs += [("exact", "1")] if self.exact else []
        pairs += [("page", str(self.page))] if self.page > 1 else []
        pairs += [("lang", self.lang)] if self.lang else []
        return f"{path}?{urlencode(pairs)}"

    def with_filter(self, name: str, value: str) -> Self:
        """The same search with one filter more, from its first page."""
        return self._replace(chosen=(*self.chosen, (name, value)), page=1)

    def without_filter(self, name: str, value: str) -> Self:
        """The same search with one filter less, from its first page."""
        return self._replace(chosen=tuple(pair for pair in self.chosen if pair != (name, value)), page=1)
