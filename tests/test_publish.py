"""Publication: atomic at every step, one writer, the last three generations stay."""

import os
import shutil
import threading
import time

import pytest
from core_index import SCHEMA, build_home, build_segment, sample
from killing import killed_at

from indexer import durable, publish
from indexer.home import Home
from indexer.index import Index, lexicon_of, verify
from indexer.manifest import read_manifest, write_manifest
from indexer.publish import IndexLocked, NoIndex, NoSuchGeneration, rollback, versions, writer_lock


def names(home):
    return sorted(p.name for p in home.index.iterdir())


def generations(home):
    return [v.generation for v in versions(home)]


def test_generations_are_numbered_and_the_last_three_stay(tmp_path):
    for n in range(1, 6):
        home = build_home(tmp_path, sample(n))
    assert home.current.read_text() == "g000005\n"
    assert generations(home) == ["g000005", "g000004", "g000003"]
    assert names(home) == ["CURRENT", "HISTORY", "LOCK", "g000003", "g000004", "g000005"]
    assert [v.documents for v in versions(home)] == [5, 4, 3] and versions(home)[0].current


def test_rollback_returns_to_what_was_published_before(tmp_path):
    for n in range(1, 4):
        home = build_home(tmp_path, sample(n))
    assert rollback(home) == "g000002" and Index.open(home).num_docs == 2
    assert rollback(home) == "g000001"
    with pytest.raises(NoSuchGeneration, match="expected a generation before g000001"):
        rollback(home)
    build_home(tmp_path, sample(9))
    assert generations(home) == ["g000004", "g000001"]
    assert rollback(home) == "g000001"


def test_a_home_without_an_index_says_what_to_do(tmp_path):
    home = Home.at(tmp_path / "nothing")
    for call in (Index.open, versions, verify):
        with pytest.raises(NoIndex, match="build one with `indexer build"):
            call(home)


def test_the_same_documents_publish_the_same_bytes(tmp_path):
    first, second = build_home(tmp_path / "a", sample(20)), build_home(tmp_path / "b", sample(20))
    for name in ("MANIFEST.json", "0000.seg"):
        assert (first.index / "g000001" / name).read_bytes() == (second.index / "g000001" / name).read_bytes()


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path):
    home = Home.at(tmp_path)
    with writer_lock(home), pytest.raises(IndexLocked, match=f"process {os.getpid()}"), writer_lock(home):
        pass
    with writer_lock(home):
        pass


def test_a_writer_may_wait_for_its_turn(tmp_path):
    home, order = Home.at(tmp_path), []
    held = threading.Event()

    def first():
        with writer_lock(home):
            held.set()
            time.sleep(0.1)
            order.append(1)

    thread = threading.Thread(target=first)
    thread.start()
    held.wait()
    with writer_lock(home, wait=10):
        order.append(2)
    thread.join()
    assert order == [1, 2]


def test_a_reader_keeps_its_generation_after_it_was_collected(tmp_path):
    home = build_home(tmp_path, sample(3))
    index = Index.open(home)
    for n in range(4, 8):
        build_home(tmp_path, sample(n))
    assert index.generation not in generations(home)
    assert [index.key(doc) for doc in range(3)] == ["key-0", "key-1", "key-2"] and index.stored(2)["year"] == 2002


def test_a_named_generation_that_is_gone(tmp_path):
    home = build_home(tmp_path, sample(1))
    with pytest.raises(NoSuchGeneration, match="expected generation g000009, found none"):
        Index.open(home, "g000009")


def stage_and_publish(home, n):
    with writer_lock(home):
        staged = publish.stage(home)
        info = build_segment(staged / "0000.seg", sample(n))
        write_manifest(staged, SCHEMA, [info], lexicon_of(home))
        return publish.publish(home, staged)


@pytest.mark.parametrize("existing", [0, pytest.param(1, marks=pytest.mark.slow), 4])
def test_kill_at_every_step_leaves_the_old_or_the_new_generation(tmp_path, existing):
    """SIGKILL before and after every call that touches the disk, for a first and for a later generation."""
    survivors, before = set(), Home.at(tmp_path / "before")
    before.index.mkdir(parents=True)
    for n in range(existing):
        stage_and_publish(before, n + 1)
    for step in range(300):
        home = Home.at(tmp_path / str(step))
        shutil.copytree(before.root, home.root)
        killed = killed_at(step, lambda home=home: stage_and_publish(home, 50))
        survivors.add(_documents_of(home))
        stage_and_publish(home, 60)
        assert verify(home) == [] and Index.open(home).num_docs == 60
        assert not [name for name in names(home) if name.startswith((".", publish.STAGING))]
        assert set(generations(home)) == {name for name in names(home) if name.startswith("g")}
        if not killed:
            break
    assert not killed and survivors == {existing or None, 50}


def _documents_of(home):
    try:
        index = Index.open(home)
    except NoIndex:
        return None
    assert verify(home) == []
    return index.num_docs


def test_a_full_disk_publishes_nothing(tmp_path, monkeypatch):
    home = build_home(tmp_path, sample(3))

    def full(*_):
        raise OSError(28, "No space left on device")

    with writer_lock(home):
        staged = publish.stage(home)
        info = build_segment(staged / "0000.seg", sample(5))
        write_manifest(staged, SCHEMA, [info], None)
        monkeypatch.setattr(durable, "sync_file", full)
        with pytest.raises(OSError, match="No space"):
            publish.publish(home, staged)
    monkeypatch.undo()
    assert Index.open(home).num_docs == 3
    build_home(tmp_path, sample(4))
    assert generations(home) == ["g000002", "g000001"]


def test_history_may_be_lost_without_harm(tmp_path):
    for n in (1, 2):
        home = build_home(tmp_path, sample(n))
    (home.index / "HISTORY").write_text("garbage")
    assert Index.open(home).num_docs == 2
    assert build_home(tmp_path, sample(3)).current.read_text() == "g000003\n"
    assert read_manifest(home.index / "g000003").statistics["documents"] == 3
