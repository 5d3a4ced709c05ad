"""The commands about clicks: data on stdout as JSON, remarks on stderr, nothing made by a command that only reads."""

import json

import pytest
from click.testing import CliRunner
from fake_engine import FakeEngine

from ranker.clicklog import ClickLog, ClickLogError
from ranker.clicks_cli import clicks, simulate_command


def run(command, *arguments, **options):
    """The JSON a command prints; its errors are raised."""
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False, **options)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), result.stderr


@pytest.fixture
def home(tmp_path):
    """A home with 200 simulated sessions."""
    engine = FakeEngine(num_queries=8)
    (tmp_path / "q.tsv").write_text("".join(f"{qid}\t{text}\n" for qid, text in engine.queries.items()))
    (tmp_path / "j").write_text(
        "".join(f"{qid} 0 {key} {grade}\n" for qid in engine.queries for key, grade in engine.judgments[qid].items())
    )
    home = tmp_path / "home"
    options = ["--home", home, "--queries", tmp_path / "q.tsv", "--judgments", tmp_path / "j", "--users", "cascade", "--sessions", 200]
    report, _ = run(simulate_command(lambda root: engine), *options, "--seed", 3)
    assert (report["sessions"], report["new"], report["queries"]) == (200, 200, 8)
    return home


def test_stats_say_what_was_simulated(home):
    stats, _ = run(clicks, "stats", "--home", home)
    assert stats["simulated_impressions"] == 200
    assert stats["first"].endswith("Z")


def test_export_then_import_moves_a_log(home, tmp_path):
    run_ = CliRunner().invoke(clicks, ["export", "--home", str(home), "--format", "own", "--output", str(tmp_path / "log.ndjson")])
    assert run_.exit_code == 0
    report, remarks = run(clicks, "import", tmp_path / "log.ndjson", "--home", tmp_path / "other")
    assert (report["form"], report["impressions"], report["refused"], remarks) == ("own", 200, 0, "")


def test_import_reads_stdin_and_names_bad_lines(tmp_path):
    good = '{"action_name": "click", "timestamp": "2026-01-01T00:00:00Z", "query_id": "q"}\n'
    report, remarks = run(clicks, "import", "-", "--home", tmp_path, input=good + "{\n")
    assert (report["events"], report["refused"]) == (1, 1)
    assert remarks.startswith("line 2: not JSON")


def test_validate_counts_by_reason(home):
    report, _ = run(clicks, "validate", "--home", home)
    assert report["impressions"] == 200
    assert set(report["clicks_left_out"].values()) == {0}


def test_purge_erases_what_is_named(home):
    with ClickLog(home / "clicks.sqlite3") as log:
        client = next(log.impressions()).client_id
    assert run(clicks, "purge", "--home", home, "--client", client)[0]["erased"] >= 1
    run(clicks, "purge", "--home", home, "--simulated")
    assert run(clicks, "stats", "--home", home)[0]["impressions"] == 0


def test_purge_of_nothing_is_a_usage_error(home):
    assert CliRunner().invoke(clicks, ["purge", "--home", str(home)]).exit_code == 2


def test_reading_commands_make_no_log(tmp_path):
    for name in ("stats", "validate", "export", "purge"):
        arguments = [name, "--home", str(tmp_path)] + (["--simulated"] if name == "purge" else [])
        with pytest.raises(ClickLogError, match="expected a click log, found none"):
            CliRunner().invoke(clicks, arguments, catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []
