"""Logged searches done again: identical where nothing changed, told apart where something did, counted where it cannot be done."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from trained_home import QUERIES, make_trained_home

from ranker.cli import program
from ranker.clicklog import ClickLog
from ranker.replay import DRAFTED, NO_REQUEST, SORTED, replay
from ranker.requests import Request
from searchd.engine import Engine
from searchd.replaying import Replayer


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A home, and its log after searches of every kind."""
    home = make_trained_home(tmp_path_factory.mktemp("replay"))
    with ClickLog(home.clicks) as log, Engine(home, click_log=log) as engine:
        for text in QUERIES:
            for model in ("active", "blend", "none"):
                engine.search(text, limit=7, model=model)
        engine.search("apple banana", limit=6, offset=4, rerank_depth=5)
        engine.search("apple banana", limit=3, offset=2, model="none", filter="year >= 2020", mode="and")
        engine.search("apple banana cherry", limit=5, minimum_should_match=2)
        assert engine.search("applle", limit=5).shown_instead
        engine.search("zzzz")
        log.flush()
        yield home, log


def again(home, log):
    return replay(log, lambda generation: Replayer(home, generation))


def test_served_searches_come_out_the_same(served):
    home, log = served
    found = again(home, log)
    assert found.different == [] and found.left_out == {}
    assert found.replayed == found.identical == 3 * len(QUERIES) + 5
    assert found.cells == found.equal_cells > 5_000


def first(log):
    return next(log.impressions())


@pytest.mark.parametrize("changed", ["feature", "scores", "served", "order"])
def test_what_differs_is_told(served, tmp_path, changed):
    home, log = served
    logged = first(log)
    features, scores, served_scores, keys = logged.features.copy(), logged.scores.copy(), logged.served.copy(), list(logged.keys)
    if changed == "feature":
        features[2, 7] = np.float32(5)
    elif changed == "scores":
        scores[0] = np.nextafter(scores[0], np.float32(9))
    elif changed == "served":
        served_scores[0] += 1
    else:
        keys[0], keys[1] = keys[1], keys[0]
    with ClickLog(tmp_path / "other.sqlite3") as other:
        other.write([logged._replace(features=features, scores=scores, served=served_scores, keys=keys)], [])
        found = again(home, other)
    assert found.replayed == 1 and found.identical == 0
    (difference,) = found.different
    expected = {
        "feature": "1 features differ",
        "scores": "retrieval scores differ",
        "served": "served scores differ",
        "order": "expected documents",
    }
    assert expected[changed] in difference.what
    if changed == "feature":
        assert difference.cells[0][:3] == (keys[2], 7, 5.0) and found.cells - found.equal_cells == 1


def test_explored_orders_are_compared_by_document(served, tmp_path):
    home, log = served
    logged = first(log)
    swap = [1, 0, *range(2, len(logged.keys))]
    shown = logged._replace(
        keys=[logged.keys[i] for i in swap], features=logged.features[swap], scores=logged.scores[swap],
        propensities=np.full(len(swap), 0.5, np.float32),
    )  # fmt: skip
    with ClickLog(tmp_path / "other.sqlite3") as other:
        other.write([shown], [])
        assert again(home, other).identical == 1


def test_what_cannot_be_done_again_is_counted_by_reason(served, tmp_path):
    home, log = served
    logged = first(log)
    changes = [
        {"request": ""}, {"request": "{"}, {"generation": "g000099"}, {"generation": "g000099"}, {"model": "plain/v0099"},
        {"request": Request(sorted=True).encoded()}, {"experiment": "trial", "teams": "0" * len(logged.keys)},
    ]  # fmt: skip
    with ClickLog(tmp_path / "other.sqlite3") as other:
        other.write([logged._replace(query_id=f"q{i}", **change) for i, change in enumerate(changes)], [])
        found = again(home, other)
    assert found.replayed == 0
    assert found.left_out[NO_REQUEST] == 2 and found.left_out[SORTED] == found.left_out[DRAFTED] == 1
    gone = {reason: count for reason, count in found.left_out.items() if reason.startswith("g0")}
    assert (
        sorted(gone.values()) == [1, 2] and any("g000099" in reason for reason in gone) and any("plain/v0099" in reason for reason in gone)
    )


def test_the_command(served, tmp_path):
    home, log = served
    command = program(Engine, Replayer)
    result = CliRunner().invoke(command, ["replay", "--home", str(home.root), "--newest", "5"])
    assert result.exit_code == 0 and json.loads(result.stdout)["identical"] == 5
    copy = tmp_path / "home"
    shutil.copytree(home.root, copy, ignore=shutil.ignore_patterns("clicks.sqlite3*"))
    with ClickLog(copy / "clicks.sqlite3") as other:
        other.write([first(log)._replace(served=first(log).served + 1)], [])
    result = CliRunner().invoke(command, ["replay", "--home", str(copy)])
    assert result.exit_code == 1 and "1 of 1 searches" in result.stderr
