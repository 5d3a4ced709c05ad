"""The click log when things go wrong: writers killed, clients that send again, damaged files, migrations and keys killed half-way."""

import logging
import os
import random
import signal
import sqlite3
from collections import Counter
from contextlib import closing

import pytest
from sqlite_utils import Database
from test_clicklog import click, impression

import ranker.clicklog_schema as schema
import ranker.log_writer as log_writer
import searchd.keys as keys
from ranker.clicklog import ClickLog, ClickLogCorrupt, ClickLogError, Event
from ranker.log_file import logs_aside, set_aside

MIGRATIONS = [migration.name for migration in schema.migrations._migrations]
BATCH = 50


def forked(work):
    """Run ``work`` in a child; its process id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    finally:
        os._exit(0)


def acknowledged(path, batches, stop_after):
    """The batches that a writer acknowledged until it was killed, in the middle of the next one."""
    ready, inside = os.pipe()

    def write():
        os.close(ready)
        log = ClickLog(path)
        for number, batch in enumerate(batches):
            log.append([Event(name, "q", "click", 1) for name in batch])
            os.write(inside, bytes([number]))

    child = forked(write)
    os.close(inside)
    told = b"".join(os.read(ready, 1) for _ in range(stop_after))
    os.kill(child, signal.SIGKILL)
    while more := os.read(ready, 100):
        told += more
    os.waitpid(child, 0)
    os.close(ready)
    return [batches[number] for number in told]


def stored_and_acknowledged(path, cycles, each=16):
    """Clients that send what was not acknowledged three times, and some of what was; the names that were acknowledged, and all of them sent."""
    chance, tries, waiting, done = random.Random(1), Counter(), [], []
    for cycle in range(cycles):
        waiting += [tuple(f"{cycle}-{n}-{i}" for i in range(BATCH)) for n in range(each)]
        waiting += chance.sample(done, min(2, len(done)))  # whose acknowledgement was lost on the way
        sent = waiting[:200]
        told = acknowledged(path, sent, chance.randrange(each - 4, each - 1))
        tries.update(set(sent) - set(told))
        done += told
        waiting = [batch for batch in sent[len(told) :] if tries[batch] < 3] + waiting[200:]
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    return {name for batch in done for name in batch}


@pytest.mark.parametrize("cycles", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_clients_that_send_again_lose_nothing_and_count_once(tmp_path, cycles):
    path = tmp_path / "clicks.sqlite3"
    told = stored_and_acknowledged(path, cycles)
    assert len(told) >= cycles * 500
    with ClickLog(path) as log:
        stored = [event.event_id for event in log.events()]
    assert told <= set(stored) and len(stored) == len(set(stored))


def test_a_writer_that_acknowledges_too_early_is_found(tmp_path, monkeypatch):
    """The proof above fails when it should."""
    commits = Counter()

    def late(connection, batch, busy_seconds, store=log_writer._store):
        if not connection.in_transaction:
            connection.execute("BEGIN IMMEDIATE")
        answers = [store(connection, job) for job in batch]
        commits["asked"] += 1
        if commits["asked"] in (5, 10):  # never again: the writer is killed after its twelfth answer at the earliest
            connection.execute("COMMIT")
        return answers

    monkeypatch.setattr(log_writer, "_commit", late)
    path = tmp_path / "clicks.sqlite3"
    told = stored_and_acknowledged(path, 3)
    monkeypatch.undo()
    assert told
    with ClickLog(path) as log:
        assert told - {event.event_id for event in log.events()}


class Forgetful(sqlite3.Connection):
    """SQLite as it is built elsewhere: what is asked of ``synchronous`` is not done."""

    def execute(self, sql, *values):
        return super().execute("PRAGMA synchronous = NORMAL" if sql.upper().startswith("PRAGMA SYNCHRONOUS =") else sql, *values)


def test_a_sqlite_that_does_not_sync_is_refused_at_the_start(tmp_path, monkeypatch):
    store = keys.KeyStore(tmp_path / "keys.sqlite3")
    store.create("search")
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *values, **more: real(*values, factory=Forgetful, **more))
    with pytest.raises(ClickLogError, match="synchronous=FULL"):
        ClickLog(tmp_path / "clicks.sqlite3")
    with pytest.raises(keys.KeysUnusable, match="synchronous=FULL"):
        store.all()


def filled(path):
    with ClickLog(path) as log:
        log.write([impression(f"q{n}", user_query="x" * 500) for n in range(100)], [click(f"old-{n}") for n in range(100)])
    return path


DAMAGES = {
    "garbage": lambda whole: os.urandom(len(whole)),
    "another program's text": lambda whole: b"this is no database\n" * 500,
    "no header": lambda whole: bytes(100) + whole[100:],
    "damaged tables": lambda whole: whole[:4096] + os.urandom(len(whole) - 4096),
    "cut": lambda whole: whole[: len(whole) // 2 + 10],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_service_goes_on_beside_a_damaged_log(tmp_path, caplog, damage):
    path = filled(tmp_path / "clicks.sqlite3")
    damaged = DAMAGES[damage](path.read_bytes())
    path.write_bytes(damaged)
    caplog.set_level(logging.ERROR)
    with ClickLog(path, steady=True) as log:
        assert log.append([click("new")]).duplicates == 0
        assert log.log_query(impression("new"))
        log.flush()
        assert [event.event_id for event in log.events()] == ["new"] and log.query("new")
    (aside,) = logs_aside(path)
    assert aside.read_bytes() == damaged and aside.name.startswith("clicks.sqlite3.corrupt-2")
    assert str(aside) in caplog.text and "a new one is begun" in caplog.text
    assert (path.stat().st_mode & 0o777) == 0o600


def test_commands_refuse_a_damaged_log_and_leave_it_alone(tmp_path):
    path = filled(tmp_path / "clicks.sqlite3")
    path.write_bytes(DAMAGES["no header"](path.read_bytes()))
    with pytest.raises(ClickLogCorrupt):
        ClickLog(path)
    assert logs_aside(path) == []


def test_a_log_that_another_process_set_aside_or_that_was_moved_away_is_not_written_to(tmp_path):
    """What is acknowledged is in the file of the name, whatever happened to the one that was open."""
    path = tmp_path / "clicks.sqlite3"
    with ClickLog(path, steady=True) as first, ClickLog(path) as second:
        assert first.append([click("e1")]).accepted == second.append([click("e2")]).accepted == 1
        assert set_aside(path, path.stat().st_ino).exists()
        assert set_aside(path, -1) is None
        assert first.append([click("e3")]).accepted == second.append([click("e4")]).accepted == 1
        path.rename(tmp_path / "elsewhere.sqlite3")
        assert second.append([click("e5")]).accepted == first.append([click("e6")]).accepted == 1
        assert [event.event_id for event in second.events()] == ["e5", "e6"]
    with ClickLog(logs_aside(path)[0]) as aside:
        assert [event.event_id for event in aside.events()][:2] == ["e1", "e2"]


def test_a_log_that_cannot_be_opened_is_tried_again(tmp_path):
    path = tmp_path / "absent" / "clicks.sqlite3"
    with ClickLog(path, steady=True) as log:
        with pytest.raises(ClickLogError, match="cannot be opened"):
            log.append([click("e1")])
        assert log.log_query(impression())
        path.parent.mkdir()
        assert log.append([click("e1")]).accepted == 1


def killing_steps(monkeypatch, module, last):
    """In this process SQLite's ``last``-th step by connections of a module is the last one; the steps are counted in what is returned."""
    steps, real = [0], sqlite3.connect

    def count():
        steps[0] += 1
        if steps[0] == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def connect(*values, **more):
        connection = real(*values, **more)
        connection.set_progress_handler(count, 1)
        return connection

    monkeypatch.setattr(module.sqlite3, "connect", connect)
    return steps


