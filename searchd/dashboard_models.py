"""The models of a home as the dashboard lists them: from their cards alone, so that a page never loads a model."""

import functools
import json
from pathlib import Path
from typing import Any, NamedTuple

from indexer.home import Home
from ranker.clicklog_schema import now_ms
from ranker.experiment_results import report
from ranker.experiments import Experiments
from ranker.model import SUMS
from ranker.registry import Registry

MAX_CARD = 1 << 20


class ModelRow(NamedTuple):
    """A published version: what its card says, and when it was published, in milliseconds; ``gain`` over retrieval on held-out queries."""

    name: str
    version: str
    active: bool
    published: int
    family: str
    source: str
    sessions: int | None
    ndcg: float | None
    retrieval: float | None
    gain: float | None
    interval: tuple[float, float] | None

    @property
    def label(self) -> str:
        return f"{self.name}/{self.version}"


def model_rows(home: Home) -> list[ModelRow]:
    """Every version, newest first."""
    registry = Registry(home)
    active = registry.active()
    found = [(name, version) for name in registry.names() for version in registry.versions(name)]
    rows = [_row(home.models / name / version, name, version, (name, version) == active) for name, version in found]
    return sorted(rows, key=lambda row: (-row.published, row.name, row.version))


def experiment_reports(home: Home, open_log: Any) -> list[dict[str, Any]]:
    """All experiments, newest first, the running one with its figures of now; ``open_log`` gives the click log or None."""
    found = []
    for experiment in reversed(Experiments(home).entries()):
        log = open_log() if experiment.status == "running" else None
        found.append({"impressions": None, "sessions": None, **report(experiment, log), "seen": now_ms()})
    return found


def _row(folder: Path, name: str, version: str, active: bool) -> ModelRow:
    try:
        stamp = (folder / SUMS).stat().st_mtime_ns
    except OSError:
        stamp = 0
    card = _card(folder / "card.json", stamp)
    held = card.get("heldout") or {}
    interval = held.get("interval")
    return ModelRow(
        name, version, active, stamp // 1_000_000, str(card.get("family") or ""), str(card.get("source") or ""), card.get("sessions"),
        held.get("nDCG@10"), held.get("retrieval"), held.get("gain"), tuple(interval) if interval else None,
    )  # fmt: skip


@functools.lru_cache(maxsize=512)
def _card(path: Path, stamp: int) -> dict[str, Any]:
    """The card of a version that was published at ``stamp``; empty where it cannot be read, which activating the model would tell in full."""
    try:
        found = json.loads(path.read_bytes()[:MAX_CARD])
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
