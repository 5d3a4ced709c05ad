"""SIGKILL after every operation on the disk of every command: the old state or the new one, and the next command needs no help and leaves nothing."""

import os
import signal
import subprocess
import sys
from functools import partial

import pytest
from core_index import build_home, sample
from home_commands import COMMANDS, again, broken_promises, documents, some_of, source, strays
from killing import killed_at
from protocol_bugs import COLLECTED_FIRST, written_in_place

import indexer.durable as durable
import ranker.gate as gate
import ranker.registry as registry_module
from indexer.home import Home
from indexer.index import Index
from ranker.activations import label
from ranker.registry import Registry
from ranker.watch import arm


def killing(command, torn=False):
    """A disturbance: the process that works is killed after the operation, or in the middle of it."""

    def killed(home, number, step):
        return [] if killed_at(number, partial(command.work, home), torn, home.root) else [f"operation {number} was not reached"]

    return killed


@pytest.mark.parametrize("name", COMMANDS)
def test_kills_at_some_operations(tmp_path, name):
    assert list(broken_promises(tmp_path, COMMANDS[name], some_of(name), killing(COMMANDS[name]))) == []


@pytest.mark.slow
@pytest.mark.parametrize(("torn", "repeats"), [(False, 10), (True, 2)], ids=["done", "half done"])
@pytest.mark.parametrize("name", COMMANDS)
def test_kills_at_every_operation(tmp_path, name, torn, repeats):
    for repeat in range(repeats):
        every = broken_promises(tmp_path / str(repeat), COMMANDS[name], lambda total: range(total + 1), killing(COMMANDS[name], torn))
        assert list(every) == []


def armed_late(home, model, before):
    if label(Registry(home).active()) == model:
        arm(home, model, before)


MUTANTS = {
    "the pointer is written in place": ("rollback", written_in_place(durable)),
    "the active model is written in place": ("roll a model back", written_in_place(registry_module)),
    "generations are removed before the switch": ("a later build", COLLECTED_FIRST),
    "what dead writers left stays": ("rollback", (durable, "_remove_abandoned", lambda *_: None)),
    "a model is armed after it serves": ("activate", (gate, "arm", armed_late)),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_these_kills_find_what_is_wrong(tmp_path, monkeypatch, mutant):
    """Each bug that is put in is found."""
    name, change = MUTANTS[mutant]
    monkeypatch.setattr(*change)
    assert next(broken_promises(tmp_path, COMMANDS[name], lambda total: range(total, 0, -1), killing(COMMANDS[name])), None)


def test_readers_at_every_operation_of_a_publication(tmp_path):
    """Whoever opens the index in the middle of a build that removes old generations, and whoever has opened it long before, finds all he reads."""
    home, counts = Home.at(tmp_path / "home"), []
    for count in (3, 4, 5):
        build_home(home.root, sample(count))
    early = Index.open(home, "g000001")

    def read(step, do):
        result = do()
        with Index.open(home) as index:
            counts.append(sum(1 for doc in index.live_docs() if index.stored(doc)))
        return result

    durable.watch(read)
    try:
        build_home(home.root, sample(6))
    finally:
        durable.watch(None)
    assert set(counts) == {5, 6} and counts == sorted(counts)
    assert not (home.index / "g000001").exists()
    assert [early.stored(doc)["id"] for doc in early.live_docs()] == ["key-0", "key-1", "key-2"]
    assert early.df(["a"]).tolist() == [3] and all(len(early.segments[0].sequence(doc, 1)) for doc in range(3))


def test_a_failpoint_kills_a_program(tmp_path):
    """The same from outside: the second name that a whole program puts in place is its last."""
    home = Home.at(tmp_path / "home")
    command = [sys.executable, "-m", "indexer", "build", source(home, 3), "--home", str(home.root)]
    killed = subprocess.run(command, env={**os.environ, "SEARCHD_FAILPOINT": "replace MANIFEST.json:1"}, capture_output=True)
    assert killed.returncode == -signal.SIGKILL and documents(home) is None
    again(3)(home)
    assert len(documents(home)) == 3 and strays(home) == []


@pytest.mark.slow
@pytest.mark.parametrize("failpoint", ["create:1", "replace:1", "write:2", "sync 0000.seg:1", "replace CURRENT:1", "unlink:1"])
def test_a_failpoint_in_every_process_of_a_build(tmp_path, failpoint):
    """Two processes read a table, and each of them, and their parent, is killed where it gets so far."""
    home, table = Home.at(tmp_path / "home"), tmp_path / "table.csv"
    table.write_text("id,title\n" + "".join(f"{n},{'a b word' * 9} {n}\n" for n in range(9000)))
    command = [sys.executable, "-m", "indexer", "build", str(table), "--home", str(home.root), "--jobs", "2"]
    done = subprocess.run(command, env={**os.environ, "SEARCHD_FAILPOINT": failpoint}, capture_output=True, timeout=600)
    assert done.returncode != 0 and (failpoint == "replace CURRENT:1") == (documents(home) is not None)
    again(3)(home)
    assert len(documents(home)) == 3 and strays(home) == []
