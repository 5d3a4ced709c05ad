"""A model folder proves itself when it is loaded, and refuses when anything in it changed."""

import hashlib
import json

import lightgbm
import numpy as np
import pytest
from small_models import NAMES, rows, small_model

from indexer.errors import SearchdError
from indexer.schema import Field, Schema
from ranker.featureset import FeatureMismatch, FeatureSet
from ranker.lightgbm_text import InvalidModel
from ranker.model import FILES, SUMS, DamagedModel, Trained, read_model, write_model
from ranker.rerank import Reranker


@pytest.fixture
def folder(tmp_path):
    write_model(tmp_path / "model", small_model(), {"family": "pointwise"})
    return tmp_path / "model"


def rewrite(folder, name, data):
    """Change a file and its hash, as a careful forger would."""
    (folder / name).write_bytes(data)
    sums = (folder / SUMS).read_text().splitlines()
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}" if line.endswith(f"  {name}") else line for line in sums]
    (folder / SUMS).write_text("\n".join(lines) + "\n")


def test_a_loaded_model_scores_as_lightgbm_did(folder):
    model = read_model(folder, "m", "v0001")
    x, _ = rows(50, seed=9)
    expected = lightgbm.Booster(model_str=small_model().text).predict(x, raw_score=True)
    assert model.score(x).tobytes() == expected.tobytes()
    assert model.featureset.names == NAMES and model.card == {"family": "pointwise"}


@pytest.mark.parametrize("name", [*FILES, SUMS])
def test_a_changed_or_missing_file_is_refused(folder, name):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-2])
    with pytest.raises(DamagedModel):
        read_model(folder)
    (folder / name).unlink()
    with pytest.raises(DamagedModel, match="model folder"):
        read_model(folder)


def test_golden_rows_catch_what_hashes_do_not(folder):
    golden = json.loads((folder / "golden.json").read_text())
    golden["scores"][0] += 1e-9
    rewrite(folder, "golden.json", json.dumps(golden).encode())
    with pytest.raises(DamagedModel, match="golden"):
        read_model(folder)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("golden.json", b"{}"),
        ("golden.json", b'{"rows": [[1]], "scores": [1, 2]}'),
        ("golden.json", b"nope"),
        ("features.json", b'{"version": 1, "names": ["a"], "text_fields": []}'),
        ("features.json", b'{"version": 1, "names": ["a", "a", "b"], "text_fields": []}'),
        ("features.json", b"[]"),
        ("card.json", b"[1]"),
        ("card.json", b'{"blend": {"weight": 3, "feature": "retrieval_score"}}'),
        ("card.json", b"\xff"),
        ("model.txt", b"tree\n"),
    ],
)
def test_forged_files_are_one_clear_error(folder, name, data):
    rewrite(folder, name, data)
    with pytest.raises(SearchdError):
        read_model(folder)


def test_a_blended_model_averages_with_retrieval(tmp_path):
    write_model(tmp_path / "m", small_model(), {"blend": {"weight": 0.0, "feature": "retrieval_score"}})
    x, _ = rows(30, seed=3)
    x[:, 0] = np.arange(30)
    assert read_model(tmp_path / "m").score(x).argsort().tolist() == list(range(30))
    assert read_model(tmp_path / "m").score(x[:0]).shape == (0,)


def test_categorical_models_load_only_where_they_were_published(tmp_path):
    x = np.abs(np.round(rows(300)[0] * 3))
    y = (np.nan_to_num(x[:, 0]) % 3 == 1).astype(float)
    data = lightgbm.Dataset(x.astype(float), y, categorical_feature=[0])
    booster = lightgbm.train({"objective": "regression", "verbose": -1, "num_threads": 1}, data, 3)
    golden = x[:4]
    write_model(tmp_path / "m", Trained(booster.model_to_string(), FeatureSet(NAMES, ()), golden, booster.predict(golden)), {})
    assert read_model(tmp_path / "m", own=True).score(x).tobytes() == booster.predict(x).tobytes()
    with pytest.raises(InvalidModel, match="categorical"):
        read_model(tmp_path / "m")


def test_a_model_for_another_schema_is_refused(folder):
    with pytest.raises(FeatureMismatch, match="train it again"):
        Reranker(read_model(folder), Schema(fields=(Field("title", "text"),)))


def test_a_table_of_the_wrong_width_is_refused(folder):
    with pytest.raises(InvalidModel, match="3 features"):
        read_model(folder).score(np.zeros((2, 2), np.float32))
