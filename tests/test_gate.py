"""What a model must show before it serves, and what takes it back afterwards."""

import functools
import json
import threading

import numpy as np
import pytest
from click.testing import CliRunner
from ranked_home import RankedEngine
from small_models import small_model

import indexer.durable as durable
import ranker.watch as watch_module
from indexer.home import Home
from ranker.cli import program
from ranker.clicklog import ClickLog, Event, Impression
from ranker.experiments import Experiments
from ranker.gate import Evidence, Harmful, activate
from ranker.registry import Registry
from ranker.simulate import simulate
from ranker.watch import watch, watched


class ModelledEngine(RankedEngine):
    """ "bad" turns the first ten over, "good" orders them by what people want, "strange" shows what nobody has seen."""

    def rank(self, q, depth=100, model="none"):
        found = super().rank(q, 200, model)
        order = np.arange(len(found.keys))
        if model.startswith("bad"):
            order[:10] = order[:10][::-1]
        if model.startswith("good"):
            grades = next(self.judgments[qid] for qid, text in self.queries.items() if text == q)
            order[:20] = sorted(order[:20], key=lambda i: -grades.get(found.keys[i], 0.0))
        if model.startswith("strange"):
            order = order[::-1]
        found.keys = [found.keys[i] for i in order[:depth]]
        for name in ("docs", "scores", "features", "retrieval_scores"):
            setattr(found, name, getattr(found, name)[order[:depth]])
        return found


@functools.cache
def engine():
    return ModelledEngine()


@pytest.fixture
def home(tmp_path):
    home = Home.at(tmp_path)
    for name in ("good", "bad", "strange"):
        Registry(home).publish(small_model(), {}, name)
    return home


@pytest.fixture
def clicked(home):
    """The home with 3,000 searches in its log."""
    with ClickLog(home.clicks) as log:
        simulate(engine(), log, engine().queries, engine().judgments, "pbm", 3000, 1, "none")
    return home


def let_in(home, name, **given):
    return activate(engine, home, name, **given)


def test_a_model_that_loses_clicks_is_refused_with_the_figures(clicked):
    with pytest.raises(Harmful, match=r"clicks a search, doubly robust: -0\.\d+ \[-0\.\d+, [+-]0\.\d+\] against none"):
        let_in(clicked, "bad")
    assert Registry(clicked).active() is None and watched(clicked) is None
    assert let_in(clicked, "bad", force=True)[:2] == ("bad", "v0001")
    assert let_in(clicked, "good").evidence[1].gain > 0
    with pytest.raises(Harmful, match="against good/v0001"):
        let_in(clicked, "bad")


def test_what_the_log_cannot_judge_is_let_in_and_said(clicked):
    found = let_in(clicked, "strange")
    assert "coverage of strange/v0001" in str(found.evidence[1]) and found.evidence[1].gain is None


def test_judgments_decide(home):
    judged = engine().queries, engine().judgments
    with pytest.raises(Harmful, match=r"judgments, nDCG@10: -0\."):
        let_in(home, "bad", judged=judged)
    assert let_in(home, "good", judged=judged).evidence[1].gain > 0.01


def test_the_card_decides(home):
    Registry(home).publish(small_model(), {"heldout": {"gain": -0.02, "nDCG@10": 0.3, "interval": [-0.05, 0.01]}}, "weak")
    with pytest.raises(Harmful, match="held-out queries: -0.0200"):
        let_in(home, "weak")


def test_small_and_uncertain_losses_are_no_losses():
    assert not Evidence("k", "none", 0.5, -0.004, -0.01, 0.002).loses
    assert Evidence("k", "none", 0.5, -0.004, -0.006, -0.002).loses
    assert Evidence("k", "none", 0.5, -0.006, -0.02, 0.002).loses
    assert not Evidence("k", "none", 0.5, 0.0, 0.0, 0.0).loses and not Evidence("k", "none", why="?").loses


def test_nothing_is_let_in_while_an_experiment_runs(home):
    Experiments(home).start("trial", ["good"])
    with pytest.raises(Harmful, match="experiment trial"):
        let_in(home, "good")
    assert let_in(home, "good", force=True).name == "good"


