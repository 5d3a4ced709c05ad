"""The documentation builds without a warning into a site that asks nobody else for anything, and its search knows Chinese."""

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("material", reason="mkdocs-material is not installed; `make test` and `make docs` install it")
ROOT = Path(__file__).resolve().parents[1]
_LOADED = re.compile(r"<(?:script|img|iframe|source)[^>]*\ssrc=\"?([^\s\">]+)|<link[^>]*\shref=\"?([^\s\">]+)")
_IN_CSS = re.compile(r"url\(\s*[\"']?((?:https?:)?//[^)\"']+)|@import\s+[\"'](https?:[^\"']+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return folder


def test_no_page_loads_anything_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        loaded = ["".join(found) for found in _LOADED.findall(page.read_text(encoding="utf-8"))]
        assert len(loaded) > 3 and not [address for address in loaded if re.match(r"(https?:)?//", address)], page
    for style in site.rglob("*.css"):
        assert not _IN_CSS.search(style.read_text(encoding="utf-8")), style


def test_every_asset_of_a_page_is_there(site):
    for page in site.rglob("*.html"):
        if page.name == "404.html":  # its addresses begin at the root of the server
            continue
        for found in _LOADED.findall(page.read_text(encoding="utf-8")):
            address = "".join(found).partition("?")[0].partition("#")[0]
            assert address.startswith("data:") or (page.parent / address).exists(), f"{page} loads {address}"


def test_the_search_finds_chinese_words(site):
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    assert index["config"]["lang"] == ["en", "zh"]
    text = "".join(part["text"] for part in index["docs"])
    assert "\u200b机器\u200b" in text or "机器\u200b学习" in text, "words of Chinese are told apart for the search by zero-width spaces"


@pytest.mark.browser
@pytest.mark.parametrize("query", ["interleaving", "机器学习"], ids=["english", "chinese"])
def test_the_search_works_in_a_browser_from_the_disk(chromium, site, query):
    asked = []
    with contextlib.closing(chromium.new_context()) as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / "index.html").as_uri())
        page.locator("[data-md-component=search-query]").click()
        page.keyboard.type(query)
        page.keyboard.press("End")  # the page listens to keys, and text that is put in at once has none
        page.locator(".md-search-result__link").first.wait_for(timeout=60_000)
        assert page.locator("mark").count() > 0
    assert asked and not [address for address in asked if not address.startswith(("file:", "data:", "blob:", "about:"))]


def test_pages_of_the_reference_are_there(site):
    for name in ("commands", "routes", "settings", "features", "errors"):
        assert (site / "reference" / f"{name}.html").stat().st_size > 20_000
