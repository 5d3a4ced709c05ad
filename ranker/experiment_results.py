"""The click log to the standing of an experiment: who won how many sessions, and whether that is enough to end it."""

from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from ranker.clicklog import ClickLog
from ranker.experiments import Experiment, Experiments
from ranker.hygiene import left_out
from ranker.interleaving import NOBODY, margins
from ranker.sequential import Verdict, verdict
from ranker.watch import serving

DRAFTED = """
SELECT query_id,
CASE WHEN session_id <> '' THEN session_id ELSE client_id END, keys, teams, weights FROM impressions WHERE experiment = ? ORDER BY rowid
"""
CLICKED = """
SELECT DISTINCT events.query_id, events.object_id FROM impressions JOIN events ON events.query_id = impressions.query_id
WHERE impressions.experiment = ? AND events.action_name = 'click'
"""


class Tally(NamedTuple):
    """``clicks`` float64[S, R] by session, in the order they began, and model, with the weights of their rounds; ``impressions`` counts lists."""

    clicks: NDArray[np.float64]
    impressions: int

    @property
    def margins(self) -> NDArray[np.float64]:
        """float64[S, R - 1]: whom a session preferred and by how much, each challenger against what serves."""
        return margins(self.clicks)


class Standing(NamedTuple):
    """A challenger against what serves."""

    number: int
    model: str
    verdict: Verdict

    def as_dict(self) -> dict[str, Any]:
        """Rounded to what can be read."""
        figures = {k: round(v, 4) if isinstance(v, float) else v for k, v in self.verdict._asdict().items()}
        return {"model": self.model, **figures}


def tally(log: ClickLog, experiment: Experiment) -> Tally:
    """Clicks of every session on the documents of each model, a document once a search; what hygiene leaves out does not count.

    Lists that were logged before rounds had weights have 1 for each.
    """
    excluded = left_out(log)
    clicked: dict[str, list[str]] = {}
    for query_id, key in log.rows(CLICKED, (experiment.name,)):
        clicked.setdefault(query_id, []).append(key)
    sessions: dict[str, NDArray[np.float64]] = {}
    impressions = 0
    for query_id, unit, keys, teams, weights in log.rows(DRAFTED, (experiment.name,)):
        if query_id in excluded:
            continue
        impressions += 1
        counts = sessions.setdefault(unit, np.zeros(len(experiment.models)))
        if query_id in clicked:
            worth = np.ones(len(teams)) if weights is None else np.frombuffer(weights, "<f4")
            _count(counts, dict(zip(orjson.loads(keys), zip(teams, worth.tolist()))), clicked[query_id])
    return Tally(np.array(list(sessions.values())).reshape(-1, len(experiment.models)), impressions)


def _count(counts: NDArray[np.float64], shown: dict[str, tuple[str, float]], clicked: list[str]) -> None:
    for key in clicked:
        team, weight = shown.get(key, (NOBODY, 0.0))
        if team != NOBODY:
            counts[int(team)] += weight


def standings(experiment: Experiment, counted: Tally) -> list[Standing]:
    """Every challenger's, also of those that were dropped."""
    found = counted.margins
    return [
        Standing(number, model, verdict(found[:, number - 1], experiment.horizon, experiment.alpha_of_one))
        for number, model in enumerate(experiment.models)
        if number
    ]


def settle(experiments: Experiments, log: ClickLog) -> Experiment | None:
    """Look at the running experiment and do what its figures demand; returns it as it is now, None when none runs.

    It ends when every challenger has its verdict, when all that are left do harm, and when something else serves than at its start. A challenger
    that does harm while others are undecided is dropped.
    """
    experiment = experiments.running()
    if experiment is None:
        return None
    found = standings(experiment, tally(log, experiment))
    figures = [one.as_dict() for one in found]
    if serving(experiments.home) != experiment.models[0]:
        return experiments.stop(
            experiment.name, f"{serving(experiments.home)} serves now, {experiment.models[0]} did at the start", figures
        )
    open_ = [one for one in found if one.number not in experiment.dropped and one.verdict.outcome == "running"]
    if not open_:
        reason = "; ".join(f"{one.model} {one.verdict.outcome} ({one.verdict.reason})" for one in found)
        return experiments.stop(experiment.name, reason, figures)
    harmful = [one.number for one in found if one.number not in experiment.dropped and one.verdict.outcome == "worse"]
    return experiments.drop(experiment.name, harmful) if harmful else experiment


def report(experiment: Experiment, log: ClickLog | None) -> dict[str, Any]:
    """An experiment and its figures as plain values, the present ones while it runs."""
    record: dict[str, Any] = {name: getattr(experiment, name) for name in experiment.__struct_fields__ if name not in ("salt", "standings")}
    if experiment.stopped is not None or log is None:
        return {**record, "standings": experiment.standings}
    counted = tally(log, experiment)
    found = [one.as_dict() for one in standings(experiment, counted)]
    checked = {"check": "a model against itself: a difference is a fault of the experiment"} if experiment.against_itself else {}
    return {**record, **checked, "impressions": counted.impressions, "sessions": len(counted.clicks), "standings": found}
