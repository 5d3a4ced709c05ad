"""``/v1/models``, ``/v1/reload``, ``/v1/stats`` and ``/v1/tasks``: what is served, and changing it."""

from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from ranker.registry import Registry
from searchd.access import key_name
from searchd.answers import ModelRef, ModelsAnswer, ReloadAnswer, StatsAnswer, Task, TasksAnswer
from searchd.errors_http import HttpProblem
from searchd.model_changes import activate_model, rollback_model, show
from searchd.params import ActivateParams, TasksParams, read_params, read_query_string
from searchd.responses import json_response
from searchd.routing import Operation, route
from searchd.service import Service, service
from searchd.tasks import KEPT

blueprint = Blueprint("operations", __name__)
_ACTIVATE = Operation("admin", "Let a model serve", None, ActivateParams, ReloadAnswer, tag="operations", example={"force": False})


@route(blueprint, "/v1/models", ("GET",), Operation("search", "Published models", None, None, ModelsAnswer, tag="operations", cached=True))
def models() -> Response:
    """Every published model, and the one that serves."""
    return json_response(_models(service()))


@route(blueprint, "/v1/models/<name>/activate", ("POST",), _ACTIVATE)
def activate(name: str) -> Response:
    """Serve this model from the next search on, in every worker, unless it is known to be worse than what serves."""
    params = read_params(ActivateParams)
    return json_response(activate_model(service(), name, params.version, params.force, key_name()))


@route(
    blueprint,
    "/v1/models/rollback",
    ("POST",),
    Operation("admin", "Return to the model before", None, None, ReloadAnswer, tag="operations"),
)
def rollback() -> Response:
    """Serve the model that served before the last activation."""
    return json_response(rollback_model(service(), key_name()))


@route(
    blueprint, "/v1/reload", ("POST",), Operation("admin", "Look for a new index or model now", None, None, ReloadAnswer, tag="operations")
)
def reload() -> Response:
    """Serve what is published now; searches look for it by themselves too."""
    svc = service()
    with svc.tasks.record("reload"):
        return json_response(show(svc))


@route(blueprint, "/v1/stats", ("GET",), Operation("search", "Sizes and counts", None, None, StatsAnswer, tag="operations", cached=True))
def stats() -> Response:
    """What is in the index."""
    svc = service()
    svc.engine.reload_if_changed()
    return json_response(_stats(svc))


@route(blueprint, "/v1/tasks", ("GET",), Operation("admin", "The latest changes", TasksParams, None, TasksAnswer, tag="operations"))
def tasks() -> Response:
    """Changes and merges this server carried out since it started, newest first."""
    params = read_query_string(TasksParams)
    return json_response(TasksAnswer(service().tasks.latest(params.limit, params.status, params.type)))


@route(blueprint, "/v1/tasks/<uid>", ("GET",), Operation("admin", "One change", None, None, Task, tag="operations"))
def task(uid: str) -> Response:
    """How far a change is, or how it ended."""
    found = service().tasks.get(int(uid)) if uid.isascii() and uid.isdigit() and len(uid) < 19 else None
    if found is None:
        raise HttpProblem(404, "task_not_found", f"expected the uid of one of the latest {KEPT} tasks of this server, found {uid[:100]!r}")
    return json_response(found)


def _models(svc: Service) -> ModelsAnswer:
    registry = Registry(svc.home)
    active = registry.active()
    return ModelsAnswer(ModelRef(*active) if active else None, [_plain(one) for one in registry.entries()])


def _plain(model: Any) -> dict[str, Any]:
    return dict(model._asdict() if hasattr(model, "_asdict") else model)


def _stats(svc: Service) -> dict[str, Any]:
    index = svc.engine.index
    fields = [{"name": field.name, "type": field.type} for field in index.schema.fields]
    return {"generation": index.generation, "documents": index.num_docs, "segments": len(index.segments), "fields": fields}
