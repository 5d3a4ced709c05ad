"""The search box on a page of another origin, in a real browser: typing, results, clicks, privacy; its size and how it is delivered."""

import time

import pytest
from other_site import other_site, watch
from web_home import make_home
from web_server import running_server

from ranker.clicklog import ClickLog
from searchd.app import create_app
from searchd.keys import KeyStore

# A site whose own style would make the box unreadable, and whose policy allows neither inline styles nor scripts of its own.
PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>shop</title><link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'self'; script-src {server}; connect-src {server}">
<link rel="stylesheet" href="/site.css"><h1>Shop</h1><div id="here"></div>
<script src="{server}/box.js" data-key="{key}" {data} async></script>"""
SITE_CSS = "input, button, li, a, mark { display: none !important; color: red; font-size: 90px; }"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Writes a page that has the box, and yields its address; the server wants keys."""
    folder, root = tmp_path_factory.mktemp("box"), tmp_path_factory.mktemp("site")
    home = make_home(folder)
    key = KeyStore(home.keys).create(("search", "events"))
    (root / "site.css").write_text(SITE_CSS)
    with other_site(root) as address:
        home.settings.write_text(f'[service]\nrequire_keys = true\ncors_origins = ["{address}"]\n')
        with running_server(home.root, folder) as (base, _):

            def write(data="", lang="en"):
                (root / "index.html").write_text(PAGE.format(server=base, key=key, data=data, lang=lang), encoding="utf-8")
                return address

            yield write, home, base


@pytest.fixture
def open_page(chromium, site):
    opened = []

    def opener(data="", lang="en", script=""):
        context = chromium.new_context()
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.route("https://docs.example.org/**", lambda route: route.fulfill(body="elsewhere"))
        opened.append((context, watch(page)))
        page.goto(site[0](data, lang))
        page.wait_for_selector(".searchd-box")
        return page

    yield opener
    for context, _ in opened:
        context.close()
    assert [faults for _, faults in opened if faults] == []


def clicks(home, number):
    """The clicks in the log, once there are ``number`` of them."""
    log, deadline = ClickLog(home.clicks), time.monotonic() + 10
    while len(found := list(log.events("click"))) < number and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


@pytest.mark.browser
def test_typing_suggests_as_a_combobox_does(open_page):
    page = open_page('data-target="#here"')
    assert page.locator("#here .searchd-box").count() == 1
    box = page.get_by_role("combobox", name="Search")
    box.press_sequentially("compr", delay=20)
    page.get_by_role("option").first.wait_for()
    assert box.get_attribute("aria-expanded") == "true"
    box.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == "s0" and box.input_value().startswith("compr") and box.input_value() != "compr"
    box.press("Escape")
    assert box.input_value() == "compr" and box.get_attribute("aria-expanded") == "false"
    box.press("ArrowDown")  # closed: nothing is chosen
    assert box.input_value() == "compr"
    box.fill("")
    box.press_sequentially("compr", delay=20)
    page.get_by_role("option").first.click()
    page.get_by_role("status").wait_for()
    assert page.get_by_role("status").inner_text() == "Results: 45"


@pytest.mark.browser
def test_results_are_links_whose_clicks_count_once_though_the_page_is_left(open_page, site):
    page = open_page()
    before = len(clicks(site[1], 0))
    box = page.get_by_role("combobox")
    box.fill("regular expression")
    box.press("Enter")
    link = page.get_by_role("link", name="re: regular expression operations")
    link.wait_for()
    assert page.locator(".searchd-box mark").count() >= 2
    assert link.evaluate("e => getComputedStyle(e).fontSize") == "16px"  # none of the site's style
    link.click()
    page.wait_for_url("https://docs.example.org/**")
    found = clicks(site[1], before + 1)
    assert len(found) == before + 1 and (found[-1].object_id, found[-1].position) == ("library/re", 1) and len(found[-1].client_id) == 36


@pytest.mark.browser
def test_documents_run_nothing_and_have_a_page_without_an_address(open_page, site):
    page = open_page()
    page.get_by_role("combobox").fill("zebrafish")
    page.get_by_role("combobox").press("Enter")
    link = page.get_by_role("link")
    link.wait_for()
    assert link.inner_text() == "<script>alert(1)</script> zebrafish" and link.get_attribute("href") == f"{site[2]}/document/?id=x1"
    page.keyboard.press("Escape")
    assert page.get_by_role("link").count() == 0 and page.evaluate("document.activeElement.className") == "searchd-box"


@pytest.mark.browser
def test_readers_who_ask_not_to_be_followed_are_not(open_page, site):
    page = open_page(script="Object.defineProperty(Navigator.prototype, 'doNotTrack', { get: () => '1' })")
    sent = []
    page.on("request", lambda request: sent.append((request.url, request.post_data_json)) if request.method == "POST" else None)
    before = len(clicks(site[1], 0))
    page.get_by_role("combobox").fill("regular expression")
    page.get_by_role("combobox").press("Enter")
    page.get_by_role("link", name="re: regular").click()
    page.wait_for_url("https://docs.example.org/**")
    assert [(url.rpartition("/")[2], body["log"], "client_id" in body) for url, body in sent] == [("search", False, False)]
    assert len(clicks(site[1], before)) == before


@pytest.mark.browser
def test_speaks_the_pages_language_filters_and_leads_to_a_page_of_results(open_page):
    chinese = open_page("""data-filter='tag = "async"' data-limit="1" data-placeholder="搜一搜" """, lang="zh-CN")
    box = chinese.get_by_role("combobox", name="搜索")
    assert box.get_attribute("placeholder") == "搜一搜"
    box.fill("event loop")
    box.press("Enter")
    chinese.get_by_text("结果：2").wait_for()
    assert chinese.get_by_role("link").count() == 1
    leading = open_page('data-action="/results.html?q="')
    leading.route("**/results.html**", lambda route: route.fulfill(body="results"))
    leading.get_by_role("combobox").fill("a b&c")
    leading.get_by_role("combobox").press("Enter")
    leading.wait_for_url("**/results.html?q=a%20b%26c")


def test_the_script_is_small_open_to_every_site_and_kept():
    client = create_app("nowhere").test_client()
    response = client.get("/box.js")
    assert response.status_code == 200 and response.mimetype == "text/javascript" and len(response.data) < 10 * 1024
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin" and "max-age=3600" in response.headers["Cache-Control"]
    assert client.get("/box.js", headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
    assert client.get("/static/page.js").headers["Cross-Origin-Resource-Policy"] == "same-origin"
