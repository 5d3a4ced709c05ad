"""The dashboard in a real browser against the real server: a key is needed, one click changes a model, foreign pages cannot, nothing leaks or overflows."""

import contextlib
import http.server
import urllib.error
import urllib.request
from itertools import product

import pytest
from by_axe import faults_by_axe
from test_admin import PAGES, write_log
from test_page_browser import CONTRAST
from threaded import serving
from trained_home import make_trained_home
from web_server import running_server

from ranker.experiments import Experiments
from ranker.registry import Registry
from searchd.keys import KeyStore

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

STANDING = {
    "model": "blend/v0001", "outcome": "running", "reason": "", "sessions": 90, "wins": 40, "losses": 30, "win_rate": 0.5714, "low": 0.41, "high": 0.72, "p": 0.7,
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("admin-browser")
    home = make_trained_home(folder, 60)
    write_log(home)
    Experiments(home).start("winter", ["blend"])
    Experiments(home).stop("winter", "stopped by hand", [STANDING])
    key = KeyStore(home.keys).create("admin", label="browser")
    with running_server(home.root, folder) as (base, _):
        yield base, home, key


@pytest.fixture
def visit(chromium, server):
    """Open a page with the key as a password, and hold at the end that nothing was violated or loaded from elsewhere."""
    opened, faults = [], []

    def opener(path, width=1200, **options):
        credentials = {"username": "any", "password": server[2]}
        context = chromium.new_context(viewport={"width": width, "height": 900}, http_credentials=credentials, **options)
        page = context.new_page()
        page.on(
            "console",
            lambda message: faults.append(message.text) if message.type in ("error", "warning") and "409" not in message.text else None,
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(server[0]) else faults.append(request.url))
        page.goto(server[0] + path)
        opened.append(context)
        return page

    yield opener
    for context in opened:
        context.close()
    assert faults == []


def test_without_a_key_there_is_nothing_to_see(server):
    for path in PAGES:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(server[0] + path, timeout=10)
        assert refused.value.code == 401


@pytest.mark.parametrize("scripts", [True, False], ids=["javascript", "no-javascript"])
def test_one_click_activates_and_one_rolls_back(visit, server, scripts):
    registry = Registry(server[1])
    page = visit("/admin", java_script_enabled=scripts)
    page.click("nav >> text=Ranking")
    page.click("button[aria-label='Activate blend/v0001']")
    page.wait_for_url("**/admin/ranking?done=activated")
    assert registry.active() == ("blend", "v0001")
    assert "blend/v0001 serves" in page.locator("[role=status]").inner_text()
    page.click("text=Roll back")
    page.wait_for_url("**/admin/ranking?done=rolled_back")
    assert registry.active() == ("plain", "v0001")
    assert page.locator("section[aria-labelledby=story] tbody tr").first.inner_text().count("browser") == 1


def test_two_rankers_are_compared_on_pasted_queries(visit):
    page = visit("/admin/ranking")
    page.select_option("#second", "plain/v0001")
    page.check("input[value=pasted]")
    page.fill("#queries", "apple banana\ncherry")
    page.click("text=Compare >> nth=-1")
    page.wait_for_selector(".compared")
    assert page.locator(".compared").count() == 2 and page.locator(".compared >> nth=0 >> .places li").count() == 20


def test_a_proposed_synonym_is_one_click_away(visit, server):
    page = visit("/admin/queries")
    page.click("button[aria-label='Add the line zzz => apple to the synonyms']")
    page.wait_for_url("**done=added**")
    assert (server[1].lexicon / "synonyms.txt").read_text() == "zzz => apple\n"


def test_a_foreign_page_cannot_change_anything(chromium, server):
    """Another site makes the reader's browser, which knows the password, send the form by itself."""
    base, home, key = server
    body = f"""<form method=post action="{base}/admin/models/rollback"><input name=form_token value=x></form><script>document.forms[0].submit()</script>"""

    class Foreign(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    context = chromium.new_context(http_credentials={"username": "any", "password": key})
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Foreign)) as site, contextlib.closing(context):
        page = context.new_page()
        page.goto(base + "/admin/ranking")
        with page.expect_response("**/admin/models/rollback") as sent:
            page.goto(site)
        assert sent.value.status in (401, 403)
        assert Registry(home).active() == ("plain", "v0001")


@pytest.mark.parametrize("path", PAGES)
def test_pages_fit_a_phone_and_text_has_contrast(visit, path):
    for scheme, locale in (("light", "en-GB"), ("dark", "zh-CN")):
        page = visit(path, width=360, color_scheme=scheme, locale=locale)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, (path, scheme)
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("[...document.querySelectorAll('input:not([type=hidden]), select, textarea')].every(i => i.labels.length)")
        assert page.locator("h1").count() == 1 and page.locator("html").get_attribute("lang") == {"en-GB": "en", "zh-CN": "zh-Hans"}[locale]


READERS = {
    "light-en": {"color_scheme": "light", "locale": "en-GB"},
    "dark-zh-phone": {"color_scheme": "dark", "locale": "zh-CN", "width": 390},
}


# Every page for one reader, by turns; each page for each reader is for `make test-all`.
def _visits():
    for (number, path), (turn, reader) in product(enumerate(PAGES), enumerate(READERS)):
        yield pytest.param(path, reader, marks=() if number % 2 == turn else pytest.mark.slow, id=f"{path}-{reader}")


@pytest.mark.parametrize(("path", "reader"), list(_visits()))
def test_axe_finds_nothing(visit, path, reader):
    page = visit(path, **READERS[reader])
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert faults_by_axe(page) == []


def test_axe_finds_nothing_in_a_refusal_and_in_a_comparison(visit, server):
    store = Experiments(server[1])
    store.start("spring", ["blend"])
    try:
        page = visit("/admin/ranking", color_scheme="dark")
        page.click("button[aria-label='Activate blend/v0001']")
        assert "experiment spring" in page.locator("[role=alert]").inner_text()
        assert faults_by_axe(page) == []
        page.click("text=Leave it as it is")
        page.wait_for_url("**/admin/ranking")
    finally:
        store.stop("spring", "stopped by hand", [])
    page = visit("/admin/ranking", width=390)
    page.check("input[value=pasted]")
    page.fill("#queries", "apple banana\ncherry")
    page.click("text=Compare >> nth=-1")
    page.wait_for_selector(".compared")
    assert faults_by_axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
