"""The real server: ready only when warm, one set of counters for all workers, gone soon after SIGTERM."""

import json
import re
import signal
import socket
import time
import urllib.request

import pytest
from web_home import make_home
from web_server import running_server

from indexer.home import Home
from searchd.config import SettingsError
from searchd.readiness import WORKERS, mark_warm, missing_workers
from searchd.serve import serve


def _get(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()


def test_two_workers_share_counters_and_end_within_seconds(tmp_path):
    home = make_home(tmp_path)
    with running_server(home.root, tmp_path, workers=2) as (base, process):
        for _ in range(12):
            assert json.loads(_get(f"{base}/v1/search?q=list"))["hits"]
        counts = [re.search(r'searchd_requests_total\{[^}]*route="/v1/search"[^}]*\} (\S+)', _get(f"{base}/metrics"))[1] for _ in range(4)]
        assert counts == ["12.0"] * 4
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - started < 8


def test_a_port_that_is_taken_is_refused(tmp_path):
    """The workers of one server share their port; two servers must not."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"found 127.0.0.1 port {port}: Address already in use; give another"):
            serve(Home.at(tmp_path), "127.0.0.1", port)


@pytest.mark.parametrize("expected", ["", "1"])
def test_a_single_worker_waits_for_nobody(tmp_path, monkeypatch, expected):
    monkeypatch.setenv(WORKERS, expected)
    assert missing_workers(tmp_path) == 0


def test_workers_are_missing_until_each_is_warm(tmp_path, monkeypatch):
    monkeypatch.setenv(WORKERS, "2")
    mark_warm(tmp_path)
    (tmp_path / "warm-999999999").touch()
    assert missing_workers(tmp_path) == 1
    assert not (tmp_path / "warm-999999999").exists()
