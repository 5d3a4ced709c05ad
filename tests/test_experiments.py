"""An experiment in a real engine: who sees what, what is logged, how it is judged and how it ends."""

import json
import os

import numpy as np
import pytest
from click.testing import CliRunner
from small_home import build_home, documents
from small_models import contrary_model

import indexer.durable as durable
from indexer.home import Home
from ranker.cli import program
from ranker.clicklog import ClickLog, Event
from ranker.experiment_results import settle, standings, tally
from ranker.experiments import ExperimentError, Experiments
from ranker.exploration import Exploration
from ranker.registry import Registry, UnknownModel
from searchd.engine import Engine
from searchd.guard import Guard

QUERY = "apple banana cherry dragon"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    home = build_home(tmp_path_factory.mktemp("experiments"), documents())
    for seed, name in enumerate(("first", "second", "third")):
        Registry(home).publish(contrary_model(home, seed), {}, name)
    return home


@pytest.fixture
def home(published, tmp_path):
    """The same index and models; experiments and clicks of its own."""
    (tmp_path / "models").mkdir()
    for name in ("index", "searchd.toml", "models/first", "models/second", "models/third"):
        if (published.root / name).exists():
            (tmp_path / name).symlink_to(published.root / name)
    return Home.at(tmp_path)


@pytest.fixture
def log(home):
    with ClickLog(home.clicks) as log:
        yield log


@pytest.fixture
def engine(home, log):
    with Engine(home, log) as engine:
        yield engine


def ids(result):
    return [hit.id for hit in result.hits]


def session(engine, log, number, wanted, clicks=1):
    """One search of one session, that clicks documents of the team ``wanted``, if there is one."""
    return sessions(engine, log, {number: wanted}, clicks)[0]


def sessions(engine, log, wanted, clicks=1):
    """Searches of sessions, by their numbers, that click documents of the team that each wants; written to the log together."""
    found = {number: engine.search(QUERY, session_id=f"s{number}") for number in wanted}
    log.flush()
    shown = {number: log.query(result.query_id) for number, result in found.items()}
    log.append(
        Event(f"e{number}-{key}", list_.query_id, "click", list_.timestamp, key, list_.keys.index(key) + 1, session_id=f"s{number}")
        for number, list_ in shown.items()
        for key in [key for key, team in zip(list_.keys, list_.teams) if team == wanted[number]][:clicks]
    )
    return list(shown.values())


def test_without_an_experiment_nothing_changes(engine, log):
    engine.search(QUERY, session_id="a")
    log.flush()
    (shown,) = log.impressions()
    assert (shown.experiment, shown.teams, shown.propensities) == ("", "", None)


def test_a_session_sees_one_list_for_a_query_on_all_its_pages(home, engine, log):
    Experiments(home).start("trial", ["first", "second"])
    whole = ids(engine.search(QUERY, limit=20, session_id="a"))
    assert ids(engine.search(f" {QUERY}  ", limit=10, session_id="a")) == whole[:10]
    assert ids(engine.search(QUERY, limit=10, offset=10, session_id="a")) == whole[10:]
    assert len({tuple(ids(engine.search(QUERY, session_id=f"s{n}"))) for n in range(30)}) > 1
    log.flush()
    shown = list(log.impressions())
    assert {one.experiment for one in shown} == {"trial"} and all(len(one.teams) == len(one.keys) for one in shown)
    assert {team for one in shown for team in one.teams} <= set("012-")


def test_what_is_logged_is_what_the_models_scored(home, engine, log):
    Experiments(home).start("trial", ["first"])
    found = engine.search(QUERY, session_id="a")
    log.flush()
    shown = log.query(found.query_id)
    assert shown.features.shape == (10, len(engine.snapshot().default_features.names)) and shown.model == ""
    ranking = engine.rank(QUERY, 100, "first")
    by_key = dict(zip(ranking.keys, ranking.features))
    for key, row in zip(shown.keys, shown.features):
        np.testing.assert_array_equal(row, by_key[key])
    scores = [hit.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    "asked", [{}, {"session_id": "a", "log": False}, {"session_id": "a", "model": "none"}, {"session_id": "a", "sort": "year:asc"}]
)
def test_who_takes_no_part(home, engine, log, asked):
    before = ids(engine.search(QUERY, **asked))
    Experiments(home).start("trial", ["first"])
    assert ids(engine.search(QUERY, **asked)) == before
    log.flush()
    assert not any(one.experiment for one in log.impressions())


