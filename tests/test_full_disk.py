"""A disk that is full or fails: the old state stays, the error names a file, and with room again the next command needs no help."""

import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from home_commands import COMMANDS, broken_promises, documents, generations, some_of, source
from killing import counting
from protocol_bugs import written_in_place

import indexer.changes as changes
import indexer.durable as durable
import ranker.registry as registry
from indexer.cli import main
from indexer.errors import SearchdError
from indexer.home import Home

TESTS = Path(__file__).resolve().parent
NEEDS_ROOM = {"create", "write", "sync", "make_folder", "link", "replace", "exchange", "scratch", "lock"}


def failing_from(point, number, lasting, below):
    """An observer that refuses the ``point``-th operation, and those after it that need room too if it is ``lasting``."""

    def act(count, step, do):
        if count == point or (lasting and count > point and step.name in NEEDS_ROOM - {"sync", "replace"}):
            raise OSError(number, os.strerror(number))
        return do()

    return counting(below, act)


def refused(work, point, number, lasting, below):
    """What a work says when the disk fails; None when it says nothing."""
    durable.watch(failing_from(point, number, lasting, below))
    try:
        work()
    except (SearchdError, OSError) as error:
        return str(error)
    finally:
        durable.watch(None)
    return None


def failing(command, number, lasting):
    """A disturbance: the operation fails, and somebody is told which file."""

    def failed(home, point, step):
        if number == errno.ENOSPC and step.name not in NEEDS_ROOM:
            return []
        old = command.state(home)
        told = refused(lambda: command.work(home), point, number, lasting, home.root)
        if told is None:
            return ["nothing was done, and nobody was told"] if command.state(home) == old else []
        return [] if str(home.root) in told else [f"names no file: {told}"]

    return failed


@pytest.mark.parametrize("name", COMMANDS)
def test_some_operations_find_the_disk_full(tmp_path, name):
    assert list(broken_promises(tmp_path, COMMANDS[name], some_of(name), failing(COMMANDS[name], errno.ENOSPC, True))) == []


@pytest.mark.slow
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
@pytest.mark.parametrize("name", COMMANDS)
def test_every_operation_fails(tmp_path, name, number, lasting):
    every = broken_promises(tmp_path, COMMANDS[name], lambda total: range(1, total + 1), failing(COMMANDS[name], number, lasting))
    assert list(every) == []


def test_a_command_says_which_file_and_exits_with_1(tmp_path):
    home = Home.at(tmp_path / "home")
    generations(1)(home)
    before = documents(home)
    durable.watch(failing_from(12, errno.ENOSPC, lasting=True, below=home.root))
    try:
        done = CliRunner().invoke(main, ["build", source(home, 5), "--home", str(home.root)])
    finally:
        durable.watch(None)
    assert done.exit_code == 1 and documents(home) == before
    assert "error: " in done.output and str(home.root) in done.output and "No space left on device" in done.output


def _unheard(path, data, mode=0o644, write_file=durable.write_file):
    with contextlib.suppress(OSError):
        write_file(path, data, mode)


BUGS = {
    "the pointer is written in place": ("rollback", written_in_place(durable)),
    "the staged folder stays": ("fold", (changes, "discard", lambda staged: durable.rename_folder(staged, staged.with_name("old")))),
    "errors are taken for success": ("activate", (registry, "write_file", _unheard)),
}


@pytest.mark.parametrize("bug", BUGS)
def test_these_failures_find_what_is_wrong(tmp_path, monkeypatch, bug):
    """Each bug that is put in is found."""
    name, change = BUGS[bug]
    command = COMMANDS[name]
    monkeypatch.setattr(*change)
    assert next(broken_promises(tmp_path, command, lambda total: range(1, total + 1), failing(command, errno.EIO, False)), None)


def in_a_namespace(**arguments):
    """Run ``full_disks`` where it may mount disks of its own."""
    command = ["unshare", "-Urm", sys.executable, "-c", "import full_disks; full_disks.main()"]
    done = subprocess.run(
        command, input=json.dumps(arguments), capture_output=True, text=True, timeout=1800,
        env={**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def may_mount():
    if shutil.which("unshare") is None:
        return False
    tried = ["unshare", "-Urm", "sh", "-c", "mkdir -p $0 && mount -t tmpfs none $0", "/tmp/.searchd-mount-test"]
    return subprocess.run(tried, capture_output=True).returncode == 0


needs_mounts = pytest.mark.skipif(not may_mount(), reason="user namespaces may not mount a tmpfs here")


@needs_mounts
@pytest.mark.parametrize("sizes", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_disks_of_many_sizes(tmp_path, sizes):
    """A tmpfs that ends anywhere between what is there and what a build needs; and one for clicks, which fills up and then is read-only."""
    found = in_a_namespace(folder=str(tmp_path), sizes=sizes)
    assert found.pop("wrong") == [] and found.pop("failed") >= sizes - 1
    assert found == {"full": "click_log_full", "stored": True, "read-only": "click_log", "again": True, "keys": "keys_unusable"}
