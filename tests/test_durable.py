"""The door to the disk: whole files or none, locks that die with their holder."""

import os

import numpy as np
import pytest

import indexer.durable as durable


def test_write_file_replaces_whole(tmp_path):
    path = tmp_path / "x"
    durable.write_file(path, b"old")
    durable.write_file(path, memoryview(b"new content"))
    assert path.read_bytes() == b"new content" and os.listdir(tmp_path) == ["x"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x"
    durable.write_file(path, b"old")

    def failing(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="Input/output"):
        durable.write_file(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("sizes", [[], [0], [1, 2], [1 << 18, 3], [5, 1 << 20, 7], [(1 << 18) - 1, 1, 1]])
def test_file_writer_writes_every_byte(tmp_path, sizes):
    pieces = [os.urandom(size) for size in sizes]
    writer = durable.FileWriter(tmp_path / "x")
    for piece in pieces:
        writer.write(piece)
    assert os.listdir(tmp_path) != ["x"]
    writer.close()
    assert (tmp_path / "x").read_bytes() == b"".join(pieces) and writer.size == sum(sizes)
    writer.abort()
    assert os.listdir(tmp_path) == ["x"]


def test_file_writer_survives_short_writes(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data[:1000])))
    writer = durable.FileWriter(tmp_path / "x")
    data = os.urandom(5000)
    writer.write(data)
    writer.close()
    assert (tmp_path / "x").read_bytes() == data


def test_an_aborted_writer_leaves_nothing(tmp_path):
    writer = durable.FileWriter(tmp_path / "x")
    writer.write(b"half")
    writer.abort()
    assert os.listdir(tmp_path) == []


def test_scratch_arrays_have_no_name(tmp_path):
    array = durable.scratch_array(tmp_path, "<i4", (3, 4))
    array[1] = 7
    assert array.tolist() == [[0] * 4, [7] * 4, [0] * 4] and os.listdir(tmp_path) == []
    assert durable.scratch_array(tmp_path, "<u2", (0, 5)).shape == (0, 5)
    assert not np.any(durable.scratch_array(tmp_path, "<u2", (5,)))


def test_a_lock_is_free_again_when_its_holder_dies(tmp_path):
    path = tmp_path / "LOCK"
    ready, inside = os.pipe()
    child = os.fork()
    if not child:
        with durable.exclusive(path):
            os.write(inside, b"1")
            os.kill(os.getpid(), 19)
    os.read(ready, 1)
    with durable.exclusive(path) as held:
        assert not held and path.read_text() == str(child)
    os.kill(child, 9)
    os.waitpid(child, 0)
    with durable.exclusive(path, wait=5) as held:
        assert held
    os.close(ready)
    os.close(inside)


def test_make_folder_makes_parents_and_may_be_repeated(tmp_path):
    durable.make_folder(tmp_path / "a" / "b")
    durable.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