def killed_half_way(monkeypatch, module, work, step):
    """Whether a child that does ``work`` got as far as a step of SQLite's, where it killed itself."""

    def counted():
        killing_steps(monkeypatch, module, step)
        work()

    return os.WIFSIGNALED(os.waitpid(forked(counted), 0)[1])


def steps_of(monkeypatch, module, work):
    with monkeypatch.context() as patch:
        steps = killing_steps(patch, module, 0)
        work()
    return steps[0]


def old_log(path, version):
    """A log as the program of before a migration left it, with an impression and an event."""
    with closing(sqlite3.connect(path)) as connection:
        schema.migrations.apply(Database(connection, execute_plugins=False), stop_before=version)
        connection.execute("INSERT INTO impressions (query_id, first_rank, user_query, keys) VALUES ('q', 1, 'old', '[]')")
        connection.execute("INSERT INTO events (event_id, query_id, action_name, timestamp, received) VALUES ('e', 'q', 'click', 1, 1)")
        connection.commit()


def opened(path):
    ClickLog(path).close()


def broken_migrations(tmp_path, monkeypatch, version, points):
    opened(tmp_path / "warm")
    old_log(tmp_path / "whole", version)
    steps = steps_of(monkeypatch, schema, lambda: opened(tmp_path / "whole"))
    for step in points(steps):
        path = tmp_path / f"{version}-{step}"
        old_log(path, version)
        assert killed_half_way(monkeypatch, schema, lambda path=path: opened(path), step)
        try:
            with ClickLog(path) as log:
                log.write([impression("new", teams="01")], [click("new")])
                rows = list(log.rows("SELECT user_query, teams FROM impressions ORDER BY rowid"))
                events = [event.event_id for event in log.events()]
                applied = [name for (name,) in log.rows("SELECT name FROM _sqlite_migrations ORDER BY rowid")]
            if rows[0][0] != "old" or events != ["e", "new"] or applied != MIGRATIONS:
                yield step, rows, events, applied
        except ClickLogError as error:
            yield step, error


