"""The InstantSearch.js adapter: its mapping by node's own tests, and the real library in a real browser, on another origin, against the real server."""

import re
import subprocess
import time

import pytest
from node_tools import ADAPTER, instantsearch, node
from other_site import other_site, watch
from web_home import make_home
from web_server import running_server

from ranker.clicklog import ClickLog
from searchd.keys import KeyStore

PAGE = """<!doctype html><meta charset="utf-8"><title>shop</title><link rel="icon" href="data:,">
<div id="box"></div><div id="sort"></div><div id="tags"></div><div id="years"></div><div id="stats"></div><div id="hits"></div><div id="pages"></div>
<script src="/node_modules/instantsearch.js/dist/instantsearch.production.min.js"></script>
<script type="module">
import { createSearchClient, createClicks } from "/index.js";
const searchClient = createSearchClient({ url: "SERVER", key: "KEY", clientId: "visit-1" });
const search = instantsearch({ indexName: "docs", searchClient });
const { searchBox, sortBy, refinementList, rangeInput, stats, hits, pagination, configure } = instantsearch.widgets;
search.addWidgets([
  configure({ hitsPerPage: 5 }),
  searchBox({ container: "#box" }),
  sortBy({ container: "#sort", items: [{ label: "best", value: "docs" }, { label: "newest", value: "docs:year:desc" }] }),
  refinementList({ container: "#tags", attribute: "tag", operator: "or", searchable: true, limit: 20 }),
  rangeInput({ container: "#years", attribute: "year" }),
  stats({ container: "#stats" }),
  hits({ container: "#hits", templates: { item: (hit, { html, components }) =>
    html`<a href="#${hit.objectID}" data-id=${hit.objectID}>${components.Highlight({ hit, attribute: "title" })}</a> <b>${hit.year}</b>` } }),
  pagination({ container: "#pages" }),
]);
search.use(createClicks(searchClient, { onEvent: (event, sent) => (window.sent = [...(window.sent ?? []), ...sent]) }));
search.start();
window.search = search;
</script>"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The address of a shop's page over a server of another origin that wants keys, and the server's home."""
    library = instantsearch()
    folder, site = tmp_path_factory.mktemp("instantsearch"), tmp_path_factory.mktemp("shop")
    home = make_home(folder)
    key = KeyStore(home.keys).create(("search", "events"))
    for name in ("index.js", "src"):
        (site / name).symlink_to(ADAPTER / name)
    (site / "node_modules").symlink_to(library.parent)
    with other_site(site) as address:
        home.settings.write_text(f'[service]\nrequire_keys = true\ncors_origins = ["{address}"]\n')
        with running_server(home.root, folder) as (base, _):
            (site / "index.html").write_text(PAGE.replace("SERVER", base).replace("KEY", key), encoding="utf-8")
            yield address, home


@pytest.fixture
def page(chromium, shop):
    context = chromium.new_context()
    page = context.new_page()
    faults = watch(page)
    page.goto(shop[0])
    page.wait_for_selector("#hits a")
    yield page
    context.close()
    assert faults == []


def titles(page):
    return page.locator("#hits a").all_inner_texts()


def found(page):
    page.wait_for_function("window.search.status === 'idle'")
    return int(re.match(r"([\d,]+)", page.locator("#stats").inner_text()).group(1).replace(",", ""))


def test_the_mapping_by_nodes_own_tests():
    ran = subprocess.run([node(), "--test"], cwd=ADAPTER, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout[-5000:]


@pytest.mark.browser
def test_searching_marks_what_was_found_and_runs_nothing_of_a_document(page):
    page.fill("#box input", "regular expression")
    page.wait_for_selector("#hits mark")
    assert titles(page)[0] == "re: regular expression operations" and page.locator("#hits mark").first.inner_text() == "regular"
    page.fill("#box input", "zebrafish")
    page.wait_for_function("document.querySelector('#hits mark')?.innerText === 'zebrafish'")
    assert titles(page) == ["<script>alert(1)</script> zebrafish"] and page.locator("#hits script").count() == 0


@pytest.mark.browser
def test_facets_are_alternatives_whose_counts_stay(page):
    page.fill("#box input", "list comprehension")
    page.wait_for_function("document.querySelector('#stats').innerText.startsWith('45')")
    page.get_by_role("checkbox", name="t0").check()
    page.wait_for_function("document.querySelector('#stats').innerText.startsWith('15')")
    assert page.locator("#tags li").count() == 3  # the other values are still offered
    page.get_by_role("checkbox", name="t1").check()
    page.wait_for_function("document.querySelector('#stats').innerText.startsWith('30')")


@pytest.mark.browser
def test_values_of_a_facet_are_searched(page):
    page.fill("#tags input[type=search]", "asy")
    page.wait_for_function("document.querySelectorAll('#tags li').length === 1")
    assert page.locator("#tags mark").inner_text() == "asy"
    page.get_by_role("checkbox", name="async").click()
    page.wait_for_function("document.querySelector('#stats').innerText.startsWith('2 ')")


@pytest.mark.browser
def test_numbers_have_bounds_and_are_filtered(page):
    lowest, highest = page.locator("#years input").all()
    assert (lowest.get_attribute("placeholder"), highest.get_attribute("placeholder")) == ("1999", "2044")
    lowest.fill("2040")
    page.locator("#years button").click()
    page.wait_for_function("document.querySelector('#stats').innerText.startsWith('5 ')")
    assert found(page) == 5


@pytest.mark.browser
def test_the_order_of_an_index_name_and_pages(page):
    page.locator("#sort select").select_option("docs:year:desc")
    page.wait_for_function("document.querySelector('#hits b').innerText === '2044'")
    page.locator("#pages").get_by_role("link", name="Page 2", exact=True).click()
    page.wait_for_function("document.querySelector('#hits b').innerText === '2039'")


@pytest.mark.browser
def test_a_click_is_in_the_log_once_with_its_rank(page, shop):
    page.fill("#box input", "event loop")
    page.wait_for_function("document.querySelector('#hits mark')?.innerText.toLowerCase() === 'event'")
    page.locator("#hits a[data-id=loop-1]").click()
    page.wait_for_function("window.sent?.length >= 1")
    event = page.evaluate("window.sent[0]")
    deadline, log = time.monotonic() + 10, ClickLog(shop[1].clicks)
    while not (clicks := [one for one in log.events("click") if one.query_id == event["query_id"]]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [(one.object_id, one.position, one.client_id) for one in clicks] == [
        ("loop-1", event["event_attributes"]["position"]["ordinal"], "visit-1")
    ]


@pytest.mark.browser
def test_readers_who_ask_not_to_be_followed_are_not(chromium, shop):
    context = chromium.new_context()
    context.add_init_script("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })")
    page = context.new_page()
    bodies = []
    page.on(
        "request",
        lambda request: bodies.append(request.post_data_json) if request.url.endswith("/v1/search") and request.post_data else None,
    )
    page.goto(shop[0])
    page.wait_for_selector("#hits a")
    page.locator("#hits a").first.click()
    assert bodies and all(body["log"] is False and "client_id" not in body for body in bodies)
    assert not page.evaluate("window.sent?.length")
    context.close()
