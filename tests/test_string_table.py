"""Hash tables over front-coded strings against dictionaries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paged import paged, string_table

import indexer.string_table
from indexer import bit_packing
from indexer.format import PAGE, Corrupt
from indexer.front_coding import front_code
from indexer.string_table import StringTable, build_slots, num_slots
from indexer.strings import pack

TEXTS = st.lists(st.text(st.characters(codec=None), max_size=6), max_size=60)


@given(TEXTS, TEXTS, st.booleans())
def test_find_is_a_dictionary(texts, others, numbered):
    texts = list(dict.fromkeys(texts))
    numbers = np.arange(len(texts))[::-1]
    ids = bit_packing.pack(numbers, bit_packing.bits_for(len(texts))) if numbered else None
    table = string_table(pack(texts), ids)
    expected = {text: int(numbers[i]) if numbered else i for i, text in enumerate(texts)}
    asked = texts + others
    assert table.find(asked).tolist() == [expected.get(text, -1) for text in asked]
    assert table.texts(np.arange(len(texts))) == texts and [table.text(i) for i in range(len(texts))] == texts
    assert table.numbers(0, len(texts)).tolist() == list(expected.values()) and len(table) == len(texts)


@given(TEXTS, TEXTS)
def test_prefix_range(texts, others):
    texts = sorted(set(texts), key=lambda t: t.encode("utf-8", "surrogatepass"))
    table = string_table(pack(texts))
    for prefix in {"", *others, *(t[:1] for t in texts)}:
        low, high = table.prefix_range(prefix)
        assert texts[low:high] == [t for t in texts if t.startswith(prefix)]


def test_texts_with_the_separator():
    table = string_table(pack(["a\nb", "a", "b", ""]))
    assert table.find(["a\nb", "a", "", "\n"]).tolist() == [0, 1, 3, -1]
    assert table.find(["a\nb"]).tolist() == [0] and table.find(["a\nc"]).tolist() == [-1]
    assert table.find([]).tolist() == []


def test_many_strings_over_many_pages():
    texts = [f"key-{n}" for n in range(0, 60_000, 2)]
    packed = pack(texts)
    table = string_table(packed, bit_packing.pack(np.arange(len(texts))[::-1], 15))
    assert table.find(["key-2", "key-3", "a\n"]).tolist() == [len(texts) - 2, -1, -1] and table._marks.sum() < 10
    assert np.array_equal(table.find(texts), np.arange(len(texts))[::-1])
    assert (table.find([f"key-{n}" for n in range(1, 60_000, 2)]) == -1).all()
    assert table.texts(np.arange(len(texts))) == texts and table._marks.all()
    coded, slots = front_code(packed), build_slots(packed)
    assert len(slots) == num_slots(len(texts)) and np.count_nonzero(slots) == len(texts) < len(slots)
    assert (coded.data.nbytes + coded.starts.nbytes + slots.nbytes) / len(texts) < 8


@pytest.mark.parametrize("name", ["data", "starts", "slots", "ids"])
def test_a_damaged_page_is_named_before_anything_of_it_is_used(name):
    texts = [f"key-{n}" for n in range(60_000)]
    for at in (0.01, 0.5, 0.99):
        table = string_table(pack(texts), bit_packing.pack(np.arange(len(texts)), 16))
        section = next(pages for pages in table._pages if pages.name == name)
        damaged = int(at * section.view.nbytes)
        section.view.view(np.uint8)[damaged] ^= 4
        refused = 0
        for i in range(0, 60_000, 100):
            try:
                assert table.find(texts[i : i + 2]).tolist() == [i, i + 1]
                assert table.text(i) == texts[i] and table.numbers(i, i + 1).tolist() == [i]
            except Corrupt as error:
                refused += 1
                assert (error.path.name, error.section) == ("x.seg", name) and str(damaged // PAGE * PAGE) in str(error)
        assert refused
        with pytest.raises(Corrupt, match=name):
            table.find(texts)


@given(TEXTS.filter(bool), st.randoms(use_true_random=False), st.sampled_from([0, 1, 2**32 - 1, None]))
def test_slots_that_are_wrong_never_give_a_false_answer(texts, random, fill):
    """A table that is full, empty or shuffled ends every search, and what is found is still the string asked for."""
    texts = list(dict.fromkeys(texts))
    packed = pack(texts)
    slots = np.array([random.getrandbits(32) if fill is None else fill for _ in build_slots(packed)], np.uint32)
    table = StringTable(len(texts), *map(paged, front_code(packed)), paged(slots))
    found = table.find([*texts, "no such text"]).tolist()
    assert all(number in (-1, i) for i, number in enumerate(found[:-1])) and found[-1] == -1


@pytest.mark.parametrize("wrong", range(4))
def test_sections_of_other_sizes_are_refused(wrong):
    packed = pack(["a", "b", "c"])
    sections = [*front_code(packed), build_slots(packed), bit_packing.pack(np.arange(3), 2)]
    pages = [paged(array, name) for array, name in zip(sections, ["data", "starts", "slots", "ids"])]
    assert StringTable(3, *pages).find(["b"]).tolist() == [1]
    if wrong:
        pages[wrong] = paged(sections[wrong][:-1], pages[wrong].name)
        with pytest.raises(Corrupt, match=f"{pages[wrong].name}: expected shape"):
            StringTable(3, *pages)


def test_tags_leave_room_for_the_numbers():
    """The tag of a table of n strings never reaches into the bits of n."""
    for n in (0, 1, 255, 256, 2**31 - 1, 2**32 - 1):
        assert int(indexer.string_table._tag.py_func(np.uint64(2**64 - 1), n.bit_length())) & ((1 << n.bit_length()) - 1) == 0
