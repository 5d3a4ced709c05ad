"""Merging in the background changes no answer, whatever is written meanwhile, and can be killed at any time."""

import shutil

import numpy as np
import pytest
from core_index import build_home, documents, open_home, sample
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from killing import killed_at
from test_changes import _as_documents, changes, content, raw, same_statistics

import indexer.durable as durable
import indexer.merging as merging
from indexer.changes import apply_changes, fold
from indexer.home import Home
from indexer.index import Index, verify
from indexer.manifest import SegmentEntry
from indexer.merging import choose, merge_as_needed
from indexer.publish import NoIndex


def entries(sizes, deleted=None):
    return [SegmentEntry(f"{n:04d}.seg", size, 1, 1, 1, None, (deleted or {}).get(n, 0)) for n, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "deleted", "expected"),
    [
        ([], {}, None),
        ([60_000, 3_000, 1_000, 500], {}, None),
        ([60_000, 3_000, 1_000, 1_000, 1_000], {}, range(1, 5)),
        ([60_000, 3_000, 1_000, 1_000, 999], {}, None),
        ([60_000, 30_000, 15_000, 8_000, 1, 1, 1, 1], {}, range(4, 8)),
        ([60_000, 30_000, 15_000, 15_000], {}, range(4)),
        ([1, 1, 1, 1, 60_000, 1, 1, 1], {}, range(4)),
        ([9, 60_000, 9, 9, 9, 30_000, 1, 1, 3], {}, None),
        ([3**n for n in range(25, 0, -1)], {}, range(21, 25)),
        ([60_000, 10], {0: 20_001}, range(1)),
        ([60_000, 10], {0: 20_000}, None),
        ([60_000, 1_000], {1: 999}, None),
    ],
)
def test_even_neighbours_are_chosen_and_what_is_largely_deleted(sizes, deleted, expected):
    assert choose(entries(sizes, deleted)) == expected


@given(st.lists(st.integers(1, 1_000_000), max_size=60))
def test_merging_ends_with_few_segments(sizes):
    while chosen := choose(entries(sizes)):
        assert len(chosen) >= merging.FAN
        sizes[chosen.start : chosen.stop] = [sum(sizes[chosen.start : chosen.stop])]
    assert len(sizes) <= merging.MOST_SEGMENTS
    for start in range(len(sizes) - merging.FAN + 1):
        some = sizes[start : start + merging.FAN]
        assert 2 * max(some) > sum(some)


@pytest.fixture
def unfolded(monkeypatch):
    """Every change leaves a segment, so that there is something to merge."""
    monkeypatch.setattr("indexer.changes.FOLD_BELOW", 0)


@settings(max_examples=examples(20))
@given(start=documents(), steps=st.lists(changes, min_size=1, max_size=3), meanwhile=changes)
def test_merges_between_and_during_changes_equal_a_fresh_build(start, steps, meanwhile, tmp_path_factory):
    folder = tmp_path_factory.mktemp("merging")
    home = build_home(folder / "merged", start)
    twin = build_home(folder / "twin", start)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.changes.FOLD_BELOW", 0)
        for number, some in enumerate([*steps, meanwhile]):
            for upserts, deletes in some:
                apply_both((home, twin), upserts, deletes)
            if number == len(steps) - 1:
                patch.setattr(merging, "write_documents", with_changes_before_the_end(lambda: change_all((home, twin), meanwhile)))
            patch.setattr(merging, "MOST_DELETED", number % 2)
            patch.setattr(merging, "LEAST_DELETED", 1)
            merge_as_needed(home)
    index = Index.open(home)
    assert content(index) == content(Index.open(twin))
    same_statistics(index, open_home(folder / "fresh", _as_documents(list(content(index)))))
    assert verify(home) == []
    fold(home), fold(twin)
    assert Index.open(home).manifest.to_bytes() == Index.open(twin).manifest.to_bytes()


def apply_both(homes, upserts, deletes):
    for home in homes:
        apply_changes(home, [raw(d) for d in upserts], deletes)


def change_all(homes, some):
    for upserts, deletes in some:
        apply_both(homes, upserts, deletes)


def with_changes_before_the_end(change):
    """Writing a merged segment, at whose end others have changed documents; only the first time."""
    write, waiting = merging.write_documents, [change]

    def call(*args):
        info = write(*args)
        while waiting:
            waiting.pop()()
        return info

    return call


def many_segments(root):
    home = build_home(root, sample(6))
    for number in range(5):
        apply_changes(home, [{"id": f"new-{number}", "title": f"b {number}"}], [f"key-{number}"])
    return home


def test_a_merge_leaves_few_segments_and_the_same_documents(tmp_path, unfolded):
    home = many_segments(tmp_path)
    before = Index.open(home)
    assert len(before.segments) == 6
    assert merge_as_needed(home) == ["g000007"]
    index = Index.open(home)
    assert len(index.segments) == 1 and content(index) == content(before) and index.num_docs == index.max_doc == 6
    assert merge_as_needed(home) == [] and verify(home) == []


def test_what_is_folded_meanwhile_is_not_put_back(tmp_path, unfolded, monkeypatch):
    home = many_segments(tmp_path)
    monkeypatch.setattr(merging, "write_documents", with_changes_before_the_end(lambda: fold(home)))
    assert merge_as_needed(home) == [] and Index.open(home).generation == "g000007"
    assert not (home.index / merging.MERGING).exists()


def test_all_deleted_meanwhile_leaves_nothing(tmp_path, unfolded, monkeypatch):
    home = many_segments(tmp_path)
    everything = [document["id"] for document in content(Index.open(home))]
    monkeypatch.setattr(merging, "write_documents", with_changes_before_the_end(lambda: apply_changes(home, [], everything)))
    merge_as_needed(home)
    assert Index.open(home).num_docs == 0 and verify(home) == []


def test_two_mergers_do_not_work_at_once(tmp_path, unfolded):
    home = many_segments(tmp_path)
    with durable.exclusive(home.index / "MERGE") as held:
        assert held and merge_as_needed(home) == []
    assert merging.is_needed(home)


def test_a_home_without_an_index(tmp_path):
    with pytest.raises(NoIndex):
        merge_as_needed(Home.at(tmp_path))


def test_kill_at_every_step_of_a_merge(tmp_path, unfolded):
    """The same documents, old generation or new, and the next merge needs no help."""
    before = many_segments(tmp_path / "before")
    expected, killed = content(Index.open(before)), True
    for step in range(400):
        home = Home.at(tmp_path / str(step))
        shutil.copytree(before.root, home.root)
        killed = killed_at(step, lambda home=home: merge_as_needed(home))
        assert content(Index.open(home)) == expected and verify(home) == []
        apply_changes(home, [{"id": "last", "title": "b"}])
        merge_as_needed(home)
        assert [d["id"] for d in content(Index.open(home))] == [d["id"] for d in expected] + ["last"]
        assert not list(home.index.glob(".*"))
        shutil.rmtree(home.root)
        if not killed:
            break
    assert not killed


def test_writing_is_no_faster_than_it_may_be(tmp_path, monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr(durable, "_bytes_a_second", 1000)
    writer = durable.FileWriter(tmp_path / "file", sync=False)
    writer.write(np.zeros(3_000_000, np.uint8).data)
    writer.close()
    assert sum(slept) == pytest.approx(3000) and (tmp_path / "file").stat().st_size == 3_000_000
