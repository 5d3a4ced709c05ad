"""``/admin``: what the service does, and changing it, as pages for people. Everything on them is rendered here; no page needs JavaScript.

Reading takes the key as a browser's Basic password. Forms take it too, with the proof of ``searchd.forms``. A form that did what it should leads
on to a page by 303, so that loading that again repeats nothing; only a comparison, which changes nothing, is the answer to its form itself.
"""

from typing import Any

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from indexer.errors import SearchdError
from indexer.publish import NoIndex
from ranker.activations import activations, label
from ranker.experiments import Experiments
from ranker.gate import Harmful
from ranker.registry import Registry
from searchd.access import key_name
from searchd.dashboard import Dashboard, dashboard
from searchd.dashboard_charts import clicks_by_rank, low_click, over_time, stages, win_rate
from searchd.dashboard_compare import MOST_QUERIES
from searchd.dashboard_log import Counts, days_of
from searchd.dashboard_models import model_rows
from searchd.dashboard_page import days_asked, href, page, told_as_page
from searchd.dashboard_queries import MIN_LOOKS, queries_report
from searchd.lexicon_changes import add_synonyms
from searchd.model_changes import activate_model, rollback_model
from searchd.params import MAX_QUERY, clean
from searchd.routing import Operation, route
from searchd.views_reports import rank_rates, stop_experiment

blueprint = Blueprint("admin", __name__)
_PAGE = Operation("admin", "A page of the dashboard", None, None, None, "text/html", tag="pages")
_FORM = Operation("admin", "A form of the dashboard", None, None, None, "text/html", tag="pages")
SHOWN_TASKS = 20


@route(blueprint, "/admin", ("GET",), _PAGE)
@told_as_page("overview")
def overview() -> Response:
    """Traffic, click rates, times and the latest changes."""
    board = dashboard()
    counts, log = _log_of(board)
    times = board.latency()
    drawn = {"over_time": over_time(counts), "by_rank": clicks_by_rank(rank_rates(counts))} if counts and counts.searches else {}
    return page(
        "overview", "overview.html", counts=counts, log=log, drawn=drawn, ranks=rank_rates(counts) if counts else [],
        moments=days_of(counts) if counts else [], times=times,
        stages=stages(times), index=_index_of(board), model=label(Registry(board.svc.home).active()), tasks=board.svc.tasks.latest(SHOWN_TASKS),
    )  # fmt: skip


@route(blueprint, "/admin/queries", ("GET",), _PAGE)
@told_as_page("queries")
def queries() -> Response:
    """Top, zero-hit and low-click queries with what may help them."""
    board = dashboard()
    counts, log = _log_of(board)
    report = queries_report(counts, board.svc.settings.dashboard_min_clients) if counts else None
    drawn = {row.query: low_click(row, report.rate) for row in report.low} if report else {}
    return page(
        "queries", "queries.html", counts=counts, log=log, report=report, drawn=drawn, min_looks=MIN_LOOKS, done=_done("added", "known")
    )


@route(blueprint, "/admin/synonyms", ("POST",), _FORM)
@told_as_page("queries")
def synonyms() -> Response:
    """Write one line to the synonyms."""
    added = add_synonyms(dashboard().svc.home, request.form.get("line", ""))
    return redirect(href("/admin/queries", done="added" if added else "known", days=days_asked()), 303)


@route(blueprint, "/admin/ranking", ("GET",), _PAGE)
@told_as_page("ranking")
def ranking() -> Response:
    """Models, what served when, and the form to compare two rankers."""
    return _ranking(dashboard(), done=_done("activated", "rolled_back"))


@route(blueprint, "/admin/models/activate", ("POST",), _FORM)
@told_as_page("ranking")
def activate() -> Response:
    """Let a model serve; a refusal of the gate is a page with its reasons and, as a second step, the button that forces it."""
    board = dashboard()
    name, _, version = clean(request.form.get("model", ""))[:140].partition("/")
    force = request.form.get("force") == "1"
    try:
        activate_model(board.svc, name, version or None, force, key_name())
    except Harmful as error:
        return page("ranking", "refused.html", 409, model=f"{name}/{version}" if version else name, reason=str(error))
    return redirect(href("/admin/ranking", done="activated"), 303)


