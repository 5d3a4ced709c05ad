"""Drift is seen where there is some and not where there is none; the report is one page that needs nothing else; cards tell what they must."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from click.testing import CliRunner
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import small_model
from trained_home import make_trained_home

from indexer.home import Home
from ranker.charts import nice_ticks
from ranker.cli import program
from ranker.clicklog import DAY_MS, ClickLog, Event, Impression
from ranker.drift import RANKS, click_rates, drift, index_of, psi, wilson
from ranker.registry import Registry
from ranker.report import report

NOW = 1_790_000_000_000


def write_days(log, days=20, shifted=False, searches=60, prefix="", keys=5, width=3, fingerprint="f"):
    """Searches of ``days`` days; ``shifted``: the last week's first feature, queries and clicks are others."""
    rng = np.random.default_rng(1)
    impressions, events = [], []
    for day in range(days):
        late = shifted and day >= days - 7
        for i in range(searches):
            name = f"{prefix}{day}-{i}"
            x = rng.normal(size=(keys, width)).astype(np.float32)
            x[:, 0] += 2 * late
            x[rng.random(x.shape) < 0.1] = np.nan
            text = f"{'new' if late else 'old'} <query> {rng.integers(5)}"
            when = NOW - (days - day) * DAY_MS + i * 1000
            impressions.append(Impression(name, when, text, [f"d{j}" for j in range(keys)], features=x, feature_fingerprint=fingerprint))
            clicks = np.flatnonzero(rng.random(keys) < (0.2 if late else 0.5) / np.arange(1, keys + 1))
            events += [Event(f"{name}-{j}", name, "click", when + 9, f"d{j}", int(j) + 1) for j in clicks]
    log.write(impressions, events)


