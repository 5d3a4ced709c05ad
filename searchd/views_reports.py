"""``/v1/reports/*``, ``/v1/experiments``, ``/v1/compare``, ``/v1/generations`` and ``/v1/synonyms``: what the dashboard shows, as JSON."""

from typing import Annotated, Any

import msgspec
from flask import Blueprint
from msgspec import Meta
from werkzeug.wrappers import Response

from ranker.activations import Activation, activations
from ranker.drift import wilson
from ranker.experiments import Experiments
from searchd.access import key_name
from searchd.dashboard import Dashboard, dashboard
from searchd.dashboard_compare import MOST_QUERIES, Comparison
from searchd.dashboard_latency import Latency
from searchd.dashboard_log import Counts, days_of
from searchd.dashboard_queries import QueryRow, queries_report
from searchd.errors_http import HttpProblem
from searchd.lexicon_changes import MAX_LINE, add_synonyms
from searchd.params import MAX_QUERY, Params, read_body, read_query_string
from searchd.responses import json_response
from searchd.routing import Operation, route

blueprint = Blueprint("reports", __name__)
SLOW_SECONDS = 60.0
ModelLabel = Annotated[str, Meta(min_length=1, max_length=140, description="`none`, `active`, NAME or NAME/VERSION.")]


class ReportParams(Params):
    """Which part of the click log to count."""

    days: Annotated[int, Meta(ge=1, le=365, description="How many days back; at most the newest 100,000 searches are read.")] = 7
    simulated: (
        Annotated[bool, Meta(description="Only what was simulated; without, what people did, or what was simulated if nothing else.")]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=200, description="Queries of each list.")] = 25


class CompareParams(Params):
    """Two rankers and the queries to compare them on."""

    first: ModelLabel = "active"
    second: ModelLabel = "none"
    queries: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=MAX_QUERY)]],
        Meta(max_length=MOST_QUERIES, description="Without, those asked most."),
    ] = []
    top: Annotated[int, Meta(ge=1, le=MOST_QUERIES, description="How many of those asked most, or judged.")] = 20
    judged: Annotated[bool, Meta(description="The judged queries of the home's folder `judgments`, instead of those asked most.")] = False


class SynonymsParams(Params):
    """A line for `lexicon/synonyms.txt`."""

    line: Annotated[str, Meta(min_length=1, max_length=MAX_LINE, description="Such as `ml => machine learning`.")]


class WindowAnswer(msgspec.Struct):
    """The part of the log that was read: in milliseconds since 1970; ``cut``: the log has more of these days than was read."""

    since: int
    until: int
    cut: bool
    simulated: bool


class QueriesAnswer(msgspec.Struct):
    """Queries asked most, those that found nothing, and those whose results were clicked less than chance explains, with proposals."""

    window: WindowAnswer | None
    searches: int
    queries: int
    hidden: Annotated[int, Meta(description="Queries of too few clients, which are not shown.")]
    min_clients: int
    rate: Annotated[float, Meta(description="Share of looks at results that were followed by a click.")] | None
    top: list[QueryRow]
    empty: list[QueryRow]
    low: list[QueryRow]


class ClickRate(msgspec.Struct):
    """How often a result is clicked where it stands, with Wilson's 95 % interval."""

    rank: int
    shown: int
    clicks: int
    rate: float
    low: float
    high: float


class MomentAnswer(msgspec.Struct):
    """A day or an hour, by its beginning in milliseconds."""

    at: int
    searches: int
    clicked: int


class ClicksAnswer(msgspec.Struct):
    """Searches and clicks of a part of the log."""

    window: WindowAnswer | None
    searches: int
    empty: int
    clicked: int
    clients: int
    ranks: list[ClickRate]
    moments: list[MomentAnswer]


class GenerationAnswer(msgspec.Struct):
    """One generation of the index on disk."""

    generation: str
    current: bool
    published_at: str | None
    documents: int
    bytes: int


class GenerationsAnswer(msgspec.Struct):
    """Newest first."""

    generations: list[GenerationAnswer]


class HistoryAnswer(msgspec.Struct):
    """What served when, newest first."""

    activations: list[Activation]


class ExperimentsAnswer(msgspec.Struct):
    """Newest first, as `ranker experiments status` tells them."""

    experiments: list[dict[str, Any]]


class SynonymsAnswer(msgspec.Struct):
    """Whether the line was new."""

    added: bool


def _operation(summary: str, params: Any, answer: Any, **more: Any) -> Operation:
    return Operation("admin", summary, params, answer=answer, tag="operations", **more)


@route(blueprint, "/v1/reports/queries", ("GET",), _operation("Queries that succeed and fail", ReportParams, QueriesAnswer))
def queries() -> Response:
    """Top, zero-hit and low-click queries with proposed synonyms."""
    params = read_query_string(ReportParams)
    board = dashboard()
    counts = whole_counts(board, params)
    report = queries_report(counts, board.svc.settings.dashboard_min_clients, params.limit) if counts else None
    if counts is None or report is None:
        return json_response(QueriesAnswer(None, 0, 0, 0, board.svc.settings.dashboard_min_clients, None, [], [], []))
    return json_response(
        QueriesAnswer(
            _window(counts),
            counts.searches,
            report.queries,
            report.hidden,
            report.min_clients,
            report.rate,
            report.top,
            report.empty,
            report.low,
        )
    )


