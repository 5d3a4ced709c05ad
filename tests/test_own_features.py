"""Features of a home's own: declared or written, they are trained on, served, explained and replayed; mistakes in them are told and stop nothing."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from small_home import build_home, documents
from trained_home import QUERIES, publish_small_models

from indexer.errors import SearchdError
from indexer.home import Home
from indexer.index import Index
from indexer.schema import Schema, SchemaError, settings_features
from ranker.cli import program
from ranker.features import FEATURES
from ranker.featureset import FeatureSet
from ranker.own_features import BadFeatures
from searchd.engine import Engine
from searchd.replaying import Replayer

MODULE = '''
import numpy as np
from ranker.features import feature

@feature
def title_is_short(m):
    """Whether the title has one word."""
    return m.title.size == 1

@feature
def broken(m):
    """Always fails."""
    raise ValueError("no")
'''
SETTINGS = """
[features]
module = "features.py"
[features.columns.price_order]
column = "price"
how = "order"
[features.columns.log_year]
column = "year"
[features.columns.has_price]
column = "price"
how = "present"
"""
OWN = ["own.price_order", "own.log_year", "own.has_price", "own.title_is_short", "own.broken"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_home(tmp_path_factory.mktemp("own"), documents(60))


@pytest.fixture
def home(built, tmp_path):
    shutil.copytree(built.root, tmp_path / "home")
    found = Home.at(tmp_path / "home")
    found.settings.write_text(SETTINGS)
    (found.root / "features.py").write_text(MODULE)
    return found


def test_own_features_are_columns_like_others(home):
    with Engine(home) as engine:
        ranking = engine.rank("apple banana", 50, "none")
        names = list(engine.snapshot().default_features.names)
        assert names[-5:] == OWN and not any(name.startswith("own.") or name in ("broken", "title_is_short") for name in FEATURES)
        x = dict(zip(names, ranking.features.T))
        texts = [engine.index.stored(int(doc)) for doc in ranking.docs]
    assert x["own.has_price"].tolist() == [float("price" in document) for document in texts]
    known = ~np.isnan(x["column.price"])
    order = [np.mean(x["column.price"][known] < value) for value in x["column.price"][known]]
    assert x["own.price_order"][known].tolist() == pytest.approx(order) and np.isnan(x["own.price_order"][~known]).all()
    np.testing.assert_allclose(x["own.log_year"], np.log1p(x["column.year"]), rtol=1e-6)
    assert set(x["own.title_is_short"]) == {0.0, 1.0} and np.isnan(x["own.broken"]).all()


def test_models_are_bound_to_them(home):
    publish_small_models(home)
    with Engine(home) as engine:
        assert engine.search("apple").model.name == "plain"
        explanation = engine.search("apple", limit=1, explain=True).hits[0].explanation
        assert set(OWN) <= set(explanation["costs"]["features"])
    (home.root / "features.py").write_text(MODULE.replace("== 1", "== 2"))
    with Engine(home) as engine:
        assert engine.search("apple").model is None
        assert "own features" in str(engine.snapshot().model_error)


def test_they_are_listed_and_replayed(home):
    publish_small_models(home)
    from ranker.clicklog import ClickLog

    with ClickLog(home.clicks) as log, Engine(home, click_log=log) as engine:
        for text in QUERIES:
            engine.search(text)
        log.flush()
    command = program(Engine, Replayer)
    listed = CliRunner().invoke(command, ["features", "list", "--home", str(home.root)]).stdout
    assert "own.title_is_short\tWhether the title has one word." in listed and "own.log_year\tColumn year, log." in listed
    result = CliRunner().invoke(command, ["replay", "--home", str(home.root)])
    assert result.exit_code == 0 and json.loads(result.stdout)["identical"] == len(QUERIES)


@pytest.mark.parametrize(
    ("settings", "module", "message"),
    [
        ('[features]\nmodule = "absent.py"\n', "", "absent.py"),
        ('[features]\nmodule = "features.py"\n', "x = 1\n", "found none"),
        ('[features]\nmodule = "features.py"\n', "import nothing_like_this\n", "ModuleNotFoundError"),
        ('[features]\nmodule = "features.py"\n', "def (", "SyntaxError"),
        ("[features]\nmodule = 7\n", "", "Python file"),
        ('[features.columns.a]\ncolumn = "tag"\n', "", "year, price, open"),
        ('[features.columns.a]\ncolumn = "price"\nhow = "twice"\n', "", "log, present, order"),
        ("[features.columns]\na = 1\n", "", "expected tables"),
    ],
)
def test_mistakes_are_told(home, settings, module, message):
    home.settings.write_text(settings)
    (home.root / "features.py").write_text(module)
    with Index.open(home) as index, pytest.raises(BadFeatures) as caught:
        FeatureSet.default(index.schema)
    assert message in str(caught.value) and isinstance(caught.value, SearchdError)


def test_searching_goes_on_without_features_that_cannot_be_used(home):
    (home.root / "features.py").unlink()
    with Engine(home) as engine:
        assert engine.rank("apple", 10, "none").features.shape[1] == len(engine.snapshot().default_features.names)
        assert not set(OWN) & set(engine.snapshot().default_features.names)


def test_unknown_settings_of_features_are_refused(tmp_path):
    (tmp_path / "searchd.toml").write_text('[features]\nmodul = "x"\n')
    with pytest.raises(SchemaError, match="module and columns"):
        settings_features(tmp_path / "searchd.toml")
    assert settings_features(tmp_path / "absent.toml") == {} and Schema().features == {}
