"""The OpenAPI document: valid in itself, complete, and true of what the service answers."""

import ast
import re
from pathlib import Path

import pytest
from web_home import make_home

from searchd.app import create_app
from searchd.error_codes import ERROR_CODES
from searchd.errors_http import STATUS_OF_CODE

ROOT = Path(__file__).resolve().parent.parent
jsonschema_rs = pytest.importorskip("jsonschema_rs")


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    return create_app(make_home(tmp_path_factory.mktemp("openapi"))).test_client()


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").get_json()


def _schema(document, path, method, status="200"):
    schema = document["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
    return {**schema, "components": document["components"]}


def test_every_route_of_the_contract_is_described(document):
    wanted = {
        "/v1/search": {"get", "post"}, "/v1/suggest": {"get"}, "/v1/analyze": {"get", "post"}, "/v1/explain/{key}": {"get"}, "/v1/documents": {"post"},
        "/v1/documents/{key}": {"get", "put", "delete"}, "/v1/documents/{key}/similar": {"get"}, "/v1/events": {"post"}, "/v1/queries/{query_id}": {"get"},
        "/v1/rank": {"post"}, "/v1/models": {"get"}, "/v1/models/{name}/activate": {"post"}, "/v1/models/rollback": {"post"}, "/v1/reload": {"post"},
        "/v1/stats": {"get"}, "/v1/tasks": {"get"}, "/health": {"get"}, "/ready": {"get"}, "/metrics": {"get"}, "/openapi.json": {"get"}, "/docs": {"get"},
        "/admin": {"get"}, "/": {"get"}, "/search": {"get"},
    }  # fmt: skip
    assert {path: set(document["paths"].get(path, {})) for path in wanted} == wanted


def test_operation_ids_are_unique_and_references_resolve(document):
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))
    names = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert names and names <= set(document["components"]["schemas"])


def test_path_parameters_are_declared(document):
    for path, methods in document["paths"].items():
        for operation in methods.values():
            declared = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
            assert declared == set(re.findall(r"\{(\w+)\}", path))


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/v1/search", "/v1/search?q=list&facets=tag&explain=true"), ("/v1/suggest", "/v1/suggest?q=li"), ("/v1/analyze", "/v1/analyze?text=list"),
        ("/v1/explain/{key}", "/v1/explain/d1?q=list"), ("/v1/documents/{key}", "/v1/documents/d1"), ("/v1/documents/{key}/similar", "/v1/documents/d1/similar"),
        ("/v1/models", "/v1/models"), ("/v1/stats", "/v1/stats"), ("/health", "/health"), ("/openapi.json", "/openapi.json"),
    ],
)  # fmt: skip
def test_answers_are_as_described(client, document, path, url):
    response = client.get(url)
    assert response.status_code == 200
    jsonschema_rs.validate(_schema(document, path, "get"), response.get_json())


@pytest.mark.parametrize("url", ["/v1/search?limit=x", "/nope", "/v1/documents/nope", "/v1/tasks"])
def test_errors_are_as_described_and_explained(client, document, url):
    body = client.get(url).get_json()
    jsonschema_rs.validate(_schema(document, "/v1/search", "get", "4XX"), body)
    assert body["code"] in ERROR_CODES
    assert f'id="{body["link"].partition("#")[2]}"' in client.get("/docs").text


# Of commands and of training, which no request starts.
OF_COMMANDS = {
    "backend_missing", "bad_judgments", "bad_parameters", "bad_transfer", "evaluation", "experiment", "folder_in_use", "invalid", "invalid_key_request",
    "invalid_letor", "invalid_settings", "no_such_generation", "not_enough_clicks", "nothing_indexed", "nothing_to_infer", "nothing_to_learn",
    "nothing_to_report", "output", "session_store", "simulation", "too_many_bad", "unknown_family", "unknown_feature",
}  # fmt: skip
# Of programs that call the service or the engine, and of what goes on behind searches: no answer has them.
OF_CALLERS = {"bad_address", "bad_frame", "client", "no_answer", "tables_not_made", "task_unfinished", "unexpected_answer"}


def codes_of_sources():
    """Every code that an error of the program has: of classes, and of refusals of requests."""
    trees = [
        ast.parse(path.read_text(encoding="utf-8"))
        for package in ("indexer", "ranker", "searchd")
        for path in (ROOT / package).glob("*.py")
    ]
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "HttpProblem" and isinstance(node.args[1], ast.Constant):
            yield node.args[1].value
        elif isinstance(node, ast.ClassDef):
            yield from (
                part.value.value for part in node.body if isinstance(part, ast.Assign) and getattr(part.targets[0], "id", "") == "code"
            )


def test_every_code_of_the_program_is_explained():
    codes = set(codes_of_sources())
    assert len(codes) > 60 and codes - set(ERROR_CODES) - OF_COMMANDS - OF_CALLERS == set()
    assert set(STATUS_OF_CODE) <= set(ERROR_CODES) | OF_COMMANDS


def test_limits_of_parameters_are_told(document):
    parameters = {parameter["name"]: parameter["schema"] for parameter in document["paths"]["/v1/search"]["get"]["parameters"]}
    assert parameters["limit"]["maximum"] == 100 and parameters["mode"]["enum"] == ["and", "or"]
