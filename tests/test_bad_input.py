"""Everything a user or a client can get wrong, from outside: one clear line or a 4xx with a code, the right status, and nothing changed."""

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from small_models import small_model
from web_home import SCHEMA, make_home

import indexer.changes as indexer_changes
from indexer.cli import main as indexer
from indexer.container import Container
from indexer.format import VERSION
from indexer.home import Home
from ranker.cli import program
from ranker.families import Pointwise
from ranker.featureset import FeatureSet
from ranker.model import Trained
from ranker.query_ids import issue_query_id, load_secret
from ranker.registry import Registry
from searchd.app import create_app
from searchd.cli import main as searchd
from searchd.programs import open_engine

PROGRAMS = {"indexer": indexer, "searchd": searchd, "ranker": program(open_engine)}
TESTS = Path(__file__).resolve().parent
# Held locks, and what SQLite keeps beside a database while it is open, are no content.
PASSING = ("LOCK", ".active", "-wal", "-shm")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A home with documents, two generations, two models that fit and one that does not; no clicks."""
    folder = tmp_path_factory.mktemp("original")
    home = make_home(folder)
    assert CliRunner().invoke(indexer, ["update", str(folder / "documents.jsonl"), "--home", str(home.root)]).exit_code == 0
    registry = Registry(home)
    for name in ("good", "broken"):
        registry.publish(_fitting_model(), {}, name)
    registry.publish(small_model(), {}, "foreign")
    load_secret(home)
    return home


def _fitting_model():
    features = FeatureSet.default(SCHEMA)
    x = np.random.default_rng(0).normal(size=(60, len(features.names))).astype(np.float32)
    fitted = Pointwise(rounds=3).fit(x, (x[:, 0] > 0).astype(np.float32), np.full(6, 10))
    return Trained(fitted.text_, features, x[:8], fitted.predict(x[:8]))


@pytest.fixture
def home(original, tmp_path, monkeypatch):
    """A copy of the home, and the tests' own folder as the current one."""
    shutil.copytree(original.root, tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    return Home.at("home")


@pytest.fixture
def client(home):
    app = create_app(home)
    keys = app.extensions["searchd"].keys
    headers = {"Authorization": f"Bearer {keys.create(('documents', 'admin'))}"}
    app.test_client().get("/v1/search?q=list")  # makes the click log
    yield SimpleNamespace(app=app, http=app.test_client(), headers=headers, home=home)
    app.extensions["searchd"].close()


def contents(root):
    """Names and hashes of all files and folders of a home."""
    kept = [path for path in sorted(Path(root).rglob("*")) if not path.name.endswith(PASSING)]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None for path in kept}


def refused(words, *expected, status=1, root="home"):
    """The one line that a command ends with, ``status`` being 1, or 2 for usage; checks that it changed nothing under ``root``."""
    name, *rest = words
    before = contents(root)
    result = CliRunner().invoke(PROGRAMS[name], [*map(str, rest), "--home", str(root)], prog_name=name)
    assert isinstance(result.exception, SystemExit), result.exception
    line = _checked(result.exit_code, result.stdout, result.stderr, expected, status)
    assert contents(root) == before
    return line


def _checked(found, stdout, stderr, expected, status):
    assert found == status and "Traceback" not in stderr, (found, stdout, stderr)
    lines = [line for line in stderr.splitlines() if line.lower().startswith("error: ")]
    assert len(lines) == 1 and len(lines[0]) < 700, stderr
    for part in expected:
        assert part in lines[0], lines[0]
    return lines[0]


def hits(result):
    """What a search with --json found, None when it was refused."""
    return json.loads(result.stdout)["hits"] if result.exit_code == 0 else None


def problem(response, status, code, *expected):
    """The message of an HTTP error of the one shape there is."""
    body = response.get_json()
    assert (response.status_code, body.get("code")) == (status, code), body
    assert set(body) == {"message", "code", "type", "link"} and "Traceback" not in body["message"]
    for part in expected:
        assert part in body["message"], body
    return body["message"]


def current_folder(home):
    return home.index / home.current.read_text().strip()


def flip(path, place=-1):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if place < 0 else place] ^= 0xFF
    path.chmod(0o644)
    path.unlink()  # generations share files by hard links
    path.write_bytes(data)


