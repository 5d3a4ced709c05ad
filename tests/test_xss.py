"""Hostile texts in every place that a page shows, in a real browser, with the policy of the pages switched off as well: nothing runs, nothing is loaded.

Besides dialogs, errors and requests, the shape of every page is held against that of the same page with harmless texts: no element and no attribute
may come that is not there either, so that even what happens to do nothing is found.
"""

import contextlib
import html
import itertools
import json
import re
from urllib.parse import quote, urlencode

import pytest
from markupsafe import Markup
from node_tools import ADAPTER, instantsearch
from other_site import other_site
from threaded import serving
from web_home import SCHEMA
from werkzeug.serving import WSGIRequestHandler, make_server
from xss_payloads import PAYLOADS, URLS

import searchd.highlight as highlight
from indexer.build import build
from indexer.home import Home
from ranker.clicklog import ClickLog, Impression
from ranker.clicklog_schema import now_ms
from searchd.app import create_app

PlaywrightError = pytest.importorskip("playwright.sync_api").Error
pytestmark = pytest.mark.browser

SHAPE_OF = """(page) => [...new Set([...page.querySelectorAll('*')].flatMap(e =>
  [e.tagName, ...[...e.attributes].map(a => `${e.tagName} ${a.name}`)]))].concat(
  [...page.querySelectorAll('[href],[src],[action],[formaction]')].map(e => e.href || e.src || e.action).filter(u =>
    typeof u === 'string' && !/^https?:/.test(u)).map(u => `address ${u}`)).sort()"""
SHAPE = f"() => ({SHAPE_OF})(document)"
# The shapes of pages that the browser parses and does not show, eight at a time; what is no HTML has no shape but its type.
READ = (
    """async (paths) => {
  const found = new Set(), parser = new DOMParser();
  const read = async (path) => {
    const answer = await fetch(path), type = answer.headers.get('Content-Type') || '', html = type.startsWith('text/html');
    (html ? shape(parser.parseFromString(await answer.text(), 'text/html')) : [`type ${type}`]).forEach(one => found.add(one));
  };
  for (let at = 0; at < paths.length; at += 8) await Promise.all(paths.slice(at, at + 8).map(read));
  return [...found];
  function shape(page) { return ("""
    + SHAPE_OF
    + ")(page); }}"
)
NAVIGATION_MS = 600_000  # the server may be on a machine that has other things to do
TOGETHER = 300  # characters of payloads that stand on one page
# What a page may have or not, whatever its texts: parts of a result, marks, states of the box.
OPTIONAL = {
    "MARK", "UL class", "P class", "LI", "LI class", "BDI", "SPAN class", "SPAN", "A class", "A href", "A rel", "UL", "UL aria-label", "DIV class", "DT", "DD", "DD dir",
    "A data-id", "A data-position", "A data-target", "OL", "A aria-label", "A aria-current", "A lang", "A hreflang", "A dir", "NAV", "NAV class", "NAV aria-label", "P", "B",
    "HTML class", "INPUT aria-activedescendant", "LI id", "LI role", "LI aria-selected", "LI data-text", "LI tabindex", "INPUT value", "SPAN aria-hidden", "UL hidden",
    "UL aria-labelledby", "LI aria-posinset", "LI aria-setsize",
}  # fmt: skip


class _Quiet(WSGIRequestHandler):
    def log(self, *arguments):
        pass


def served(app):
    """The application in this process, so that a test can put a bug into it; yields its address."""
    return serving(make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet))


def documents(payloads):
    """A document for each payload, which stands in all of its fields, in its id and in the name of a field of its own."""
    for number, payload in enumerate(payloads):
        yield {
            "id": f"{payload} {number}"[:500].replace("\u2028", " ").replace("\t", " "), "title": f"{payload} zebra{number}", "body": f"common {payload} common " * 3, "tag": payload,
            "year": 2000, "url": URLS[number % len(URLS)], payload[:200]: payload,
        }  # fmt: skip


