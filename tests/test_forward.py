"""The forward index against Python lists."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.container import Container, ContainerWriter
from indexer.forward import Forward, Rows, Sequences, encode_rows, locate_rows, row_start, write_forward
from indexer.jit import kernel

IDS = st.one_of(st.just(-1), st.integers(0, 200), st.integers(0, 1 << 22), st.integers(0, 2**31 - 2))


def sequences(rows, kept=None):
    """A run of rows of ids whose terms are those ids."""
    flat = np.array([i for row in rows for i in row], np.int64)
    values = np.unique(flat[flat >= 0]).astype(np.int32)
    tokens = np.where(flat < 0, -1, np.searchsorted(values, flat)).astype(np.int32)
    ends = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    return Sequences(tokens, ends, np.arange(len(rows)) if kept is None else np.array(kept, np.int64), values)


@given(st.lists(st.tuples(st.lists(st.lists(IDS, max_size=8), max_size=40), st.sets(st.integers(0, 39))), max_size=3))
def test_the_kept_rows_of_all_runs_come_back(runs):
    kept = [sorted(i for i in some if i < len(rows)) for rows, some in runs]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.forward.POSITIONS_AT_ONCE", 5)
        with ContainerWriter(Path(folder) / "f.seg") as writer:
            write_forward(writer, [sequences(rows, some) for (rows, _), some in zip(runs, kept)])
            writer.finish()
        found = Container(Path(folder) / "f.seg")
    forward = Forward(found["forward.data"], Rows(*(found[f"forward.{name}"] for name in Rows._fields)))
    expected = [rows[i] for (rows, _), some in zip(runs, kept) for i in some]
    assert [forward.row(i).tolist() for i in range(len(expected))] == expected
    assert len(forward.rows.starts) == len(expected) + 1


def test_frequent_terms_take_one_byte():
    data, sizes = encode_rows(sequences([list(range(127))]))
    assert data.tolist() == list(range(1, 128)) and sizes.tolist() == [127]


def test_an_id_takes_the_bytes_of_its_varint():
    data, sizes = encode_rows(Sequences(np.arange(3, dtype=np.int32), np.arange(4), np.array([2, 0]), np.array([300, 5, 6], np.int32)))
    assert sizes.tolist() == [1, 2] and data.tolist() == [7, 0xAD, 2]


@kernel
def _starts(rows):
    out = np.empty(len(rows.starts), np.int64)
    for row in range(len(out)):
        out[row] = row_start(rows, row)
    return out


@given(st.lists(st.one_of(st.integers(0, 300), st.integers(0, 70_000), st.sampled_from([0, 65_535, 65_536, 1 << 33])), max_size=100))
@example([2047] * 32 + [2115] * 32 + [1])
@example([1] * 31 + [65_504, 1])
def test_rows_begin_where_those_before_them_end(sizes):
    rows = locate_rows(np.array(sizes, np.int64))
    expected = np.cumsum([0, *sizes])
    assert _starts(rows).tolist() == expected.tolist()
    groups = [expected[g : g + 32] - expected[g] for g in range(0, len(expected), 32)]
    assert len(rows.wide) == 32 * sum(group.max() > 65_535 for group in groups) and len(rows.bases) == len(groups) == len(sizes) // 32 + 1
