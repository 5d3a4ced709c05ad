"""The search page by axe-core, and what axe cannot see: in every state, both colour schemes, both languages, on phones and desktops.

WCAG 2.2 A and AA, and axe's best practices; 0 violations. Beside it: nothing scrolls sideways from 320 to 1600 pixels, targets have 24 pixels,
texts from right to left turn nothing around, all of it works without a pointer, and the assets stay small.
"""

import re
from itertools import product

import pytest
from by_axe import faults_by_axe
from page_home import make_page_home
from web_server import running_server

from searchd.assets import FOLDER

pytestmark = pytest.mark.browser

MAX_ASSETS = 50_000
SEARCH = "/search?q=apple+banana&lang={lang}"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("accessible")
    home = make_page_home(folder)
    with home.settings.open("a", encoding="utf-8") as settings:
        settings.write("\n[service]\npage_size = 5\n")  # axe looks at every element; more hits are more of the same
    with running_server(home.root, folder) as (address, _):
        yield address


def _suggestions(page):
    page.locator("#q").fill("")
    page.locator("#q").press_sequentially("app", delay=10)
    page.wait_for_selector("#suggestions [role=option]")
    page.keyboard.press("ArrowDown")


def _opened(part):
    def act(page):
        page.locator(".hit").first.locator("button.opens").nth(part).click()
        page.wait_for_selector(".panel [data-part]")
        for details in page.locator(".panel details").all():
            details.locator("summary").click()

    return act


def _menu(page):
    page.locator(".menu summary").click()


def _facets(page):
    page.locator(".further summary").first.click()


STATES = {
    "home": ("/?lang={lang}", None),
    "results": (SEARCH + "&f=subject:fruit&f=subject:garden&from.year=1995&sort=year:desc&page=2", None),
    "facets": (SEARCH, _facets),
    "menu": (SEARCH, _menu),
    "suggestions": ("/?lang={lang}", _suggestions),
    "why": (SEARCH, _opened(0)),
    "similar": (SEARCH, _opened(1)),
    "why page": ("/why?q=apple+banana&id=d18&rank=1&lang={lang}", None),
    "corrected": ("/search?q=appel+banan&lang={lang}", None),
    "no results": ("/search?q=qqqqzzzz&lang={lang}", None),
    "no such page": (SEARCH + "&page=90", None),
    "refused": (SEARCH + "&sort=nope", None),
    "not found": ("/document/nope?lang={lang}", None),
    "document": ("/document/d7?lang={lang}", None),
    "from right to left": ("/search?q=%D8%A7%D9%84%D8%AA%D9%81%D8%A7%D8%AD&lang={lang}", None),
}


# Every state in one scheme and language, and every other one in the other scheme and language; all pairings are for `make test-all`.
def _visits():
    for number, state in enumerate(STATES):
        for scheme, lang in product(("light", "dark"), ("en", "zh")):
            fast = (scheme, lang) == ("light", "en") if number % 2 else (scheme, lang) == ("dark", "zh")
            first = number < 2 and (scheme, lang) in (("light", "en"), ("dark", "zh"))
            marks = () if fast or first else pytest.mark.slow
            yield pytest.param(state, scheme, lang, marks=marks, id=f"{state.replace(' ', '-')}-{scheme}-{lang}")


