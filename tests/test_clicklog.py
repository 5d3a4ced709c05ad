"""The click log on real files: what is acknowledged survives SIGKILL, retries count once, processes share a file, failures are named."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from ranker.clicklog import ClickLog, ClickLogBusy, ClickLogCorrupt, ClickLogError, Event, Impression
from ranker.clicklog_schema import IMPRESSION_ROW, connect, create, impression_row, migrations

ROOT = Path(__file__).resolve().parents[1]


def impression(query_id="q1", **changes) -> Impression:
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    vectors[0, 0] = np.nan
    given = {"timestamp": 1_700_000_000_000, "user_query": "机器学习 python", "keys": ["a", "b"], "client_id": "c1", "features": vectors}
    return Impression(query_id, **{**given, "scores": np.array([2.0, 1.0], np.float32), "feature_fingerprint": "f", **changes})


def click(event_id="e1", query_id="q1", **changes) -> Event:
    return Event(
        event_id, query_id, "click", **{"timestamp": 1_700_000_000_500, "object_id": "a", "position": 1, "client_id": "c1", **changes}
    )


@pytest.fixture
def log(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        yield log


def run(code: str, *arguments, **options) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], cwd=ROOT, text=True, **options)


def test_what_was_shown_comes_back_bit_by_bit(log):
    shown = impression(propensities=np.array([0.9, 0.1], np.float32), model="m/3", generation="g000001", first_rank=11, simulated=True)
    assert log.log_query(shown)
    log.flush()
    found = log.query("q1")
    arrays = ("features", "scores", "propensities")
    assert all(getattr(found, name).tobytes() == getattr(shown, name).tobytes() for name in arrays)
    assert found._replace(**dict.fromkeys(arrays)) == shown._replace(**dict.fromkeys(arrays))
    assert log.query("other") is None


def test_an_impression_may_have_no_vectors_and_no_documents(log):
    log.write([impression(features=None, scores=None), impression("q2", keys=[], features=np.zeros((0, 3), np.float32))], [])
    assert log.query("q1").features is None
    assert log.query("q2").keys == []


def test_events_come_back_in_order(log):
    events = [click("e2", attributes={"object": {"object_id": "a"}, "n": 1.5}), click("e1", object_id="b", message="一", user_id="u")]
    assert log.append(events) == (2, [], 0)
    assert log.events_of("q1") == events
    assert list(log.events("click")) == events
    assert list(log.events("purchase")) == []


def test_an_event_sent_again_counts_once(log):
    assert log.append([click()]).duplicates == 0
    assert log.append([click(), click("e2")]).duplicates == 1
    assert log.stats().clicks == 2


def test_equal_rankings_store_their_vectors_once(log):
    log.write([impression(f"q{i}") for i in range(50)], [])
    assert next(log.rows("SELECT count(*) FROM matrices")) == (1,)


def test_text_that_sqlite_cannot_hold_is_stored_as_question_marks(log):
    log.write([impression(user_query="a\ud800b")], [click(message="\udfff")])
    assert log.query("q1").user_query == "a?b"
    assert log.events_of("q1")[0].message == "?"


def test_durability_is_asked_of_sqlite_and_the_file_is_private(log):
    assert (log.path.stat().st_mode & 0o777) == 0o600
    connection = connect(log.path)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_many_threads_share_one_log(log):
    def append(thread):
        for n in range(20):
            assert log.append([click(f"{thread}-{n}")]).accepted == 1

    threads = [threading.Thread(target=append, args=(t,)) for t in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.stats().clicks == 160


ACKNOWLEDGE = """
    import sys
    from ranker.clicklog import ClickLog, Event
    log = ClickLog(sys.argv[1])
    for n in range(1_000_000):
        name = f"{sys.argv[2]}-{n}"
        log.append([Event(name, "q", "click", n), Event(name + "b", "q", "click", n)])
        print(name, flush=True)
