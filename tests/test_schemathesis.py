"""Schemathesis against the real application: no request that it makes of the OpenAPI document, good or bad, has an answer that the document does not describe.

What it cannot know is asked here: a request that fits the schema may still name what a collection does not have. Such refusals say so by their
code; one that said a parameter is out of its range would show that the document describes another program.
"""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from web_home import make_home

from searchd.app import create_app
from searchd.routing import operation_of

schemathesis = pytest.importorskip("schemathesis")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")

# Keys are tried by test_app, with and without each scope.
NOT_HERE = [checks.ignored_auth, checks.positive_data_acceptance]
# About what is in the collection, the log or the registry, which no schema knows.
OF_THE_DATA = {
    "bad_events", "bad_filter", "bad_sort", "document_not_found", "experiment", "invalid_synonyms", "invalid_document", "invalid_event", "missing_id", "query_not_found", "query_too_long",
    "task_not_found", "too_deep", "unknown_field", "unknown_model", "unknown_query", "url_too_long", "headers_too_large", "body_too_large",
}  # fmt: skip


def json_operations():
    """Method and path of every route that programs call, as the document spells them."""
    app = create_app("nowhere")
    found = []
    for rule in app.url_map.iter_rules():
        operation = operation_of(app, rule.endpoint)
        if operation is not None and operation.media == "application/json":
            path = rule.rule.replace("<path:", "{").replace("<", "{").replace(">", "}")
            found += [(method, path) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return sorted(found)


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The application, warm, its description, and the headers of a key that opens everything."""
    app = create_app(make_home(tmp_path_factory.mktemp("schemathesis")), merge=False)
    service = app.extensions["searchd"]
    service.warm_up()
    yield schemathesis.openapi.from_wsgi("/openapi.json", app), {"Authorization": f"Bearer {service.keys.create('admin')}"}
    service.close()


def tried(api, method, path, examples):
    schema, headers = api
    seen = []

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema[path][method].as_strategy())
    def send(case):
        case.headers = headers  # instead of keys that it makes up
        answer = case.call()
        case.validate_response(answer, excluded_checks=NOT_HERE)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400 and case.meta and case.meta.generation.mode.is_positive:
            code = answer.json().get("code", "invalid_event")  # of a batch each event has its own
            assert code in OF_THE_DATA or "offset + limit" in answer.text, answer.text
        seen.append(answer.status_code)

    send()
    return seen


@pytest.mark.parametrize(("method", "path"), json_operations())
def test_answers_are_those_of_the_document(api, method, path):
    assert tried(api, method, path, 6)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), json_operations())
def test_many_answers_are_those_of_the_document(api, method, path):
    assert tried(api, method, path, 100)