@pytest.mark.parametrize(("state", "scheme", "lang"), list(_visits()))
def test_axe_finds_nothing(chromium, base, state, scheme, lang):
    path, act = STATES[state]
    context = chromium.new_context(viewport={"width": 1200, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(base + path.format(lang=lang))
    if act is not None:
        act(page)
    assert faults_by_axe(page) == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_phone_with_the_filters_open(chromium, base, scheme):
    context = chromium.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(base + SEARCH.format(lang="en") + "&f=subject:fruit")
    assert faults_by_axe(page) == []
    assert page.locator("#narrow").is_hidden()
    page.tap(".narrow-open")
    assert page.locator("#narrow").is_visible()
    assert faults_by_axe(page) == []
    page.tap(".sheet-close")
    assert page.locator("#narrow").is_hidden()
    context.close()


def test_the_filters_of_a_phone_open_without_javascript(chromium, base):
    context = chromium.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=False)
    page = context.new_page()
    page.goto(base + SEARCH.format(lang="en"))
    page.click(".narrow-open")
    page.fill('[name="from.year"]', "2010")
    page.click(".ranges button")
    page.wait_for_url("**from.year=2010*")
    assert page.locator(".chip bdi").inner_text() == "year from 2010"
    page.locator(".menu summary").click()
    page.get_by_role("link", name="year, highest first").click()
    page.wait_for_url("**sort=year*")
    assert page.locator(".chip").count() == 1
    page.get_by_role("link", name=re.compile("Why this")).first.click()
    page.wait_for_url("**/why*")
    assert page.locator(".why").count() == 1
    context.close()


SMALL = """
() => [...document.querySelectorAll('a, button, summary, input:not([type=hidden]), [role=option]')]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.skip') && e.getClientRects().length)
  .map((e) => [e, e.getBoundingClientRect()])
  .filter(([e, r]) => r.width < 24 || r.height < 24)
  .map(([e, r]) => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 20)} ${r.width.toFixed(1)} x ${r.height.toFixed(1)}`)
"""


@pytest.mark.parametrize("width", [320, *(pytest.param(width, marks=pytest.mark.slow) for width in (360, 768, 1024)), 1600])
def test_nothing_scrolls_sideways_and_targets_are_large(chromium, base, width):
    context = chromium.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    for path, act in STATES.values():
        page.goto(base + path.format(lang="en"))
        if act is not None and (act is not _facets or width > 768):
            act(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate(SMALL) == [], path
    context.close()


LONG_DOCUMENT = "/search?q=strengths&lang=en"


def test_long_words_are_broken_not_cut(chromium, base):
    context = chromium.new_context(viewport={"width": 320, "height": 800})
    page = context.new_page()
    page.goto(base + "/document/long")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()


EDGES = """
() => Object.fromEntries(['.wordmark', '.box', '.status', '.tools', '.hits', '.chips', '.facets', '.pages', '.foot a'].map((s) => {
  const e = document.querySelector(s);
  return [s, e ? Math.round(e.getBoundingClientRect().left) : null];
}))
"""


def test_texts_from_right_to_left_turn_nothing_around(chromium, base):
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.goto(base + "/search?q=banana&f=language:en&lang=en")
    before = page.evaluate(EDGES)
    page.goto(base + "/search?q=%D7%AA%D7%A4%D7%95%D7%97+banana&f=language:he&lang=en")
    after = page.evaluate(EDGES)
    assert page.locator(".hit h2").first.evaluate("(e) => getComputedStyle(e).direction") == "rtl"
    assert page.locator("#q").evaluate("(e) => getComputedStyle(e).direction") == "rtl"
    assert page.evaluate("getComputedStyle(document.documentElement).direction") == "ltr"
    moved = {name for name in before if after[name] is not None and before[name] is not None and abs(after[name] - before[name]) > 40}
    assert moved <= {".tools"}  # as wide as the order's name
    assert re.match(r"1 result/", page.locator(".status").inner_text().replace("\n", "").replace(" /", "/"))
    chip = page.locator(".chip")
    assert chip.evaluate(
        "(e) => e.querySelector('.cross').getBoundingClientRect().left > e.querySelector('bdi').getBoundingClientRect().left"
    )
    context.close()


def test_contrast_colours_and_motion_follow_the_reader(chromium, base):
    context = chromium.new_context(forced_colors="active", contrast="more", reduced_motion="reduce")
    page = context.new_page()
    page.goto(base + SEARCH.format(lang="en"))
    assert page.locator(".box-field").evaluate("(e) => getComputedStyle(e).transitionDuration") in ("0s", "")
    assert faults_by_axe(page) == []
    border = page.locator(".tool").last.evaluate("(e) => getComputedStyle(e).borderTopWidth")
    assert border == "1px"
    context.close()


def test_the_focus_is_seen_everywhere(chromium, base):
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.goto(base + SEARCH.format(lang="en"))
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
              const e = document.activeElement;
              if (!e || e === document.body) return null;
              const box = e.closest('.box-field') && e.id === 'q' ? getComputedStyle(e.closest('.box-field')).boxShadow : '';
              const style = getComputedStyle(e);
              return [e.tagName + '.' + e.className, (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) || box.length > 5];
            }"""
        )
        if found is None:
            break
        seen.add(found[0])
        assert found[1], found[0]
    assert {"A.title", "BUTTON.opens", "SUMMARY.tool", "A.skip"} <= seen


def test_the_assets_of_the_page_are_small(chromium, base):
    context = chromium.new_context()
    page = context.new_page()
    sizes = {}
    page.on("response", lambda response: sizes.update({response.url: len(response.body())}) if "/static/" in response.url else None)
    page.goto(base + SEARCH.format(lang="en"), wait_until="networkidle")
    assert len(sizes) >= 2 and sum(sizes.values()) < MAX_ASSETS
    assert sum((FOLDER / name).stat().st_size for name in ("page.css", "page.js", "icon.svg")) < MAX_ASSETS
    context.close()
