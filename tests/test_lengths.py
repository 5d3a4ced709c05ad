"""Lengths as codes: what is indexed is what was written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.container import Container, ContainerWriter
from indexer.lengths import MAX_COUNTED, Lengths, write_lengths


def written(folder, lengths):
    with ContainerWriter(folder / "x", sync=False) as writer:
        write_lengths(writer, lengths)
        writer.finish()
    return Lengths(Container(folder / "x").family("lengths.", Lengths.SECTIONS), *lengths.shape)


@given(st.integers(0, 3), st.integers(0, 9), st.data())
def test_lengths_come_back(tmp_path_factory, num_fields, num_docs, data):
    length = st.one_of(st.integers(0, 5), st.integers(0, 3 * MAX_COUNTED))
    rows = data.draw(st.lists(st.lists(length, min_size=num_docs, max_size=num_docs), min_size=num_fields, max_size=num_fields))
    expected = np.array(rows, np.uint32).reshape(num_fields, num_docs)
    lengths = written(tmp_path_factory.mktemp("lengths"), expected)
    assert np.asarray(lengths).tolist() == expected.tolist() and lengths.shape == expected.shape
    assert lengths.totals.tolist() == expected.sum(axis=1).tolist()
    assert lengths.having.tolist() == np.count_nonzero(expected, axis=1).tolist()
    docs = np.array(data.draw(st.lists(st.integers(0, num_docs - 1), max_size=4)) if num_docs else [], np.int64)
    assert lengths[:, docs].tolist() == expected[:, docs].tolist() and lengths[:, docs].dtype == np.uint32
    for field in range(num_fields):
        assert lengths.values(field).tolist() == sorted(set(rows[field]))
        assert lengths[field].tolist() == rows[field]
        assert all(lengths[field, doc] == rows[field][doc] for doc in range(num_docs))


@pytest.mark.parametrize(("distinct", "dtype"), [(65_536, np.uint16), (65_537, np.uint32)])
def test_codes_are_as_wide_as_they_must_be(tmp_path, distinct, dtype):
    expected = np.stack([np.arange(distinct), np.zeros(distinct)]).astype(np.uint32)
    lengths = written(tmp_path, expected)
    assert lengths.codes.dtype == dtype and np.array_equal(np.asarray(lengths), expected)
