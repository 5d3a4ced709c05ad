"""Commands that change a home, each with a home to run it on, what a reader sees of it, and the command after it."""

import json
import random
import shutil
from collections.abc import Callable
from typing import NamedTuple

from core_index import SCHEMA, build_home, sample
from killing import operations
from small_models import small_model

import ranker.gate as gate
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
from ranker.experiments import ExperimentError, Experiments
from ranker.query_ids import load_secret
from ranker.registry import Registry
from ranker.watch import watched
from searchd.lexicon_changes import add_synonyms
from searchd.synonyms import read_rules

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


def synonyms(home):
    return tuple(read_rules(home.lexicon))


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


def experiments(home):
    """Which experiments there are, how each is, and which one runs."""
    store = Experiments(home)
    running = store.running()
    return tuple((one.name, one.status, *one.models) for one in store.entries()), running and (running.name, running.status)


def experimenting(*others):
    """A home where an experiment runs, and ``others`` were before."""

    def prepare(home):
        models(2)(home)
        for name in (*others, "trial"):
            Experiments(home).start(name, ["m/v0001"])
            if name != "trial":
                Experiments(home).stop(name, "enough", [])

    return prepare


def started_again(home):
    """What was to be started runs after the same command; whoever did it before is told so."""
    try:
        start_an_experiment(home)
    except ExperimentError as error:
        assert "stop it first" in str(error)
    assert Experiments(home).running().name == "new"


def start_an_experiment(home):
    Experiments(home).start("new", ["m/v0002"])


def stop_the_experiment(home):
    assert Experiments(home).stop("trial", "enough", []).reason == "enough"


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
    "start an experiment": Command(models(2), start_an_experiment, experiments, started_again),
    "stop an experiment": Command(experimenting("earlier"), stop_the_experiment, experiments, stop_the_experiment),
    "synonyms": Command(with_a_lexicon([]), lambda home: add_synonyms(home, "a, b"), synonyms, lambda home: add_synonyms(home, "a, c")),
    "secret": Command(lambda home: None, load_secret, lambda home: home.secret.exists() and len(home.secret.read_bytes()), load_secret),
}


def strays(home):
    """Files and folders that nothing accounts for."""
    known = {home.current, home.index / "HISTORY", home.index / "LOCK", home.index / "MERGE", home.secret, home.root / "quarantine.jsonl"}
    known |= {home.models / name for name in ("ACTIVE", "ACTIVATIONS.json", "WATCH.json", ".active", ".activations", "m")}
    known |= {home.root / f"clicks.sqlite3{end}" for end in ("", "-wal", "-shm")}
    known |= {home.experiments, home.experiments / ".lock", home.experiments / "RUNNING", *home.experiments.glob("[a-z]*.json")}
    known |= {home.lexicon / ".lock", home.lexicon / "synonyms.txt"}
    known |= {home.index, home.models, home.lexicon, home.lexicon / "user.txt"}
    for version in versions(home) if home.current.exists() else []:
        folder = home.index / version.generation
        known |= {folder, folder / "MANIFEST.json", *(folder / info.name for info in read_manifest(folder).files)}
    names = {"model.txt", "features.json", "card.json", "golden.json", "SHA256SUMS", "CARD.md"}
    for version in Registry(home).versions("m"):
        known |= {home.models / "m" / version, *(home.models / "m" / version / name for name in names)}
    return sorted(str(path.relative_to(home.root)) for path in home.root.rglob("*") if path not in known)


def some_of(name, count=1):
    """Of so many operations the first and the last, and some between; the same for the same name."""
    return lambda total: sorted({1, total, *random.Random(name).sample(range(1, total + 1), min(total, count))})


def broken_promises(folder, command, points, disturbed):
    """What is wrong after disturbances at ``points(how many operations there are)``, one by one: (operation, what).

    ``disturbed(home, number, step)`` does the work with a disturbance at an operation, 0 for before all, and returns what is wrong with how it ended.
    """
    before, whole = Home.at(folder / "before"), Home.at(folder / "whole")
    before.root.mkdir(parents=True)
    command.prepare(before)
    shutil.copytree(before.root, whole.root)
    old = command.state(before)
    steps = operations(lambda: command.work(whole), whole.root)
    allowed = {old, command.state(whole)}
    for number in points(len(steps)):
        home, step = Home.at(folder / str(number)), steps[max(0, number - 1)]
        shutil.copytree(before.root, home.root)
        for what in (*disturbed(home, number, step), *_wrong_with(home, command, allowed)):
            yield f"{number} {step.name} {step.path.name}", what
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
