"""Changes that wait for each other become one generation, and each answers for itself alone."""

import threading

from core_index import build_home, sample

from indexer.changes import Change, apply_all
from indexer.documents import BadDocument
from indexer.index import Index
from indexer.publish import IndexLocked
from searchd.committer import Committer


def at_once(committer, changes, begun, go_on):
    """Outcomes of commits, all but the first of which wait for the first."""
    outcomes = [None] * len(changes)

    def run(number):
        try:
            outcomes[number] = committer.commit(changes[number])
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(changes))]
    threads[0].start()
    assert begun.wait(60)
    for number, thread in enumerate(threads[1:], 2):
        thread.start()
        while len(committer._queue) < number - 1:
            pass
    go_on.set()
    for thread in threads:
        thread.join(60)
    return outcomes


def slow_committer(publish):
    begun, go_on, published = threading.Event(), threading.Event(), []

    def publish_slowly(changes):
        begun.set()
        assert go_on.wait(60)
        published.append(len(changes))
        return publish(changes)

    return Committer(publish_slowly), begun, go_on, published


def test_changes_that_wait_are_published_together_in_their_order(tmp_path):
    home = build_home(tmp_path, sample(3))
    committer, begun, go_on, published = slow_committer(lambda changes: apply_all(home, changes))
    changes = [
        Change([{"id": "a", "title": "one"}], ["key-0"]),
        Change([{"id": "b", "title": "two"}]),
        Change([], ["a"]),
        Change([{"id": "b", "title": "three"}, {"id": "key-0"}]),
    ]
    outcomes = at_once(committer, changes, begun, go_on)
    assert published == [1, 3] and outcomes == ["g000002", "g000003", "g000003", "g000003"]
    index = Index.open(home)
    assert [index.stored(doc) for doc in index.live_docs()][2:] == [{"id": "b", "title": "three"}, {"id": "key-0"}]


def test_a_bad_document_is_told_to_whom_it_belongs(tmp_path):
    home = build_home(tmp_path, sample(1))
    committer, begun, go_on, published = slow_committer(lambda changes: apply_all(home, changes))
    outcomes = at_once(
        committer, [Change([{"id": "a"}]), Change([{"id": "b", "year": "soon"}]), Change([{"id": "c"}]), Change([{"no": 1}])], begun, go_on
    )
    assert isinstance(outcomes[1], BadDocument) and isinstance(outcomes[3], BadDocument)
    assert outcomes[::2] == ["g000002", "g000003"] and published == [1, 3, 1, 1, 1]
    assert [Index.open(home).doc(key) >= 0 for key in "abc"] == [True, False, True]


def test_whoever_waits_learns_that_nothing_was_published(tmp_path):
    def locked(changes):
        raise IndexLocked(tmp_path / "LOCK", "7") if len(changes) < 3 else ZeroDivisionError

    committer, begun, go_on, _ = slow_committer(locked)
    outcomes = at_once(committer, [Change([], ["a"])] * 4, begun, go_on)
    assert isinstance(outcomes[0], IndexLocked)
    assert {type(outcome) for outcome in outcomes[1:]} == {ZeroDivisionError, RuntimeError}


def test_many_changes_wait_for_a_generation_of_their_own(monkeypatch):
    monkeypatch.setattr("searchd.committer.MOST", 3)
    committer, begun, go_on, published = slow_committer(lambda changes: "g")
    assert at_once(committer, [Change([{}] * n) for n in (1, 2, 1, 1, 9, 1)], begun, go_on) == ["g"] * 6
    assert published == [1, 2, 1, 1, 1]
