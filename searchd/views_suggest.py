"""``/v1/suggest`` and ``/v1/analyze``: what could be typed next, and what the index makes of a text."""

from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from indexer.tokens import STREAM_NAMES, shown_term
from searchd.answers import AnalyzeAnswer, SuggestAnswer, Suggestion, TokenAnswer
from searchd.errors_http import HttpProblem
from searchd.params import AnalyzeParams, SuggestParams, read_params
from searchd.responses import Plain, json_bytes, json_response
from searchd.routing import Operation, route
from searchd.service import Service, service

blueprint = Blueprint("suggest", __name__)


def _suggested(svc: Service, params: SuggestParams) -> Plain:
    answer = suggest_answer(svc.engine.complete(params.q, params.limit))
    return Plain(json_bytes(answer), (("Cache-Control", "private, max-age=30"),))


@route(
    blueprint,
    "/v1/suggest",
    ("GET",),
    Operation("search", "Completions and corrections", SuggestParams, None, SuggestAnswer, direct=_suggested),
)
def suggest() -> Response:
    """Ways to go on from what has been typed."""
    return _suggested(service(), read_params(SuggestParams)).response()


def suggest_answer(found: Any) -> SuggestAnswer:
    """The engine's suggestions as the API tells them."""
    return SuggestAnswer([Suggestion(*one) for one in found.suggestions], found.corrected_query)


@route(blueprint, "/v1/analyze", ("GET",), Operation("search", "The tokens of a text", AnalyzeParams, None, AnalyzeAnswer, cached=True))
@route(
    blueprint,
    "/v1/analyze",
    ("POST",),
    Operation(
        "search", "The tokens of a text, with a JSON body", None, AnalyzeParams, AnalyzeAnswer, example={"text": "全文 search engines"}
    ),
)
def analyze() -> Response:
    """Tokens with positions and offsets into the text that was sent."""
    params = read_params(AnalyzeParams)
    index = service().engine.index
    if params.field is not None and params.field not in [f.name for f in index.schema.text_fields]:
        names = ", ".join(f.name for f in index.schema.text_fields)
        raise HttpProblem(400, "unknown_field", f"expected a text field ({names}), found {params.field!r}")
    analyzer = index.analyzer(params.field)
    tokens = [
        TokenAnswer(shown_term(t.term), STREAM_NAMES[t.stream], t.position, t.start, t.end, t.surface) for t in analyzer.tokens(params.text)
    ]
    return json_response(AnalyzeAnswer(analyzer.name, tokens))