class TestSources:
    @pytest.mark.parametrize("verb", ["build", "update"])
    @pytest.mark.parametrize(
        "source, expected",
        [
            ("nowhere.jsonl", ("nowhere.jsonl", "No such file", "give a file")),
            ("picture.png", ("picture.png", "expected a folder", ".jsonl")),
            ("empty", ("empty", "expected files named")),
            ("data.db", ("data.db", "FILE#TABLE")),
            ("data.db#nope", ("data.db", "found 'nope'", "the tables are")),
            ("broken.jsonl.gz", ("broken.jsonl.gz", "damaged compressed data")),
            ("broken.parquet", ("broken.parquet",)),
        ],
    )
    def test_a_source_that_cannot_be_read(self, home, tmp_path, verb, source, expected):
        (tmp_path / "picture.png").write_bytes(b"\x89PNG")
        (tmp_path / "empty").mkdir()
        (tmp_path / "broken.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00nonsense")
        (tmp_path / "broken.parquet").write_bytes(b"PAR1 nonsense PAR1")
        sqlite3.connect(tmp_path / "data.db").execute("create table docs (id text)")
        refused(["indexer", verb, source], *expected)

    @pytest.mark.parametrize(
        "schema, expected",
        [
            (None, ("s.toml", "No such file", "give the path")),
            ("[[[", ("s.toml", "not valid TOML")),
            ("fields = 3", ("s.toml", "[fields.NAME]")),
            ('[fields.a]\ntype = "txt"', ("fields.a", "text, keyword", "found 'txt'")),
            ('[fields.a]\ntype = "text"\nweigth = 2', ("fields.a", "weigth")),
            ('[fields.a]\ntype = "text"\nweight = "much"', ("fields.a", "weight")),
        ],
    )
    def test_a_malformed_schema(self, home, tmp_path, schema, expected):
        (tmp_path / "d.jsonl").write_text('{"id": "a", "a": "b"}\n')
        if schema is not None:
            (tmp_path / "s.toml").write_text(schema)
        refused(["indexer", "build", "d.jsonl", "--schema", "s.toml"], *expected)


class TestQueries:
    @pytest.mark.parametrize(
        "text, expected",
        [
            ("nofield = 1", ("expected a field to filter by", "tag, year", "found 'nofield'")),
            ("year >=", ("expected a value", "found the end")),
            ('year = "x"', ("year", "found")),
            ("(year = 1", ("expected",)),
            ("year = 1 1", ("expected",)),
        ],
    )
    def test_a_filter_that_cannot_be(self, client, text, expected):
        refused(["searchd", "search", "list", "--filter", text], "filter", *expected)
        problem(client.http.get("/v1/search", query_string={"q": "list", "filter": text}), 400, "bad_filter", *expected)

    def test_ten_thousand_characters(self, client):
        text = "字" * 10_000
        refused(["searchd", "search", text], "expected at most 512", "found 10000", "shorten")
        problem(client.http.post("/v1/search", json={"q": "x" * 10_000}), 400, "query_too_long", "512", "10000")
        problem(client.http.get("/v1/search", query_string={"q": "x" * 10_000}), 414, "url_too_long", "POST")
        assert problem(client.http.post("/v1/search", json={"q": text}), 413, "body_too_large")

    @pytest.mark.parametrize(
        "query, expected",
        [
            ("limit=many", ("limit", "int")),
            ("limit=101", ("limit", "100")),
            ("offset=-1", ("offset", "0")),
            ("offset=990&limit=20", ("offset", "1000")),
            ("explain=perhaps", ("explain", "bool")),
            ("mode=xor", ("mode",)),
            ("nonsense=1", ("nonsense",)),
        ],
    )
    def test_wrong_parameters_over_http(self, client, query, expected):
        problem(client.http.get(f"/v1/search?q=list&{query}"), 400, "invalid_parameter", *expected)

    @pytest.mark.parametrize("body", [{"q": 5}, {"q": ["a"]}, {"q": "a", "facets": "year"}, {"q": "a", "limit": "5"}, [1], "text"])
    def test_wrong_types_in_a_body(self, client, body):
        problem(client.http.post("/v1/search", json=body), 400, "invalid_parameter", "Expected")

    @pytest.mark.parametrize("words", [["--limit", "many"], ["--limit", "-1"], ["--nonsense"], ["--limit"]])
    def test_wrong_options(self, home, words):
        refused(["searchd", "search", "list", *words], status=2)

    def test_unknown_fields(self, client):
        problem(client.http.get("/v1/search?q=list&sort=nofield:asc"), 400, "unknown_field", "nofield", "year")
        problem(client.http.get("/v1/search?q=list&facets=nofield"), 400, "unknown_field", "nofield", "year")
        problem(client.http.post("/v1/analyze", json={"text": "x", "field": "nofield"}), 400, "unknown_field", "nofield", "title")
        refused(["indexer", "analyze", "x", "--field", "nofield"], "title, body", "found 'nofield'")


