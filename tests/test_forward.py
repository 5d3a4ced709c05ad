"""The forward index against Python lists."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.forward import Forward, encode_rows

IDS = st.one_of(st.just(-1), st.integers(0, 200), st.integers(0, 2**31 - 2))


@given(st.lists(st.lists(IDS, max_size=8), max_size=10))
def test_rows_come_back(rows):
    flat = np.array([i for row in rows for i in row], np.int64)
    values = np.unique(flat[flat >= 0]).astype(np.int32)
    local = np.where(flat < 0, -1, np.searchsorted(values, flat)).astype(np.int32)
    ends = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    data, sizes = encode_rows(local, ends, np.arange(len(rows)), values)
    forward = Forward(data, np.cumsum(np.concatenate([[0], sizes])).astype(np.uint64))
    assert [forward.row(i).tolist() for i in range(len(rows))] == rows


def test_frequent_terms_take_one_byte():
    ids = np.arange(127, dtype=np.int32)
    data, sizes = encode_rows(ids, np.array([0, 127]), np.array([0]), ids)
    assert data.tolist() == list(range(1, 128)) and sizes.tolist() == [127]


def test_only_the_chosen_rows_are_written():
    ids = np.array([0, 1, 2], np.int32)
    data, sizes = encode_rows(ids, np.array([0, 1, 2, 3]), np.array([2, 0]), np.array([300, 5, 6], np.int32))
    assert sizes.tolist() == [1, 2] and data.tolist() == [7, 0xAD, 2]
