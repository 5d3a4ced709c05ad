"""A service merges segments that have become many by a process of its own, which may be stopped."""

import pytest
from core_index import build_home, sample

import indexer.merging as merging
from indexer.changes import apply_changes
from indexer.index import Index, verify
from searchd.merger import Merger


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr("indexer.changes.FOLD_BELOW", 0)
    home = build_home(tmp_path, sample(4))
    for number in range(5):
        apply_changes(home, [{"id": f"new-{number}", "title": "b"}])
    return home


def test_segments_are_merged_by_another_process(home):
    merger = Merger(home)
    assert merging.is_needed(home)
    merger.look()
    merger.wait()
    index = Index.open(home)
    assert len(index.segments) == 1 and index.num_docs == 9 and verify(home) == []
    merger.look()
    assert merger._process is not None and merger._process.returncode == 0 and Index.open(home).generation == index.generation
    merger.close()


def test_a_closed_one_merges_no_more(home):
    merger = Merger(home)
    merger.look()
    merger.close()
    assert merger._process is not None and merger._process.returncode is not None
    process = merger._process
    merger.look()
    assert merger._process is process and Index.open(home).num_docs == 9