class TestEvents:
    @pytest.mark.parametrize("query_id", ["abc", "", "x" * 100, "AaH9x0AM1V4onHuPxE_LSESz9gTWHGkTNREsA6d9Hv7u"])
    def test_an_event_for_a_query_that_was_never_asked(self, client, query_id):
        event = {"action_name": "click", "timestamp": "2026-01-01T00:00:00Z", "query_id": query_id}
        event["event_attributes"] = {"object": {"object_id": "zh-1"}, "position": {"ordinal": 1}}
        response = client.http.post("/v1/events", json=event)
        assert response.status_code == 422 and response.get_json()["code"] in ("unknown_query", "invalid_event")
        assert client.app.extensions["searchd"].click_log.stats().events == 0
        genuine = issue_query_id(client.app.extensions["searchd"].secret)
        problem(client.http.get(f"/v1/queries/{genuine}"), 404, "query_not_found")

    def test_documents_that_are_none_change_nothing(self, client):
        before = contents(client.home.index)
        post = lambda body: client.http.post("/v1/documents", json=body, headers=client.headers)  # noqa: E731
        problem(post([{"id": "new", "title": "x"}, {"title": "no id"}]), 400, "missing_id")
        problem(post([{"id": "new", "year": "soon"}]), 400, "invalid_document", "year", "found")
        problem(post([3]), 400, "invalid_document")
        assert contents(client.home.index) == before


class TestModels:
    def test_an_unknown_one(self, client):
        for words in (["searchd", "search", "list", "--model"], ["ranker", "models", "show"], ["ranker", "models", "activate"]):
            refused([*words, "nope"], "broken, foreign, good", "found 'nope'")
        refused(["ranker", "models", "activate", "good", "v0009"], "v0001", "found 'v0009'")
        refused(["ranker", "models", "show", "../index"], "expected a model name", "found '../index'")
        refused(["ranker", "models", "rollback"], "expected an active model", "found none")
        problem(client.http.get("/v1/search?q=list&model=nope"), 404, "unknown_model", "good")
        problem(client.http.post("/v1/models/nope/activate", headers=client.headers), 404, "unknown_model")

    def test_one_whose_features_are_others(self, client):
        refused(["searchd", "search", "list", "--model", "foreign"], "features are not those of this index", "train it again")
        problem(client.http.get("/v1/search?q=list&model=foreign"), 503, "feature_mismatch")

    @pytest.mark.parametrize("file", ["model.txt", "features.json", "card.json", "golden.json", "SHA256SUMS"])
    @pytest.mark.parametrize("harm", ["flip", "truncate", "remove"])
    def test_a_damaged_one(self, home, file, harm):
        path = home.models / "broken" / "v0001" / file
        {"flip": flip, "truncate": lambda p: p.write_bytes(p.read_bytes()[:1]), "remove": Path.unlink}[harm](path)
        refused(["searchd", "search", "list", "--model", "broken"], "broken", "publish")
        refused(["ranker", "models", "activate", "broken"], "broken", "publish")
        refused(["ranker", "models", "import", path.parent, "--name", "copy"], "broken", "publish")

    def test_search_goes_on_without_an_active_one_that_is_damaged(self, client):
        assert client.http.post("/v1/models/broken/activate", headers=client.headers).status_code == 200
        flip(client.home.models / "broken" / "v0001" / "model.txt")
        app = create_app(client.home)
        response = app.test_client().get("/v1/search?q=list&limit=1")
        app.extensions["searchd"].close()
        assert response.status_code == 200 and response.get_json()["model"] is None
        refused(["searchd", "doctor"], "failed")


