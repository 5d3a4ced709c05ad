"""The address of a search page to what it asks for, and back: every link of the page is an address made here.

q=WORDS & f=FIELD:VALUE ... & from.FIELD=LOW & to.FIELD=HIGH & sort=FIELD:asc|desc & page=N & exact=1 & lang=en|zh
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Self
from urllib.parse import quote_plus, urlencode

from flask import request

from searchd.errors_http import HttpProblem
from searchd.params import MAX_QUERY, MAX_WINDOW, clean, clean_query

MAX_FILTERS = 20
MAX_VALUE = 600
FROM, TO = "from.", "to."
LANGUAGES = ("en", "zh")


class Range(NamedTuple):
    """The values of a field from ``low`` to ``high``, both as typed and both included; "" is no bound."""

    field: str
    low: str = ""
    high: str = ""


class PageQuery(NamedTuple):
    """What a reader asked for.

    ``page`` counts from 1, ``chosen`` are (field, value) filters in the order they were set; ``exact``: as typed, without a correction;
    ``sort`` is as the API takes it, "" for relevance. ``ignored`` names the parameters of the address that made no sense.
    """

    q: str = ""
    page: int = 1
    chosen: tuple[tuple[str, str], ...] = ()
    lang: str = ""
    exact: bool = False
    sort: str = ""
    ranges: tuple[Range, ...] = ()
    ignored: tuple[str, ...] = ()

    @classmethod
    def of_request(cls, page_size: int) -> Self:
        """Read leniently: a page shows something for any address, so what makes no sense is cut or left out, and named in ``ignored``."""
        q, whole = _query()
        last = max(1, MAX_WINDOW // page_size)
        page, lang, exact = (request.args.get(name, "") for name in ("page", "lang", "exact"))
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 0
        chosen, left_over = _chosen(request.args.getlist("f"))
        checks = (
            ("q", not whole),
            ("page", bool(page) and not 1 <= number <= last),
            ("lang", lang not in ("", *LANGUAGES)),
            ("exact", exact not in ("", "0", "1")),
            ("f", left_over),
        )
        odd = [name for name, wrong in checks if wrong]
        odd += [name for name in ("q", "page", "sort", "lang", "exact") if len(request.args.getlist(name)) > 1 and name not in odd]
        return cls(
            q,
            min(max(number, 1), last),
            chosen,
            lang if lang in LANGUAGES else "",
            exact == "1",
            clean(request.args.get("sort", ""))[:MAX_VALUE].strip(),
            _ranges(),
            tuple(odd),
        )

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set."""
        return bool(self.chosen or self.ranges)

    @property
    def asks(self) -> bool:
        """Whether there is anything to search for; else the front page is shown."""
        return bool(self.q.strip() or self.narrowed or self.sort)

    def pairs(self, without: Iterable[str] = ()) -> list[tuple[str, str]]:
        """Names and values of the address, but for those of some parameters."""
        pairs = [("q", self.q), *(("f", f"{name}:{value}") for name, value in self.chosen)]
        for name, low, high in self.ranges:
            pairs += [(FROM + name, low)] if low else []
            pairs += [(TO + name, high)] if high else []
        pairs += [("sort", self.sort)] if self.sort else []
        pairs += [("exact", "1")] if self.exact else []
        pairs += [("page", str(self.page))] if self.page > 1 else []
        pairs += [("lang", self.lang)] if self.lang else []
        left_out = set(without)
        return [(name, value) for name, value in pairs if name not in left_out]

    def href(self, path: str = "/search") -> str:
        """The address that asks for this."""
        return f"{path}?{urlencode(self.pairs())}"

    def in_language(self, path: str) -> str:
        """Another page's address, in the language that was chosen."""
        return f"{path}{'&' if '?' in path else '?'}{urlencode({'lang': self.lang})}" if self.lang else path

    def filter_links(self, name: str) -> Callable[[str], str]:
        """Value to the address of the same search with that filter more, from its first page; what the addresses share is written once."""
        shared = self._replace(page=1).href()
        return lambda value: f"{shared}&f={quote_plus(f'{name}:{value}')}"

    def without_filter(self, name: str, value: str) -> Self:
        """The same search with one filter less, from its first page."""
        return self._replace(chosen=tuple(pair for pair in self.chosen if pair != (name, value)), page=1)

    def without_range(self, name: str) -> Self:
        """The same search without bounds for a field, from its first page."""
        return self._replace(ranges=tuple(one for one in self.ranges if one.field != name), page=1)

    def without_field(self, name: str) -> Self:
        """The same search without any filter on a field, from its first page."""
        return self.without_range(name)._replace(chosen=tuple(pair for pair in self.chosen if pair[0] != name))

    def unfiltered(self) -> Self:
        """The same search without filters, from its first page."""
        return self._replace(chosen=(), ranges=(), page=1)

    def range_of(self, name: str) -> Range:
        """The bounds set for a field."""
        return next((one for one in self.ranges if one.field == name), Range(name))


def _query() -> tuple[str, bool]:
    """The words, and whether they are all that was asked."""
    given = request.args.get("q", "")
    try:
        return " ".join(clean_query(given).split()), True
    except HttpProblem:
        return " ".join(clean(given)[: MAX_QUERY // 18].split()), False  # NFKC makes text at most 18 times longer


def _chosen(given: list[str]) -> tuple[tuple[tuple[str, str], ...], bool]:
    """(field, value) of each ``FIELD:VALUE``, and whether something was left out."""
    pairs = [clean(text)[:MAX_VALUE].partition(":") for text in given[:MAX_FILTERS]]
    usable = [(name, value) for name, colon, value in pairs if colon and name]
    return tuple(dict.fromkeys(usable)), len(usable) < len(given)


def _ranges() -> tuple[Range, ...]:
    """Bounds by field, in the order of the address; an empty form field is no bound."""
    found: dict[str, Range] = {}
    for name, given in request.args.items():
        value = clean(given).strip()[:MAX_VALUE]
        field, is_low = name.partition(".")[2], name.startswith(FROM)
        if value and field and (is_low or name.startswith(TO)) and (field in found or len(found) < MAX_FILTERS):
            found[field] = found.get(field, Range(field))._replace(**{"low" if is_low else "high": value})
    return tuple(found.values())
