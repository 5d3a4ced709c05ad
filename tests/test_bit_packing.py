"""Numbers of a few bits come back, alone and in ranges."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer import bit_packing
from indexer.jit import kernel


@kernel
def one(words, bits, i):
    return bit_packing.number_at(words, bits, i)


@given(st.integers(1, 32), st.data())
def test_numbers_come_back(bits, data):
    values = data.draw(st.lists(st.integers(0, 2**bits - 1), max_size=70))
    words = bit_packing.pack(np.array(values, np.int64), bits)
    assert words.dtype == np.uint32 and len(words) == bit_packing.num_words(len(values), bits)
    first = data.draw(st.integers(0, len(values)))
    last = data.draw(st.integers(first, len(values)))
    assert bit_packing.unpack(words, bits, first, last).tolist() == values[first:last]
    assert [one(words, bits, i) for i in range(first, last)] == values[first:last]


def test_bits_for():
    assert [bit_packing.bits_for(n) for n in (0, 1, 2, 3, 4, 5, 256, 257)] == [1, 1, 1, 2, 2, 3, 8, 9]