def make_home(folder, payloads):
    """A home of hostile documents, and a click log in which many people asked for each payload, found nothing, and asked for the next one."""
    folder.mkdir()
    source = folder / "documents.jsonl"
    source.write_text("".join(json.dumps(one) + "\n" for one in documents(payloads)))
    home = Home.at(folder / "home")
    report = build(home, [str(source)], schema=SCHEMA)
    assert report.indexed == len(payloads), report
    with ClickLog(home.clicks) as log:
        shown = []
        for number, (payload, client) in enumerate(itertools.product(payloads[:40], range(4))):
            who = {"client_id": f"c{client}", "session_id": f"s{number}"}
            shown.append(Impression(f"z{number}", now_ms(), payload[:80], [], **who))
            shown.append(Impression(f"a{number}", now_ms(), f"zebra {payload[:70]}", ["1"], **who))
        log.write(shown, [])
    return home


@contextlib.contextmanager
def site(folder, payloads, **settings):
    app = create_app(make_home(folder, payloads), merge=False, page_size=50, dashboard_min_clients=1, **settings)
    service = app.extensions["searchd"]
    service.warm_up()
    key = service.keys.create("admin", label=payloads[0])
    try:
        with served(app) as base:
            yield app, base, key
    finally:
        service.close()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    with site(tmp_path_factory.mktemp("xss") / "hostile", PAYLOADS) as found:
        yield found


