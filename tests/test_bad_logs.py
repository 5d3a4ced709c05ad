"""Logs that teach nothing, or something false, through the commands: a clear line or the documented fallback, and what serves goes on to serve."""

import functools
import json

import numpy as np
import pytest
from click.testing import CliRunner
from ranked_home import RankedEngine
from small_models import small_model

from indexer.home import Home
from ranker.cli import program
from ranker.clicklog import ClickLog, Event, Impression
from ranker.clicklog_schema import now_ms
from ranker.registry import Registry

DAY_MS = 86_400_000


@functools.cache
def engine():
    return RankedEngine()


class Command:
    """The ranker command over one home, in which a model serves already."""

    def __init__(self, folder):
        self.folder = folder
        self.home = Home.at(folder / "home")
        Registry(self.home).publish(small_model(), {}, "before")
        Registry(self.home).activate("before")
        self.group = program(lambda _home: engine())

    def __call__(self, *words, code=0):
        result = CliRunner().invoke(self.group, [*map(str, words), "--home", str(self.home.root)])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    def train(self, code=1, family="pairwise", *more):
        """Train and try to serve what came out; whatever happens, a worse model never does."""
        return self("train", "--family", family, "--clicks", "--name", "new", "--activate", *more, code=code)

    def validate(self):
        return json.loads(self("clicks", "validate").stdout)

    def serves(self):
        return Registry(self.home).active()


@pytest.fixture
def command(tmp_path):
    return Command(tmp_path)


def one_line(result):
    message = result.stderr.strip().splitlines()[-1]
    assert message.startswith("error: ") and len(message) > 40
    return message


def searches(count, keys="abcdefghij", text=lambda s: f"query {s % 20}", vectors=None, clicked=lambda s: ()):
    """Impressions with the features of the engine, and clicks on them."""
    width = len(engine().features.names)
    table = np.zeros((len(keys), width), np.float32) if vectors is None else vectors
    fingerprint = engine().feature_fingerprint
    shown = [Impression(f"s{s}", 1000 + s, text(s), list(keys), feature_fingerprint=fingerprint, features=table) for s in range(count)]
    events = [Event(f"{s}{key}", f"s{s}", "click", 2000 + s, object_id=key) for s in range(count) for key in clicked(s)]
    return shown, events


def varied():
    return np.random.default_rng(0).normal(size=(10, len(engine().features.names))).astype(np.float32)


def test_an_empty_log(command):
    ClickLog(command.home.clicks).close()
    report = command.validate()
    assert report["impressions"] == report["clicks"] == 0 and not any(report["clicks_left_out"].values())
    assert "found none; log searches first" in one_line(command.train())
    assert command.serves() == ("before", "v0001") and Registry(command.home).names() == ["before"]


def test_one_query(command):
    with ClickLog(command.home.clicks) as log:
        log.write(*searches(600, text=lambda s: "one query", vectors=varied(), clicked=lambda s: "abc"[s % 3]))
    assert command.validate()["impressions_left_out"]["without_features"] == 0
    assert "expected at least 2 queries with results, found 1" in one_line(command.train())
    assert command.serves() == ("before", "v0001")


@pytest.mark.parametrize("clicked", ["", "abcdefghi"], ids=["nothing", "nearly-everything"])
def test_one_grade(command, clicked):
    """Clicks that tell no document from another: none, or the same everywhere in a list of nine."""
    with ClickLog(command.home.clicks) as log:
        log.write(*searches(600, "abcdefghi", vectors=varied()[:9], clicked=lambda s: clicked))
    assert command.validate()["clicks"] == 600 * len(clicked)
    assert "they tell none apart" in one_line(command.train())
    assert command.serves() == ("before", "v0001")


def test_judgments_of_one_grade(command):
    rows, output = command.folder / "rows.txt", command.folder / "model"
    rows.write_text("".join(f"1 qid:{q} 1:{i} 2:{i * q}\n" for q in range(1, 20) for i in range(5)))
    result = CliRunner().invoke(command.group, ["train", "--letor", str(rows), "--family", "pairwise", "--output", str(output)])
    assert result.exit_code == 1 and "expected documents of different grades under one query" in one_line(result)
    assert not output.exists()


