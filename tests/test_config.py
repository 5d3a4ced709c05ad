"""Settings: which layer wins, and what a wrong one says."""

import pytest

from indexer.home import Home
from searchd.config import Settings, SettingsError, describe_settings, load_settings


@pytest.fixture
def home(tmp_path):
    return Home.at(tmp_path)


def test_defaults_without_a_file(home):
    assert load_settings(home, environ={}) == Settings()


def test_arguments_win_over_environment_over_file(home):
    home.settings.write_text('[service]\nport = 1\nworkers = 2\ntitle = "Notes"\nfacets = ["tag"]\n')
    settings = load_settings(
        home, {"port": 3}, {"SEARCHD_PORT": "2", "SEARCHD_WORKERS": "4", "SEARCHD_REQUIRE_KEYS": "true", "SEARCHD_HOME": "x"}
    )
    assert (settings.port, settings.workers, settings.title, settings.facets, settings.require_keys) == (3, 4, "Notes", ("tag",), True)


def test_a_list_in_the_environment_is_separated_by_commas(home):
    assert load_settings(home, environ={"SEARCHD_FACETS": "tag, year"}).facets == ("tag", "year")


@pytest.mark.parametrize(
    "text", ["[service]\nprot = 1\n", "[service]\nport = 'x'\n", "[service]\nport = 99999\n", "service = 1\n", "[service", "\udcff"]
)
def test_a_wrong_file_is_named_with_the_setting(home, text):
    home.settings.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError, match="searchd.toml"):
        load_settings(home, environ={})


def test_a_wrong_variable_is_told(home):
    with pytest.raises(SettingsError, match="environment.*workers"):
        load_settings(home, environ={"SEARCHD_WORKERS": "many"})


def test_every_setting_is_documented():
    described = describe_settings()
    assert [name for name, _, _ in described] == list(Settings.__struct_fields__)
    assert all(meaning for _, _, meaning in described)