def test_a_share_of_the_sessions_takes_part(home, engine, log):
    Experiments(home).start("trial", ["first"], share=0.3)
    for number in range(200):
        engine.search(QUERY, session_id=f"s{number}")
    log.flush()
    assert 30 <= sum(one.experiment == "trial" for one in log.impressions()) <= 90


def test_clicks_are_credited_by_session(home, engine, log):
    experiment = Experiments(home).start("trial", ["first"])
    won = sum("1" in session(engine, log, number, "1", clicks=3).teams for number in range(6))
    lost = sum("0" in session(engine, log, number, "0").teams for number in (6,))
    session(engine, log, 7, "nobody's")
    log.append([Event("odd", "unknown", "click", 1, "k1", 1)])
    counted = tally(log, experiment)
    assert counted.impressions == 8 and len(counted.clicks) == 8
    (standing,) = standings(experiment, counted)
    assert (standing.verdict.wins, standing.verdict.losses, standing.verdict.outcome) == (won, lost, "running") and won


def test_a_challenger_that_loses_is_stopped_and_production_serves_again(home, engine, log):
    production = ids(engine.search(QUERY, session_id="s0"))
    Experiments(home).start("trial", ["first"], horizon=10_000)
    sessions(engine, log, dict.fromkeys(range(200), "0"))
    guard = Guard(home, 60, lambda: log)
    guard.check()
    ended = Experiments(home).read("trial")
    assert ended.status == "stopped" and "worse" in ended.reason and "stop-loss" in ended.reason
    assert ended.standings[0]["sessions"] == 200 and ended.standings[0]["wins"] == 0
    assert Experiments(home).running() is None
    assert all(ids(engine.search(QUERY, session_id=f"s{n}")) == production for n in range(10))


def test_a_challenger_that_wins_ends_the_experiment_and_is_not_let_in_by_itself(home, engine, log):
    store = Experiments(home)
    store.start("trial", ["first"], horizon=100)
    sessions(engine, log, dict.fromkeys(range(60), "1"))
    ended = settle(store, log)
    assert ended.status == "stopped" and ended.standings[0]["outcome"] == "better"
    assert Registry(home).active() is None


def test_of_several_challengers_the_one_that_does_harm_is_dropped(home, engine, log):
    store = Experiments(home)
    store.start("trial", ["first", "second", "third"], horizon=10_000)
    sessions(engine, log, {number: "012"[number % 3] for number in range(150)})
    changed = settle(store, log)
    assert changed.status == "running" and 3 in changed.dropped and changed.alive[0] == 0
    log.flush()
    assert "3" not in session(engine, log, 1000, "0").teams


def test_an_experiment_ends_when_something_else_serves(home, engine, log):
    store = Experiments(home)
    store.start("trial", ["second"])
    Registry(home).activate("first")
    assert "first/v0001 serves now" in settle(store, log).reason
    assert settle(store, log) is None


def test_a_model_against_itself_has_teams(home, engine, log):
    Registry(home).activate("first")
    experiment = Experiments(home).start("check", ["active"])
    assert experiment.against_itself
    alone = ids(engine.search(QUERY, session_id="x", log=False))
    shown = session(engine, log, 1, "0")
    assert sorted(shown.teams) == ["0"] * 5 + ["1"] * 5 and shown.keys == alone and shown.model == "first/v0001"


def test_mistakes_are_told(home, engine):
    store = Experiments(home)
    for name, models, words in (
        ("../x", ["first"], "letters, digits"),
        ("a", ["first", "first"], "all differ"),
        ("a", ["first", "none"], "all differ"),
        ("a", [], "one to 5 challengers"),
    ):
        with pytest.raises(ExperimentError, match=words):
            store.start(name, models)
    with pytest.raises(UnknownModel):
        store.start("a", ["nothing"])
    assert store.running() is None and store.entries() == []
    store.start("a", ["first"])
    with pytest.raises(ExperimentError, match="stop it first"):
        store.start("b", ["first"])
    store.stop("a", "enough", [])
    assert store.stop("a", "again", []).reason == "enough"
    with pytest.raises(ExperimentError, match="choose another name"):
        store.start("a", ["first"])