@pytest.mark.parametrize("family", ["pointwise", "pairwise", "listwise"])
def test_features_that_are_all_tied(command, family):
    """Vectors that tell no document from another: any order would be as good."""
    with ClickLog(command.home.clicks) as log:
        log.write(*searches(900, clicked=lambda s: "abcde"[s % 5]))
    assert "expected features that differ between documents" in one_line(command.train(1, family))
    assert command.serves() == ("before", "v0001") and Registry(command.home).names() == ["before"]


def test_retrieval_scores_that_are_all_tied(command):
    """What retrieval did not tell apart, other features may: a model is trained, and served only since it gains."""
    vectors = varied()
    names = engine().features.names
    vectors[:, [i for i, name in enumerate(names) if name.startswith("retrieval_")]] = 1.0
    vectors[:, names.index("title_length")] = np.arange(10)
    with ClickLog(command.home.clicks) as log:
        log.write(*searches(900, vectors=vectors, clicked=lambda s: "jhi"[s % 3]))
    done = command.train(0)
    assert json.loads(done.stdout)["heldout"]["gain"] > 0 and command.serves() == ("new", "v0001")


def test_clicks_without_impressions(command):
    with ClickLog(command.home.clicks) as log:
        log.append(searches(900, clicked=lambda s: "a")[1])
    assert command.validate()["clicks_left_out"]["impression_unknown"] == 900
    assert "found none; log searches first" in one_line(command.train())
    assert command.serves() == ("before", "v0001")


def test_a_clock_that_jumps_teaches_the_same(command, tmp_path):
    """Half of the searches and a third of the clicks have times of other days; validate tells, the trees are the same."""
    other, now = Command(tmp_path / "other"), now_ms()
    shown, events = searches(600, vectors=varied(), clicked=lambda s: "abc"[s % 3])
    shown = [one._replace(timestamp=now + s) for s, one in enumerate(shown)]
    events = [one._replace(timestamp=now + s) for s, one in enumerate(events)]
    jumping = [one._replace(timestamp=one.timestamp + s % 2 * 40 * DAY_MS) for s, one in enumerate(shown)]
    late = [one._replace(timestamp=one.timestamp - (s % 3 == 0) * 90 * DAY_MS) for s, one in enumerate(events)]
    for one, log_of in ((command, (shown, events)), (other, (jumping, late))):
        with ClickLog(one.home.clicks) as log:
            log.write(*log_of)
        one("train", "--family", "pairwise", "--clicks", "--name", "new")
    assert not any(command.validate()["remarks"].values())
    assert other.validate()["remarks"] == {"click_before_its_search": 400, "search_far_from_its_arrival": 300}
    models = [(one.home.models / "new" / "v0001" / "model.txt").read_bytes() for one in (command, other)]
    assert models[0] == models[1] and other.serves() == ("before", "v0001")


def test_two_servers_logs_with_the_same_ids(command, tmp_path):
    """The second server's searches are told from copies, left out with their clicks, and let in under a name."""
    other = Command(tmp_path / "other")
    with ClickLog(command.home.clicks) as log:
        log.write(*searches(5, vectors=varied(), clicked=lambda s: "ab"))
    with ClickLog(other.home.clicks) as log:
        log.write(*searches(7, "vwxyz", vectors=varied()[:5], clicked=lambda s: "vw"))
    for home, file in ((command, "first"), (other, "second")):
        home("clicks", "export", "--format", "own", "--output", tmp_path / file)
    copied = command("clicks", "import", tmp_path / "first")
    assert json.loads(copied.stdout)["duplicates"] == 15 and json.loads(copied.stdout)["conflicts"] == 0 and copied.stderr == ""
    conflicting = command("clicks", "import", tmp_path / "second")
    report = json.loads(conflicting.stdout)
    assert (report["impressions"], report["events"], report["conflicts"]) == (2, 4, 15)
    assert "left out 5 searches and 10 events whose ids are others' in this log, such as 's0'" in conflicting.stderr
    assert "--server NAME" in conflicting.stderr
    named = json.loads(command("clicks", "import", tmp_path / "second", "--server", "b").stdout)
    assert (named["impressions"], named["events"], named["conflicts"]) == (7, 14, 0)
    assert not any(command.validate()["clicks_left_out"].values())
