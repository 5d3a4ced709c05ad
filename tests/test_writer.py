"""Changes of documents are published by a process of their own, whose kernels were made ready before; what it refuses arrives as if raised here."""

import io
import os
import sys

import pytest
from core_index import build_home, sample
from numba.core.registry import CPUDispatcher

import indexer.changes as indexer_changes
from indexer.changes import Change, apply_changes, fold
from indexer.documents import BadDocument
from indexer.home import Home
from indexer.index import Index, verify
from indexer.merging import merge_as_needed
from searchd.warm_changes import warm_changes
from searchd.writer import Writer, WriterGone
from searchd.writing import _published, read_frame, write_frame


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    writer = Writer(build_home(tmp_path_factory.mktemp("writer"), sample(6)))
    writer.start()
    yield writer
    writer.close()


def ids(writer):
    index = Index.open(writer._home)
    return [index.stored(doc)["id"] for doc in index.live_docs()]


def test_changes_are_published_together_by_another_process(writer):
    before = ids(writer)
    name = writer.apply([Change([{"id": "a", "title": "b"}], ["key-0"]), Change([{"id": "b", "year": 7}], ["a"])])
    assert Index.open(writer._home).generation == name and ids(writer) == [*before[1:], "b"] and verify(writer._home) == []
    assert writer._process is not None and writer._process.pid != os.getpid()


def test_what_it_refuses_is_raised_here_and_changes_nothing(writer):
    before = Index.open(writer._home).generation
    with pytest.raises(BadDocument, match="year") as refused:
        writer.apply([Change([{"id": "x", "title": "fine"}]), Change([{"id": "y", "year": "soon"}])])
    assert refused.value.code and Index.open(writer._home).generation == before
    with pytest.raises(UnicodeEncodeError):
        writer.apply([Change([{"id": "z", "title": "\ud800"}])])
    assert writer.apply([Change([{"id": "z", "title": "b"}])]) != before


def test_after_its_end_the_next_change_starts_another(writer, monkeypatch):
    old = writer._process
    monkeypatch.setattr("searchd.writer.read_frame", lambda stream: None)
    with pytest.raises(WriterGone, match="send it again"):
        writer.apply([Change([{"id": "lost", "title": "b"}])])
    monkeypatch.undo()
    assert old.poll() is not None
    assert writer.apply([Change([{"id": "lost", "title": "c"}])]) and writer._process is not old


def test_a_home_without_an_index_is_told(tmp_path):
    reply, index = _published(Home.at(tmp_path / "nowhere"), [Change([{"id": "a"}])], None)
    assert (reply.error, reply.code, index) == ("searchd", "no_index", None)


def test_frames_are_read_as_they_were_written_and_a_torn_one_is_none():
    stream = io.BytesIO()
    for data in (b"", b"a", b"x" * 100_000):
        write_frame(stream, data)
    whole = stream.getvalue()
    stream.seek(0)
    assert [read_frame(stream) for _ in range(4)] == [b"", b"a", b"x" * 100_000, None]
    for cut in (3, 8, 10, 20):
        torn = io.BytesIO(whole[:cut])
        frames = list(iter(lambda torn=torn: read_frame(torn), None))
        assert all(frame in (b"", b"a") for frame in frames)


def compiled():
    """How many variants of all kernels have been compiled or loaded in this process."""
    modules = [module for name, module in list(sys.modules.items()) if name.split(".")[0] in ("indexer", "ranker", "searchd")]
    kernels = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, CPUDispatcher)}
    return {kernel.py_func.__module__ + "." + kernel.__name__: len(kernel.signatures) for kernel in kernels.values()}


def test_after_warming_changes_compile_nothing(tmp_path, monkeypatch):
    (tmp_path / "warm").mkdir()
    warm_changes(tmp_path / "warm")
    before = compiled()
    monkeypatch.setattr(indexer_changes, "FOLD_BELOW", 2)
    home = build_home(tmp_path / "home", sample(40))
    built = compiled()
    for number in range(6):
        apply_changes(
            home, [{"id": f"key-{number}", "title": f"other 文字 {number}", "body": "a b c", "year": number}], [f"key-{number + 10}"]
        )
        apply_changes(home, [{"id": f"new-{n}-{number}", "title": "x", "tag": ["t"]} for n in range(20)])
    apply_changes(home, [{"id": "key-30"}])
    merge_as_needed(home)
    fold(home)
    assert verify(home) == []
    assert {name for name, count in compiled().items() if count > max(before.get(name, 0), built.get(name, 0))} == set()
