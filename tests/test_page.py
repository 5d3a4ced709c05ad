"""What the page shows: safe titles, links and passages from whatever a document holds."""

import html
import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_home import SCHEMA

from searchd.interface import WORDS, Interface
from searchd.page import (
    click_signature,
    crumbs,
    document_path,
    field_text,
    has_all_words,
    page_numbers,
    passage,
    plain,
    safe_highlight,
    safe_url,
    title_field,
)
from searchd.page_filters import filter_expression


@given(st.text())
def test_highlights_hold_no_tag_but_mark(text):
    shown = str(safe_highlight(text))
    assert not re.search(r"<(?!/?mark>)", shown)


@given(st.text())
def test_escaped_highlights_are_kept_as_they_are(text):
    safe = html.escape(re.sub("[\u202a-\u202e\u2066-\u2069]", "", text))
    assert str(safe_highlight(f"<mark>{safe}</mark>")) == f"<mark>{safe}</mark>"


@pytest.mark.parametrize(
    "text",
    ["<script>x</script>", "<mark onclick=x>a</mark>", "<mark>a", "</mark>", "<mark><mark>a</mark></mark>", "<MARK>a</MARK>", "a < b"],
)
def test_anything_but_plain_marks_is_escaped_as_a_whole(text):
    assert str(safe_highlight(text)) == html.escape(text)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "//evil.example", "/path", "ftp://a/b",
        "https:", "https://", "http://user:pw@host/", "https://good@evil/", "https:\\\\evil", "http://[::1", "vbscript:x", 7, None, ["https://a/"], "https://a/" + "x" * 3000,
    ],
)  # fmt: skip
def test_only_http_addresses_become_links(url):
    assert safe_url({"url": url}) is None


@given(st.text())
def test_an_accepted_address_is_http_and_has_no_quotes_or_spaces(text):
    url = safe_url({"url": text})
    assert url is None or (re.match(r"https?://[^/]", url, re.I) and not re.search(r"[\s\"<>]", url))


def test_addresses_keep_their_meaning():
    assert safe_url({"url": "https://a.example/p%20q/ü?x=1&y=%26#z"}) == "https://a.example/p%20q/%C3%BC?x=1&y=%26#z"


@pytest.mark.parametrize("key", ["a/../b", "..", "a//b", "/a", "a/", "./x"])
def test_ids_that_browsers_would_fold_travel_in_the_query_string(key):
    assert document_path(key).startswith("/document/?id=")


def test_document_paths_are_quoted():
    assert document_path("a b/c?d#e") == "/document/a%20b/c%3Fd%23e"


def test_titles_fall_back_from_title_to_the_first_text_field():
    assert title_field(SCHEMA, {"title": "a", "body": "b"}) == "title"
    assert title_field(SCHEMA, {"title": " ", "body": "b"}) == "body"
    assert title_field(SCHEMA, {"tag": "x"}) is None


def test_the_passage_is_the_field_with_the_most_different_words():
    hit = SimpleNamespace(
        document={"title": "t", "body": "a b"}, highlights={"title": "<mark>t</mark>", "body": ["<mark>a</mark> <mark>b</mark>", "c"]}
    )
    assert str(passage(SCHEMA, hit, "title")) == "<mark>a</mark> <mark>b</mark>"


def test_a_passage_without_marks_is_the_escaped_beginning():
    hit = SimpleNamespace(document={"title": "t", "body": "<i>" + "word " * 200}, highlights={"body": "word"})
    shown = str(passage(SCHEMA, hit, "title"))
    assert shown.startswith("&lt;i&gt;") and shown.endswith("…") and len(shown) < 400


def test_text_is_put_on_one_line_without_direction_marks():
    assert plain("a\x00b\n\u202ec  d", 10) == "a b c d"
    assert field_text(["a", None, 2]) == "a ·  · 2"


def test_crumbs_are_host_and_path_or_the_id():
    assert crumbs("k", {"url": "https://www.a.example/x/y/z/index.html"}) == ["a.example", "x", "…", "index.html"]
    assert crumbs("k", {"url": "javascript:x"}) == ["k"]


def test_all_words_is_said_only_of_two_words_or_more():
    hit = SimpleNamespace(highlights={"title": "<mark>Red</mark> fox", "body": None})
    assert has_all_words(hit, "red fox") and not has_all_words(hit, "red") and not has_all_words(hit, "red wolf")


def test_filters_quote_their_values():
    assert filter_expression([("tag", 'a"b\\'), ("year", "1"), ("tag", "c")]) == 'tag IN ["a\\"b\\\\", "c"] AND year = "1"'
    assert filter_expression([]) is None


def test_page_numbers_stay_around_the_current_page():
    assert [list(page_numbers(*pair)) for pair in ((1, 3), (1, 20), (10, 20), (20, 20))] == [
        [1, 2, 3],
        [1, 2, 3, 4, 5, 6, 7],
        [7, 8, 9, 10, 11, 12, 13],
        [14, 15, 16, 17, 18, 19, 20],
    ]


def test_click_signatures_depend_on_every_part():
    base = click_signature(b"s" * 32, "q", "k", 1)
    others = [
        click_signature(b"t" * 32, "q", "k", 1),
        click_signature(b"s" * 32, "r", "k", 1),
        click_signature(b"s" * 32, "q", "l", 1),
        click_signature(b"s" * 32, "q", "k", 2),
    ]
    assert base not in others and len(set(others)) == 4


def test_every_text_exists_in_both_languages():
    assert all(len(texts) == 2 and all(texts) for texts in WORDS.values())
    assert Interface("zh")("result_count", count=3) == "共 3 条结果"
