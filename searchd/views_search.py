"""``/v1/search``, ``/v1/rank`` and ``/v1/explain``: parse, call the engine, serialise; no ranking logic."""

import time

from flask import Blueprint
from werkzeug.wrappers import Response

from searchd.answers import ExplainAnswer, RankAnswer, SearchAnswer
from searchd.params import ExplainParams, RankParams, SearchParams, read_body, read_params, read_query_string
from searchd.responses import Plain, json_bytes, json_response
from searchd.routing import Operation, route
from searchd.searching import explain, rank, run_search, search_answer
from searchd.service import Service, service

blueprint = Blueprint("search", __name__)


def _found(svc: Service, params: SearchParams) -> Plain:
    answer = search_answer(run_search(svc, params), params)
    started = time.perf_counter()
    found = Plain(json_bytes(answer))
    svc.metrics.stages["serialise"].observe(time.perf_counter() - started)
    return found


_SEARCH = Operation("search", "Search", SearchParams, None, SearchAnswer, direct=_found)


@route(blueprint, "/v1/search", ("GET",), _SEARCH)
@route(
    blueprint,
    "/v1/search",
    ("POST",),
    Operation("search", "Search, with a JSON body", None, SearchParams, SearchAnswer, example={"q": "search engine", "limit": 5}),
)
def search() -> Response:
    """One page of results."""
    return _found(service(), read_params(SearchParams)).response()


@route(
    blueprint, "/v1/explain/<path:key>", ("GET",), Operation("search", "Why a document has its score", ExplainParams, None, ExplainAnswer)
)
def explain_document(key: str) -> Response:
    """The parts of one document's score for one query."""
    return json_response(explain(service(), key, read_query_string(ExplainParams)))


@route(
    blueprint,
    "/v1/rank",
    ("POST",),
    Operation(
        "search", "Order your own candidates for a query", None, RankParams, RankAnswer, example={"q": "search engine", "ids": ["1", "2"]}
    ),
)
def rank_candidates() -> Response:
    """The caller's candidates in the order of a model."""
    return json_response(rank(service(), read_body(RankParams)))
