"""The door to the disk: whole files or none, locks that die with their holder."""

import errno
import os
import signal
import threading

import numpy as np
import pytest
from killing import killed_at, operations

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


def test_threads_that_write_one_file_write_it_whole(tmp_path):
    """Each has a temporary file of its own."""
    path, texts = tmp_path / "x", [bytes([65 + n]) * 300_000 for n in range(4)]
    threads = [threading.Thread(target=lambda text=text: [durable.write_file(path, text) for _ in range(5)]) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in texts and os.listdir(tmp_path) == ["x"]


def test_what_a_killed_writer_left_goes_with_the_next_one_and_what_a_living_one_writes_stays(tmp_path):
    path = tmp_path / "x"
    assert killed_at(3, lambda: durable.write_file(path, b"half"))
    (left,) = os.listdir(tmp_path)
    assert left.startswith(".x.")
    living = durable.FileWriter(path)
    assert left not in os.listdir(tmp_path)
    durable.write_file(path, b"other")
    living.write(b"whole")
    living.close()
    assert path.read_bytes() == b"whole" and os.listdir(tmp_path) == ["x"]


def test_a_file_system_without_locks_will_do(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(durable.fcntl, "flock", refused)
    (tmp_path / ".x.1-a.tmp").write_bytes(b"perhaps somebody is writing this")
    durable.write_file(tmp_path / "x", b"whole")
    assert (tmp_path / "x").read_bytes() == b"whole" and sorted(os.listdir(tmp_path)) == [".x.1-a.tmp", "x"]


def test_a_new_file_never_replaces_another(tmp_path):
    durable.write_new_file(tmp_path / "x", b"first")
    with pytest.raises(FileExistsError):
        durable.write_new_file(tmp_path / "x", b"second")
    assert (tmp_path / "x").read_bytes() == b"first" and os.listdir(tmp_path) == ["x"]


@pytest.fixture
def old_system(monkeypatch):
    """A file system that knows plain renames only."""

    def refused(_source, target, _flags):
        raise OSError(errno.EINVAL, "Invalid argument", str(target))

    monkeypatch.setattr(durable, "_rename", refused)


def test_plain_renames_will_do(tmp_path, old_system):
    durable.write_new_file(tmp_path / "x", b"first")
    with pytest.raises(FileExistsError):
        durable.write_new_file(tmp_path / "x", b"second")
    for name in ("old", "new"):
        durable.make_folder(tmp_path / name)
        durable.write_file(tmp_path / name / "x", name.encode())
    durable.replace_folder(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "x").read_bytes() == b"first" and (tmp_path / "old" / "x").read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == ["old", "x"]


def test_staging_folders_go_and_so_do_those_of_killed_processes(tmp_path):
    def killed():
        with durable.staging_folder(tmp_path) as folder:
            durable.write_file(folder / "x", b"")
            os.kill(os.getpid(), signal.SIGKILL)

    assert killed_at(99, killed) and len(os.listdir(tmp_path)) == 1
    with durable.staging_folder(tmp_path) as first, durable.staging_folder(tmp_path) as second:
        durable.write_file(second / "x", b"")
        durable.rename_folder(second, tmp_path / "kept")
        assert sorted(os.listdir(tmp_path)) == sorted([first.name, "kept"])
    assert os.listdir(tmp_path) == ["kept"]


def test_a_folder_is_replaced_with_no_time_between(tmp_path):
    """SIGKILL after each operation: the old folder or the new one, whole."""
    found = set()
    for step in range(99):
        root = tmp_path / str(step)
        for name in ("old", "new"):
            durable.make_folder(root / name)
            durable.write_file(root / name / "x", name.encode())
        killed = killed_at(step, lambda root=root: durable.replace_folder(root / "new", root / "old"))
        found.add((root / "old" / "x").read_text())
        if not killed:
            break
    assert found == {"old", "new"} and os.listdir(root) == ["old"]


def failing_at(name, number=errno.ENOSPC, after=0):
    """An observer that refuses every operation of a name after the first ``after``."""
    seen = []

    def observe(step, do):
        seen.append(step.name)
        if step.name == name and seen.count(name) > after:
            raise OSError(number, os.strerror(number))
        return do()

    return observe, seen


@pytest.fixture
def watched():
    yield durable.watch
    durable.watch(None)


@pytest.mark.parametrize("name", ["create", "write", "sync", "replace"])
def test_an_error_names_the_file_and_leaves_the_old_one(tmp_path, watched, name):
    path = tmp_path / "x"
    durable.write_file(path, b"old")
    observer, seen = failing_at(name)
    watched(observer)
    with pytest.raises(OSError, match="No space left") as caught:
        durable.write_file(path, b"new")
    assert caught.value.filename == str(path) and path.read_bytes() == b"old" and os.listdir(tmp_path) == ["x"]
    assert seen.count(name) == 1  # never tried again, least of all a sync


def test_what_is_done_can_be_watched(tmp_path):
    found = operations(lambda: durable.write_file(tmp_path / "x", b"abc"))
    assert [step.name for step in found] == ["create", "write", "sync", "replace", "sync_folder"]
    assert {step.path for step in found} == {tmp_path / "x", tmp_path}


def test_a_full_disk_is_an_error_and_no_death_for_scratch_arrays(tmp_path, watched):
    """A hole in a file, filled later on a full disk, would be SIGBUS."""
    array = durable.scratch_array(tmp_path, "<i8", (1000,))
    assert len(array) == 1000
    watched(failing_at("scratch")[0])
    with pytest.raises(OSError, match="No space left"):
        durable.scratch_array(tmp_path, "<i8", (1000,))