class TestLearning:
    def files(self, tmp_path, queries="q1\tlist\n", judgments="q1 0 d1 1\n"):
        (tmp_path / "q.tsv").write_text(queries)
        (tmp_path / "j.qrels").write_text(judgments)
        return ["--queries", "q.tsv", "--judgments", "j.qrels"]

    @pytest.mark.parametrize("family", ["pointwise", "pairwise", "listwise"])
    def test_no_clicks_and_one_query(self, home, tmp_path, family):
        train = ["ranker", "train", "--family", family]
        refused([*train, "--clicks"], "click log", "found none", "simulate")
        refused([*train, *self.files(tmp_path)], "at least 2 queries", "found 1", "add more")
        refused([*train, *self.files(tmp_path, judgments="q1 0 nothing 1\n")], "expected")

    def test_an_empty_click_log(self, client):
        client.app.extensions["searchd"].close()
        refused(["ranker", "train", "--family", "pairwise", "--clicks"], "1 sessions", "below 300", "wait for more")
        refused(["ranker", "clicks", "purge"], status=2)

    @pytest.mark.parametrize(
        "queries, judgments, expected",
        [
            ("no tab\n", "q1 0 d1 1\n", ("q.tsv", "line 1")),
            ("q1\tlist\n", "q1 0 d1 high\n", ("j.qrels", "line 1")),
            ("q1\tlist\n", "{}\n", ("j.qrels", "line 1", "expected")),
        ],
    )
    def test_files_of_judgments_that_are_none(self, home, tmp_path, queries, judgments, expected):
        files = self.files(tmp_path, queries, judgments)
        refused(["searchd", "evaluate", *files], *expected)
        refused(["ranker", "simulate", *files, "--users", "pbm", "--sessions", "3"], *expected)

    def test_missing_files_and_measures(self, home, tmp_path):
        refused(["searchd", "evaluate", *self.files(tmp_path), "--measures", "foo@x"], "nDCG@10", "found 'foo@x'")
        refused(["ranker", "clicks", "import", "nope"], "nope", "does not exist", status=2)
        (tmp_path / "q.tsv").unlink()
        refused(["searchd", "evaluate", "--queries", "q.tsv", "--judgments", "j.qrels"], "q.tsv", "No such file")


