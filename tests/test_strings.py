"""Kernels over packed strings against Python's own strings."""

from hypothesis import given
from hypothesis import strategies as st

from indexer import strings

TEXTS = st.lists(st.text(st.characters(codec=None), max_size=6), max_size=30)


@given(TEXTS)
def test_pack_and_read_back(texts):
    assert strings.pack(texts).texts() == texts


@given(TEXTS)
def test_last_occurrences(texts):
    expected = [text not in texts[i + 1 :] for i, text in enumerate(texts)]
    assert strings.last_occurrences(strings.pack(texts)).tolist() == expected


@given(st.lists(TEXTS.map(lambda texts: sorted(set(texts), key=strings.encode)), max_size=9))
def test_merge_sorted_is_the_sorted_union(lists):
    union, numbers = strings.merge_sorted([strings.pack(texts) for texts in lists])
    expected = sorted({text for texts in lists for text in texts}, key=strings.encode)
    assert union.texts() == expected
    for texts, number in zip(lists, numbers, strict=True):
        assert number.dtype.str == "<i4"
        assert [expected[n] for n in number] == texts


@given(TEXTS, st.data())
def test_take_copies_the_chosen(texts, data):
    chosen = data.draw(st.lists(st.integers(0, len(texts) - 1))) if texts else []
    assert strings.take(strings.pack(texts), chosen).texts() == [texts[i] for i in chosen]