class Visit:
    """A browser's visit to a server: its pages' shapes, and everything that should not happen."""

    def __init__(self, chromium, base, key, csp):
        self.base, self.faults, self.shapes = base, [], {}
        self.context = chromium.new_context(
            bypass_csp=not csp,
            http_credentials={"username": "any", "password": key, "origin": base},
            viewport={"width": 900, "height": 700},
        )
        self.context.add_init_script(
            "for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => console.error(`ran ${name}`);"
        )
        self.context.set_default_navigation_timeout(NAVIGATION_MS)
        self.page = self.context.new_page()
        self.page.on("dialog", lambda dialog: (self.faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on("console", lambda message: self._told(message) if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.faults.append(f"error {error}"))
        self.page.on(
            "request", lambda request: None if request.url.startswith(base) else self.faults.append(f"request {request.url[:200]}")
        )
        self.page.on("popup", lambda popup: self.faults.append(f"popup {popup.url}"))
        self.context.route(lambda url: not url.startswith(base), lambda route: route.abort())

    def _told(self, message):
        if "the server responded with a status of" not in message.text:
            self.faults.append(f"console {message.text[:300]}")

    def see(self, name, path):
        """Load a page, let what wants to run do so, and keep its shape under ``name``."""
        try:
            self.page.goto(self.base + path)
            self.page.wait_for_timeout(20)
            self.shapes.setdefault(name, set()).update(self.page.evaluate(SHAPE))
        except PlaywrightError as error:
            self.faults.append(f"left the page: {error}")  # a document sent the browser elsewhere

    def read(self, places):
        """Parse pages, ``name -> paths``, without showing them: nothing runs, but what would shows in their shapes."""
        self.page.goto(self.base + "/")
        for name, paths in places.items():
            self.shapes.setdefault(name, set()).update(self.page.evaluate(READ, paths))

    def type(self, name, path, texts):
        """Type one text after the other into the search box and wait for what it lists."""
        self.page.goto(self.base + path)
        for text in texts:
            with contextlib.suppress(PlaywrightError), self.page.expect_response("**/suggest?**", timeout=400):  # nothing is asked
                self.page.fill("#q", text)
            self.page.wait_for_timeout(20)
            self.shapes.setdefault(name, set()).update(self.page.evaluate(SHAPE))

    def end(self):
        self.context.close()


def places(common, key, payload):
    """Every kind of page that shows what its address has: (name, path)."""
    yield "results", f"/search?{urlencode({'q': f'{payload} {common}'})}"
    yield "narrowed", f"/search?{urlencode({'q': common, 'f': f'tag:{payload}', 'sort': 'year:asc', 'lang': payload, 'page': payload})}"
    yield "problem", f"/search?{urlencode({'q': common, 'f': f'{payload}:{payload}', 'sort': payload})}"
    yield "problem", f"/document/?{urlencode({'id': payload, 'lang': payload})}"
    yield "problem", f"/{quote(payload)}"
    yield "why", f"/why?{urlencode({'q': common, 'id': key, 'rank': payload})}"
    yield "admin problem", f"/admin/{quote(payload)}"
    yield "admin index", f"/admin/index?{urlencode({'done': payload, 'name': payload, 'days': payload})}"


def together(payloads):
    """Payloads side by side, as many as one page takes."""
    lines = [""]
    for payload in payloads:
        if lines[-1] and len(lines[-1]) + len(payload) > TOGETHER:
            lines.append("")
        lines[-1] += f" {payload}"
    return lines


def tour(visit, app, payloads):
    """Every kind of page: parsed with each of the payloads in its address, shown with several at once, beside those that stand in the documents."""
    index = app.extensions["searchd"].engine.index
    common = "common" if any("<" in payload for payload in payloads) else "other"
    keys = [index.key(doc) for doc in range(0, index.num_docs, max(1, index.num_docs // len(payloads)))]
    addresses = {"document": [f"/document/?{urlencode({'id': key})}" for key in keys]}
    for name, path in (place for payload in payloads for place in places(common, keys[0], payload)):
        addresses.setdefault(name, []).append(path)
    visit.read(addresses)
    for page in range(1, 6 if len(payloads) > 30 else 3):
        visit.see("results", f"/search?q={common}&page={page}")
    for address in addresses["document"][:: 1 + len(payloads) // 60]:
        visit.see("document", address)
    for name, path in (place for line in together(payloads) for place in places(common, keys[0], line)):
        visit.see(name, path)
    visit.type("typed", "/", [*(payload[:60] for payload in payloads), "zebra"])
    for path in ("/admin", "/admin/queries", "/admin/ranking", "/admin/experiments", "/docs"):
        visit.see(path, path)
    return visit


@pytest.fixture(scope="module")
def shapes(chromium, tmp_path_factory):
    """What pages consist of whose texts do no harm."""
    with site(tmp_path_factory.mktemp("plain") / "plain", [f"word{number} other" for number in range(60)]) as (app, base, key):
        plain = tour(Visit(chromium, base, key, True), app, ["word1 other"])
        plain.end()
    assert plain.faults == []
    return plain.shapes


def faults_of(chromium, hostile, shapes, payloads, csp):
    """What happened in a tour with hostile texts, and what its pages have that those with harmless texts have not."""
    app, base, key = hostile
    found = tour(Visit(chromium, base, key, csp), app, payloads)
    found.end()
    # Any page may turn out to be that of a problem, such as a search that a busy machine had no time for.
    strange = {name: shape - shapes[name] - shapes["problem"] - OPTIONAL for name, shape in found.shapes.items()}
    return found.faults, {name: sorted(shape) for name, shape in strange.items() if shape}


def guilty(chromium, hostile, shapes, payloads, csp):
    """What is wrong, by payload: each of them is tried alone where something is wrong with all of them together."""
    whole = faults_of(chromium, hostile, shapes, payloads, csp)
    if whole == ([], {}):
        return {}
    alone = {payload: faults_of(chromium, hostile, shapes, [payload], csp) for payload in payloads}
    return {payload: found for payload, found in alone.items() if found != ([], {})} or {"together": whole}


# The policy forgives what the pages forget, so that without it is the harder one.
@pytest.mark.parametrize(
    ("csp", "every"),
    [(False, 130), *(pytest.param(*tour, marks=pytest.mark.slow) for tour in ((False, 1), (True, 12)))],
    ids=["sample without policy", "all without policy", "twelfth with policy"],
)
def test_hostile_texts_are_only_text(chromium, hostile, shapes, csp, every):
    assert len(PAYLOADS) > 200
    assert guilty(chromium, hostile, shapes, PAYLOADS[3 % every :: every], csp) == {}


def test_links_lead_to_pages_and_nowhere_else(hostile):
    app, _, _ = hostile
    client = app.test_client()
    for page in range(1, 6):
        for link in re.findall(r'href="([^"]*)"', client.get(f"/search?q=common&page={page}").text):
            assert link.startswith(("/", "https://docs.example.org/", "#")) and not link.startswith("//"), link


BOX = """<!doctype html><html lang="en"><meta charset="utf-8"><title>shop</title><link rel="icon" href="data:,"><h1>Shop</h1>
<script src="{base}/box.js" data-key="{key}" async></script>"""
SHOP = """<!doctype html><meta charset="utf-8"><title>shop</title><link rel="icon" href="data:,">
<div id="box"></div><div id="tags"></div><div id="hits"></div><script src="/node_modules/instantsearch.js/dist/instantsearch.production.min.js"></script>
<script type="module">
import {{ createSearchClient }} from "/index.js";
const search = instantsearch({{ indexName: "docs", searchClient: createSearchClient({{ url: "{base}", key: "{key}", clientId: "a" }}) }});
const {{ searchBox, refinementList, hits, configure }} = instantsearch.widgets;
search.addWidgets([configure({{ hitsPerPage: 50 }}), searchBox({{ container: "#box" }}), refinementList({{ container: "#tags", attribute: "tag", limit: 50 }}),
  hits({{ container: "#hits", templates: {{ item: (hit, {{ html, components }}) => html`<p data-id=${{hit.objectID}}>${{components.Highlight({{ hit, attribute: "title" }})}}
    ${{components.Snippet({{ hit, attribute: "body" }})}}</p>` }} }})]);
search.start();
</script>"""


def elsewhere(chromium, folder, page, payloads, ask):
    """What happened on a page of another site over the hostile home, without a policy of its own; ``ask(page)`` searches there."""
    faults = []
    with other_site(folder) as origin, site(folder / "home", payloads, cors_origins=[origin]) as (app, base, _):
        key = app.extensions["searchd"].keys.create("search")
        (folder / "index.html").write_text(page.format(base=base, key=key), encoding="utf-8")
        context = chromium.new_context()
        opened = context.new_page()
        opened.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on("request", lambda request: None if request.url.startswith((origin, base, "data:,")) else faults.append(request.url))
        context.route(lambda url: not url.startswith((origin, base)), lambda route: route.abort())
        opened.goto(origin)
        ask(opened, faults)
        for tag in ("IMG", "SVG", "IFRAME", "OBJECT", "VIDEO", "MATH", "BASE", "EMBED", "DETAILS", "MARQUEE"):
            faults += [tag] * opened.evaluate(
                "tag => [...document.querySelectorAll(`${tag}:not(form svg)`)].filter(e => e.closest('#hits, #tags, .searchd-box li')).length",
                tag,
            )
        context.close()
    return faults


def test_the_box_on_another_site_shows_only_text(chromium, tmp_path):
    def ask(page, faults):
        page.wait_for_selector(".searchd-box")
        for words in ("common", "zebra7", "<svg/onload=alert(1)> common"):
            page.get_by_role("combobox").fill(words)
            page.get_by_role("combobox").press("Enter")
            page.get_by_role("status").wait_for()
            page.wait_for_timeout(50)
            links = page.locator(".searchd-box a").evaluate_all("links => links.map(link => link.href)")
            faults += [link for link in links if not link.startswith(("http://127.0.0.1", "https://docs.example.org/"))]
            assert links

    assert elsewhere(chromium, tmp_path, BOX, PAYLOADS[::9], ask) == []


@pytest.mark.slow
def test_instantsearch_shows_only_text(chromium, tmp_path):
    (tmp_path / "node_modules").symlink_to(instantsearch().parent)
    for name in ("index.js", "src"):
        (tmp_path / name).symlink_to(ADAPTER / name)

    def ask(page, faults):
        page.wait_for_selector("#hits p")
        page.locator("#box input").fill("common")
        page.wait_for_timeout(400)
        assert page.locator("#hits p").count() > 20 and page.locator("#tags li").count() > 10 and not faults

    assert elsewhere(chromium, tmp_path, SHOP, PAYLOADS[::9], ask) == []


def _believe_passages(monkeypatch):
    marked = highlight.marked
    monkeypatch.setattr(highlight, "marked", lambda *given: [html.unescape(text) for text in marked(*given)])
    monkeypatch.setattr("searchd.page.safe_highlight", Markup)


MUTANTS = {
    "templates escape nothing": lambda app, monkeypatch: setattr(app.jinja_env, "autoescape", False) or app.jinja_env.cache.clear(),
    "passages are believed": lambda app, monkeypatch: _believe_passages(monkeypatch),
    "links lead anywhere": lambda app, monkeypatch: monkeypatch.setattr(
        "searchd.page_result.safe_url", lambda document: document.get("url")
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_this_test_can_fail(chromium, tmp_path, shapes, monkeypatch, name):
    with site(tmp_path / "mutant", PAYLOADS[:60] + PAYLOADS[-60:]) as hostile:
        MUTANTS[name](hostile[0], monkeypatch)
        assert faults_of(chromium, hostile, shapes, PAYLOADS[2::60], False) != ([], {})
