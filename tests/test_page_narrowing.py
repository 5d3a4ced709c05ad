"""Facets, bounds, orders and odd addresses on the search page, without a browser."""

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_home import documents, make_page_home

from searchd.app import create_app
from searchd.errors_http import HttpProblem
from searchd.page_filters import after_the_end, filter_expression
from searchd.page_query import Range

DOCUMENTS = documents()
APPLES = {one["id"] for one in DOCUMENTS if re.search(r"\bapple\b", f"{one['title']} {one['body']}")}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    app = create_app(make_page_home(tmp_path_factory.mktemp("narrowing")).root, page_size=50)
    app.testing = True
    return app.test_client()


def shown(client, query):
    """Ids of the results on the page for a query string."""
    response = client.get(f"/search?{query}")
    assert response.status_code == 200
    return [html.unescape(key) for key in re.findall(r'data-id="([^"]*)"', response.text)]


def apples(holds):
    """Ids of the documents about apples for which something holds."""
    return {one["id"] for one in DOCUMENTS if one["id"] in APPLES and holds(one)}


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("from.year=2000", lambda one: one["year"] >= 2000),
        ("to.year=2000", lambda one: one["year"] <= 2000),
        ("from.year=2000&to.year=2005", lambda one: 2000 <= one["year"] <= 2005),
        ("from.rating=2.5", lambda one: one.get("rating", 0) >= 2.5),
        ("to.published_on=1995", lambda one: one.get("published_on", "9") < "1996"),
        ("from.published_on=1995-01-01&to.published_on=1996-01-07", lambda one: "1995" <= one.get("published_on", "0") < "1996-01-08"),
        ("f=free:true&to.year=2000", lambda one: one["free"] and one["year"] <= 2000),
        (
            "f=subject:fruit&f=subject:garden&from.year=2000",
            lambda one: {"fruit", "garden"} & {*_list(one["subject"])} and one["year"] >= 2000,
        ),
    ],
    ids=["from", "to", "between", "float", "whole-year", "whole-day", "with-a-value", "with-alternatives"],
)
def test_bounds_include_their_ends(client, query, holds):
    assert set(shown(client, f"q=apple&{query}")) == apples(holds)


def _list(value):
    return value if isinstance(value, list) else [value]


def test_bounds_are_chips_that_can_be_removed_and_stay_in_the_form(client):
    page = client.get("/search?q=apple&from.year=2000&to.year=2005&f=free:true&sort=year:desc").text
    assert "year: 2000 – 2005" in page and 'class="chip" href="/search?q=apple&amp;f=free%3Atrue&amp;sort=year%3Adesc"' in page
    assert 'name="from.year" value="2000"' in page and '<input type="hidden" name="sort" value="year:desc">' in page
    assert 'class="clear" href="/search?q=apple&amp;sort=year%3Adesc"' in page
    assert "1990 – 2021" in page  # what the collection has


@pytest.mark.parametrize("sort", ["year:asc", "year:desc", "rating:desc", "published_on:asc", "year"])
def test_results_are_sorted(client, sort):
    field, _, way = sort.partition(":")
    by_id = {one["id"]: one for one in DOCUMENTS}
    values = [by_id[key][field] for key in shown(client, f"q=apple&sort={sort}") if field in by_id[key]]
    assert values == sorted(values, reverse=way == "desc") and len(values) > 10


def test_orders_are_links_and_the_one_that_is_on_is_marked(client):
    page = client.get("/search?q=apple&sort=year:desc").text
    assert page.count('aria-current="true"') == 1
    assert re.search(r'aria-current="true"[^>]*><span[^>]*></span><bdi>year, highest first</bdi>', page)
    assert "published on, newest first" in page and "subject, A to Z" in page and "free, lowest" not in page


def test_everything_can_be_browsed_in_an_order(client):
    page = client.get("/search?q=&sort=year:desc").text
    assert f"{len(DOCUMENTS)} results" in page


def test_chosen_values_stay_in_the_facet_and_alternatives_are_counted(client):
    page = client.get("/search?q=apple&f=subject:fruit").text
    facet = page[page.index("<bdi>subject</bdi>") :]
    assert re.search(r'href="/search\?q=apple" rel="nofollow" class="on" aria-current="true"', facet)
    garden = re.search(r'f=subject%3Agarden" [^>]*>.*?class="count">(\d+)<', facet)
    assert int(garden.group(1)) == len(apples(lambda one: "garden" in _list(one["subject"])))
    counted = client.get("/search?q=apple&f=subject:fruit&f=free:true").text
    counts = {int(n) for n in re.findall(r'f=free%3Atrue&amp;f=subject%3Agarden" [^>]*>.*?class="count">(\d+)<', counted)}
    assert not counts or counts == {len(apples(lambda one: "garden" in _list(one["subject"]) and one["free"]))}


