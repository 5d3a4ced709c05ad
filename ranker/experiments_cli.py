"""``ranker experiments start|status|stop|list``: models tried on live searches."""

import json
from typing import TYPE_CHECKING, Any

import click

from indexer.home import Home
from indexer.program import home_option
from ranker.choices import HORIZON

if TYPE_CHECKING:
    from ranker.experiments import Experiment


@click.group()
def experiments() -> None:
    """Try models on live searches: lists drafted from two models or more, judged by clicks."""


@experiments.command("start")
@home_option
@click.argument("name")
@click.option(
    "--model", "models", multiple=True, required=True, help="A challenger: NAME, NAME/VERSION or none; the active one makes an A/A check."
)
@click.option("--sessions", type=click.IntRange(1), default=HORIZON, show_default=True, help="When to decide at the latest.")
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, True, True),
    default=0.05,
    show_default=True,
    help="Chance of a false verdict, over all challengers.",
)
@click.option("--share", type=click.FloatRange(0, 1, True), default=1.0, show_default=True, help="Share of the sessions that take part.")
def start(home: Home, name: str, models: tuple[str, ...], sessions: int, alpha: float, share: float) -> None:
    """Draft the results of logged searches from what serves and its challengers, from now on."""
    from ranker.experiments import Experiments

    _show(_described(home, Experiments(home).start(name, list(models), sessions, alpha, share)))


@experiments.command("status")
@home_option
@click.argument("name", required=False)
def status(home: Home, name: str | None) -> None:
    """Sessions won and lost, of the running experiment unless named; looking as often as you like is part of the test."""
    from ranker.experiments import ExperimentError, Experiments

    store = Experiments(home)
    experiment = store.read(name) if name else store.running()
    if experiment is None:
        raise ExperimentError("expected a running experiment, found none; start one, or name one of `ranker experiments list`")
    _show(_described(home, experiment))


@experiments.command("stop")
@home_option
@click.argument("name")
def stop(home: Home, name: str) -> None:
    """End an experiment and keep its figures; what served goes on to serve."""
    from ranker.experiments import Experiments

    store = Experiments(home)
    _show(_described(home, store.stop(name, "stopped by hand", _described(home, store.read(name))["standings"])))


@experiments.command("list")
@home_option
def list_(home: Home) -> None:
    """One line an experiment: name, status, models, how it ended."""
    from ranker.experiments import Experiments

    for one in Experiments(home).entries():
        click.echo("\t".join((one.name, one.status, " ".join(one.models), one.reason)))


def _described(home: Home, experiment: "Experiment") -> dict[str, Any]:
    from ranker.clicklog import ClickLog
    from ranker.experiment_results import report

    if not home.clicks.exists():
        return report(experiment, None)
    with ClickLog(home.clicks) as log:
        return report(experiment, log)


def _show(record: dict[str, Any]) -> None:
    click.echo(json.dumps(record, ensure_ascii=False, indent=1))
