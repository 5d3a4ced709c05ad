"""The indexer command from outside: what it prints where, and how it ends."""

import json
import subprocess
import sys
import tomllib

import click
import pytest
from click.testing import CliRunner

from indexer.cli import main
from indexer.home import Home
from indexer.program import MemorySize
from indexer.schema import Schema

RECORDS = [{"id": "a", "title": "Hello 机器学习", "year": 2001}, {"id": "b", "title": "World", "year": 2002}]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in RECORDS))
    assert run("build", "docs.jsonl").exit_code == 0
    return Home.at("home")


def run(*words, stdin=None):
    return CliRunner().invoke(main, [*words, "--home", "home"], input=stdin)


def lines(result):
    return result.stdout.splitlines()


def failure(result):
    """The one line on stderr of a command that ended with status 1."""
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in result.stderr
    return line


def test_build_accounts_on_stdout_and_prints_the_inferred_schema_on_stderr(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("build", "-", stdin='{"id": 1, "title": "x", "n": 2}\nbad\n{"id": "1", "title": "y"}\n')
    assert lines(result)[:2] == ["generation g000001", "read 3 = indexed 1 + quarantined 1 + duplicates 1"]
    toml = result.stderr[result.stderr.index("# inferred schema") : result.stderr.index("indexing")]
    fields = Schema.from_dict(tomllib.loads(toml.strip())).fields
    assert [(f.name, f.type, f.weight) for f in fields] == [("title", "text", 4.0), ("n", "integer", 1.0)]
    assert "documents/s" in result.stderr
    assert "warning: quarantined: invalid_json 1" in result.stderr
    (bad,) = [json.loads(line) for line in (tmp_path / "home/quarantine.jsonl").read_text().splitlines()]
    assert (bad["file"], bad["line"], bad["offset"], bad["sample"]) == ("-", 2, 32, "bad")


def test_build_takes_the_schema_from_the_option_or_the_settings(home, tmp_path):
    (tmp_path / "s.toml").write_text('id_field = "title"\n[fields.id]\ntype = "keyword"\n')
    result = run("build", "docs.jsonl", "--schema", "s.toml")
    assert result.exit_code == 0 and "inferred" not in result.stderr
    assert json.loads(run("stats", "--json").stdout)["fields"] == {"id": "keyword"}
    (tmp_path / "home/searchd.toml").write_text('[service]\nport = 1\n[fields.title]\ntype = "text"\n')
    assert run("build", "docs.jsonl").exit_code == 0
    assert json.loads(run("stats", "--json").stdout)["fields"] == {"title": "text"}


def test_id_field_may_be_named(home, tmp_path):
    (tmp_path / "x.csv").write_text("key,text\n7,hello\n")
    assert "no column 'id'" in failure(run("build", "x.csv"))
    assert lines(run("build", "x.csv", "--id-field", "key"))[1] == "read 1 = indexed 1 + quarantined 0 + duplicates 0"


def test_stats_versions_rollback_and_merge(home):
    assert [line.split() for line in lines(run("stats")) if line.startswith(("documents", "segments"))] == [
        ["documents", "2"],
        ["segments", "1"],
    ]
    assert run("update", "-", stdin='{"id": "c", "title": "new"}\n').stdout.startswith("generation g000002\nread 1 = indexed 1")
    assert run("delete", "a", "nope").stdout == "generation g000003\ndeleted 1\n"
    assert [line[:9] for line in lines(run("versions"))] == ["* g000003", "  g000002", "  g000001"]
    assert run("merge").stdout == "generation g000004\n"
    assert json.loads(run("stats", "--json").stdout)["documents"] == 2
    assert run("rollback").stdout == "generation g000003\n"
    assert run("verify").stdout == "g000003 is whole\n"


def test_stats_give_every_byte_to_a_structure(home):
    run("delete", "a")
    figures = json.loads(run("stats", "--json").stdout)
    structures = figures["structures"]
    assert sum(structures.values()) == figures["bytes"]
    assert {"term dictionary", "lengths", "forward", "stored", "keys", "columns", "tombstones", "container"} <= set(structures)
    assert "other sections" not in structures
    assert figures["retrieval_bytes"] == sum(structures[name] for name in figures["retrieval_structures"])
    assert figures["retrieval_bytes_a_posting"] == round(figures["retrieval_bytes"] / figures["postings"], 3)
    printed = lines(run("stats"))
    assert any(line.startswith("bytes stored ") and line.rstrip().endswith("%") for line in printed)


def test_deleting_an_unknown_id_warns_and_changes_nothing(home):
    result = run("delete", "nope")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "generation g000001\ndeleted 0\n", "warning: no document 'nope'\n")


