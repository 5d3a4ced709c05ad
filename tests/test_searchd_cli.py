"""The searchd command: what is data goes to stdout, what goes wrong is one line and status 1."""

import json

import pytest
from click.testing import CliRunner
from small_home import build_home, documents

from searchd.cli import main
from searchd.keys import KeyStore


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return build_home(tmp_path_factory.mktemp("cli"), documents(40))


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def judged(tmp_path):
    (tmp_path / "q.tsv").write_text("1\tapple banana\n2\t机器学习\n3\t\n4\tzzzz\n", "utf-8")
    (tmp_path / "qrels").write_text("1 0 k1 1\n1 0 k2 2\n2 0 k4 1\n")
    return tmp_path


def test_search_prints_hits(home):
    result = run("search", "apple", "--home", home.root, "--limit", 3, "--explain")
    assert result.exit_code == 0
    assert "documents" in result.stdout and "*apple*" in result.stdout and "idf" in result.stdout


def test_search_prints_json(home):
    result = run("search", 'apple -"banana"', "--home", home.root, "--limit", 2, "--json", "--filter", "year >= 2018", "--model", "none")
    answer = json.loads(result.stdout)
    assert len(answer["hits"]) == 2 and answer["total"]["relation"] == "eq" and answer["model"] is None
    assert set(answer["hits"][0]) == {"id", "score", "document", "highlights"}


def test_searching_writes_nothing(home):
    before = sorted(path.name for path in home.root.iterdir())
    run("search", "apple", "--home", home.root)
    assert sorted(path.name for path in home.root.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "apple", "--filter", "colour = 1"], "year, price, tag, open"),
        (["search", "a" * 600], "at most 512"),
        (["search", "apple", "--model", "nobody"], "nobody"),
        (["run", "--queries", "/nowhere.tsv", "--output", "-"], "/nowhere.tsv"),
    ],
)
def test_mistakes_are_one_line(home, arguments, message):
    result = run(*arguments, "--home", home.root)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert message in result.stderr


def test_a_home_without_an_index(tmp_path):
    result = run("search", "x", "--home", tmp_path)
    assert result.exit_code == 1 and "indexer build" in result.stderr


def test_wrong_usage_is_status_2():
    assert run("search").exit_code == 2
    assert run("nothing").exit_code == 2
    assert run("run", "--home", "x").exit_code == 2


def test_run_writes_a_trec_run(home, judged):
    output = judged / "run.trec"
    result = run("run", "--home", home.root, "--queries", judged / "q.tsv", "--output", output, "--depth", 5, "--model", "none")
    assert result.exit_code == 0 and result.stdout == "" and "4 queries" in result.stderr
    rows = [line.split() for line in output.read_text().splitlines()]
    assert {row[0] for row in rows} == {"1", "2"}
    assert [int(row[3]) for row in rows if row[0] == "1"] == [1, 2, 3, 4, 5]
    scores = [float(row[4]) for row in rows if row[0] == "1"]
    assert all(a > b for a, b in zip(scores, scores[1:]))


def test_evaluate_prints_a_table(home, judged):
    arguments = ["evaluate", "--home", home.root, "--queries", judged / "q.tsv", "--judgments", judged / "qrels"]
    result = run(*arguments, "--measures", "nDCG@10 R@100")
    assert result.exit_code == 0 and "2 queries" in result.stdout and "nDCG@10" in result.stdout
    answer = json.loads(run(*arguments, "--model", "none", "--json").stdout)
    assert answer["queries"] == 2 and 0 <= answer["models"]["none"]["AP"]["mean"] <= 1
    (judged / "byhand.csv").write_text("query,docid,rating\napple banana,k1,2\n")
    result = run("evaluate", "--home", home.root, "--queries", judged / "q.tsv", "--judgments", judged / "byhand.csv")
    assert "1 queries" in result.stdout
    assert run(*arguments, "--measures", "nonsense").exit_code == 1


def test_doctor_finds_a_good_home_good(home):
    result = run("doctor", "--home", home.root, "--full")
    assert result.exit_code == 0, result.stdout
    assert "40 documents" in result.stdout and "every byte as published" in result.stdout


def test_doctor_says_what_to_do(tmp_path):
    result = run("doctor", "--home", tmp_path / "none")
    assert result.exit_code == 1 and "indexer build" in result.stdout
    home = build_home(tmp_path, documents(5))
    segment = next((home.index / home.current.read_text().strip()).glob("*.seg"))
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.chmod(0o644)
    segment.write_bytes(data)
    home.settings.write_text("[service]\nport = 'x'\n")
    home.models.mkdir()
    (home.models / "ACTIVE").write_text("gone v0001\n")
    home.clicks.write_bytes(b"SQLite format 3\0 but no more")
    home.secret.write_bytes(b"short")
    home.secret.chmod(0o600)
    result = run("doctor", "--home", home.root, "--full")
    states = {line[9:21].strip(): line.split()[0] for line in result.stdout.splitlines() if line[:1].isalpha()}
    assert result.exit_code == 1
    for name in ("settings", "index", "model", "click log", "secrets"):
        assert states[name] == "failure", result.stdout


def test_keys(home):
    made = run("keys", "create", "--home", home.root, "--scope", "admin", "--scope", "search", "--expires", "90d", "--label", "me")
    key = made.stdout.split()[-1]
    assert made.exit_code == 0 and KeyStore(home.keys).check(key).scopes == ("admin", "search")
    key_id = key.split(".")[0]
    assert key_id in run("keys", "list", "--home", home.root).stdout
    assert run("keys", "revoke", key_id, "--home", home.root).exit_code == 0
    assert KeyStore(home.keys).check(key) is None
    assert run("keys", "create", "--home", home.root, "--scope", "everything").exit_code == 1
    assert run("keys", "revoke", "nothing", "--home", home.root).exit_code == 1


def test_serve_is_handed_to_the_service(home, monkeypatch):
    import searchd.serve

    called = []
    monkeypatch.setattr(searchd.serve, "serve", lambda *arguments: called.append(arguments))
    assert run("serve", "--home", home.root, "--port", 8123, "--workers", 2).exit_code == 0
    assert called == [(home, None, 8123, 2)]
