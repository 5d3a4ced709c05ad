"""Explanations of served scores: they sum to the score, on every page, for forests and blends, at every door."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from trained_home import QUERIES, make_trained_home

from searchd.app import create_app
from searchd.cli import main
from searchd.engine import Engine


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_trained_home(tmp_path_factory.mktemp("explaining"))


@pytest.fixture(scope="module")
def engine(home):
    with Engine(home) as opened:
        yield opened


def total(model):
    return model["base"] + model["moved"] + sum(part["contribution"] for part in model["contributions"])


@pytest.mark.parametrize("model", ["plain", "blend"])
@pytest.mark.parametrize("query", QUERIES[:4])
def test_contributions_sum_to_the_score_of_every_hit(engine, model, query):
    for offset, depth in ((0, 100), (5, 8)):
        result = engine.search(query, limit=12, offset=offset, model=model, rerank_depth=depth, explain=True)
        assert result.hits
        for hit in result.hits:
            told = hit.explanation["model"]
            assert total(told) == pytest.approx(hit.score, abs=1e-9)
            assert told["contributions"]
            assert all(part["value"] == pytest.approx(hit.features[part["feature"]], nan_ok=True) for part in told["contributions"])


def test_threads_that_ask_at_once_are_told_what_one_is_told(engine):
    def told(query):
        hits = engine.search(query, limit=8, model="plain", explain=True).hits
        return repr([hit.explanation["model"]["contributions"] for hit in hits])  # NaN is not equal to itself, its text is

    asked = list(QUERIES[:4]) * 8
    alone = {query: told(query) for query in QUERIES[:4]}
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(told, asked)) == [alone[query] for query in asked]


def test_a_document_explained_alone_has_the_contributions_of_the_page(engine):
    hit = engine.search("apple banana", limit=1, explain=True).hits[0]
    alone = engine.explain(hit.id, "apple banana").explanation["model"]
    assert alone["contributions"] == hit.explanation["model"]["contributions"]


@pytest.mark.parametrize("model", ["plain", "blend", "none"])
def test_differences_sum_to_the_difference_of_the_scores(engine, model):
    hits = engine.search("apple banana", limit=30, model=model).hits
    first, second, rows = engine.compare(hits[0].id, hits[-1].id, "apple banana", model)
    assert sum(row["difference"] for row in rows) == pytest.approx(first.score - second.score, abs=1e-5)
    assert first.score > second.score and rows
    assert [abs(row["difference"]) for row in rows] == sorted((abs(row["difference"]) for row in rows), reverse=True)


def test_costs_name_every_feature(engine):
    explanation = engine.search("apple", limit=3, explain=True).hits[0].explanation
    costs = explanation["costs"]
    assert list(costs["features"]) == list(engine.snapshot().default_features.names)
    assert costs["candidates"] == 3 and costs["gather"] > 0 and all(spent >= 0 for spent in costs["features"].values())


def test_the_route_compares(home):
    client = create_app(home.root).test_client()
    hits = client.get("/v1/search", query_string={"q": "apple banana", "limit": 5, "log": "false"}).json["hits"]
    answer = client.get(f"/v1/explain/{hits[0]['id']}", query_string={"q": "apple banana", "than": hits[4]["id"]}).json
    assert answer["other"]["id"] == hits[4]["id"]
    assert sum(row["difference"] for row in answer["differences"]) == pytest.approx(hits[0]["score"] - hits[4]["score"], abs=1e-9)
    alone = client.get(f"/v1/explain/{hits[0]['id']}", query_string={"q": "apple banana"}).json
    assert alone["differences"] is None and alone["score"] == answer["score"]
    missing = client.get(f"/v1/explain/{hits[0]['id']}", query_string={"q": "apple banana", "than": "nobody"})
    assert missing.status_code == 404


def test_the_command_says_why(home, engine):
    run = lambda *more: CliRunner().invoke(main, ["explain", "apple banana", *more, "--home", str(home.root)])  # noqa: E731
    hits = engine.search("apple banana", limit=2).hits
    result = run(hits[0].id)
    assert result.exit_code == 0 and "base" in result.stdout and "model plain/v0001" in result.stdout
    result = run(hits[0].id, "--than", hits[1].id)
    assert result.exit_code == 0 and "= the sum of" in result.stdout and " against " in result.stdout
    record = json.loads(run(hits[0].id, "--than", hits[1].id, "--json").stdout)
    assert record["other"]["id"] == hits[1].id and record["differences"]
    result = run("nobody")
    assert result.exit_code == 1 and result.stderr.count("\n") == 1 and "nobody" in result.stderr