def killed_after(file, work):
    """Do ``work`` in a process that is killed right after ``file`` got its name for the first time."""
    child = os.fork()
    if not child:
        try:
            durable.watch(durable.killing_after(f"replace {file}:1"))
            work()
        finally:
            os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_an_experiment_whose_start_was_killed_has_not_been(home):
    store = Experiments(home)
    killed_after("a.json", lambda: store.start("a", ["first"]))
    assert store.running() is None and store.entries() == []
    with pytest.raises(ExperimentError, match="none yet"):
        store.read("a")
    assert store.start("a", ["first"]).name == store.running().name == store.read("a").name


def test_stopping_an_experiment_whose_end_was_killed_does_not_stop_another_one(home):
    store = Experiments(home)
    store.start("a", ["first"])
    killed_after("RUNNING", lambda: store.stop("a", "enough", []))
    assert store.running() is None and store.read("a").status == "stopped"
    store.start("b", ["first"])
    assert store.stop("a", "enough", [{"wins": 1}]).standings == [{"wins": 1}]
    assert store.running().name == "b" and (store.read("a").reason, store.read("a").stopped is None) == ("enough", False)


def test_who_drops_a_challenger_does_not_start_a_stopped_experiment_again(home):
    """The watch may have read it before somebody stopped it."""
    store = Experiments(home)
    store.start("a", ["first"])
    store.stop("a", "enough", [])
    assert store.drop("a", [1]).status == "stopped" and store.running() is None and store.read("a").dropped == []


def test_damaged_files_stop_no_search(home, engine):
    store = Experiments(home)
    store.start("trial", ["first"])
    (home.experiments / "trial.json").write_text("{")
    assert len(engine.search(QUERY, session_id="a").hits) == 10
    Guard(home, 60, lambda: ClickLog(home.clicks)).check()
    with pytest.raises(ExperimentError, match="damaged"):
        store.running()
    store.running_file.write_text("\xff\n")
    assert len(engine.search(QUERY, session_id="b").hits) == 10


def test_the_commands_start_show_list_and_stop(home, engine, log):
    group = program(lambda _: engine)

    def run(*words, code=0):
        result = CliRunner().invoke(group, ["experiments", *words, "--home", str(home.root)])
        assert result.exit_code == code, result.output
        return result

    assert "none" in run("status", code=1).stderr
    started = json.loads(run("start", "trial", "--model", "first", "--sessions", "500").stdout)
    assert started["models"] == ["none", "first/v0001"] and started["horizon"] == 500
    won = sum("1" in session(engine, log, number, "1").teams for number in range(5))
    assert json.loads(run("status").stdout)["standings"][0]["wins"] == won > 0
    assert json.loads(run("stop", "trial").stdout)["reason"] == "stopped by hand"
    assert run("list").stdout.startswith("trial\tstopped\tnone first/v0001\t")
    assert json.loads(run("status", "trial").stdout)["standings"][0]["wins"] == won


def test_exploring_searches_log_how_likely_their_list_was(home, log):
    with Engine(home, log, exploration=Exploration(0.2, 0.3)) as engine:
        plain = ids(engine.search(QUERY, log=False))
        lists = [ids(engine.search(QUERY, session_id=f"s{n}")) for n in range(200)]
        paged = [ids(engine.search(QUERY, limit=5, offset=start, session_id=f"s{n}")) for n in range(40) for start in (0, 5)]
        assert [paged[i] + paged[i + 1] for i in range(0, 80, 2)] == lists[:40]
    log.flush()
    shown = list(log.impressions())
    assert 15 <= sum(one != plain for one in lists) <= 70
    assert all(sorted(one) == sorted(plain) for one in lists)
    for one in shown[:200]:
        moved = [key for key, before in zip(one.keys, plain) if key != before]
        assert len(one.propensities) == 10 and len(moved) in (0, 2)
        assert all(p < 0.2 for key, p in zip(one.keys, one.propensities) if key in moved)
