"""The ranker command from end to end, over a made-up engine."""

import functools
import json
import shutil

import pytest
from click.testing import CliRunner
from ranked_home import RankedEngine

from indexer.home import Home
from ranker.cli import program
from ranker.judged import read_judgments, read_queries
from ranker.registry import Registry

LETOR = "".join(
    f"{(i * 7 + q) % 3} qid:{q} 1:{(i * 7 + q) % 3 + i % 2} 2:{i % 5} 3:{(i * q) % 4} # d{i}\n" for q in range(20) for i in range(12)
)

FEW_ROUNDS = 40
ROUNDS = pytest.mark.parametrize("rounds", [FEW_ROUNDS, pytest.param(None, marks=pytest.mark.slow)], ids=["few rounds", "all rounds"])


@functools.cache
def engine():
    return RankedEngine()


class Runner:
    """Runs commands against one home."""

    def __init__(self, home):
        self.home = home
        self.group = program(lambda _home: engine())

    def __call__(self, *words, code=0):
        result = CliRunner().invoke(self.group, [*map(str, words)])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    def here(self, *words, code=0):
        return self(*words, "--home", self.home, code=code)

    def train(self, *words, rounds=FEW_ROUNDS, code=0):
        """Train with few rounds, where it does not matter how good the model is; None: as many as by default."""
        settings = self.home.parent / "rounds.json"
        settings.write_text(json.dumps({"rounds": rounds} if rounds else {}))
        return self.here("train", *words, "--parameters", settings, code=code)


@pytest.fixture
def run(tmp_path):
    (tmp_path / "home").mkdir()
    return Runner(tmp_path / "home")


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Gives a runner's home the click log of simulated readers; each log is made once."""
    made = functools.cache(lambda *words: simulated(tmp_path_factory.mktemp("log"), *words))

    def give(run, *words):
        shutil.copy(made(*words), run.home)

    return give


def simulated(folder, *words):
    """A click log of readers who ask the made-up queries."""
    queries, judgments = engine().write(folder)
    (folder / "home").mkdir()
    Runner(folder / "home").here("simulate", "--queries", queries, "--judgments", judgments, *words, "--model", "none")
    return Home.at(folder / "home").clicks


@pytest.fixture
def files(tmp_path):
    queries, judgments = engine().write(tmp_path)
    return ("--queries", queries, "--judgments", judgments)


def test_training_from_judgments_gains_on_unseen_queries_and_activates(run, files):
    card = json.loads(run.here("train", "--family", "pairwise", *files, "--name", "judged", "--activate").stdout)
    assert (card["name"], card["version"], card["source"]) == ("judged", "v0001", "judgments")
    assert card["heldout"]["gain"] > 0.05
    assert Registry(Home.at(run.home)).active() == ("judged", "v0001")


@ROUNDS
@pytest.mark.parametrize("family", ["pointwise", "pairwise", "listwise", "ensemble"])
def test_clicks_teach_every_family(run, logs, family, rounds):
    logs(run, "--users", "pbm", "--sessions", 6000, "--seed", 1)
    rates = () if family == "pairwise" else ("--no-click-rates",)
    card = json.loads(run.train("--family", family, "--clicks", *rates, rounds=rounds).stdout)
    assert card["heldout"]["gain"] > 0 and card["name"] == family and card["sessions"] == 6000
    assert "*" not in run.here("models", "list").stdout


@ROUNDS
def test_judged_queries_are_mixed_into_clicks(run, files, logs, rounds):
    logs(run, "--users", "pbm", "--sessions", 2000, "--seed", 1)
    mixed = ("--clicks", "--no-click-rates", *files, "--judged-weight", 5)
    words = ("--family", "ensemble", *mixed, "--increasing", "whole_bm25", "--name", "both")
    card = json.loads(run.train(*words, rounds=rounds).stdout)
    assert card["judged_queries"] == 40 and card["heldout_judged"]["gain"] > 0 and card["increasing"] == ["whole_bm25"]
    assert card["settings"]["members"][1:3] == ["cross-entropy", "lambdarank"] and not (run.home / "models" / ".training" / "both").exists()


@pytest.mark.parametrize("method", ["naive", "position"])
def test_other_corrections_are_offered(run, logs, method):
    logs(run, "--users", "pbm", "--sessions", 1000, "--seed", 1)
    result = run.train("--family", "pairwise", "--clicks", "--method", method, "--objective", "lambdarank")
    assert json.loads(result.stdout)["relevance"] == method and "held-out nDCG@10" in result.stderr