def test_verify_names_the_damaged_file(home, tmp_path):
    segment = tmp_path / "home/index/g000001/0000.seg"
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    result = run("verify")
    assert result.exit_code == 1
    assert "0000.seg" in result.stdout and "roll back" in result.stderr


def test_analyze_gives_offsets_into_the_text(home):
    text = "Running 机器学习"
    tokens = [json.loads(line) for line in lines(run("analyze", text, "--json"))]
    assert tokens[0]["term"] == "run"
    assert all(text[t["start"] : t["end"]] == t["surface"] for t in tokens)
    assert lines(run("analyze", text))[0] == "0\t0\t7\tword\trun\tRunning"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["build", "missing.jsonl"], "missing.jsonl: cannot be read (No such file or directory)"),
        (["build", "docs.jsonl", "--schema", "missing.toml"], "missing.toml: cannot be read"),
        (["build", "docs.jsonl", "--schema", "bad.toml"], "bad.toml: not valid TOML"),
        (["build", "docs.jsonl", "--schema", "odd.toml"], "odd.toml: fields.x: type must be one of"),
        (["build", "docs.jsonl", "--schema", "facet.toml"], "facet.toml: fields.x.facet: expected no facet here"),
        (["build", "docs.jsonl", "--schema", "facets.toml"], "facets.toml: fields.x.facet: expected true or false, found 'yes'"),
        (["build", "empty.jsonl"], "to infer a schema from"),
        (["build", "docs.jsonl", "--jobs", "2", "--backend", "ray"], "pip install ray"),
        (["update", "missing.jsonl"], "missing.jsonl: cannot be read"),
        (["verify", "--generation", "g999999"], "g999999"),
    ],
)
def test_what_is_wrong_outside_is_one_line_and_status_1(home, tmp_path, words, expected):
    (tmp_path / "bad.toml").write_text("[fields")
    (tmp_path / "odd.toml").write_text('[fields.x]\ntype = "strange"\n')
    (tmp_path / "facet.toml").write_text('[fields.x]\ntype = "keyword"\nfacet = true\n')
    (tmp_path / "facets.toml").write_text('[fields.x]\ntype = "text"\nfacet = "yes"\n')
    (tmp_path / "empty.jsonl").write_text("")
    assert expected in failure(run(*words))
    assert home.current.read_text() == "g000001\n"


@pytest.mark.parametrize("verb", [["stats"], ["versions"], ["rollback"], ["verify"], ["merge"], ["delete", "a"], ["update", "-"]])
def test_without_an_index_every_verb_says_what_to_do(tmp_path, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    assert "indexer build" in failure(run(*verb, stdin=""))


@pytest.mark.parametrize(
    "words", [["build"], ["build", "x", "--jobs", "0"], ["build", "x", "--memory", "lots"], ["nope"], ["build", "x", "--backend", "dask"]]
)
def test_wrong_usage_is_status_2(home, words):
    assert run(*words).exit_code == 2


def test_help_names_every_verb():
    text = CliRunner().invoke(main, ["--help"]).stdout
    assert all(verb in text for verb in ("analyze", "build", "delete", "merge", "rollback", "stats", "update", "verify", "versions"))


def test_the_module_runs_as_a_program_and_a_closed_pipe_is_no_traceback(home, tmp_path):
    command = f"{sys.executable} -m indexer versions --home {tmp_path}/home | true"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("text", "size"),
    [("1GiB", 1 << 30), ("512MiB", 512 << 20), ("2GB", 2_000_000_000), ("1.5kB", 1500), ("100", 100), ("64 mib", 64 << 20)],
)
def test_sizes_of_memory(text, size):
    assert MemorySize().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1", "1 parsec"])
def test_other_sizes_are_refused(text):
    with pytest.raises(click.UsageError):
        MemorySize().convert(text, None, None)
