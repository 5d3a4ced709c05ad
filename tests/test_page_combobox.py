"""The search box in a real browser: the editable combobox with a list of the ARIA Authoring Practices, by keyboard, input method, mouse and touch."""

import pytest
from web_home import make_home
from web_server import running_server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("combobox")
    with running_server(make_home(folder).root, folder) as (address, _):
        yield address


@pytest.fixture
def opened(chromium, base):
    """Open the front page and type; gives the page and the box."""
    contexts = []

    def opener(typed="compr", **options):
        contexts.append(chromium.new_context(viewport={"width": 1000, "height": 800}, **options))
        page = contexts[-1].new_page()
        page.goto(base + "/?lang=en")
        if typed:
            page.locator("#q").press_sequentially(typed, delay=10)
            page.wait_for_selector("#suggestions [role=option]")
        return page, page.locator("#q")

    yield opener
    for context in contexts:
        context.close()


def state(page):
    """Whether the list is open as the attributes say and as it looks, and which option is the active one."""
    box, options = page.locator("#q"), page.locator("#suggestions")
    expanded = box.get_attribute("aria-expanded") == "true"
    assert expanded == options.is_visible()
    selected = page.locator('#suggestions [aria-selected="true"]')
    active = box.get_attribute("aria-activedescendant")
    assert selected.count() == (active is not None)
    assert active is None or selected.get_attribute("id") == active
    assert page.evaluate("document.activeElement.id") == "q"
    return expanded, active


def test_roles_and_names(opened):
    page, box = opened()
    for name, value in (
        ("role", "combobox"),
        ("aria-autocomplete", "list"),
        ("aria-controls", "suggestions"),
        ("aria-haspopup", "listbox"),
    ):
        assert box.get_attribute(name) == value
    assert page.locator("#suggestions").get_attribute("role") == "listbox" and page.locator("#suggestions").get_attribute("aria-label")
    assert page.locator("#suggestions > :not([role=option])").count() == 0


def test_arrows_walk_round_the_list_and_the_typed_text(opened):
    page, box = opened()
    count = page.locator("#suggestions [role=option]").count()
    assert state(page) == (True, None)
    page.keyboard.press("ArrowDown")
    assert state(page) == (True, "suggestion-0") and box.input_value().startswith("compr")
    for _ in range(count):
        page.keyboard.press("ArrowDown")
    assert state(page) == (True, None) and box.input_value() == "compr"
    page.keyboard.press("ArrowUp")
    assert state(page) == (True, f"suggestion-{count - 1}")


def test_escape_closes_first_and_empties_then(opened):
    page, box = opened()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    assert state(page) == (False, None) and box.input_value() == "compr"
    page.keyboard.press("Escape")
    assert box.input_value() == ""


def test_arrow_down_opens_a_closed_list_and_alt_up_closes_it(opened):
    page, _ = opened()
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#suggestions [role=option]", state="visible")
    assert state(page) == (True, None)
    page.keyboard.press("Alt+ArrowUp")
    assert state(page) == (False, None)


@pytest.mark.parametrize(("key", "caret"), [("Home", "start"), ("End", "end"), ("ArrowLeft", "before the end")])
def test_keys_of_the_text_move_the_caret_and_leave_the_list(opened, key, caret):
    page, box = opened()
    page.keyboard.press("ArrowDown")
    text = box.input_value()
    page.keyboard.press(key)
    at = box.evaluate("(e) => e.selectionStart")
    assert at == {"start": 0, "end": len(text), "before the end": len(text) - 1}[caret]
    assert state(page) == (True, None) and box.input_value() == text


def test_enter_searches_for_the_option(opened):
    page, box = opened()
    page.keyboard.press("ArrowDown")
    chosen = box.input_value()
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?*")
    assert page.locator("#q").input_value() == chosen


def test_tab_leaves_and_closes(opened):
    page, _ = opened()
    page.keyboard.press("Tab")
    assert page.locator("#suggestions").is_hidden() and page.locator("#q").get_attribute("aria-expanded") == "false"
    assert page.evaluate("document.activeElement.tagName") == "BUTTON"


def test_the_number_of_suggestions_is_announced(opened):
    page, _ = opened()
    count = page.locator("#suggestions [role=option]").count()
    said = page.locator("#suggestions-status")
    assert said.get_attribute("role") == "status"
    assert said.inner_text().startswith(f"{count} suggestions" if count > 1 else "1 suggestion")
    page.locator("#q").press_sequentially("zzzzqqq")
    said.filter(has_text="No suggestions").wait_for(state="attached")
    assert state(page) == (False, None)


def test_an_input_method_is_left_alone_until_its_character_is_done(opened):
    page, box = opened(typed="")
    box.focus()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/v1/suggest" in request.url else None)
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": "zheng'ze", "selectionStart": 8, "selectionEnd": 8})
    page.wait_for_timeout(300)
    assert asked == [] and box.input_value() == "zheng'ze"
    # Keys that belong to the input method: neither the list nor the form takes them.
    box.evaluate(
        """(e) => {
          for (const key of ['ArrowDown', 'Escape', 'Enter'])
            e.dispatchEvent(new KeyboardEvent('keydown', { key, keyCode: 229, bubbles: true, cancelable: true }));
        }"""
    )
    assert box.input_value() == "zheng'ze" and page.url.endswith("/?lang=en")
    session.send("Input.insertText", {"text": "正则"})
    page.wait_for_selector("#suggestions [role=option]", state="attached")
    assert box.input_value() == "正则" and len(asked) == 1


def test_a_tap_chooses_and_a_scroll_does_not(opened):
    page, box = opened(has_touch=True)
    option = page.locator("#suggestions li").first
    option.dispatch_event("pointerdown", {"pointerType": "touch"})
    option.dispatch_event("pointercancel", {"pointerType": "touch"})
    page.wait_for_timeout(100)
    assert "/search" not in page.url and state(page)[0]
    text = option.get_attribute("data-text")
    option.tap()
    page.wait_for_url("**/search?*")
    assert page.locator("#q").input_value() == text


def test_panels_open_below_their_hit_and_are_loaded_once(chromium, base):
    context = chromium.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/why" in request.url else None)
    page.goto(base + "/search?q=event+loop&lang=en")
    button = page.get_by_role("button", name="Why this result?").first
    assert button.get_attribute("aria-expanded") == "false"
    button.focus()
    page.keyboard.press("Enter")
    panel = page.locator(f"[id='{button.get_attribute('aria-controls')}']")
    panel.locator(".parts").first.wait_for()
    assert button.get_attribute("aria-expanded") == "true" and "Sum" in panel.inner_text()
    page.keyboard.press("Space")
    assert panel.is_hidden() and button.get_attribute("aria-expanded") == "false"
    page.keyboard.press("Space")
    assert panel.is_visible() and len(asked) == 1
    page.get_by_role("button", name="Similar").first.click()
    page.locator(".panel [data-part=similar] a").first.wait_for()
    context.close()


def test_a_panel_that_cannot_be_loaded_is_a_link(chromium, base):
    context = chromium.new_context()
    page = context.new_page()
    page.route("**/why?*", lambda route: route.abort())
    page.goto(base + "/search?q=event+loop&lang=en")
    page.get_by_role("button", name="Why this result?").first.click()
    page.locator(".panel a").first.wait_for()
    assert page.locator(".panel a").first.inner_text() == "This could not be loaded."
    context.close()