def test_tuning_prints_a_table_and_training_uses_what_it_found(run, files, tmp_path):
    found = run.here("tune", "--family", "pointwise", *files, "--trials", 1, "--output", tmp_path / "found.json")
    assert found.stdout.splitlines()[0].startswith("nDCG@10\trounds") and "no say in the choice" in found.stdout
    (tmp_path / "mine.json").write_text('{"num_leaves": 5, "rounds": 40}')
    card = json.loads(run.here("train", "--family", "pointwise", *files, "--parameters", tmp_path / "mine.json").stdout)
    assert card["settings"]["num_leaves"] == 5 and list(card["heldout"]["by_rounds"]) == ["20", "40"]


def test_a_log_that_is_too_small_is_refused(run, files):
    run.here("simulate", *files, "--users", "pbm", "--sessions", 200, "--model", "none")
    result = run.here("train", "--family", "pairwise", "--clicks", code=1)
    assert "200 sessions" in result.stderr and "judgments" in result.stderr
    assert Registry(Home.at(run.home)).names() == []


def test_a_small_log_is_blended_with_retrieval(run, logs):
    logs(run, "--users", "pbm", "--sessions", 800)
    card = json.loads(run.train("--family", "pairwise", "--clicks").stdout)
    assert card["blend"]["weight"] <= 0.5


def test_without_a_log_the_message_says_what_to_do(run):
    assert "simulate" in run.here("train", "--family", "pairwise", "--clicks", code=1).stderr


def test_the_log_tells_what_models_would_earn(run, files):
    run.here("simulate", *files, "--users", "pbm", "--sessions", 4000, "--model", "none")
    run.train("--family", "pointwise", "--clicks", "--no-click-rates", "--name", "clicks")
    records = [json.loads(line) for line in run.here("evaluate").stdout.splitlines()]
    assert {r["model"] for r in records} == {"none", "clicks"} and {"all", "head", "tail"} <= {r["slice"] for r in records}
    base = next(r for r in records if (r["slice"], r["model"], r["method"]) == ("all", "none", "dr"))
    assert base["gain"] == 0 and base["low"] <= base["value"] <= base["high"] and base["coverage"] == 1


def test_a_letor_file_trains_and_evaluates_without_a_home(run, tmp_path):
    (tmp_path / "rows.txt").write_text(LETOR)
    run("train", "--letor", tmp_path / "rows.txt", "--family", "listwise", "--output", tmp_path / "model")
    lines = run("evaluate", "--letor", tmp_path / "rows.txt", "--model", tmp_path / "model").stdout.splitlines()
    found = {r["measure"]: r["value"] for r in map(json.loads, lines)}
    assert found["nDCG@10"] > 0.9 and set(found) >= {"AP", "RR", "nDCG@10"}


def test_a_model_folder_is_never_replaced_unasked(run, tmp_path):
    (tmp_path / "rows.txt").write_text(LETOR)
    words = ("train", "--letor", tmp_path / "rows.txt", "--family", "pointwise", "--output")
    run(*words, tmp_path / "model")
    before = (tmp_path / "model" / "model.txt").read_bytes()
    assert "--overwrite" in run(*words, tmp_path / "model", "--seed", 7, code=1).stderr
    assert (tmp_path / "model" / "model.txt").read_bytes() == before
    run(*words, tmp_path / "model", "--seed", 7, "--overwrite")
    assert (tmp_path / "model" / "model.txt").read_bytes() != before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    assert "no model" in run(*words, tmp_path / "mine", "--overwrite", code=1).stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "mine", "model", "rows.txt"]


def test_models_are_listed_shown_compared_activated_and_rolled_back(run, files, tmp_path):
    run.train("--family", "pointwise", *files, "--name", "a", "--activate")
    run.train("--family", "listwise", *files, "--name", "b", "--seed", 5)
    assert run.here("models", "list").stdout.splitlines()[0].startswith("*\ta\tv0001\tpointwise\tjudgments")
    assert json.loads(run.here("models", "show", "b").stdout)["family"] == "listwise"
    assert json.loads(run.here("models", "diff", "a", "b/v0001").stdout)["card"]["seed"] == [0, 5]
    assert run.here("models", "activate", "b").stdout == "b v0001\n"
    assert run.here("models", "rollback").stdout == "a v0001\n"
    assert run.here("models", "rollback").stdout == "none\n"
    assert run.here("models", "import", run.home / "models" / "a" / "v0001", "--name", "c").stdout == "c v0001\n"


