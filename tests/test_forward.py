"""The forward index against Python lists."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.container import Container, ContainerWriter
from indexer.format import Corrupt
from indexer.forward import Forward, Sequences, encode_rows, locate_rows, row_start, write_forward
from indexer.jit import kernel

IDS = st.one_of(st.just(-1), st.integers(0, 200), st.integers(0, 1 << 22), st.integers(0, 2**31 - 2))


def sequences(rows, kept=None):
    """A run of rows of ids whose terms are those ids."""
    flat = np.array([i for row in rows for i in row], np.int64)
    values = np.unique([-1, *flat]) + 1
    tokens = np.searchsorted(values, flat + 1).astype(np.uint16)
    ends = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    return Sequences(tokens, ends, np.arange(len(rows)) if kept is None else np.array(kept, np.int64), values.astype(np.uint32))


@given(st.lists(st.tuples(st.lists(st.lists(IDS, max_size=8), max_size=40), st.sets(st.integers(0, 39))), max_size=3))
def test_the_kept_rows_of_all_runs_come_back(runs):
    kept = [sorted(i for i in some if i < len(rows)) for rows, some in runs]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.forward.POSITIONS_AT_ONCE", 5)
        with ContainerWriter(Path(folder) / "f.seg") as writer:
            write_forward(writer, [sequences(rows, some) for (rows, _), some in zip(runs, kept)])
            writer.finish()
        found = Container(Path(folder) / "f.seg")
    forward = Forward(found.family("forward.", Forward.SECTIONS))
    expected = [rows[i] for (rows, _), some in zip(runs, kept) for i in some]
    assert [forward.row(i).tolist() for i in range(len(expected))] == expected
    assert len(forward.rows.starts) == len(expected) + 1


def test_frequent_terms_take_one_byte():
    data, sizes = encode_rows(sequences([list(range(127))]))
    assert data.tolist() == list(range(1, 128)) and sizes.tolist() == [127]


def test_an_id_takes_the_bytes_of_its_varint():
    data, sizes = encode_rows(Sequences(np.arange(3, dtype=np.uint32), np.arange(4), np.array([2, 0]), np.array([301, 6, 7], np.uint32)))
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


def damaged_file(folder, section, at):
    """Rows 0 to 39,999 of one position each, and one byte of a section flipped."""
    path = folder / "f.seg"
    with ContainerWriter(path) as writer:
        write_forward(writer, [sequences([[i % 100] for i in range(40_000)])])
        writer.finish()
    place = int(Container(path).entries[f"forward.{section}"]["offset"]) + at
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    return Forward(Container(path).family("forward.", Forward.SECTIONS))


@pytest.mark.parametrize("section, at, bad", [("data", 5000, 5000), ("starts", 10_000, 5000), ("bases", 300, 1200)])
def test_damage_is_met_by_the_rows_that_need_the_page(tmp_path, section, at, bad):
    good = 39_000
    assert damaged_file(tmp_path, section, at).row(good).tolist() == [0]
    for read in (
        lambda forward: forward.row(bad),
        lambda forward: forward.require(np.array([good, bad]), np.array([good + 1, bad + 3])),
        lambda forward: (forward.data, forward.rows),
    ):
        with pytest.raises(Corrupt, match=f"f.seg: section forward.{section}: checksum differs"):
            read(damaged_file(tmp_path, section, at))
    rows, data = damaged_file(tmp_path, section, at).require(np.array([good]), np.array([good + 3]))
    assert data[row_start.py_func(rows, good)] == 1


def test_damaged_groups_of_wide_rows_are_met(tmp_path):
    sizes = np.full(64, 4000, np.int64)
    rows = locate_rows(sizes)
    assert len(rows.wide) == 64
    forward = Forward.in_memory(np.ones(int(sizes.sum()), np.uint8), rows)
    assert len(forward.row(33)) == 4000
    wide = forward.sections.wide
    wide.verified[0] = 0  # its checksum, that of no page of a file, differs
    with pytest.raises(Corrupt, match="section wide"):
        forward.row(33)
