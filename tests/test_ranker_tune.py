"""Tuning finds what is there to find, calls the rest noise, and writes nothing unless told."""

import json

import numpy as np
import pytest

from ranker.featureset import FeatureSet
from ranker.train import Plan
from ranker.training_set import NothingToLearn, TrainingSet
from ranker.tune import SPACE, BadParameters, Trial, Tuned, read_parameters, table, tune, write_parameters


def data(queries=40, docs=15, noise=0.5, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(queries * docs, 6)).astype(np.float32)
    true = np.sign(x[:, 0]) * np.sign(x[:, 1]) + np.sign(x[:, 2]) * x[:, 3] + noise * rng.normal(size=len(x))
    grades = np.searchsorted(np.quantile(true, [0.6, 0.85, 0.95]), true).astype(np.float32)
    names = FeatureSet.plain([f"f{i}" for i in range(6)])
    return TrainingSet(x, grades, np.ones(len(x), np.float32), np.full(queries, docs), [f"q{i}" for i in range(queries)], [], names, False)


def test_better_settings_are_found_and_hold_on_queries_that_had_no_say():
    """Usual settings hobbled: any draw is better."""
    found = tune(data(), Plan("pairwise", parameters={"rounds": 2, "learning_rate": 0.001}), trials=3)
    assert len(found.trials) == 4 and found.trials[0].settings == {} and not found.is_noise
    assert found.gain > 0.03 and found.best.settings and found.best.value >= found.trials[0].value
    lines = list(table(found))
    assert lines[-1].endswith("more than noise") and "(usual)" in "".join(lines)


def test_what_is_random_is_noise():
    rng = np.random.default_rng(0)
    luck = data(noise=0)
    luck.grades[:] = rng.integers(0, 2, len(luck))
    found = tune(luck, Plan("pointwise"), trials=3)
    assert found.is_noise and list(table(found))[-1].endswith("keep the usual settings")


def test_the_same_seed_tries_the_same_settings_and_time_bounds_them():
    quick = {"rounds": 40}
    runs = [
        tune(data(20), Plan("pointwise", seed=seed, parameters=quick), trials=2, seconds=s)
        for seed, s in ((1, 60), (1, 60), (2, 60), (1, 0))
    ]
    settings = [[trial.settings for trial in run.trials] for run in runs]
    assert settings[0] == settings[1] != settings[2] and len(runs[3].trials) == 1
    assert runs[0].gain == runs[1].gain


def test_parameters_are_written_and_read_back(tmp_path):
    settings = {key: low for key, (low, _) in SPACE.items()}
    values = np.linspace(0.2, 0.6, 10)
    found = Tuned([Trial({}, {20: values}), Trial(settings, {20: values + 0.1, 40: values + 0.2})], 0.2, (0.1, 0.3))
    write_parameters(tmp_path / "p.json", found)
    assert read_parameters(tmp_path / "p.json") == {**settings, "rounds": 40}
    write_parameters(tmp_path / "p.json", found._replace(interval=(-0.1, 0.3)))
    assert read_parameters(tmp_path / "p.json") == {}


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"num_leaves": 1e9}', '{"rounds": 1.5}', '{"objective": "l2"}', '{"lambda_l2": true}', '{"num_leaves": "7"}']
)
def test_bad_parameters_are_refused(tmp_path, text):
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(BadParameters, match="p.json"):
        read_parameters(tmp_path / "p.json")


def test_too_little_to_tune_on_is_said():
    with pytest.raises(NothingToLearn, match="20 queries"):
        tune(data(10), Plan("pairwise"), trials=1)
    with pytest.raises(BadParameters, match="tune one of them"):
        tune(data(), Plan("ensemble"), trials=1)


def test_parameters_file_is_json_that_people_can_read(tmp_path):
    found = Tuned([Trial({}, {20: np.ones(3)})], 0.0, (0.0, 0.0))
    write_parameters(tmp_path / "p.json", found)
    assert json.loads((tmp_path / "p.json").read_text()) == {}
