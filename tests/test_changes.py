"""Updates and deletes give the index that a fresh build of the remaining documents gives, but for the numbering."""

import os
import shutil

import numpy as np
import pytest
from core_index import SCHEMA, WORDS, build_home, documents, open_home, sample
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from killing import killed_at

from indexer.changes import Change, apply_all, apply_changes, fold
from indexer.documents import BadDocument, document_from
from indexer.home import Home
from indexer.index import Index, verify
from indexer.publish import NoIndex, versions


def raw(document):
    return {"id": document.key, **document.fields}


def content(index):
    return [index.stored(doc) for doc in index.live_docs()]


def same_statistics(index, fresh):
    assert index.num_docs == fresh.num_docs
    assert index.df(WORDS).tolist() == fresh.df(WORDS).tolist()
    np.testing.assert_allclose(index.avg_lengths, fresh.avg_lengths, rtol=1e-12)


def test_an_update_replaces_and_adds_and_deletes(tmp_path):
    home = build_home(tmp_path, sample(6))
    name = apply_changes(home, [{"id": "key-1", "title": "new b"}, {"id": "x", "title": "b"}], ["key-2", "unknown"])
    index = Index.open(home)
    assert index.generation == name == "g000002"
    assert [d["id"] for d in content(index)] == ["key-0", "key-3", "key-4", "key-5", "key-1", "x"]
    assert index.stored(index.doc("key-1")) == {"id": "key-1", "title": "new b"}
    assert index.doc("key-2") == -1 and index.max_doc == 8 and index.num_docs == 6
    assert [index.key(doc) for doc in range(index.max_doc)] == [*(f"key-{i}" for i in range(6)), "key-1", "x"]
    assert index.keys(np.array([7, 0, 6, 3])) == ["x", "key-0", "key-1", "key-3"] and index.keys(np.array([], np.int64)) == []
    assert verify(home) == []


def test_scores_of_old_generations_do_not_change(tmp_path):
    home = build_home(tmp_path, sample(6))
    old = Index.open(home)
    before = old.df(WORDS).tolist()
    apply_changes(home, [], ["key-0", "key-1"])
    assert old.df(WORDS).tolist() == before and old.doc("key-0") == 0


def test_unchanged_segments_are_linked_not_copied(tmp_path):
    home = build_home(tmp_path, sample(6))
    apply_changes(home, [{"id": "x"}])
    first, second = (os.stat(home.index / g / "0000.seg").st_ino for g in ("g000001", "g000002"))
    assert first == second


def test_nothing_to_do_publishes_nothing(tmp_path):
    home = build_home(tmp_path, sample(2))
    assert apply_changes(home, [], ["unknown"]) == "g000001"
    assert len(versions(home)) == 1


def test_a_bad_document_changes_nothing(tmp_path):
    home = build_home(tmp_path, sample(2))
    for upserts in ([{"id": "a", "title": "fine"}, {"id": "b", "year": "soon"}], [{"title": "no id"}], [{"id": "x\ny"}]):
        with pytest.raises(BadDocument):
            apply_changes(home, upserts)
    assert [v.generation for v in versions(home)] == ["g000001"]
    assert not list(home.index.glob(".*"))


def test_a_home_without_an_index(tmp_path):
    with pytest.raises(NoIndex):
        apply_changes(Home.at(tmp_path), [{"id": "a"}])


def test_the_last_of_two_upserts_wins(tmp_path):
    home = build_home(tmp_path, sample(1))
    apply_changes(home, [{"id": "a", "title": "one"}, {"id": "a", "title": "two"}], ["a"])
    index = Index.open(home)
    assert index.num_docs == 2 and index.stored(index.doc("a"))["title"] == "two"


def test_everything_deleted_is_an_empty_index(tmp_path):
    home = build_home(tmp_path, sample(3))
    apply_changes(home, [], ["key-0", "key-1", "key-2"])
    index = Index.open(home)
    assert index.num_docs == 0 and index.max_doc == 0 and index.df(["b"]).tolist() == [0]
    assert index.doc("key-0") == -1
    apply_changes(home, [{"id": "a", "title": "b"}])
    assert Index.open(home).df(["b"]).tolist() == [1]


def test_the_number_of_segments_stays_small(tmp_path):
    home = build_home(tmp_path, sample(100))
    for n in range(40):
        apply_changes(home, [{"id": f"new-{n}", "title": "b"}])
    assert len(Index.open(home).segments) <= 8
    assert verify(home) == []


def test_where_nobody_merges_segments_stay_few_too(tmp_path, monkeypatch):
    monkeypatch.setattr("indexer.changes.FOLD_BELOW", 0)
    monkeypatch.setattr("indexer.changes.CROWDED", 4)
    home = build_home(tmp_path, sample(20))
    for n in range(10):
        apply_changes(home, [{"id": f"new-{n}", "title": "b"}])
        assert len(Index.open(home).segments) <= 6
    assert [d["id"] for d in content(Index.open(home))][20:] == [f"new-{n}" for n in range(10)]


