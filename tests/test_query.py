"""The query parser: what each operator means, and that nothing a user types is an error."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchd.query import MAX_CHARS, MAX_DEPTH, Group, Not, Or, Phrase, QueryTooLong, Word, parse_query

FIELDS = ("title", "year")


def nodes(text):
    return parse_query(text, FIELDS).nodes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("a b", (Word("a"), Word("b"))),
        ("机器学习 python", (Word("机器学习"), Word("python"))),
        ('a "b c"', (Word("a"), Phrase("b c"))),
        ("a -b", (Word("a"), Not(Word("b")))),
        ('-"b c"', (Not(Phrase("b c")),)),
        ("-(a b) c", (Not(Group((Word("a"), Word("b")))), Word("c"))),
        ("title:a", (Word("a", "title"),)),
        ('title:"a b" c', (Phrase("a b", "title"), Word("c"))),
        ("-title:a", (Not(Word("a", "title")),)),
        ("title:pro*", (Word("pro", "title", prefix=True),)),
        ("pro*", (Word("pro", prefix=True),)),
        ("a OR b", (Or((Word("a"), Word("b"))),)),
        ("a OR b OR c d", (Or((Word("a"), Word("b"), Word("c"))), Word("d"))),
        ('a OR "b c"', (Or((Word("a"), Phrase("b c"))),)),
        ("(a OR b) c", (Or((Word("a"), Word("b"))), Word("c"))),
        ("(a b) OR c", (Or((Group((Word("a"), Word("b"))), Word("c"))),)),
        ("（a OR b）", (Or((Word("a"), Word("b"))),)),
        ("“a b”", (Phrase("a b"),)),
        ("title：a", (Word("a", "title"),)),
    ],
)
def test_operators(text, expected):
    assert nodes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://x.org", (Word("http://x.org"),)),
        ("std::vector", (Word("std::vector"),)),
        ("colour:red", (Word("colour:red"),)),
        ("title:", (Word("title:"),)),
        ("title: a", (Word("title:"), Word("a"))),
        ("covid-19", (Word("covid-19"),)),
        ("a - b", (Word("a"), Word("-"), Word("b"))),
        ("-", (Word("-"),)),
        ("--verbose", (Word("--verbose"),)),
        ("OR", (Word("OR"),)),
        ("a OR", (Word("a"), Word("OR"))),
        ("OR a", (Word("OR"), Word("a"))),
        ("ORDER BY", (Word("ORDER"), Word("BY"))),
        ("a or b", (Word("a"), Word("or"), Word("b"))),
        ('a "b', (Word("a"), Word("b"))),
        ('"', ()),
        ('""', ()),
        ("(a", (Word("a"),)),
        ("a) b", (Word("a"), Word("b"))),
        ("()", ()),
        ("print()", (Word("print"),)),
        ("f(x)", (Word("f"), Word("x"))),
        ("*", (Word("*"),)),
        ("***", (Word("***"),)),
    ],
)
def test_what_cannot_be_parsed_is_words(text, expected):
    assert nodes(text) == expected


def test_plain_words_are_told_from_operators():
    assert parse_query("one two three", FIELDS).plain
    assert parse_query("http://x.org/a-b", FIELDS).plain
    assert not parse_query('one "two"', FIELDS).plain
    assert not parse_query("pro*", FIELDS).plain


def test_text_is_normalised():
    assert parse_query("ＰＹＴＨＯＮ").text == "PYTHON"


def test_the_length_limit_counts_after_nfkc():
    assert parse_query("a" * MAX_CHARS).text
    with pytest.raises(QueryTooLong) as caught:
        parse_query("a" * (MAX_CHARS + 1))
    assert caught.value.code == "query_too_long"
    with pytest.raises(QueryTooLong):
        parse_query("\ufdfa" * 40)
    with pytest.raises(QueryTooLong):
        parse_query("a" * 10_000)


def test_parentheses_nested_too_deep_are_spaces():
    depth = MAX_CHARS // 2 - 2
    assert nodes("(" * depth + "a" + ")" * depth) == (Word("a"),)
    assert nodes("(" * (MAX_DEPTH + 5) + "a OR b" + ")" * (MAX_DEPTH + 5)) == (Or((Word("a"), Word("b"))),)


def texts_of(found):
    for node in found:
        if isinstance(node, Word | Phrase):
            yield node.text
        elif isinstance(node, Not):
            yield from texts_of((node.node,))
        else:
            yield from texts_of(node.nodes)


@given(st.text(st.sampled_from('ab "()-:*OR 机：（）“”\n') | st.characters(), max_size=60))
def test_nothing_is_an_error_and_no_letter_is_lost(text):
    try:
        query = parse_query(text, FIELDS)
    except QueryTooLong:
        assert len(unicodedata.normalize("NFKC", text)) > MAX_CHARS
        return
    kept = "".join(texts_of(query.nodes))
    for letter in "b机":
        assert kept.count(letter) == query.text.count(letter)


@given(st.lists(st.sampled_from(["a", "-", "(", ")", '"', "OR", "title:", "year:", "*", " ", "  "]), max_size=40))
def test_operators_in_any_order_parse(parts):
    parse_query("".join(parts), FIELDS)
