"""Power cuts: of every work that was said to be done nothing is lost, and what is found opens, whatever of the rest reached the disk."""

import os
import random
import shutil
import tempfile
from functools import partial
from pathlib import Path

import pytest
from core_index import build_home, sample
from power_cuts import crashes, fingerprint, record, restore
from protocol_bugs import COLLECTED_FIRST, skipping, written_in_place
from small_models import small_model

import indexer.durable as durable
import ranker.registry as registry
from indexer.changes import apply_changes, fold
from indexer.errors import SearchdError
from indexer.home import Home
from indexer.index import Index, verify
from indexer.publish import NoIndex


@pytest.fixture
def memory():
    """A folder in memory, where a thousand small files are quick."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        yield Path(folder)


def published(home):
    """The documents of the published generation, proven to be whole; None without one."""
    try:
        with Index.open(home) as index:
            assert verify(home) == []
            return tuple(str(index.stored(doc)) for doc in index.live_docs())
    except NoIndex:
        return None


def generations(home, count, chance):
    """Works that publish one generation after another: builds, changes, folds."""
    works = [partial(build_home, home.root, sample(2))]
    for number in range(1, count):
        kind = chance.choice(["build", "change", "change", "fold"])
        changed = [{"id": f"key-{number}", "title": f"b {number}"}], [f"key-{chance.randrange(4)}"]
        works.append(
            partial(build_home, home.root, sample(1 + number % 4, number)) if kind == "build"
            else partial(apply_changes, home, *changed) if kind == "change" else partial(fold, home)
        )  # fmt: skip
    return works


def models(home):
    """The models, all of which load, and the one that serves."""
    found = registry.Registry(home)
    return tuple((one.name, one.version, one.damaged) for one in found.entries()), found.active()


def trainings(home, count, chance):
    """Works that publish and activate models."""
    found = registry.Registry(home)
    works = []
    for number in range(count):
        works.append(partial(found.publish, small_model(), {"n": number}, "m"))
        works.append(partial(found.activate, "m"))
    return works


def lost(memory, make, state, count=5, seed=0, most=10**9):
    """Crash states in which something that was done is lost or something does not open; and how many states there were."""
    whole, chance = Home.at(memory / "whole"), random.Random(seed)
    whole.root.mkdir()
    (memory / "blobs").mkdir(exist_ok=True)
    states = [state(whole)]
    log = record(whole.root, [lambda work=work: (work(), states.append(state(whole))) for work in make(whole, count, chance)])
    shutil.rmtree(whole.root)
    seen, wrong = set(), []
    for done, found in crashes(log, chance):
        mark = fingerprint(found)
        if (done, mark) in seen:
            continue
        seen.add((done, mark))
        home = Home.at(memory / "home")
        restore(found, home.root, memory / "blobs")
        if problem := _problem(home, state, states[done : done + 2]):
            wrong.append((done, problem))
        shutil.rmtree(home.root)
        if len(wrong) >= most:
            break
    return wrong, {mark for _, mark in seen}


def _problem(home, state, allowed):
    try:
        found = state(home)
    except (SearchdError, OSError, AssertionError) as error:
        return repr(error)
    return None if found in allowed else f"found {found}"


def test_no_cut_loses_a_generation(memory):
    wrong, seen = lost(memory, generations, published, 6)
    assert wrong == [] and len(seen) > 150


def test_no_cut_loses_a_model(memory):
    wrong, seen = lost(memory, trainings, models, 2)
    assert wrong == [] and len(seen) > 50


@pytest.mark.slow
def test_ten_thousand_cuts(memory):
    """Different disks, of works in many orders."""
    seen = set()
    for seed in range(100):
        (memory / str(seed)).mkdir()
        wrong, found = lost(memory / str(seed), generations, published, 25, seed)
        assert wrong == [], f"seed {seed}"
        seen |= found
        if len(seen) > 9_000:
            break
    (memory / "models").mkdir()
    wrong, found = lost(memory / "models", trainings, models, 30)
    assert wrong == [] and len(seen | found) > 10_000


BUGS = {
    "folders are not synced after a rename": (generations, skipping("sync_folder", lambda path: path.name == "index")),
    "a staged folder is not synced": (generations, skipping("sync_folder", lambda path: path.name.startswith(".staging-"))),
    "segments are not synced": (generations, skipping("sync", lambda path: path.suffix == ".seg")),
    "the manifest is not synced": (generations, skipping("sync", lambda path: path.name == "MANIFEST.json")),
    "the pointer is not synced": (generations, skipping("sync", lambda path: path.name == "CURRENT")),
    "the pointer is overwritten in place": (generations, written_in_place(durable)),
    "generations are removed before the switch": (generations, COLLECTED_FIRST),
    "models are not synced": (trainings, skipping("sync", lambda path: path.name == "model.txt")),
    "the active model is not synced": (trainings, skipping("sync", lambda path: path.name == "ACTIVE")),
    "a version's name is not synced": (trainings, skipping("sync_folder", lambda path: path.name == "m")),
}


@pytest.mark.parametrize("bug", BUGS)
def test_these_cuts_find_what_is_wrong(memory, monkeypatch, bug):
    """Each bug that is put in is found."""
    make, change = BUGS[bug]
    monkeypatch.setattr(*change)
    assert lost(memory, make, published if make is generations else models, 4, most=1)[0]
