"""Word runs: stems, codes and their parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.words import ASCII_RUN, GROUP, PART, WHOLE, WORD_RUN, Code, Words


def terms(text):
    entries = [Words()[run] for run in WORD_RUN.findall(text)]
    return [(list(e.sequence), list(e.extra)) if isinstance(e, Code) else e for e in entries]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Running runs", ["run", "run"]),
        ("don't Bob's O'Reilly", ["dont", "bob", "oreilli"]),
        ("U.S.A. e.g.", ["usa", "eg"]),
        ("C++ C# F#, c++11", ["c++", "c#", "f#", "c++", "11"]),
        ("3.14 1.2.3", ["3.14", "1.2.3"]),
        ("os js", ["os", "js"]),
        ("re.sub", [(["re", "sub"], ["re.sub"])]),
        ("1,000", [(["1", "000"], ["1000"])]),
        ("-1,234,567.50,", [(["1", "234", "567.50"], ["1234567.50"])]),
        ("1,000kg", [(["1", "000", "kg"], ["1000kg", "1000"])]),
        ("2019,200 1,23 1,2345 a,b", ["2019", "200", "1", "23", "1", "2345", "a", "b"]),
        ("iPhone15", [(["iphon", "15"], ["iphone15"])]),
        ("WAP1.2", [(["wap", "1.2"], ["wap1.2"])]),
        ("max_pool2d", [(["max", "pool", "2", "d"], ["max_pool2d"])]),
        ("john.smith@example.com", [(["john", "smith", "exampl", "com"], ["john.smith@example.com"])]),
        ("getElementById", [(["getelementbyid"], ["get", "element", "by", "id"])]),
        ("XMLHttpRequest", [(["xmlhttprequest"], ["xml", "http", "request"])]),
        ("iPhone", [(["iphon"], ["phone"])]),
        ("JavaScript GitHub", ["javascript", "github"]),
        ("a3f9c1b2d4e5f6a7", ["a3f9c1b2d4e5f6a7"]),
        ("Привет мир", ["привет", "мир"]),
        ("हिन्दी", ["हिन्दी"]),
        (".NET .gitignore", [(["net"], [".net"]), (["gitignor"], [".gitignore"])]),
        ("C#.NET ASP.NET", ["c#", (["net"], [".net"]), (["asp", "net"], ["asp.net"])]),
        ("x().getElementById", ["x", (["getelementbyid"], [".getelementbyid", "get", "element", "by", "id"])]),
        ("end. Then ...so .5 a_.b", ["end", "then", "so", "5", "a", "b"]),
        ("wi-fi and/or", ["wi", "fi", "and", "or"]),
    ],
)
def test_terms_of_runs(text, expected):
    assert terms(text) == expected


@given(st.text("aB1.',_@&+# -é", max_size=20))
def test_parts_cover_their_terms_and_agree_with_the_entry(text):
    words = Words()
    for run in WORD_RUN.findall(text):
        entry, parts = words[run], words.parts(run)
        expected = [entry] if isinstance(entry, str) else [*entry.sequence, *entry.extra]
        assert sorted(p.term for p in parts) == sorted(expected)
        assert all(p.term and 0 <= p.start < p.end <= len(run) for p in parts)


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_the_fast_pattern_finds_the_same_runs_in_ascii(text):
    assert ASCII_RUN.findall(text) == WORD_RUN.findall(text)


def test_long_words_are_not_kept_and_make_bounded_terms():
    words = Words()
    assert len(words["a" * 10_000]) == 100
    assert not words


def test_case_does_not_change_the_sequence():
    words = Words()
    for run in ("iPhone15", "JavaScript", "getElementById", "LaTeX", "re.Sub"):
        upper, lower = words[run], words[run.lower()]
        assert (upper.sequence if isinstance(upper, Code) else (upper,)) == (lower.sequence if isinstance(lower, Code) else (lower,))


def test_groups_of_digits_are_told_from_what_stands_beside_a_number():
    found = [(p.term, p.start, p.end, p.role) for p in Words().parts("1,000kg")]
    assert found == [("1000kg", 0, 7, WHOLE), ("1000", 0, 5, PART), ("1", 0, 1, GROUP), ("000", 2, 5, GROUP), ("kg", 5, 7, PART)]
