"""Group commit in a service: what nobody waits for shares a commit, who waits does not wait for it, and writers of several workers take turns."""

import sqlite3
import threading
import time
from contextlib import closing

import pytest

import ranker.log_writer as log_writer
from ranker.clicklog import ClickLog, ClickLogBusy, Event, Impression


@pytest.fixture
def commits(monkeypatch):
    """How many jobs each commit stored."""
    found, true = [], log_writer._commit
    monkeypatch.setattr(
        log_writer, "_commit", lambda connection, batch, busy_seconds: found.append(len(batch)) or true(connection, batch, busy_seconds)
    )
    return found


def event(number):
    return Event(f"e{number}", f"q{number}", "click", 0)


def shown(number):
    return Impression(f"q{number}", 0, "words", ["1"])


def test_searches_that_nobody_waits_for_share_a_commit(tmp_path, commits, monkeypatch):
    monkeypatch.setattr(log_writer, "LINGER_SECONDS", 5.0)
    with ClickLog(tmp_path / "clicks.sqlite3", steady=True) as log:
        for number in range(50):
            log.log_query(shown(number))
        log.flush()
        assert sum(commits) == 51 and len(commits) <= 3 and log.stats().impressions == 50


def test_who_waits_does_not_wait_for_others_to_come(tmp_path, monkeypatch):
    monkeypatch.setattr(log_writer, "LINGER_SECONDS", 60.0)
    with ClickLog(tmp_path / "clicks.sqlite3", steady=True) as log:
        log.log_query(shown(0))
        started = time.monotonic()
        for number in range(3):
            assert log.append([event(number)]).accepted == 1
        log.log_query(shown(1))
        log.close()
        assert time.monotonic() - started < 30
        assert log.stats().impressions == 2


def test_a_lock_that_is_kept_is_told_after_its_time(tmp_path):
    path = tmp_path / "clicks.sqlite3"
    with ClickLog(path, busy_seconds=0.2, steady=True) as log, closing(sqlite3.connect(path, isolation_level=None)) as other:
        log.append([event(0)])
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ClickLogBusy):
            log.append([event(1)])
        other.execute("ROLLBACK")
        assert log.append([event(1)]).accepted == 1


def test_two_writers_take_turns(tmp_path):
    """One that writes without end does not keep another one out: SQLite's own waiting let dozens of commits pass before each of the other's."""
    path, stop, written = tmp_path / "clicks.sqlite3", threading.Event(), []
    with ClickLog(path, steady=True) as busy, ClickLog(path, steady=True) as other:
        thread = threading.Thread(target=lambda: [written.append(busy.append([event(-1 - len(written))])) for _ in iter(stop.is_set, True)])
        thread.start()
        for number in range(20):
            other.append([event(number)])
        passed = len(written)
        stop.set()
        thread.join()
        assert passed < 20 * 20 and busy.stats().events == 20 + len(written)