def test_values_beyond_the_first_can_be_opened(client):
    page = client.get("/search?q=apple").text
    further = page[page.index('class="further"') :]
    assert re.search(r"<summary>\d+ more</summary>", further) and 'rel="nofollow"' in further


@pytest.mark.parametrize(
    ("query", "code", "named"),
    [
        ("sort=nope:asc", "unknown_field", "nope"),
        ("sort=year:sideways", "bad_sort", "sideways"),
        ("from.year=abc", "bad_filter", "abc"),
        ("to.published_on=yesterday", "bad_filter", "yesterday"),
        ("from.nope=1", "bad_filter", "nope"),
        ("from.free=maybe", "bad_filter", "maybe"),
        ("f=year:abc", "bad_filter", "abc"),
        ("f=nope:1", "bad_filter", "nope"),
        ("from.rating=nan&to.rating=1e999", "bad_filter", "1e999"),
    ],
    ids=["sort-field", "sort-way", "number", "date", "range-field", "boolean", "value", "field", "infinite"],
)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_cannot_be_searched_is_a_page_that_says_so(client, query, code, named, lang):
    response = client.get(f"/search?q=apple&lang={lang}&{query}")
    assert response.status_code == 400 and response.mimetype == "text/html"
    assert code in response.text and named in response.text
    assert ("出错了" if lang == "zh" else "That did not work") in response.text


@pytest.mark.parametrize(
    ("query", "names"),
    [("page=0", "page"), ("page=x", "page"), ("page=9999", "page"), ("lang=xx", "lang"), ("exact=perhaps", "exact"), ("f=nothing", "f"),
     ("q=again", "q"), ("page=1&page=2", "page"), ("sort=year:asc&sort=year:desc", "sort")],
)  # fmt: skip
def test_what_makes_no_sense_is_left_out_and_named(client, query, names):
    response = client.get(f"/search?q=apple&{query}")
    assert response.status_code == 200 and f"left out: {names}." in response.text


def test_what_was_meant_is_shown_and_what_was_typed_can_be_asked(client):
    page = client.get("/search?q=appel+banan").text
    assert "Showing results for" in page and "<bdi>apple banana</bdi>" in page
    typed = client.get("/search?q=appel+banan&exact=1").text
    assert "Search instead for" in page and "Showing results for" not in typed
    assert "Nothing found for “\u2068qqqq zzzz\u2069”" in client.get("/search?q=qqqq+zzzz").text


def test_pages_beyond_the_last_say_so(client):
    response = client.get("/search?q=banana&page=20")
    assert response.status_code == 200 and ("There is no page 20" in response.text or "Nothing found" in response.text)


@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(["integer", "float", "date", "keyword", "boolean", ""]))
def test_any_bound_is_a_filter_or_a_problem(low, high, kind):
    try:
        expression = filter_expression([], [Range("a field", low, high)], {"a field": kind})
    except HttpProblem as error:
        assert error.status == 400 and "a field" in str(error)
    else:
        assert (expression is None) == (not low and not high)
        assert expression is None or expression.startswith('"a field" ')


@pytest.mark.parametrize(
    ("text", "after"),
    [("2020", "2021-01-01"), ("2020-02-28", "2020-02-29"), ("2020-12-31", "2021-01-01"), ("9999-12-31", None), ("9999", None),
     ("2020-05-01T10:00:00", None), ("soon", None)],
)  # fmt: skip
def test_the_day_after(text, after):
    assert after_the_end(text) == after


class _Inline(HTMLParser):
    """Collects what a strict policy would not run: inline scripts and styles, handlers, addresses that are scripts."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.found += [(tag, name) for name, value in attributes if name == "style" or name.startswith("on")]
        self.found += [(tag, value) for name, value in attributes if name in ("href", "src", "action") and "javascript:" in (value or "")]
        self.found += [tag] if tag == "style" or (tag == "script" and not named.get("src")) else []


@pytest.mark.parametrize(
    "path",
    ["/", "/search?q=apple", "/search?q=qqqq", "/document/d1", "/why?q=apple&id=d0&rank=1", "/search?q=apple&sort=x", "/nowhere"],
)
def test_no_page_has_inline_scripts_or_styles(client, path):
    page = client.get(path, headers={"Accept": "text/html"}).text
    reader = _Inline()
    reader.feed(page)
    assert "</html>" in page and reader.found == []
