"""Hash tables over front-coded strings against dictionaries."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer import bit_packing, string_table
from indexer.front_coding import front_code
from indexer.string_table import build_slots, find, num_slots
from indexer.strings import pack

TEXTS = st.lists(st.text(st.characters(codec=None), max_size=6), max_size=60)


@given(TEXTS, TEXTS, st.booleans())
def test_find_is_a_dictionary(texts, others, numbered):
    texts = list(dict.fromkeys(texts))
    packed = pack(texts)
    coded, slots = front_code(packed), build_slots(packed)
    numbers = np.arange(len(texts))[::-1]
    bits = bit_packing.bits_for(len(texts))
    numbering = (bit_packing.pack(numbers, bits), bits) if numbered else ()
    expected = {text: int(numbers[i]) if numbered else i for i, text in enumerate(texts)}
    asked = texts + others
    assert find(coded, slots, asked, *numbering).tolist() == [expected.get(text, -1) for text in asked]
    assert len(slots) == num_slots(len(texts)) and np.count_nonzero(slots) == len(texts) < len(slots)


def test_texts_with_the_separator():
    packed = pack(["a\nb", "a", "b", ""])
    coded, slots = front_code(packed), build_slots(packed)
    assert find(coded, slots, ["a\nb", "a", "", "\n"]).tolist() == [0, 1, 3, -1]
    assert find(coded, slots, ["a\nb"]).tolist() == [0] and find(coded, slots, ["a\nc"]).tolist() == [-1]
    assert find(coded, slots, []).tolist() == []


def test_many_strings():
    texts = [f"key-{n}" for n in range(0, 60_000, 2)]
    packed = pack(texts)
    coded, slots = front_code(packed), build_slots(packed)
    assert np.array_equal(find(coded, slots, texts), np.arange(len(texts)))
    assert (find(coded, slots, [f"key-{n}" for n in range(1, 60_000, 2)]) == -1).all()
    assert (len(coded.data) + coded.starts.nbytes + slots.nbytes) / len(texts) < 9


@given(TEXTS.filter(bool), st.randoms(use_true_random=False), st.sampled_from([0, 1, 2**32 - 1, None]))
def test_damaged_slots_never_give_a_false_answer(texts, random, fill):
    """A table that is full, empty or shuffled ends every search, and what is found is still the string asked for."""
    texts = list(dict.fromkeys(texts))
    packed = pack(texts)
    coded, slots = front_code(packed), build_slots(packed)
    slots[:] = [random.getrandbits(32) for _ in slots] if fill is None else fill
    found = find(coded, slots, [*texts, "no such text"]).tolist()
    assert all(number in (-1, i) for i, number in enumerate(found[:-1])) and found[-1] == -1


def test_tags_leave_room_for_the_numbers():
    """The tag of a table of n strings never reaches into the bits of n."""
    for n in (0, 1, 255, 256, 2**31 - 1, 2**32 - 1):
        assert int(string_table._tag.py_func(np.uint64(2**64 - 1), n.bit_length())) & ((1 << n.bit_length()) - 1) == 0
