"""Letting another model serve, or none: for the API and for the dashboard, as tasks, one at a time, seen by all workers when it returns."""

import ranker.gate as gate
from ranker.activations import rollback
from searchd.answers import ModelRef, ReloadAnswer
from searchd.service import Service


def activate_model(svc: Service, name: str, version: str | None, force: bool, by: str) -> ReloadAnswer:
    """Serve this model from the next search on, unless the gate refuses; raises Harmful and UnknownModel."""
    with svc.changing, svc.tasks.record("model_activate"):
        gate.activate(lambda: svc.engine, svc.home, name, version, force, by=by)
        return show(svc)


def rollback_model(svc: Service, by: str) -> ReloadAnswer:
    """Serve what served before the last activation; raises UnknownModel when there was none."""
    with svc.changing, svc.tasks.record("model_rollback"):
        rollback(svc.home, by)
        return show(svc)


def show(svc: Service) -> ReloadAnswer:
    """Serve what is published now, and tell what that is."""
    before = svc.engine.index.generation, svc.engine.model_name()
    svc.show_at_once()
    changed = before != (svc.engine.index.generation, svc.engine.model_name())
    name, _, version = svc.engine.model_name().partition("/")
    return ReloadAnswer(svc.engine.index.generation, ModelRef(name, version) if name else None, changed)
