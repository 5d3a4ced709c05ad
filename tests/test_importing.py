"""Text models of other programs: taken only with the features of this home, by name and order, and only what our scorer holds."""

import lightgbm
import numpy as np
import pytest
from small_home import build_home, documents
from small_models import NAMES, rows

from ranker.featureset import FeatureMismatch, FeatureSet
from ranker.importing import import_text, trained_elsewhere
from ranker.lightgbm_text import InvalidModel
from ranker.model import read_model, write_model
from ranker.registry import Registry

FEATURES = FeatureSet(NAMES, ())


def foreign(names=NAMES, **more):
    x, grades = rows(300)
    parameters = {"objective": "regression", "verbose": -1, "num_threads": 1, **more}
    return lightgbm.train(parameters, lightgbm.Dataset(x.astype(float), grades, feature_name=list(names)), 8)


def test_a_foreign_model_scores_as_lightgbm_and_proves_itself(tmp_path):
    booster = foreign()
    trained = trained_elsewhere(booster.model_to_string(), FEATURES, "m.txt")
    assert trained.golden_scores.tobytes() == booster.predict(trained.golden_x, raw_score=True).tobytes()
    assert "feature_importances" not in trained.text
    write_model(tmp_path / "m", trained, {})
    x, _ = rows(40, seed=3)
    assert read_model(tmp_path / "m").score(x).tobytes() == booster.predict(x, raw_score=True).tobytes()


def test_numbered_columns_need_names_and_names_must_be_those_of_the_home():
    numbered = foreign(["Column_0", "Column_1", "Column_2"]).model_to_string()
    with pytest.raises(FeatureMismatch, match="--features"):
        trained_elsewhere(numbered, FEATURES, "m.txt")
    assert trained_elsewhere(numbered, FEATURES, "m.txt", list(NAMES)).features.names == NAMES
    with pytest.raises(FeatureMismatch, match="feature 1 to be retrieval_score, found title_bm25"):
        trained_elsewhere(numbered, FEATURES, "m.txt", [NAMES[1], NAMES[0], NAMES[2]])
    with pytest.raises(FeatureMismatch, match="feature 2"):
        trained_elsewhere(foreign([NAMES[0], NAMES[2], NAMES[1]]).model_to_string(), FEATURES, "m.txt")
    with pytest.raises(FeatureMismatch, match="expected the 2 features"):
        trained_elsewhere(foreign().model_to_string(), FeatureSet(NAMES[:2], ()), "m.txt")
    with pytest.raises(FeatureMismatch, match="leave the option away"):
        trained_elsewhere(foreign().model_to_string(), FEATURES, "m.txt", ["a", "b", "c"])


def test_what_our_scorer_does_not_hold_is_refused():
    with pytest.raises(InvalidModel, match="numeric float32"):
        trained_elsewhere(foreign(zero_as_missing=True).model_to_string(), FEATURES, "m.txt")
    with pytest.raises(InvalidModel, match="cut short"):
        trained_elsewhere(foreign().model_to_string()[:900], FEATURES, "m.txt")


def test_a_file_is_published_but_not_served(tmp_path):
    from indexer.index import Index

    (tmp_path / "home").mkdir()
    home = build_home(tmp_path / "home", documents(20))
    with Index.open(home) as index:
        names = FeatureSet.default(index.schema).names
    x = np.random.default_rng(0).normal(size=(200, len(names)))
    booster = lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(x, x[:, 0], feature_name=list(names)), 3)
    booster.save_model(tmp_path / "m.txt")
    assert import_text(home, tmp_path / "m.txt", "foreign") == "v0001"
    assert Registry(home).load("foreign").card["source"] == "m.txt" and Registry(home).active() is None
    (tmp_path / "m.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidModel, match="readable text"):
        import_text(home, tmp_path / "m.txt", "foreign")
