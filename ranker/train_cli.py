"""``ranker train`` and ``ranker tune``: what to learn from, what to train, where it goes."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.home import Home
from indexer.program import home_option
from ranker.choices import CLICK_RATES, FAMILIES, METHODS, OBJECTIVES

if TYPE_CHECKING:
    from ranker.train import Plan

existing = click.Path(path_type=Path, exists=True, dir_okay=False)
file_path = click.Path(path_type=Path)

_SHARED = (
    home_option,
    click.option("--family", type=click.Choice(FAMILIES), required=True, help="What the model is trained to get right."),
    click.option("--objective", type=click.Choice(OBJECTIVES), help="Of the family; its usual one unless given."),
    click.option("--clicks", "from_clicks", is_flag=True, help="Learn from the click log of the home."),
    click.option("--judgments", type=existing, help="Learn from TREC qrels, or CSV query,docid,rating; with --clicks, from both."),
    click.option("--queries", type=existing, help="qid<TAB>text a line, for --judgments."),
    click.option("--judged-weight", type=click.FloatRange(0, min_open=True), default=3.0, show_default=True,
                 help="With --clicks: a judged row counts so many times a clicked one."),
    click.option("--method", type=click.Choice(METHODS), default="default", show_default=True,
                 help="How clicks become relevance; naive and position (LightGBM's own) are there to compare with, not to serve."),
    click.option("--click-rates/--no-click-rates", "rates", default=CLICK_RATES, show_default=True,
                 help="With --clicks: what was clicked before is a feature of documents and queries."),
    click.option("--letor", type=existing, help="Learn from a LETOR file, or a CSV or TSV of LightGBM's, without a home."),
    click.option("--increasing", multiple=True, metavar="FEATURE", help="The score may only rise with this feature."),
    click.option("--decreasing", multiple=True, metavar="FEATURE", help="The score may only fall with this feature."),
    click.option("--seed", type=int, default=0, show_default=True, help="Where everything random is drawn from."),
    click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Threads of LightGBM; the model is the same."),
)  # fmt: skip


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_SHARED):
        command = option(command)
    return command


def train_command(open_engine: Callable[[Home], Any]) -> click.Command:
    """The command; ``open_engine(home)`` gives the engine that candidates and features come from."""

    @click.command("train")
    @_shared
    @click.option("--parameters", type=existing, help="Settings that `ranker tune --output` found.")
    @click.option("--output", type=file_path, help="Folder of the model, for --letor.")
    @click.option("--overwrite", is_flag=True, help="Replace the model that stands in the folder of --output.")
    @click.option("--name", help="Name in the registry; the family unless given.")
    @click.option("--activate", is_flag=True, help="Serve the model at once, if it does no harm on held-out queries.")
    def command(
        home: Home, parameters: Path | None, output: Path | None, overwrite: bool, name: str | None, activate: bool, **given: Any
    ) -> None:
        """Train a model from clicks, judgments or a LETOR file and publish it. A training that was killed goes on where it stopped."""
        _check_sources(given)
        plan = _plan(given)
        if parameters is not None:
            from ranker.tune import read_parameters

            plan = plan._replace(parameters=read_parameters(parameters))
        if given["letor"] is not None:
            if output is None:
                raise click.UsageError("--letor needs --output, the folder of the model")
            from ranker.work import train_on_letor

            _show(train_on_letor(given["letor"], output, plan, overwrite))
            return
        _train_at_home(open_engine, home, given, plan, name or given["family"], activate)

    return command


def _train_at_home(open_engine: Callable[[Home], Any], home: Home, given: dict[str, Any], plan: "Plan", name: str, activate: bool) -> None:
    from ranker.work import activate_if_harmless, train_on_clicks, train_on_judgments

    judged = _judged(given)
    if given["from_clicks"]:
        done = train_on_clicks(open_engine(home), home, plan, name, given["method"], judged, given["rates"])
    else:
        assert judged is not None
        done = train_on_judgments(open_engine(home), home, judged, plan, name)
    _show({"name": done.name, "version": done.version, **done.card})
    if activate:
        click.echo(f"active: {' '.join(activate_if_harmless(lambda: open_engine(home), home, done))}", err=True)


def tune_command(open_engine: Callable[[Home], Any]) -> click.Command:
    """The command; ``open_engine(home)`` gives the engine that candidates and features come from."""

    @click.command("tune")
    @_shared
    @click.option("--trials", type=click.IntRange(1, 500), default=20, show_default=True, help="Settings to try.")
    @click.option(
        "--minutes", type=click.FloatRange(0, min_open=True), default=10.0, show_default=True, help="No trial begins after these."
    )
    @click.option(
        "--output", type=file_path, help="Write the best settings there, for `ranker train --parameters`; nothing is written else."
    )
    def command(home: Home, trials: int, minutes: float, output: Path | None, **given: Any) -> None:
        """Search for better settings at random, by nDCG@10 on held-out queries, and say whether what was found is more than noise."""
        from ranker.tune import table, tune, write_parameters

        _check_sources(given)
        found = tune(_rows(open_engine, home, given), _plan(given), trials, minutes * 60)
        for line in table(found):
            click.echo(line)
        if output is not None:
            write_parameters(output, found)

    return command


def _rows(open_engine: Callable[[Home], Any], home: Home, given: dict[str, Any]) -> Any:
    """The training set that the options ask for."""
    from ranker.row_files import read_rows
    from ranker.work import clicked_rows, judged_rows, with_judged

    if given["letor"] is not None:
        return read_rows(given["letor"])
    judged, engine = _judged(given), open_engine(home)
    by_people = judged_rows(engine, judged, given["seed"]) if judged else None
    if not given["from_clicks"]:
        return by_people
    clicked = clicked_rows(engine, home, given["seed"], given["method"], given["rates"]).rows
    return clicked if by_people is None else with_judged(clicked, by_people, given["judged_weight"])


def _check_sources(given: dict[str, Any]) -> None:
    clicks, judgments, letor = given["from_clicks"], given["judgments"] is not None, given["letor"] is not None
    if not (clicks or judgments or letor) or (letor and (clicks or judgments)):
        raise click.UsageError("expected --clicks, --judgments with --queries, both of them, or --letor alone")
    if judgments != (given["queries"] is not None):
        raise click.UsageError("--judgments and --queries need each other")
    if judgments and given["method"] == "position":
        raise click.UsageError("--method position learns from sessions as they are; leave --judgments away")


def _judged(given: dict[str, Any]) -> Any:
    if given["judgments"] is None:
        return None
    from ranker.work import Judged

    return Judged(given["queries"], given["judgments"], given["judged_weight"])


def _plan(given: dict[str, Any]) -> "Plan":
    from ranker.train import Plan

    return Plan(
        given["family"], given["objective"], given["seed"], given["jobs"], given["increasing"], given["decreasing"],
        say=_speaker(),
    )  # fmt: skip


def _speaker() -> Callable[[str], None]:
    """Prints lines on stderr, the first and then at most two a second: small trainings are over in a blink."""
    silent_until = 0.0

    def say(line: str) -> None:
        nonlocal silent_until
        if time.monotonic() >= silent_until:
            click.echo(line, err=True)
            silent_until = time.monotonic() + 0.5

    return say


def _show(record: Any) -> None:
    click.echo(json.dumps(record, ensure_ascii=False, indent=1))
