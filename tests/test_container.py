"""Containers: round trips, and every damage noticed and named."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from indexer import format
from indexer.container import Container, ContainerWriter, file_sha256
from indexer.format import Corrupt, VersionMismatch

ARRAYS = st.sampled_from(format.DTYPES).flatmap(
    lambda code: hnp.arrays(code, hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=9))
)


def write(path, arrays):
    with ContainerWriter(path) as writer:
        for name, array in arrays.items():
            writer.add(name, array)
        return writer.finish()


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.seg"
    write(path, {"alpha": np.arange(5, dtype=np.uint32), "beta": np.arange(6.0).reshape(2, 3)})
    return path


@given(arrays=st.dictionaries(st.sampled_from(["a", "b.c", "longer.name", "z"]), ARRAYS))
def test_round_trip(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("container") / "x.seg"
    info = write(path, arrays)
    found = Container(path)
    assert list(found.sections) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()
    assert info == (path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    assert file_sha256(path) == info.sha256
    assert not found.damaged_sections()


def test_sections_are_aligned_and_may_be_written_in_pieces(tmp_path):
    with ContainerWriter(tmp_path / "x.seg") as writer:
        writer.add("odd", np.zeros(7, np.uint8))
        with writer.section("pieces", "<u2", (2,)) as write_piece:
            write_piece(np.ones((3, 2), np.uint16))
            write_piece(np.zeros((0, 2), np.uint16))
            write_piece(np.full((1, 2), 7, np.uint16))
        writer.finish()
    found = Container(tmp_path / "x.seg")
    assert found["pieces"].tolist() == [[1, 1], [1, 1], [1, 1], [7, 7]]
    assert all(int(entry["offset"]) % format.ALIGNMENT == 0 for entry in found._table)


def test_an_exception_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError), ContainerWriter(tmp_path / "x.seg") as writer:
        writer.add("a", np.zeros(3, np.uint8))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_every_flipped_bit_is_noticed(small):
    original = small.read_bytes()
    padding_or_silent = []
    for bit in range(8 * len(original)):
        damaged = bytearray(original)
        damaged[bit // 8] ^= 1 << (bit % 8)
        small.write_bytes(damaged)
        try:
            Container(small)
            padding_or_silent.append(bit // 8)
        except (Corrupt, VersionMismatch) as error:
            assert str(small) in str(error)
    # What opening lets pass is padding between sections, which only the SHA-256 of verify covers.
    assert all(original[at] == 0 for at in padding_or_silent)
    assert set(padding_or_silent) <= set(range(64 + 20, 128)) | set(range(128 + 48, 192))


def test_damage_names_the_section(small):
    damaged = bytearray(small.read_bytes())
    damaged[128] ^= 1
    small.write_bytes(damaged)
    with pytest.raises(Corrupt, match="section beta: checksum differs") as caught:
        Container(small)
    assert (caught.value.path, caught.value.section) == (small, "beta")


def test_every_truncation_is_noticed(small):
    original = small.read_bytes()
    for size in range(len(original)):
        small.write_bytes(original[:size])
        with pytest.raises(Corrupt):
            Container(small)
    small.write_bytes(original + b"\0")
    with pytest.raises(Corrupt):
        Container(small)


def test_another_version_is_refused_with_both_numbers(small, monkeypatch):
    monkeypatch.setattr(format, "VERSION", 99)
    write(small, {"alpha": np.arange(3)})
    monkeypatch.undo()
    with pytest.raises(VersionMismatch, match=f"expected format version {format.VERSION}, found 99"):
        Container(small)


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / "x.seg"
    path.write_bytes(b"%PDF-1.7" + bytes(500))
    with pytest.raises(Corrupt, match="SRCHDSEG"):
        Container(path)


def test_a_missing_section_is_named(small):
    with pytest.raises(Corrupt, match="section gamma: the section is missing"):
        Container(small)["gamma"]


@pytest.mark.parametrize(
    "name, array", [("alpha", np.zeros(1, np.uint8)), ("x" * 41, np.zeros(1, np.uint8)), ("b", np.zeros(1, np.complex64))]
)
def test_the_writer_refuses_what_the_format_cannot_say(tmp_path, name, array):
    with ContainerWriter(tmp_path / "x.seg") as writer, pytest.raises(TypeError):
        writer.add("alpha", np.zeros(1, np.uint8))
        writer.add(name, array)