def some(count):
    return lambda total: sorted({1, total, *random.Random(total).sample(range(1, total + 1), count)})


@pytest.mark.parametrize(
    "points", [some(5), pytest.param(lambda total: range(1, total + 1, 3), marks=pytest.mark.slow)], ids=["some", "many"]
)
@pytest.mark.parametrize("version", MIGRATIONS[1:])
def test_migrations_killed_half_way_are_done_by_the_next_opener(tmp_path, monkeypatch, version, points):
    assert list(broken_migrations(tmp_path, monkeypatch, version, points)) == []


class OneByOne(sqlite3.Connection):
    """No transaction around the migrations."""

    def execute(self, sql, *values):
        return super().execute("SELECT 1" if sql in ("BEGIN IMMEDIATE", "COMMIT") else sql, *values)


def test_migrations_without_a_transaction_are_found(tmp_path, monkeypatch):
    """The proof above fails when it should."""
    real = sqlite3.connect
    monkeypatch.setattr(schema.sqlite3, "connect", lambda *values, **more: real(*values, **{"factory": OneByOne, **more}))
    assert next(broken_migrations(tmp_path, monkeypatch, MIGRATIONS[1], lambda total: range(total, 0, -7)), None)


@pytest.mark.parametrize("count", [6, pytest.param(150, marks=pytest.mark.slow)])
def test_keys_killed_half_way_are_there_or_not(tmp_path, monkeypatch, count):
    """The first key and a later one; those that were made before open what they opened."""
    for before in (0, 1):
        store = keys.KeyStore(tmp_path / f"warm-{before}" / "keys.sqlite3")
        made = [store.create("search") for _ in range(before)]
        steps = steps_of(monkeypatch, keys, lambda store=store: store.create("admin"))
        for step in some(min(count, steps))(steps):
            store = keys.KeyStore(tmp_path / f"{before}-{step}" / "keys.sqlite3")
            made = [store.create("search") for _ in range(before)]
            assert killed_half_way(monkeypatch, keys, lambda store=store: store.create("admin"), step)
            assert len(store.all()) in (before, before + 1) and all(store.check(text) for text in made)
            assert store.check(store.create("search")).scopes == ("search",)


def test_a_damaged_file_of_keys_opens_nothing_and_stays(tmp_path):
    """It is never replaced: an empty one would shut everybody out, or in."""
    store = keys.KeyStore(tmp_path / "keys.sqlite3")
    text = store.create("admin")
    store.path.write_bytes(b"garbage" * 1000)
    with pytest.raises(keys.KeysUnusable, match="keys.sqlite3"):
        store.check(text)
    assert store.path.read_bytes() == b"garbage" * 1000