@route(blueprint, "/admin/models/rollback", ("POST",), _FORM)
@told_as_page("ranking")
def rollback() -> Response:
    """Serve what served before."""
    rollback_model(dashboard().svc, key_name())
    return redirect(href("/admin/ranking", done="rolled_back"), 303)


@route(blueprint, "/admin/compare", ("POST",), _FORM)
@told_as_page("ranking")
def compare() -> Response:
    """Two rankers side by side."""
    board, form = dashboard(), request.form
    kind, top = form.get("set", "top"), form.get("top", "20")
    number = min(int(top), MOST_QUERIES) if top.isascii() and top.isdigit() and len(top) < 5 else 20
    pasted = list(dict.fromkeys(" ".join(clean(line).split())[:MAX_QUERY] for line in form.get("queries", "").splitlines()))
    texts = [text for text in pasted if text][:MOST_QUERIES] if kind == "pasted" else _query_set(board, kind, max(number, 1))
    first, second = (clean(form.get(name, ""))[:140] or "none" for name in ("first", "second"))
    if not texts:
        return page("ranking", "compared.html", comparison=None)
    found = board.compare(first, second, texts, board.judgments())
    return page("ranking", "compared.html", comparison=found, titles=board.titles(found))


@route(blueprint, "/admin/experiments", ("GET",), _PAGE)
@told_as_page("experiments")
def experiments() -> Response:
    """Experiments with their figures, and the button that ends the one that runs."""
    found = dashboard().experiments().value
    drawn = {
        (one["name"], place["model"]): win_rate(place)
        for one in found or ()
        for place in one["standings"]
        if place["wins"] + place["losses"]
    }
    # Only a name that there is: an address must not put words of its own into the page.
    stopped = next((one["name"] for one in found or () if one["name"] == request.args.get("name")), "")
    done = _done("stop_done") if stopped else ""
    return page("experiments", "experiments.html", experiments=found, drawn=drawn, done=done, stopped=stopped)


@route(blueprint, "/admin/experiments/stop", ("POST",), _FORM)
@told_as_page("experiments")
def stop() -> Response:
    """End an experiment."""
    name = request.form.get("name", "")[:64]
    stop_experiment(dashboard(), name, key_name())
    return redirect(href("/admin/experiments", done="stop_done", name=name), 303)


@route(blueprint, "/admin/index", ("GET",), _PAGE)
@told_as_page("index")
def index() -> Response:
    """Generations, fields, and how long requests take."""
    board = dashboard()
    return page("index", "index.html", generations=board.generations(), index=_index_of(board), times=board.latency())


def _ranking(board: Dashboard, **values: Any) -> Response:
    home = board.svc.home
    rows, story = model_rows(home), activations(home)
    registry = Registry(home)
    return page(
        "ranking", "ranking.html", models=rows, story=story, active=label(registry.active()), before=label(registry.before()),
        judged=board.judgments() is not None, most=MOST_QUERIES, running=Experiments(home).running(), **values,
    )  # fmt: skip


def _query_set(board: Dashboard, kind: str, number: int) -> list[str]:
    return board.query_set(board.counts(30, wait=20.0).value if kind != "judged" else None, kind, number)


def _log_of(board: Dashboard) -> tuple[Counts | None, bool]:
    """What the log holds of the days asked for, None without a log and while it is being read; and whether there is one."""
    return board.counts(days_asked()).value, board.log() is not None


def _index_of(board: Dashboard) -> dict[str, Any] | None:
    """What is served; None without an index, or while it cannot be opened, which other pages tell."""
    try:
        board.svc.engine.reload_if_changed()
    except NoIndex:
        return None
    except SearchdError:
        return None
    found = board.svc.engine.index
    return {"generation": found.generation, "documents": found.num_docs, "segments": len(found.segments), "fields": found.schema.fields}


def _done(*known: str) -> str:
    """What the form that led here did, if it is one of these."""
    asked = request.args.get("done", "")
    return asked if asked in known else ""
