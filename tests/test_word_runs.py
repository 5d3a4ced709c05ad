"""Word runs of ASCII by eight bytes at a time: those that the regular expression finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.characters import characters
from indexer.interning import new_table, strings_of, with_room
from indexer.items import new_found, with_space
from indexer.swar import PADDING, marks_from
from indexer.word_runs import marks_no_letter, scan_ascii
from indexer.words import ASCII_RUN

ASCII = st.characters(max_codepoint=127)
PIECES = st.one_of(
    ASCII, st.sampled_from(["a" * n for n in (7, 8, 9, 15, 16, 17, 40)] + [".", ",", "1,000", ".net", "c++", "c#", "a_b", "don't", " "])
)


def runs_of(text, before="", behind=""):
    """What the kernel finds in a text that stands in a buffer with others."""
    first = len(before.encode())
    data = np.frombuffer((before + text + behind).encode() + bytes(PADDING), np.uint8).copy()
    at, stop = first, first + len(text)
    table, found = new_table(), with_space(new_found(), len(text) + 1, 0)
    while True:
        at = scan_ascii(data, first, at, stop, characters().kinds, table, found)
        if at == stop:
            break
        table = with_room(table, 1, 1, stop - at)
    return [strings_of(table).text(i) for i in found.items[: found.sizes[0]]]


@given(
    st.lists(PIECES, max_size=30).map("".join), st.sampled_from(["", "ab", "é", "."]), st.sampled_from(["", "ab", "é", ".b", "++", "中"])
)
def test_runs_of_ascii_are_those_of_the_regular_expression(text, before, behind):
    assert runs_of(text, before, behind) == ASCII_RUN.findall(text)


@pytest.mark.parametrize("length", range(1, 20))
@pytest.mark.parametrize(
    "behind", ["", " b", ".b", ". b", ",", "'s", "'", "_", "__b", "++", "+++", "#", "#a", "@b", "&b", "-b", ",000", ".."]
)
def test_a_run_of_every_length_ends_where_it_should(length, behind):
    for text in ("a" * length + behind, "1" * length + behind):
        assert runs_of(text) == ASCII_RUN.findall(text)


def test_many_runs_find_room():
    text = " ".join(f"word{i}" for i in range(5000))
    assert runs_of(text) == text.split()


def test_marks_tell_letters_and_digits_of_ascii():
    for code in range(128):
        word = np.uint64(int.from_bytes(bytes([code, 0x61, code, 0x20, 0x39, code, 0x7F, code]), "little"))
        marked = [int(marks_no_letter(word)) >> (8 * i + 7) & 1 for i in range(8)]
        other = not chr(code).isalnum()
        assert marked == [other, False, other, True, False, other, True, other]
        assert [int(marks_from(word, 0x30)) >> (8 * i + 7) & 1 for i in (0, 1, 3)] == [code >= 0x30, True, False]