"""


@pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.slow)])
def test_sigkill_loses_nothing_acknowledged(tmp_path, kills):
    path, acknowledged = tmp_path / "clicks.sqlite3", []
    for round_ in range(kills):
        writer = run(ACKNOWLEDGE, path, round_, stdout=subprocess.PIPE)
        acknowledged += [writer.stdout.readline().strip() for _ in range(30)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += writer.stdout.read().split()
        writer.wait()
        writer.stdout.close()
    with ClickLog(path) as log:
        stored = [event.event_id for event in log.events()]
        assert set(acknowledged) | {name + "b" for name in acknowledged} <= set(stored)
        assert len(stored) == len(set(stored))
        assert log.append([Event(name, "q", "click", 0) for name in acknowledged]).duplicates == len(acknowledged)
        assert next(log.rows("PRAGMA quick_check")) == ("ok",)


def test_two_processes_make_and_write_one_file(tmp_path):
    code = """
        import sys
        from ranker.clicklog import ClickLog, Event, Impression
        with ClickLog(sys.argv[1]) as log:
            for n in range(100):
                log.log_query(Impression(f"{sys.argv[2]}-{n}", n, "x", ["a"]))
                log.append([Event(f"both-{n}", "q", "click", n), Event(f"{sys.argv[2]}-{n}", "q", "click", n)])
    """
    path = tmp_path / "clicks.sqlite3"
    writers = [run(code, path, name) for name in "xy"]
    assert [writer.wait() for writer in writers] == [0, 0]
    with ClickLog(path) as log:
        assert log.stats().clicks == 300
        assert log.stats().impressions == 200


def test_a_forked_child_writes_through_its_own_thread(tmp_path):
    code = """
        import os, sys
        from ranker.clicklog import ClickLog, Event
        log = ClickLog(sys.argv[1])
        log.append([Event("parent", "q", "click", 1)])
        child = os.fork()
        log.append([Event("child" if child == 0 else "parent-again", "q", "click", 1)])
        if child:
            sys.exit(os.waitpid(child, 0)[1])
    """
    path = tmp_path / "clicks.sqlite3"
    assert run(code, path).wait(timeout=60) == 0
    with ClickLog(path) as log:
        assert sorted(event.event_id for event in log.events()) == ["child", "parent", "parent-again"]


def test_what_is_queued_is_stored_when_the_process_ends(tmp_path):
    code = """
        import sys
        from ranker.clicklog import ClickLog, Impression
        log = ClickLog(sys.argv[1])
        for n in range(500):
            assert log.log_query(Impression(f"q{n}", n, "x", ["a"]))
    """
    path = tmp_path / "clicks.sqlite3"
    assert run(code, path).wait(timeout=60) == 0
    with ClickLog(path) as log:
        assert log.stats().impressions == 500


def test_a_locked_file_refuses_clearly_and_recovers(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3", busy_seconds=0.05) as log:
        other = sqlite3.connect(log.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ClickLogBusy, match="try again"):
            log.append([click()])
        other.execute("ROLLBACK")
        other.close()
        assert log.append([click()]).accepted == 1


def test_a_second_opener_gives_up_no_locks_of_the_first(tmp_path):
    path = tmp_path / "clicks.sqlite3"
    with ClickLog(path) as log:
        log.append([click()])
        ClickLog(path).close()
        reading = "import sys; from pathlib import Path; from ranker.clicklog import ClickLog; print(len(list(ClickLog(Path(sys.argv[1])).events())))"
        assert run(reading, path, stdout=subprocess.PIPE).communicate()[0].strip() == "1"
        assert path.with_name("clicks.sqlite3-wal").exists()  # which a last user would have removed
        log.append([click("e2")])
        assert len(list(log.events())) == 2


def test_a_full_queue_drops_impressions_and_refuses_events(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3", queue_size=2, busy_seconds=20) as log:
        other = sqlite3.connect(log.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        kept = sum(log.log_query(impression(f"q{n}")) for n in range(10))
        assert log.dropped == 10 - kept > 0
        with pytest.raises(ClickLogBusy, match="waiting already"):
            log.append([click()])
        other.execute("ROLLBACK")
        other.close()
        log.close()
        assert log.stats().impressions == kept


def test_a_full_disk_is_named_and_stores_nothing(log, monkeypatch):
    log.append([click()])
    monkeypatch.setattr("ranker.log_file.connect", limited_to(60))
    log.close()
    with pytest.raises(ClickLogError, match="disk is full") as caught:
        log.append([click(f"big-{n}", message="x" * 1000) for n in range(500)])
    assert caught.value.code == "click_log_full"
    assert log.stats().clicks == 1
    assert log.append([click("small")]).accepted == 1


def limited_to(pages):
    def limited_connect(path, busy_seconds):
        connection = connect(path, busy_seconds)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    return limited_connect


def test_a_foreign_file_is_refused_by_name_and_left_alone(tmp_path):
    path = tmp_path / "clicks.sqlite3"
    path.write_bytes(b"this is no database, not at all\n" * 200)
    before = path.read_bytes()
    with pytest.raises(ClickLogCorrupt, match=r"clicks\.sqlite3: expected a click log"):
        ClickLog(path)
    assert path.read_bytes() == before


def test_a_damaged_file_is_named(log):
    log.write([impression(f"q{n}", user_query="x" * 500) for n in range(200)], [])
    connection = connect(log.path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    size = log.path.stat().st_size
    with log.path.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(size - 8192))
    with pytest.raises(ClickLogCorrupt):
        list(log.impressions())


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ClickLogError, match="cannot be opened for writing"):
        ClickLog(tmp_path / "absent" / "clicks.sqlite3")


def test_migrations_are_applied_once(tmp_path):
    path = tmp_path / "clicks.sqlite3"
    create(path)
    create(path)
    connection = sqlite3.connect(path)
    applied = connection.execute("SELECT name FROM _sqlite_migrations").fetchall()
    connection.close()
    assert [name for (name,) in applied] == [migration.name for migration in migrations._migrations]


def test_every_earlier_schema_is_brought_up_to_date_with_its_rows(tmp_path):
    for stop in [migration.name for migration in migrations._migrations][1:]:
        path = tmp_path / f"{stop}.sqlite3"
        with closing(sqlite3.connect(path)) as connection:
            migrations.apply(Database(connection, execute_plugins=False), stop_before=stop)
            row, matrix = impression_row(impression(model="m/3"), 7)
            connection.execute("INSERT INTO matrices VALUES (?, ?)", matrix)
            columns = [name for (_, name, *_) in connection.execute("PRAGMA table_info(impressions)")]
            kept = dict(zip(IMPRESSION_ROW, row))
            marks = ", ".join("?" * len(columns))
            connection.execute(f"INSERT INTO impressions ({', '.join(columns)}) VALUES ({marks})", [kept[name] for name in columns])
            connection.commit()
        with ClickLog(path) as log:
            old = log.query("q1")
            log.write(
                [
                    impression(
                        "q2",
                        experiment="trial",
                        teams="01",
                        request="{}",
                        served=np.array([2.5, 1], np.float32),
                        weights=np.ones(2, np.float32),
                    )
                ],
                [click()],
            )
            new = log.query("q2")
        assert (old.model, old.experiment, old.teams, old.features.tobytes()) == ("m/3", "", "", impression().features.tobytes())
        assert (old.request, old.served, old.weights) == ("", None, None)
        assert (new.experiment, new.teams, new.request, new.served.tolist()) == ("trial", "01", "{}", [2.5, 1])
        assert new.weights.tolist() == [1, 1]


def test_erasing_a_client_leaves_no_trace_in_any_file(log):
    log.write([impression("q1", client_id="canary-client", user_query="canary query"), impression("q2")], [])
    log.append([click("e1", client_id="canary-client"), click("e2", query_id="q2"), click("e3", client_id="", message="canary text")])
    assert log.purge(client_id="canary-client") == 3
    files = list(log.path.parent.glob("clicks.sqlite3*"))
    assert not any(b"canary" in file.read_bytes() for file in files)
    assert log.stats().impressions == log.stats().clicks == 1
    assert log.query("q2").features is not None


def test_retention_erases_by_arrival_and_vectors_go_last(log, monkeypatch):
    monkeypatch.setattr("ranker.clicklog.now_ms", lambda: 0)
    log.write([impression("old")], [click("old", query_id="old")])
    monkeypatch.undo()
    log.write([impression("new")], [])
    assert log.purge(retention_days=90) == 2
    assert [shown.query_id for shown in log.impressions()] == ["new"]
    assert log.purge(retention_days=-1) == 1
    assert next(log.rows("SELECT count(*) FROM matrices")) == (0,)


def test_stats_count_what_is_there(log):
    log.write(
        [impression("q1", simulated=True), impression("q2", model="m/1")],
        [click("e1", simulated=True), click("e2"), click("e3")._replace(action_name="view")],
    )
    stats = log.stats()
    assert (stats.impressions, stats.simulated_impressions, stats.events, stats.clicks, stats.simulated_clicks) == (2, 1, 3, 2, 1)
    assert stats.models == {"": 1, "m/1": 1}
    assert stats.actions == {"click": 2, "view": 1}
    assert stats.first == stats.last == 1_700_000_000_000