class TestHomes:
    @pytest.mark.parametrize(
        "words",
        [
            ["searchd", "search", "x"],
            ["searchd", "doctor"],
            ["indexer", "verify"],
            ["indexer", "stats"],
            ["indexer", "versions"],
            ["indexer", "rollback"],
            ["indexer", "merge"],
            ["indexer", "delete", "x"],
            ["ranker", "train", "--family", "pairwise", "--clicks"],
            ["ranker", "evaluate"],
            ["ranker", "clicks", "stats"],
            ["ranker", "models", "rollback"],
        ],
    )
    @pytest.mark.parametrize("root", ["nowhere", "file"])
    def test_one_without_an_index_stays_as_it_is(self, tmp_path, monkeypatch, words, root):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "file").write_text("no folder")
        refused(words, root=root)
        assert not (tmp_path / "nowhere").exists()

    def test_http_over_a_home_without_an_index(self, tmp_path):
        http = create_app(Home.at(tmp_path / "empty")).test_client()
        problem(http.get("/v1/search?q=x"), 503, "no_index")
        assert http.get("/health").status_code == 200 and http.get("/ready").status_code == 503
        assert not (tmp_path / "empty").exists()

    def test_one_that_is_being_written(self, client, monkeypatch, tmp_path):
        monkeypatch.setattr(indexer_changes, "WAIT_SECONDS", 0.05)
        (tmp_path / "d.jsonl").write_text('{"id": "a", "title": "b"}\n')
        with open(client.home.index / "LOCK", "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for words in (["build", "d.jsonl"], ["update", "d.jsonl"], ["delete", "d1"], ["merge"], ["rollback"]):
                refused(["indexer", *words], "another writer", "try again")
            response = client.http.post("/v1/documents", json=[{"id": "a", "title": "b"}], headers=client.headers)
            problem(response, 409, "index_locked")
            assert client.http.get("/v1/search?q=list").status_code == 200

    @pytest.mark.parametrize(
        "words",
        [
            ["indexer", "update", "d.jsonl"],
            ["indexer", "rollback"],
            ["ranker", "models", "activate", "good"],
            ["ranker", "clicks", "import", "d.jsonl"],
            ["searchd", "keys", "create", "--scope", "search"],
        ],
    )
    def test_one_that_is_read_only(self, home, tmp_path, words):
        (tmp_path / "d.jsonl").write_text('{"id": "a", "title": "b"}\n')
        for path in (home.root, *home.root.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = contents(home.root)
        result = self.unprivileged(*words)
        _checked(result.returncode, result.stdout, result.stderr, ("home/",), 1)
        assert contents(home.root) == before
        for path in (home.root, *home.root.rglob("*")):
            path.chmod(0o755)

    @staticmethod
    def unprivileged(name, *rest):
        """A command in a process that file permissions bind even when the tests run as root."""
        start = ["-c", "from searchd.programs import ranker; ranker()"] if name == "ranker" else ["-m", name]
        command = [sys.executable, *start, *rest, "--home", "home"]
        if os.geteuid() == 0:
            if shutil.which("setpriv") is None:
                pytest.skip("as root this needs setpriv, of util-linux")
            command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)


class TestDamage:
    def sections(self, home):
        """(file, section, offset of a byte in its middle) of every section that has bytes."""
        for path in sorted(current_folder(home).glob("*.seg")):
            for name, entry in Container(path).entries.items():
                if entry["bytes"]:
                    yield path, name, int(entry["offset"]) + int(entry["bytes"]) // 2

    def test_a_flipped_byte_in_every_section_is_named_and_search_is_refused_or_does_not_read_it(self, home):
        search = ["search", "list", "--json", "--model", "none", "--home", "home"]
        answer = hits(CliRunner().invoke(searchd, search))
        places = list(self.sections(home))
        assert len(places) > 20
        for path, section, place in places:
            whole = path.read_bytes()
            flip(path, place)
            result = CliRunner().invoke(indexer, ["verify", "--home", "home"])
            assert result.exit_code == 1 and [line.split("\t")[:2] for line in result.stdout.splitlines()] == [[str(path), section]]
            if (found := hits(CliRunner().invoke(searchd, search))) is None:
                refused(["searchd", "search", "list"], path.name, section)
            else:
                assert found == answer, section
            path.write_bytes(whole)
        assert CliRunner().invoke(indexer, ["verify", "--home", "home"]).exit_code == 0

    @pytest.mark.parametrize("keep", [0, 1, 100, -1])
    def test_a_truncated_manifest(self, home, keep):
        path = current_folder(home) / "MANIFEST.json"
        path.write_bytes(path.read_bytes()[:keep])
        for words in (["searchd", "search", "list"], ["indexer", "stats"], ["indexer", "merge"], ["indexer", "delete", "d1"]):
            refused(words, "MANIFEST.json")
        refused(["indexer", "verify"], "damaged", "roll back", "build it again")
        problem(create_app(home).test_client().get("/v1/search?q=list"), 503, "corrupt_index")
        assert CliRunner().invoke(indexer, ["rollback", "--home", "home"]).exit_code == 0
        assert CliRunner().invoke(searchd, ["search", "list", "--home", "home"]).exit_code == 0

    def test_an_index_of_another_format_version(self, home):
        path = current_folder(home) / "MANIFEST.json"
        path.write_bytes(path.read_bytes().replace(f'"format": {VERSION}'.encode(), b'"format": 99'))
        for words in (["searchd", "search", "list"], ["indexer", "stats"], ["indexer", "merge"]):
            refused(words, "MANIFEST.json", f"expected format version {VERSION}, found 99")
        problem(create_app(home).test_client().get("/v1/search?q=list"), 503, "format_version")

    @pytest.mark.parametrize(
        "file, words",
        [
            ("clicks.sqlite3", ["ranker", "clicks", "stats"]),
            ("keys.sqlite3", ["searchd", "keys", "list"]),
            ("secret", ["searchd", "doctor"]),
            ("searchd.toml", ["indexer", "build", "nowhere.jsonl"]),
            ("models/ACTIVE", ["ranker", "models", "list"]),
            ("index/CURRENT", ["searchd", "search", "x"]),
        ],
    )
    def test_files_of_the_home_that_are_nonsense(self, home, file, words):
        (home.root / file).write_bytes(b"nonsense \xff\n" * 100)
        refused(words)