def test_nothing_drifts_where_nothing_changes(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        write_days(log)
        found = drift(log, names=["a", "b", "c"])
    assert {one.name for one in found.features} == {"a", "b", "c"}
    assert [one.verdict for one in (*found.features, found.head)] == [""] * 4
    assert (found.older.impressions, found.recent.impressions, found.new) == (13 * 60 - 1, 7 * 60 + 1, 0)  # the border counts as recent


def test_what_changes_is_seen(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        write_days(log, shifted=True)
        found = drift(log, names=["a", "b", "c"])
    assert (found.features[0].name, found.features[0].verdict) == ("a", "alarm")
    assert [one.verdict for one in found.features[1:]] == ["", ""]
    assert found.head.verdict == "alarm" and found.new > 0.99
    before, after = ({rank: rate for rank, rate, *_ in click_rates(window)} for window in (found.older, found.recent))
    assert before[1] == pytest.approx(0.5, abs=0.06) and after[1] == pytest.approx(0.2, abs=0.06)


def test_vectors_of_another_feature_set_are_left_out(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        write_days(log, fingerprint="other", width=2, prefix="x")
        write_days(log)
        found = drift(log)
    assert [one.name for one in sorted(found.features)] == ["f1", "f2", "f3"]


def test_an_empty_log_has_no_drift(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        assert drift(log) is None


def plain_psi(older, recent):
    """The index by its definition, with bins counted one by one."""
    known = sorted(v for v in older if v == v)
    edges = sorted(set(np.quantile(known, [i / 10 for i in range(1, 10)]))) if known else []
    place = lambda v: "missing" if v != v else sum(v > edge for edge in edges)  # noqa: E731
    bins = ["missing", *range(len(edges) + 1)]
    total = 0.0
    for one in bins:
        p, q = (max(sum(place(v) == one for v in values) / len(values), 1e-4) for values in (older, recent))
        total += (p - q) * np.log(p / q)
    return total


values = st.lists(st.sampled_from([0.0, 1.0, 2.5, -3.0, 7.0, float("nan")]), min_size=1, max_size=40)


@given(values, values)
@settings(max_examples=examples(100), deadline=None)
def test_the_index_is_its_definition(older, recent):
    found, noise = psi(np.array(older), np.array(recent))
    assert found == pytest.approx(plain_psi(older, recent), abs=1e-9) and found >= 0 and noise > 0


def test_chance_gives_about_the_noise():
    rng = np.random.default_rng(2)
    pairs = [psi(rng.normal(size=500), rng.normal(size=300)) for _ in range(200)]
    assert np.mean([found for found, _ in pairs]) == pytest.approx(pairs[0][1], rel=0.25)


def test_small_things():
    assert index_of(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0
    low, high = wilson(0, 10)
    assert low == pytest.approx(0, abs=1e-12) and 0.2 < high < 0.35
    for top in (0.0, 1e-5, 0.07, 1, 3, 99, 12_345):
        ticks = nice_ticks(top)
        assert ticks[0] == 0 and ticks[-1] >= top and len(ticks) <= 6


class Page(HTMLParser):
    """Every address a page names, and its text."""

    def __init__(self):
        super().__init__()
        self.addresses, self.text, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href", "action", "xlink:href")]
        assert tag not in ("script", "link", "img", "iframe", "query")
        assert not any(name.startswith("on") for name, _ in attributes)

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    found = make_trained_home(tmp_path_factory.mktemp("report"))
    features = Registry(found).load().featureset
    with ClickLog(found.clicks) as log:
        write_days(log, shifted=True, width=len(features.names), fingerprint=features.fingerprint)
    return found


def test_the_report_is_one_page_that_needs_nothing_else(home):
    text = report(home)
    page = Page()
    page.feed(text)
    told = " ".join(page.text)
    assert page.addresses == [] and "url(" not in text and "@import" not in text
    for part in ("Ranking report", "Click rate by rank", "Drift", "drifting", "What the model looks at", "plain v0001", "new <query> 1"):
        assert part in told, part
    assert text.count("<svg") >= 6 and not re.search(r"\bnan\b", text)


def test_a_report_of_little(tmp_path):
    home = Home.at(tmp_path)
    with ClickLog(home.clicks) as log:
        log.write([Impression("q1", NOW, "a", [])], [])
    text = report(home)
    assert "None yet" in text and "Too little" in text


def run(home, *arguments):
    return CliRunner().invoke(program(None), [*arguments, "--home", str(home.root)])


def test_the_commands(home, tmp_path):
    result = run(home, "drift")
    record = json.loads(result.stdout)
    assert result.exit_code == 0 and record["query_mix"]["verdict"] == "alarm" and len(record["click_rates"]["recent"]) <= RANKS
    result = run(home, "drift", "--check")
    assert result.exit_code == 1 and "drift: query mix" in result.stderr
    result = run(home, "report", "--output", str(tmp_path / "page.html"))
    assert result.exit_code == 0 and (tmp_path / "page.html").read_text("utf-8").startswith("<!doctype html>")
    result = run(Home.at(tmp_path / "nothing"), "report", "--output", str(tmp_path / "other.html"))
    assert result.exit_code == 1 and result.stderr.count("\n") == 1 and not (tmp_path / "other.html").exists()


def test_cards_stand_beside_models_and_say_what_is_known(tmp_path):
    registry = Registry(Home.at(tmp_path))
    held = {"nDCG@10": 0.5, "retrieval": 0.4, "gain": 0.1, "interval": [0.05, 0.15], "queries": 40}
    card = {"family": "pointwise", "source": "clicks", "window": ["2026-01-01", "2026-02-01"], "settings": {"rounds": 10}}
    card["heldout"] = {**held, "slices": {"chinese": {"nDCG@10": 0.6, "retrieval": None, "gain": None, "queries": 9}}}
    registry.publish(small_model(), card, "a")
    text = registry.card_of("a")
    for part in (
        "# a v0001",
        "2026-01-01 to 2026-02-01",
        "| all | 40 | 0.5000 | 0.4000 | 0.1000 |",
        "| chinese | 9 | 0.6000 |  |  |",
        "+0.0500",
    ):
        assert part in text, part
    assert "title_bm25" in text and "model.txt" in text.split("## Hashes")[1]
    assert (registry.folder / "a" / "v0001" / "CARD.md").read_text("utf-8").endswith(text.split("\n", 1)[1])
    registry.import_folder(registry.folder / "a" / "v0001", "b")
    assert (registry.folder / "b" / "v0001" / "CARD.md").exists()
    result = run(Home.at(tmp_path), "models", "card", "a")
    assert result.exit_code == 0 and result.stdout == text