@route(blueprint, "/v1/reports/clicks", ("GET",), _operation("Searches, clicks, click rate by rank", ReportParams, ClicksAnswer))
def clicks() -> Response:
    """How much is searched and clicked, over time and by rank."""
    counts = whole_counts(dashboard(), read_query_string(ReportParams))
    if counts is None:
        return json_response(ClicksAnswer(None, 0, 0, 0, 0, [], []))
    moments = [MomentAnswer(*moment) for moment in days_of(counts)]
    return json_response(
        ClicksAnswer(_window(counts), counts.searches, counts.empty, counts.clicked, counts.clients, rank_rates(counts), moments)
    )


@route(blueprint, "/v1/reports/latency", ("GET",), _operation("Times of searches, stages and routes", None, Latency))
def times() -> Response:
    """Since the server started, of all workers."""
    return json_response(dashboard().latency())


@route(blueprint, "/v1/generations", ("GET",), _operation("Generations of the index", None, GenerationsAnswer))
def generations() -> Response:
    """Those on disk: documents, bytes, when they were published."""
    return json_response(GenerationsAnswer([GenerationAnswer(*one) for one in dashboard().generations()]))


@route(blueprint, "/v1/models/history", ("GET",), _operation("Activations and rollbacks", None, HistoryAnswer))
def history() -> Response:
    """Which model was let in or taken back, when, by whom, and what the gate said."""
    return json_response(HistoryAnswer(activations(dashboard().svc.home)))


@route(blueprint, "/v1/experiments", ("GET",), _operation("Experiments and their figures", None, ExperimentsAnswer))
def experiments() -> Response:
    """All experiments of the home."""
    return json_response(ExperimentsAnswer(_whole(dashboard().experiments(SLOW_SECONDS).value)))


@route(blueprint, "/v1/experiments/<name>/stop", ("POST",), _operation("End an experiment", None, dict))
def stop(name: str) -> Response:
    """End it and keep its figures; what served goes on to serve."""
    return json_response(stop_experiment(dashboard(), name, key_name()))


@route(
    blueprint, "/v1/compare", ("POST",),
    _operation("Two rankers side by side", None, Comparison, body=CompareParams, example={"first": "active", "second": "none", "queries": ["list"]}),
)  # fmt: skip
def compare() -> Response:
    """Both lists of every query, their overlap, and nDCG@10 where queries are judged."""
    params = read_body(CompareParams)
    board = dashboard()
    asked = [" ".join(text.split()) for text in params.queries]
    if not asked:
        counts = None if params.judged else whole_counts(board, ReportParams(days=30))
        asked = board.query_set(counts, "judged" if params.judged else "top", params.top)
    return json_response(board.compare(params.first, params.second, list(dict.fromkeys(asked)), board.judgments()))


@route(
    blueprint, "/v1/synonyms", ("POST",),
    _operation("Add a line to the synonyms", None, SynonymsAnswer, body=SynonymsParams, example={"line": "ml => machine learning"}),
)  # fmt: skip
def synonyms() -> Response:
    """Write a line to `lexicon/synonyms.txt`, if it is a good one; searches use it at once."""
    return json_response(SynonymsAnswer(add_synonyms(dashboard().svc.home, read_body(SynonymsParams).line)))


def whole_counts(board: Dashboard, params: ReportParams) -> Counts | None:
    """What the log holds, waited for; None without a log."""
    if board.log() is None:
        return None
    found: Counts = _whole(board.counts(params.days, params.simulated, SLOW_SECONDS).value)
    return found


def rank_rates(counts: Counts) -> list[ClickRate]:
    """Click rates of the ranks that were shown."""
    rows = zip(range(1, len(counts.shown) + 1), counts.shown.tolist(), counts.clicks.tolist())
    return [ClickRate(rank, shown, clicks, clicks / shown, *wilson(clicks, shown)) for rank, shown, clicks in rows if shown]


def stop_experiment(board: Dashboard, name: str, by: str) -> dict[str, Any]:
    """End an experiment with the figures of now; raises ExperimentError."""
    store = Experiments(board.svc.home)
    store.read(name)  # before its figures are counted, which may take long
    reports = {one["name"]: one for one in _whole(board.experiments(SLOW_SECONDS).value)}
    standings = reports.get(name, {}).get("standings", [])
    ended = store.stop(name, f"stopped by {by}", standings)
    board.latest.forget()
    found: dict[str, Any] = msgspec.to_builtins(ended)
    return {field: value for field, value in found.items() if field != "salt"}


def _window(counts: Counts) -> WindowAnswer:
    part = counts.part
    return WindowAnswer(part.since, part.until, part.cut, part.simulated)


def _whole(value: Any) -> Any:
    if value is None:
        raise HttpProblem(503, "counting", "the click log is still being read; ask again in a minute")
    return value