def test_the_command_says_what_is_known(home, tmp_path):
    queries, judgments = engine().write(tmp_path)
    group = program(lambda _: engine())

    def run(*words, code=0):
        result = CliRunner().invoke(group, ["models", *map(str, words), "--home", str(home.root)])
        assert result.exit_code == code, result.output
        return result

    judged = ("--queries", queries, "--judgments", judgments)
    assert "nDCG@10: -0." in run("activate", "bad", *judged, code=1).stderr
    assert run("activate", "bad", "--force").stdout == "bad v0001\n"
    good = run("activate", "good", *judged)
    assert good.stdout == "good v0001\n" and "nDCG@10: +" in good.stderr
    run("activate", "good", "--queries", queries, code=2)
    assert "nothing is watched" in run("watch").stdout
    ClickLog(home.clicks).close()
    assert json.loads(run("watch").stdout)["status"] == "watching"


def searches(log, model, rate, sessions, seed):
    """Sessions of one search that click the first result, or nothing."""
    clicks = np.random.default_rng(seed).random(sessions) < rate
    names = [f"{model}-{seed}-{n}" for n in range(sessions)]
    log.write(
        [Impression(name, 1, "q", ["a", "b"], session_id=name, model=model) for name in names],
        [Event(f"e-{name}", name, "click", 1, "a", 1) for name, hit in zip(names, clicks) if hit],
    )


@pytest.mark.parametrize(("rate", "sessions", "back"), [(0.3, 1000, True), (0.5, 1000, False), (0.49, 1000, False), (0.0, 100, False)])
def test_a_model_is_taken_back_when_clicks_fall(home, rate, sessions, back):
    with ClickLog(home.clicks) as log:
        searches(log, "", 0.5, 1000, 0)
        let_in(home, "good")
        assert watch(home, log) is None
        searches(log, "good/v0001", rate, sessions, 1)
        found = watch(home, log)
        assert (found is not None) == back
        assert Registry(home).active() == (None if back else ("good", "v0001"))
        if back:
            assert found["serving"] == "none" and found["searches_with_click"]["now"] < 0.35
            assert watched(home).status == "rolled back" and watch(home, log) is None


def test_only_the_watched_activation_is_undone(home):
    with ClickLog(home.clicks) as log:
        searches(log, "", 0.9, 1000, 0)
        let_in(home, "good")
        searches(log, "good/v0001", 0.9, 1000, 1)
        let_in(home, "bad")
        searches(log, "bad/v0001", 0.2, 1000, 2)
        assert watch(home, log)["serving"] == "good/v0001"
        searches(log, "good/v0001", 0.1, 1000, 3)
        assert watch(home, log) is None and Registry(home).active() == ("good", "v0001")


def test_the_watch_takes_back_no_model_that_was_let_in_while_it_read_the_log(home, monkeypatch):
    def meanwhile(*values):
        figures = comparison(*values)
        let_in(home, "strange")
        return figures

    comparison = watch_module.comparison
    monkeypatch.setattr(watch_module, "comparison", meanwhile)
    with ClickLog(home.clicks) as log:
        searches(log, "", 0.9, 1000, 0)
        let_in(home, "bad")
        searches(log, "bad/v0001", 0.2, 1000, 1)
        assert watch(home, log) is None
    assert Registry(home).active() == ("strange", "v0001") and (watched(home).model, watched(home).status) == ("strange/v0001", "watching")


def test_two_activations_at_once_are_both_remembered(home):
    """The other one comes when the first has read what was active before and is about to write."""
    registry, others = Registry(home), []

    def observe(step, do):
        if (step.name, step.path.name) == ("create", "ACTIVE") and not others:
            others.append(threading.Thread(target=lambda: registry.activate("bad")))
            others[0].start()
            others[0].join(0.2)
        return do()

    durable.watch(observe)
    try:
        registry.activate("good")
        others[0].join()
    finally:
        durable.watch(None)
    assert sorted((registry.active(), registry.before())) == [("bad", "v0001"), ("good", "v0001")]


def test_a_rollback_by_hand_ends_the_watch(home):
    with ClickLog(home.clicks) as log:
        let_in(home, "good")
        Registry(home).rollback()
        assert watch(home, log) is None and watched(home).status == "replaced"
    (home.models / "WATCH.json").write_text("{")
    assert watched(home) is None
