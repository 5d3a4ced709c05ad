"""Folding: what is the same, and the way back to the original text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.folding import Folded, fold, fold_keeping_case

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ｐｙｔｈｏｎ３", "python3"),
        ("國際論壇", "国际论坛"),
        ("Café naïve Łódź Ångström", "cafe naive lodz angstrom"),
        ("e\u0301te\u0301", "ete"),
        ("ｶﾞｷﾞ", "ガギ"),
        ("й", "й"),
        ("ﬁne ½", "fine 1⁄2"),
        ("Straße", "strasse"),
        ("don’t", "don't"),
        ("soft\u00adhyphen", "softhyphen"),
        ("İstanbul", "istanbul"),
        ("각", "각"),
        ("葛\U000e0100", "葛"),
    ],
)
def test_equal_texts_fold_to_one(text, folded):
    assert fold(text) == folded


@given(ANY_TEXT)
def test_any_text_folds(text):
    folded = Folded(text)
    size = len(folded.text)
    starts = [folded.start(i) for i in range(size + 1)]
    assert starts == sorted(starts)
    assert starts[-1] == len(text)
    assert all(0 <= folded.start(i) < folded.end(i + 1) <= len(text) for i in range(size))


@given(st.text("e\u0301\u0327ß한각ｶﾞ國a…½", max_size=12))
def test_offsets_cut_pieces_that_fold_to_the_folded_piece(text):
    folded = Folded(text)
    for i, char in enumerate(folded.text):
        assert char in fold_keeping_case(text[folded.start(i) : folded.end(i + 1)])


def test_many_marks_do_not_take_quadratic_time():
    assert fold("a" + "\u0300\u0327" * 200_000) == "a"
