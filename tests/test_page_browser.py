"""The search page in a real browser against the real server: searching, clicks with and without JavaScript, and nothing that runs or leaks."""

import json
import time
import urllib.request

import pytest
from web_home import make_home
from web_server import running_server

from ranker.clicklog import ClickLog

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    home = make_home(folder)
    with running_server(home.root, folder) as (base, _):
        yield base, home


@pytest.fixture
def open_page(chromium, server):
    """Open a page of its own, and hold at the end that nothing was violated, loaded from elsewhere, or run by a document."""
    opened = []

    def opener(path, **options):
        context = chromium.new_context(viewport={"width": 1200, "height": 900}, **options)
        page = context.new_page()
        faults = []
        page.on(
            "console",
            lambda message: faults.append(message.text) if message.type in ("error", "warning") and "404" not in message.text else None,
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: None if request.url.startswith((server[0], "https://docs.example.org/")) else faults.append(request.url),
        )
        page.route("https://docs.example.org/**", lambda route: route.fulfill(body="elsewhere"))
        page.goto(server[0] + path)
        opened.append((context, faults))
        return page

    yield opener
    found = [fault for _, faults in opened for fault in faults]
    for context, _ in opened:
        context.close()
    assert found == []


def _clicks(home, number):
    """The clicks in the log, once there are ``number`` of them: beacons arrive when the browser likes."""
    log = ClickLog(home.clicks)
    deadline = time.monotonic() + 10
    while len(clicks := list(log.events("click"))) < number and time.monotonic() < deadline:
        time.sleep(0.05)
    return clicks


def test_searching_from_the_front_page_and_clicking_logs_once(open_page, server):
    base, home = server
    before = len(_clicks(home, 0))
    page = open_page("/")
    page.fill("#q", "regular expression")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?*")
    link = page.locator("a.title").first
    assert link.get_attribute("href") == "https://docs.example.org/3/library/re.html"
    assert page.locator("mark").count() >= 2
    query_id = page.locator(".results").get_attribute("data-query-id")
    link.click()
    page.wait_for_url("https://docs.example.org/**")
    click = _clicks(home, before + 1)[-1]
    assert (click.query_id, click.object_id, click.position, click.action_name) == (query_id, "library/re", 1, "click")
    assert len(_clicks(home, before + 1)) == before + 1


def test_everything_works_without_javascript(open_page, server):
    _, home = server
    before = len(_clicks(home, 0))
    page = open_page("/", java_script_enabled=False)
    page.fill("#q", "comprehension")
    page.click("button[type=submit]")
    page.wait_for_url("**/search?*")
    assert page.locator(".hit").count() == 10
    page.click("a[rel=next]")
    assert page.locator(".hits").get_attribute("start") == "11"
    page.locator(".facet a").first.click()
    page.wait_for_url("**f=tag*")
    assert page.locator(".chip").count() == 1
    page.locator("a.title").first.click()
    page.wait_for_url("**/document/**")
    assert "comprehension" in page.locator("h1").inner_text()
    assert len(_clicks(home, before + 1)) == before + 1


def test_suggestions_are_a_combobox(open_page):
    page = open_page("/")
    page.locator("#q").press_sequentially("compr", delay=20)
    page.wait_for_selector("#suggestions [role=option]")
    box = page.locator("#q")
    assert box.get_attribute("role") == "combobox" and box.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == "suggestion-0"
    chosen = box.input_value()
    assert chosen.startswith("compr")
    page.keyboard.press("Escape")
    assert box.input_value() == "compr" and page.locator("#suggestions").is_hidden()
    page.keyboard.press("ArrowDown")
    box.fill("")
    box.press_sequentially("compr", delay=20)
    page.wait_for_selector("#suggestions [role=option]")
    page.locator("#suggestions li").first.click()
    page.wait_for_url("**/search?q=compr*")


def test_hostile_documents_and_queries_run_nothing(open_page):
    for path in (
        "/search?q=zebrafish",
        "/document/x1",
        "/search?q=zebrafish+%22%3E%3Cscript%3Ealert(1)%3C/script%3E%3Cimg+src=x+onerror=alert(2)%3E",
        "/document/%3Cscript%3Ealert(1)",
    ):
        page = open_page(path)
        page.wait_for_timeout(50)  # what runs of itself has run
        assert page.locator("main script, main img, main iframe, main svg[onload], main b").count() == 0
        assert page.evaluate("[...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => a.name.startsWith('on')))") is False


def test_speaks_the_browsers_language_and_follows_its_colours(open_page):
    chinese = open_page("/", locale="zh-CN", color_scheme="dark")
    assert chinese.locator("html").get_attribute("lang") == "zh-Hans" and chinese.locator("button").inner_text() == "搜索"
    english = open_page("/", locale="en-GB", color_scheme="light")
    colour = "getComputedStyle(document.documentElement).backgroundColor"
    assert english.locator("button").inner_text() == "Search" and english.evaluate(colour) != chinese.evaluate(colour)


def test_a_phone_needs_no_sideways_scrolling(chromium, server):
    for path in ("/", "/search?q=list+comprehension", "/document/x1", "/docs"):
        context = chromium.new_context(viewport={"width": 360, "height": 740})
        page = context.new_page()
        page.goto(server[0] + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        context.close()


def test_every_control_has_a_name_and_text_has_contrast(open_page):
    for scheme in ("light", "dark"):
        page = open_page("/search?q=list+comprehension", color_scheme=scheme)
        assert page.evaluate("[...document.querySelectorAll('input:not([type=hidden])')].every(i => i.labels.length)")
        assert page.evaluate("[...document.querySelectorAll('a, button')].every(e => e.textContent.trim() || e.getAttribute('aria-label'))")
        assert page.evaluate("document.querySelectorAll('main, header, footer, [role=search]').length") == 4
        assert page.evaluate(CONTRAST) == []


def test_the_server_answers_a_browserless_client_the_same(server):
    with urllib.request.urlopen(f"{server[0]}/v1/search?q=regular", timeout=10) as response:
        assert json.load(response)["hits"][0]["id"] == "library/re"


# Texts whose colour stands out less than 4.5:1 (WCAG AA) from the nearest painted background.
CONTRAST = """
() => {
  const parse = (c) => {
    const p = c.match(/[\\d.]+/g).map(Number);
    return c.startsWith('color(') ? [p[0] * 255, p[1] * 255, p[2] * 255, p[3] ?? 1] : [p[0], p[1], p[2], p[3] ?? 1];
  };
  const channel = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c[3] > 0.5) return c;
    }
    return [255, 255, 255, 1];
  };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || e.closest('.sep, .visually-hidden, [hidden]')) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${e.className || e.tagName} ${ratio.toFixed(2)}`);
  }
  return poor;
}
"""