def test_features_are_listed_and_exported(run, files, tmp_path):
    names = [line.split("\t")[0] for line in run.here("features", "list").stdout.splitlines()]
    assert "whole_bm25" in names and len(names) >= 25
    report = json.loads(run.here("features", "export", *files, "--output", tmp_path / "rows.txt").stdout)
    assert report["features"] == list(engine().features.names)
    assert len((tmp_path / "rows.txt").read_text().splitlines()) == report["rows"]


@pytest.mark.parametrize(
    "words",
    [
        ("train", "--family", "pairwise"),
        ("train", "--family", "magic", "--clicks"),
        ("train", "--family", "pairwise", "--clicks", "--letor", __file__),
        ("train", "--family", "pairwise", "--letor", __file__),
        ("train", "--family", "pairwise", "--judgments", __file__),
        ("train", "--family", "pairwise", "--clicks", "--judgments", __file__),
        ("train", "--family", "pairwise", "--clicks", "--method", "position", "--judgments", __file__, "--queries", __file__),
        ("tune", "--family", "pairwise"),
        ("features", "export", "--output", "x"),
        ("evaluate", "--letor", __file__),
    ],
)
def test_wrong_usage_is_status_2(run, words):
    run.here(*words, code=2)


def test_bad_input_is_status_1_and_one_line(run):
    for words in (("train", "--family", "pairwise", "--letor", __file__, "--output", run.home / "m"), ("models", "show", "nothing")):
        result = run(*words, *(("--home", run.home) if words[0] == "models" else ()), code=1)
        assert len(result.stderr.strip().splitlines()) == 1


@ROUNDS
def test_the_same_log_gives_the_same_model(run, logs, rounds):
    logs(run, "--users", "dbn", "--sessions", 3000)
    for _ in range(2):
        run.train("--family", "pairwise", "--clicks", "--name", "twice", rounds=rounds)
    models = [(run.home / "models" / "twice" / v / "model.txt").read_bytes() for v in ("v0001", "v0002")]
    assert models[0] == models[1]


def test_judgments_go_between_their_forms_and_come_of_clicks(run, files, tmp_path):
    queries, judgments = files[1], files[3]
    words = ("judgments", "convert", "--queries", queries)
    counted = json.loads(run(*words, judgments, "--format", "quepid", "--output", tmp_path / "a.csv").stdout)
    assert counted["queries"] == 40 and (tmp_path / "a.csv").read_text().startswith("query,docid,rating\n")
    assert json.loads(run(*words, tmp_path / "a.csv", "--format", "trec", "--output", tmp_path / "b").stdout) == counted
    assert sorted((tmp_path / "b").read_text().split("\n")) == sorted(judgments.read_text().split("\n"))

    assert "expected a click log" in run.here("judgments", "export", "--format", "quepid", "--output", tmp_path / "c", code=1).stderr
    run.here("simulate", *files, "--users", "pbm", "--sessions", 200, "--model", "none")
    assert "200 sessions" in run.here("judgments", "export", "--format", "quepid", "--output", tmp_path / "c", code=1).stderr
    run.here("simulate", *files, "--users", "pbm", "--sessions", 3000, "--seed", 2, "--model", "none")
    run.here("judgments", "export", "--format", "trec", "--output", tmp_path / "c", code=2)
    run.here("judgments", "export", "--format", "trec", "--output", tmp_path / "c", "--queries-output", tmp_path / "q")
    clicked = read_judgments(tmp_path / "c", read_queries(tmp_path / "q"))
    assert {grade for grades in clicked.values() for grade in grades.values()} == {0, 1, 2, 3}
    true = {text: engine().judgments[qid] for qid, text in engine().queries.items()}
    texts = read_queries(tmp_path / "q")
    best, worst = (
        [true[texts[q]].get(key, 0) for q, found in clicked.items() for key, g in found.items() if g == grade] for grade in (3, 0)
    )
    assert sum(best) / len(best) > sum(worst) / len(worst) + 0.5
