"""The reference is written from the code: nothing is left out, and nothing stands there without saying what it is."""

import pytest

from docs_tools.commands import commands, commands_page, meaning, options, programs
from docs_tools.pages import GENERATED, relinked_text
from docs_tools.routes import document, routes_page
from docs_tools.tables import errors_page, features, features_page, program_errors, settings_page, statuses_of_codes
from searchd.config import Settings
from searchd.error_codes import ERROR_CODES
from searchd.openapi import description_of


def test_every_command_and_option_is_told_with_its_meaning():
    page, found = commands_page(), dict(commands())
    assert len(found) > 40 and {name.split()[0] for name in found} == set(programs())
    for name, command in found.items():
        assert f"### {name}\n" in page and meaning(command), f"{name} does not say what it does"
        for option in options(command):
            assert option.help, f"{name} does not say what {option.opts[0]} is"
            assert option.opts[0] in page and option.help.split("\n")[0][:40].replace("|", "\\|") in page


def test_every_route_and_parameter_is_told_with_its_meaning():
    page, described = routes_page(), document()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert f"## {method.upper()} {path}\n" in page and operation["summary"] in page
            for parameter in operation["parameters"]:
                assert parameter["description"] not in ("", parameter["name"]), f"{method} {path} does not say what {parameter['name']} is"
                assert f"| `{parameter['name']}` |" in page
    for name, schema in described["components"]["schemas"].items():
        assert f"### {name}\n" in page and schema.get("description"), f"{name} does not say what it is"


def test_parts_of_bodies_and_answers_have_meanings_too():
    """Of what callers send, and of what they read; answers of the dashboard's reports are told as wholes."""
    schemas = document()["components"]["schemas"]
    for name in {name for name in schemas if name.endswith("Params")} | {
        "SearchAnswer",
        "HitAnswer",
        "UbiEvent",
        "EventsAnswer",
        "ChangeAnswer",
        "Task",
        "Problem",
    }:
        silent = [
            part for part, described in schemas[name]["properties"].items() if not description_of(described) and part != "explanation"
        ]
        assert not silent, f"{name} has parts without a meaning: {silent}"


def test_every_setting_is_told_with_its_default_and_meaning():
    page = settings_page()
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows] == [f"| `{name}`" for name in Settings.__struct_fields__]
    assert all(len(row) == 3 and len(row[2]) > 10 for row in rows)


def test_every_feature_is_told_with_its_meaning():
    page, found = features_page(), dict(features())
    assert len(found) > 50
    for name, told in found.items():
        assert told and f"| `{name}` | " in page


def test_every_error_is_told_with_its_status_and_meaning():
    page, statuses = errors_page(), statuses_of_codes()
    for name, told in ERROR_CODES.items():
        assert told and f"`{name}`<a id='error-{name}'></a>" in page
        assert all(400 <= status < 600 for status in statuses.get(name, {400}))
    assert set(statuses) <= set(ERROR_CODES) | set(program_errors())
    for name, told in program_errors().items():
        assert told and f"`{name}`" in page


@pytest.mark.parametrize("place", GENERATED)
def test_tables_have_as_many_cells_as_heads(place):
    for part in GENERATED[place]().split("\n\n"):
        rows = [line.replace("\\|", "") for line in part.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1, rows[:2]


def test_links_lead_to_the_same_document_inside_the_site():
    text = "[a](docs/text.md#x) [b](../README.md) [c](indexer/FORMAT.md) [d](Makefile) [e](https://example.org) ![f](docs/f.svg)"
    assert relinked_text(text, "architecture.md") == "[a](text.md#x) b [c](format.md) d [e](https://example.org) ![f](docs/f.svg)"
    assert relinked_text("[a](../../ARCHITECTURE.md) [b](../text.md)", "howto/keys.md") == "[a](../architecture.md) [b](../text.md)"