changes = st.lists(st.tuples(documents(5), st.lists(st.integers(0, 12).map(lambda n: f"key-{n}"), max_size=4)), min_size=1, max_size=4)


@settings(max_examples=examples(25))
@given(start=documents(), steps=changes)
def test_changes_and_fold_equal_a_fresh_build(start, steps, tmp_path_factory):
    folder = tmp_path_factory.mktemp("changes")
    home = build_home(folder / "changed", start)
    expected = {d.key: raw(d) for d in start}
    for upserts, deletes in steps:
        apply_changes(home, [raw(d) for d in upserts], deletes)
        expected = {key: value for key, value in expected.items() if key not in deletes}
        expected.update({d.key: raw(d) for d in upserts})
    index = Index.open(home)
    assert {d["id"]: d for d in content(index)} == expected
    in_order = list(content(index))
    fresh = open_home(folder / "fresh", _as_documents(in_order), SCHEMA)
    same_statistics(index, fresh)
    fold(home)
    folded = Index.open(home)
    assert content(folded) == in_order
    assert index.docs([d["id"] for d in in_order] + ["key-none", "a\nb"]).tolist() == [*index.live_docs(), -1, -1]
    assert folded.manifest.to_bytes() == fresh.manifest.to_bytes()


def test_of_several_changes_the_later_ones_win(tmp_path):
    home = build_home(tmp_path, sample(3))
    apply_all(home, [Change([{"id": "a"}, {"id": "b"}], ["key-0", "a"]), Change([{"id": "c"}], ["b", "key-1"]), Change([{"id": "key-1"}])])
    assert [d["id"] for d in content(Index.open(home))] == ["key-2", "a", "c", "key-1"]


def test_unchanged_segments_are_shared_with_an_index_that_is_open(tmp_path):
    home = build_home(tmp_path, sample(6))
    apply_changes(home, [{"id": f"new-{n}", "title": "b"} for n in range(3)])
    before = Index.open(home)
    apply_changes(home, [{"id": "x", "title": "b"}], ["key-1"])
    shared, anew = Index.open(home, older=before), Index.open(home)
    assert shared.segments[1] is before.segments[1] and shared.segments[0].terms is before.segments[0].terms
    assert [s.num_live for s in shared.segments] == [s.num_live for s in anew.segments] == [5, 3, 1]
    assert before.segments[0].num_live == 6 and content(shared) == content(anew)
    same_statistics(shared, anew)


@given(titles=st.lists(st.sampled_from(["a b", ["a b"], None, 1, True, 1.0, ["1", "a"], [1, "a"], "1"]), min_size=2, max_size=2))
@settings(max_examples=examples(20))
def test_a_document_that_follows_another_takes_its_texts_out_whether_or_not_they_are_the_same(titles, tmp_path_factory):
    folder = tmp_path_factory.mktemp("following")
    fields = [{} if title is None else {"title": title} for title in titles]
    home = build_home(folder / "changed", _as_documents([{"id": "x", "body": "b b", **fields[0]}, {"id": "y", "title": "a 1 true"}]))
    apply_changes(home, [{"id": "x", "body": "b b", "year": 7, **fields[1]}])
    index = Index.open(home)
    fresh = open_home(folder / "fresh", _as_documents(list(content(index))))
    terms = [*WORDS, "1", "true", "True", "1.0"]
    assert index.df(terms).tolist() == fresh.df(terms).tolist()
    same_statistics(index, fresh)


@pytest.mark.parametrize("postings", [0, 30_000], ids=["analysed", "walked"])
@settings(max_examples=examples(20))
@given(start=documents(), steps=changes)
def test_either_way_of_counting_what_dies_is_exact(postings, start, steps, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dying")
    home = build_home(folder / "changed", start)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.losses.POSTINGS_A_DOCUMENT", postings)
        patch.setattr("indexer.changes.FOLD_BELOW", 0)
        for upserts, deletes in steps:
            apply_changes(home, [raw(d) for d in upserts], deletes)
    index = Index.open(home)
    same_statistics(index, open_home(folder / "fresh", _as_documents(list(content(index)))))


def _as_documents(raws):
    return [document_from(raw, "id") for raw in raws]


def test_kill_at_every_step_of_a_change(tmp_path):
    """The old or the new documents, never a mixture; and the next change needs no help."""
    survivors, before = set(), build_home(tmp_path / "before", sample(4))
    apply_changes(before, [{"id": "first", "title": "b"}], ["key-0"])
    for step in range(300):
        home = Home.at(tmp_path / str(step))
        shutil.copytree(before.root, home.root)
        killed = killed_at(step, lambda home=home: apply_changes(home, [{"id": "key-1", "title": "new"}], ["first", "key-2"]))
        survivors.add(tuple(d["id"] for d in content(Index.open(home))))
        assert verify(home) == []
        apply_changes(home, [{"id": "last", "title": "b"}])
        assert Index.open(home).doc("last") >= 0 and not list(home.index.glob(".*"))
        if not killed:
            break
    assert not killed
    assert survivors == {("key-1", "key-2", "key-3", "first"), ("key-3", "key-1")}
