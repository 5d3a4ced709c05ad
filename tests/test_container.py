"""Containers: round trips, and every damage noticed and named."""

import hashlib
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from indexer import format
from indexer.container import Container, ContainerWriter, file_sha256, table_crc32
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
    assert list(found.entries) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()
    assert info == (path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest(), table_crc32(path))
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
    assert all(int(entry["offset"]) % format.ALIGNMENT == 0 for entry in found.entries.values())


def test_large_sections_begin_with_a_page_whether_written_whole_or_in_pieces(tmp_path):
    whole = np.arange(100_000, dtype=np.uint32)
    infos = []
    for name, step in (("a", 1 << 30), ("b", 999), ("c", 16_384)):
        with ContainerWriter(tmp_path / name) as writer:
            writer.add("small", whole[:3])
            with writer.section("large", "<u4") as write_piece:
                for at in range(0, len(whole), step):
                    write_piece(whole[at : at + step])
            writer.add("after", whole[:5])
            infos.append(writer.finish())
        found = Container(tmp_path / name)
        assert int(found.entries["large"]["offset"]) % format.PAGE == 0 and int(found.entries["after"]["offset"]) % format.PAGE
        assert (found["large"] == whole).all()
    assert len({info[1:] for info in infos}) == 1


def test_a_large_file_is_hashed_beside_the_writing_and_no_thread_stays(tmp_path):
    before = threading.active_count()
    parts = [np.random.default_rng(n).integers(0, 255, size, np.uint8) for n, size in enumerate((3, 1 << 20, 5, 3 << 20, 700_000, 700_000))]
    with ContainerWriter(tmp_path / "x.seg") as writer:
        for n, part in enumerate(parts):
            writer.add(f"s{n}", part)
            part[:] = 0  # the caller may go on with its memory
        info = writer.finish()
    assert info.sha256 == file_sha256(tmp_path / "x.seg") and threading.active_count() == before
    with pytest.raises(RuntimeError), ContainerWriter(tmp_path / "y.seg") as writer:
        writer.add("a", np.zeros(3 << 20, np.uint8))
        raise RuntimeError
    assert threading.active_count() == before and not (tmp_path / "y.seg").exists()


def test_scratch_files_have_no_hash(tmp_path):
    with ContainerWriter(tmp_path / "x.seg", sync=False) as writer:
        writer.add("a", np.zeros(3 << 20, np.uint8))
        assert writer.finish().sha256 == ""
    assert not Container(tmp_path / "x.seg")["a"].any()


def test_an_exception_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError), ContainerWriter(tmp_path / "x.seg") as writer:
        writer.add("a", np.zeros(3, np.uint8))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_every_flipped_bit_is_noticed(small):
    """When the file is opened, or when the section is read; what passes is padding, which only the SHA-256 of verify covers."""
    original = small.read_bytes()
    silent = set()
    for bit in range(8 * len(original)):
        damaged = bytearray(original)
        damaged[bit // 8] ^= 1 << (bit % 8)
        small.write_bytes(damaged)
        try:
            found = Container(small)
            assert found["alpha"].tolist() == list(range(5)) and found["beta"].ravel().tolist() == list(range(6))
            silent.add(bit // 8)
        except (Corrupt, VersionMismatch) as error:
            assert str(small) in str(error)
    assert silent == set(range(64 + 20, 128)) | set(range(128 + 48, 192))


def test_damage_names_the_section_when_it_is_read(small):
    damaged = bytearray(small.read_bytes())
    damaged[128] ^= 1
    small.write_bytes(damaged)
    found = Container(small)
    assert found["alpha"].tolist() == list(range(5)) and found.damaged_sections() == ["beta"]
    for _ in range(2):
        with pytest.raises(Corrupt, match="section beta: checksum differs") as caught:
            found["beta"]
        assert (caught.value.path, caught.value.section) == (small, "beta")


def test_opening_reads_the_structure_and_nothing_else(tmp_path):
    """Every byte of every section may be wrong."""
    write(tmp_path / "x.seg", {"a": np.arange(9), "b": np.arange(90_000)})
    with open(tmp_path / "x.seg", "r+b") as file:
        file.seek(64)
        file.write(b"\xff" * 9 * 8)
        file.seek(format.PAGE)
        file.write(b"\xff" * 90_000 * 8)
    assert Container(tmp_path / "x.seg").damaged_sections() == ["a", "b"]


def test_sections_that_changed_places_are_noticed(tmp_path):
    path = tmp_path / "x.seg"
    write(path, {"a": np.arange(8), "b": np.arange(8, 16)})
    data = bytearray(path.read_bytes())
    data[64:128], data[128:192] = data[128:192], data[64:128]
    path.write_bytes(data)
    assert Container(path).damaged_sections() == ["a", "b"]


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
