"""SIGKILL after every operation on the disk of every command: the old state or the new one, and the next command needs no help and leaves nothing."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
from core_index import SCHEMA, build_home, sample
from killing import killed_at, operations
from small_models import small_model

import indexer.durable as durable
import indexer.publish as publish
import ranker.gate as gate
import ranker.registry as registry_module
from indexer.analysis import get_analyzer
from indexer.build import build
from indexer.changes import apply_changes, fold
from indexer.errors import SearchdError
from indexer.home import Home
from indexer.index import Index, verify
from indexer.manifest import read_manifest
from indexer.publish import NoIndex, rollback, versions
from indexer.reindex import reindex_affected
from indexer.schema import Schema
from indexer.updates import remove, update
from ranker.activations import label
from ranker.activations import rollback as roll_model_back
from ranker.query_ids import load_secret
from ranker.registry import Registry
from ranker.watch import arm, watched

CHINESE = Schema.from_dict({"fields": {"title": {"type": "text"}}})


class Command(NamedTuple):
    """``prepare`` makes a home, ``work`` is what is killed, ``state`` says what a reader sees, ``after`` is the next command."""

    prepare: Callable[[Home], object]
    work: Callable[[Home], object]
    state: Callable[[Home], object]
    after: Callable[[Home], object]


def source(home, count, start=0, bad=False):
    path = home.root.with_suffix(".jsonl")
    lines = [json.dumps({"id": one.key, **one.fields}, ensure_ascii=False) for one in sample(count, start)]
    path.write_text("\n".join(lines + ["{"] * bad))
    return str(path)


def documents(home):
    """What the published generation has, proven to be whole; None without one."""
    try:
        with Index.open(home) as index:
            assert verify(home) == []
            return tuple(json.dumps(index.stored(doc), sort_keys=True) for doc in index.live_docs())
    except NoIndex:
        return None


def generations(count):
    def prepare(home):
        for number in range(count):
            build_home(home.root, sample(3 + number))

    return prepare


def with_a_lexicon(words):
    def prepare(home):
        home.lexicon.mkdir(parents=True)
        (home.lexicon / "user.txt").write_text("云原生\n")
        path = home.root.with_suffix(".jsonl")
        path.write_text('{"id": "a", "title": "云原生平台"}\n{"id": "b", "title": "云"}\n')
        build(home, [str(path)], CHINESE)
        (home.lexicon / "user.txt").write_text("\n".join(words) + "\n")
        get_analyzer("standard", home.lexicon).index_terms("云原生平台")  # whose tables are kept in the user's cache, once

    return prepare


def terms(home):
    with Index.open(home, any_analyzer=True) as index:
        assert verify(home) == []
        return tuple(index.df(["\x03云原生", "\x03平台"]).tolist()), index.num_docs


def models(count, active=()):
    def prepare(home):
        registry = Registry(home)
        for number in range(count):
            registry.publish(small_model(), {"n": number}, "m")
        for version in active:
            gate.activate(lambda: None, home, "m", version, force=True)

    return prepare


def loadable(home):
    """Which models there are, all of which load, which one serves, and whether the watch knows it."""
    registry, watch = Registry(home), watched(home)
    found = [(one.version, one.card["n"]) for one in registry.entries()]
    return tuple(found), registry.active(), watch is None or label(registry.active()) in (watch.model, watch.before)


def again(count):
    return lambda home: build(home, [source(home, count)], SCHEMA)


def one_more(home):
    apply_changes(home, [{"id": "last", "title": "b"}])


def updated(home):
    update(home, [source(home, 1, 9, bad=True)])


def another_model(home):
    Registry(home).publish(small_model(), {"n": 99}, "m")
    gate.activate(lambda: None, home, "m", force=True)


def import_beside(home):
    Registry(home).import_folder(home.models / "m" / "v0001", "m")


COMMANDS = {
    "the first build": Command(generations(0), again(4), documents, again(5)),
    "a later build": Command(generations(3), lambda home: build(home, [source(home, 4, bad=True)], SCHEMA), documents, again(5)),
    "update": Command(generations(3), lambda home: update(home, [source(home, 2, 3, bad=True)]), documents, updated),
    "delete": Command(generations(1), lambda home: remove(home, ["key-1", "none"]), documents, one_more),
    "fold": Command(lambda home: (generations(1)(home), one_more(home), remove(home, ["key-0"])), fold, documents, again(2)),
    "rollback": Command(generations(2), rollback, documents, one_more),
    "reindex": Command(with_a_lexicon(["云原生平台"]), reindex_affected, terms, reindex_affected),
    "a model": Command(models(1), lambda home: Registry(home).publish(small_model(), {"n": 7}, "m"), loadable, another_model),
    "a model of elsewhere": Command(models(1), import_beside, loadable, another_model),
    "activate": Command(
        models(2, ["v0001"]), lambda home: gate.activate(lambda: None, home, "m", "v0002", force=True), loadable, another_model
    ),
    "roll a model back": Command(models(2, ["v0001", "v0002"]), roll_model_back, loadable, another_model),
    "secret": Command(lambda home: None, load_secret, lambda home: home.secret.exists() and len(home.secret.read_bytes()), load_secret),
}


def strays(home):
    """Files and folders that nothing accounts for."""
    known = {home.current, home.index / "HISTORY", home.index / "LOCK", home.index / "MERGE", home.secret, home.root / "quarantine.jsonl"}
    known |= {home.models / name for name in ("ACTIVE", "ACTIVATIONS.json", "WATCH.json", ".activations", "m")}
    known |= {home.index, home.models, home.lexicon, home.lexicon / "user.txt"}
    for version in versions(home) if home.current.exists() else []:
        folder = home.index / version.generation
        known |= {folder, folder / "MANIFEST.json", *(folder / info.name for info in read_manifest(folder).files)}
    names = {"model.txt", "features.json", "card.json", "golden.json", "SHA256SUMS", "CARD.md"}
    for version in Registry(home).versions("m"):
        known |= {home.models / "m" / version, *(home.models / "m" / version / name for name in names)}
    return sorted(str(path.relative_to(home.root)) for path in home.root.rglob("*") if path not in known)


def broken_promises(folder, command, points: Callable[[int], Any], torn=False):
    """What is wrong after kills at ``points(how many operations there are)``, one by one: (operation, what)."""
    before = Home.at(folder / "before")
    before.root.mkdir(parents=True)
    command.prepare(before)
    whole = Home.at(folder / "whole")
    shutil.copytree(before.root, whole.root)
    old = command.state(before)
    steps = operations(lambda: command.work(whole))
    allowed = {old, command.state(whole)}
    for point in points(len(steps)):
        home = Home.at(folder / f"{point}-{torn}")
        shutil.copytree(before.root, home.root)
        assert killed_at(point, partial(command.work, home), torn), f"operation {point} of {len(steps)} was not reached"
        where = f"{steps[point - 1].name} {steps[point - 1].path.name}" if point else "nothing"
        yield from ((where, what) for what in _wrong_with(home, command, allowed))
        shutil.rmtree(home.root)


def _wrong_with(home, command, allowed):
    try:
        if (state := command.state(home)) not in allowed:
            yield f"neither old nor new: {state}"
        command.after(home)
        command.state(home)
        if left := strays(home):
            yield f"left behind: {left}"
    except (SearchdError, OSError, AssertionError) as error:
        yield repr(error)


def some_of(name, count=3):
    """The first and the last operation, and some between."""
    return lambda total: sorted({1, total, *random.Random(name).sample(range(1, total + 1), min(total, count))})


@pytest.mark.parametrize("name", COMMANDS)
def test_kills_at_some_operations(tmp_path, name):
    assert list(broken_promises(tmp_path, COMMANDS[name], some_of(name))) == []


@pytest.mark.slow
@pytest.mark.parametrize("torn", [False, True], ids=["done", "half done"])
@pytest.mark.parametrize("name", COMMANDS)
def test_kills_at_every_operation_ten_times(tmp_path, name, torn):
    for repeat in range(10):
        assert list(broken_promises(tmp_path / str(repeat), COMMANDS[name], lambda total: range(total + 1), torn)) == []


def written_in_place(path, data, mode=0o644):
    descriptor = durable._do("create", path, os.open, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    durable._do("write", path, os.write, descriptor, data)
    durable._do("sync", path, os.fsync, descriptor)
    os.close(descriptor)


def collected_first(home, name, set_current=publish._set_current):
    for other in publish._generations(home):
        if other != name:
            durable.remove_folder(home.index / other)
    set_current(home, name)


def armed_late(home, model, before):
    if label(Registry(home).active()) == model:
        arm(home, model, before)


MUTANTS = {
    "the pointer is written in place": ("rollback", (publish.durable, "write_file", written_in_place)),
    "the active model is written in place": ("roll a model back", (registry_module, "write_file", written_in_place)),
    "generations are removed before the switch": ("a later build", (publish, "_set_current", collected_first)),
    "what dead writers left stays": ("rollback", (durable, "_remove_abandoned", lambda *_: None)),
    "a model is armed after it serves": ("activate", (gate, "arm", armed_late)),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_these_kills_find_what_is_wrong(tmp_path, monkeypatch, mutant):
    """Each bug that is put in is found."""
    name, change = MUTANTS[mutant]
    monkeypatch.setattr(*change)
    assert next(broken_promises(tmp_path, COMMANDS[name], lambda total: range(total, 0, -1)), None)


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
