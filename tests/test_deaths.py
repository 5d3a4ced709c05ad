"""Workers that die: others answer, another one takes the place, and a query that kills workers is refused."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import memory  # noqa: F401 - knows where the benchmarks are
import pytest
from processes import _family
from web_home import make_home
from web_server import running_server

import searchd.deadly as deadly
from searchd.deadly import Blocked, Running, account
from searchd.supervisor import LONGEST_WAIT, Backoff


def test_the_next_worker_waits_longer_the_more_have_died_within_a_minute():
    backoff = Backoff()
    waits = [backoff.died(float(second)) for second in range(12)]
    assert waits == [0, 0, 0, 0.25, 0.5, 1, 2, 4, 8, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]
    assert backoff.died(100.0) == 0


def died_over(folder, *queries, pid=999_999_999):
    """A worker that dies while it answers ``queries``."""
    code = (
        "import os, sys, signal, contextlib, pathlib\n"
        "from searchd.deadly import Running\n"
        "running, stack = Running(pathlib.Path(sys.argv[1])), contextlib.ExitStack()\n"
        "for query in sys.argv[2:]: stack.enter_context(running.answering(query, None))\n"
        "with running.answering('done'): pass\n"
        "os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder), *queries])
    assert process.wait(60) == -signal.SIGSEGV
    return account(folder, process.pid)


def allowed(running, *asked):
    try:
        with running.answering(*asked):
            return True
    except Blocked as error:
        assert 0 < error.seconds <= deadly.BLOCKED_FOR
        return False


def test_a_query_is_blocked_when_two_workers_died_over_it(tmp_path):
    running = Running(tmp_path)
    assert died_over(tmp_path, "bad", "beside") == 0
    with running.answering("beside", None):  # somebody answers it, so it was not that
        pass
    assert running.num_blocked() == 0
    assert died_over(tmp_path, "bad", "beside") == 1
    assert not allowed(running, "bad", None) and allowed(running, "beside", None) and allowed(running, "done")
    assert running.num_blocked() == 1 and not list(tmp_path.glob("running-9*"))


def test_deaths_far_apart_block_nothing_and_a_block_ends(tmp_path, monkeypatch):
    running, now = Running(tmp_path), [1000.0]
    monkeypatch.setattr(deadly.time, "time", lambda: now[0])
    for _ in range(3):
        assert died_over(tmp_path, "bad") == 0
        now[0] += deadly.WITHIN + 1
        running._seen = -1
        assert allowed(Running(tmp_path / "other"), "bad", None)
    now[0] -= 2
    assert died_over(tmp_path, "bad") == 1 and not allowed(running, "bad", None)
    now[0] += deadly.BLOCKED_FOR
    assert running.num_blocked() == 0


def get(base, path, timeout=60):
    """(status, code of the error or "", headers); status 0 where there was no answer."""
    try:
        with urllib.request.urlopen(base + path, timeout=timeout) as answer:
            return answer.status, "", answer.headers
    except urllib.error.HTTPError as error:
        return error.code, re.search(rb'"code":"(\w*)"', error.read())[1].decode(), error.headers
    except (OSError, urllib.error.URLError):
        return 0, "", {}


def workers_of(process):
    """Numbers of the processes that serve."""
    return sorted(pid for pid in _family(process.pid) if is_worker(pid))


def is_worker(pid):
    try:
        said = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"spawn_main" in said


class Searches(threading.Thread):
    """One search after another, each another query; ``failed`` are the times of those without a good answer."""

    def __init__(self, base, number, stop):
        super().__init__(daemon=True)
        self.base, self.number, self.stop, self.failed, self.good = base, number, stop, [], 0

    def run(self):
        count = 0
        while not self.stop.is_set():
            count += 1
            status = get(self.base, f"/v1/search?q=list+note+{self.number}x{count}")[0]
            if status == 200:
                self.good += 1
            else:
                self.failed.append((time.monotonic(), status))


@contextmanager
def loaded(base, number=4):
    """Clients that search all the time; yields them, and the times of kills, to be filled."""
    stop, kills = threading.Event(), []
    clients = [Searches(base, one, stop) for one in range(number)]
    for client in clients:
        client.start()
    try:
        yield clients, kills
    finally:
        stop.set()
        for client in clients:
            client.join(60)


def failed_after(clients, kills):
    """How long after the latest kill each search ended that was not answered, in seconds; a kill may be noticed half a second late."""
    return [min((at - kill for kill in kills if kill - 0.5 <= at), default=1e9) for client in clients for at, _ in client.failed]


@pytest.mark.slow
def test_twenty_workers_killed_under_load(tmp_path):
    with running_server(make_home(tmp_path).root, tmp_path, workers=2) as (base, process), loaded(base) as (clients, kills):
        for turn in range(20):
            time.sleep(3.0)
            while not (alive := workers_of(process)):
                time.sleep(0.01)
            os.kill(alive[turn % len(alive)], signal.SIGKILL)
            kills.append(time.monotonic())
        time.sleep(LONGEST_WAIT + 5)
        assert get(base, "/v1/search?q=list")[0] == 200
    failed, good = failed_after(clients, kills), sum(client.good for client in clients)
    print(f"{good} searches answered, {len(failed)} failed for 20 kills, the latest {max(failed, default=0):.2f} s after one")
    assert len(failed) <= 20 * len(clients) and all(after <= 5.0 for after in failed)


def test_a_query_that_kills_workers_is_refused_and_everything_else_answered(tmp_path, monkeypatch):
    monkeypatch.setenv("SEARCHD_FAILPOINT", "search zebrafish:1")
    with running_server(make_home(tmp_path).root, tmp_path) as (base, process), loaded(base) as (clients, kills):
        for death in range(2):
            assert get(base, f"/v1/search?q=zebrafish&client_id={death}")[0] == 0
            kills.append(time.monotonic())
        status, code, headers = get(base, "/v1/search?q=zebrafish")
        assert (status, code) == (503, "query_blocked") and 200 < int(headers["Retry-After"]) <= 300
        assert get(base, "/v1/search?q=list")[0] == 200 and process.poll() is None
        with urllib.request.urlopen(f"{base}/metrics", timeout=60) as answer:
            assert b"searchd_queries_blocked 1.0" in answer.read()
    failed = failed_after(clients, kills)
    assert sum(client.good for client in clients) and len(failed) <= 2 * len(clients) and all(after <= 1.0 for after in failed)
    said = (tmp_path / "server.log").read_text()
    assert said.count("worker died") == 2 and "query blocked" in said and "zebrafish" not in said


def test_failures_long_after_a_death_are_found():
    """A test of the test."""
    clients = [Searches("http://127.0.0.1:1", 0, threading.Event())]
    clients[0].failed = [(10.2, 0), (11.5, 0), (3.0, 0)]
    assert failed_after(clients, [10.0]) == pytest.approx([0.2, 1.5, 1e9])


def test_a_server_that_is_told_to_end_while_workers_die_leaves_none_behind(tmp_path):
    with running_server(make_home(tmp_path).root, tmp_path) as (base, process):
        workers = workers_of(process)
        os.killpg(process.pid, signal.SIGTERM)  # as a terminal or a shell does, to all of them
        assert workers and process.wait(30) == 0
        until = time.monotonic() + 10
        while any(map(is_worker, workers)) and time.monotonic() < until:
            time.sleep(0.05)
        assert not any(map(is_worker, workers)) and get(base, "/health")[0] == 0
