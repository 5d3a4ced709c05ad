"""Tuning: gains that hold are found and written, gains that do not are called noise, and no build is needed for either."""

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from small_home import build_home

from indexer.index import Index
from indexer.schema import load_schema
from searchd.cli import main
from searchd.engine import Engine
from searchd.evaluate import EvaluationError
from searchd.tune import Trial, cross_validated, draws, report_of, tune

WORDS = [f"{a}{b}{c}" for a in "bdfg" for b in "aeiou" for c in "klmr"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """What a document is about stands in its title; its body repeats what others are about."""
    rng = np.random.default_rng(1)
    made = []
    for i, word in enumerate(WORDS):
        others = rng.choice(WORDS, 12)
        made.append({"id": f"d{i}", "title": f"{word} {rng.choice(WORDS)}", "body": " ".join([*others, *others[:4], *others[:4]])})
    return build_home(tmp_path_factory.mktemp("tune"), made)


QUERIES = {f"q{i}": f"{word} {WORDS[i - 1]}" for i, word in enumerate(WORDS)}
BY_TITLE = {f"q{i}": {f"d{i}": 1.0} for i in range(len(WORDS))}


@pytest.fixture(scope="module")
def found(home):
    with Index.open(home) as index:
        weak = index.schema.field("title")
        assert weak.weight == 2.0
        return tune(index, QUERIES, BY_TITLE, "RR@10", settings=30, seed=3)


def test_a_gain_that_holds_is_told(found):
    assert not found.noise and found.difference.mean > 0 and found.p < 0.05
    assert found.tuned.mean == pytest.approx(found.current.mean + found.difference.mean)
    assert "the gain holds" in report_of(found) and "weight of field" in report_of(found)


def test_judgments_by_chance_are_noise(home):
    verdicts = []
    with Index.open(home) as index:
        for seed in range(3):
            rng = np.random.default_rng(seed)
            chance = {qid: {f"d{rng.integers(len(WORDS))}": 1.0} for qid in QUERIES}
            verdicts.append(tune(index, QUERIES, chance, settings=12, seed=seed))
    # One in twenty is taken for a gain.
    assert sum(found.noise for found in verdicts) >= 2
    assert any("noise" in report_of(found) or "no setting" in report_of(found) for found in verdicts)


def test_a_trial_measures_what_an_index_opened_so_would_give(home, found, tmp_path):
    queries = {"a": QUERIES["q3"], "b": QUERIES["q7"]}
    with Index.open(home) as index:
        values = Trial(index, queries, {"a": {"d3": 1}, "b": {"d7": 1}}, "RR@10").values(found.schema)
    result = CliRunner().invoke(main, _arguments(home, tmp_path, "--force", "--output", tmp_path / "s.toml"))
    assert result.exit_code == 0, result.output
    home.settings.write_text((tmp_path / "s.toml").read_text())
    try:
        with Engine(home) as engine:
            assert engine.index.schema == load_schema(tmp_path / "s.toml")
            keys = [engine.rank(text, 10, "none", features=False).keys for text in queries.values()]
    finally:
        home.settings.unlink()
    assert len(keys) == len(values) == 2
    for value, ranked, wanted in zip(values, keys, ("d3", "d7")):
        assert value == pytest.approx(1 / (1 + ranked.index(wanted)) if wanted in ranked else 0.0)


def _arguments(home, folder, *more):
    (folder / "q.tsv").write_text("".join(f"{qid}\t{text}\n" for qid, text in QUERIES.items()))
    (folder / "qrels").write_text("".join(f"{qid} 0 {doc} 1\n" for qid, grades in BY_TITLE.items() for doc in grades))
    given = ["tune", "--home", home.root, "--queries", folder / "q.tsv", "--judgments", folder / "qrels", "--measure", "RR@10"]
    return [str(part) for part in [*given, "--settings", 30, "--seed", 3, *more]]


def test_the_command_writes_a_schema(home, found, tmp_path):
    result = CliRunner().invoke(main, _arguments(home, tmp_path, "--output", tmp_path / "s.toml"))
    assert result.exit_code == 0 and result.stdout.rstrip("\n") == report_of(found)
    assert load_schema(tmp_path / "s.toml") == found.schema


def test_noise_is_not_written(home, tmp_path):
    arguments = _arguments(home, tmp_path, "--output", tmp_path / "s.toml")
    lines = (tmp_path / "qrels").read_text().splitlines()
    (tmp_path / "qrels").write_text("\n".join(f"q{i} {line.split(' ', 1)[1]}" for i, line in enumerate(lines[7:] + lines[:7])))
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0 and "not written" in result.stderr and not (tmp_path / "s.toml").exists()
    assert CliRunner().invoke(main, [*arguments, "--force"]).exit_code == 0
    assert (tmp_path / "s.toml").exists()


def test_settings_of_a_service_are_not_replaced(home, tmp_path):
    (tmp_path / "searchd.toml").write_text("[service]\nport = 1\n")
    result = CliRunner().invoke(main, _arguments(home, tmp_path, "--force", "--output", tmp_path / "searchd.toml"))
    assert result.exit_code == 1 and "[service]" in result.stderr
    assert (tmp_path / "searchd.toml").read_text() == "[service]\nport = 1\n"


def test_mistakes_are_told(home):
    with Index.open(home) as index:
        with pytest.raises(EvaluationError, match="at least 10"):
            tune(index, dict(list(QUERIES.items())[:4]), BY_TITLE)
        with pytest.raises(EvaluationError, match="one measure"):
            tune(index, QUERIES, BY_TITLE, "AP RR@10")


@given(st.integers(1, 6), st.integers(2, 5), st.integers(0, 9))
def test_held_out_values_are_of_settings_that_the_others_chose(settings, folds, seed):
    rng = np.random.default_rng(seed)
    values = rng.random((settings, 12)).round(1)
    found = cross_validated(values, folds, np.random.default_rng(seed))
    fold = np.random.default_rng(seed).permutation(12) % folds
    for query in range(12):
        means = [np.mean([row[i] for i in range(12) if fold[i] != fold[query]]) for row in values]
        assert found[query] in [row[query] for row, mean in zip(values, means) if mean >= max(means) - 1e-12]


def test_draws_stay_in_range_and_repeat(home):
    with Index.open(home) as index:
        parameters = Trial(index, QUERIES, {}, "AP").parameters()
        drawn = list(draws(index.schema, parameters, 50, np.random.default_rng(2)))
        assert drawn == list(draws(index.schema, parameters, 50, np.random.default_rng(2)))
        assert all(schema != index.schema for schema in drawn)
        assert {str(p) for p in parameters} >= {"weight of field title", "b of field body", "k1 of stream word", "weight of stream subword"}
        assert not any(p.name.startswith("han") for p in parameters)
        assert all(0.2 <= field.b <= 1 and field.weight > 0 for schema in drawn for field in schema.text_fields)
