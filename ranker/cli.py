"""The ``ranker`` command: train, evaluate, models, features, clicks, simulate. A command is parsing and one call.

ranker never imports the engine; whoever makes the program gives it a way to open one. Data goes to stdout, remarks to stderr.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from indexer.home import Home
from indexer.program import Program, home_option
from ranker.families import FAMILIES
from ranker.models_cli import models

OpenEngine = Callable[[Home], Any]
file_path = click.Path(path_type=Path)
existing = click.Path(path_type=Path, exists=True, dir_okay=False)


def program(open_engine: OpenEngine) -> click.Group:
    """The whole command; ``open_engine(home)`` gives an object with ``rank(q, depth, model)`` and ``index``."""
    from ranker.clicks_cli import clicks, simulate_command

    group = Program(
        "ranker", context_settings={"help_option_names": ["-h", "--help"]}, help="Learn to rank from judgments and clicks; keep the models."
    )
    for command in (_train_command(open_engine), _evaluate_command(open_engine), models, _features_group(open_engine)):
        group.add_command(command)
    group.add_command(clicks)
    group.add_command(simulate_command(open_engine))
    return group


def _train_command(open_engine: OpenEngine) -> click.Command:
    @click.command("train")
    @home_option
    @click.option("--family", type=click.Choice(list(FAMILIES)), required=True, help="What the model is trained to get right.")
    @click.option("--clicks", "from_clicks", is_flag=True, help="Learn from the click log of the home.")
    @click.option("--judgments", type=existing, help="Learn from TREC qrels, or CSV query,docid,rating.")
    @click.option("--queries", type=existing, help="qid<TAB>text a line, for --judgments.")
    @click.option("--letor", type=existing, help="Learn from a LETOR file, without a home.")
    @click.option("--output", type=file_path, help="Folder of the model, for --letor.")
    @click.option("--overwrite", is_flag=True, help="Replace the model that stands in the folder of --output.")
    @click.option("--name", help="Name in the registry; the family unless given.")
    @click.option("--activate", is_flag=True, help="Serve the model at once, if it does no harm on held-out queries.")
    @click.option("--seed", type=int, default=0, show_default=True)
    @click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Threads of LightGBM; the model is the same.")
    def command(
        home: Home, family: str, from_clicks: bool, judgments: Path | None, queries: Path | None, letor: Path | None,
        output: Path | None, overwrite: bool, name: str | None, activate: bool, seed: int, jobs: int,
    ) -> None:  # fmt: skip
        """Train a model from clicks, judgments or a LETOR file and publish it."""
        if sum([from_clicks, judgments is not None, letor is not None]) != 1:
            raise click.UsageError("expected one of --clicks, --judgments with --queries, --letor with --output")
        if letor is not None:
            if output is None:
                raise click.UsageError("--letor needs --output, the folder of the model")
            _train_letor(letor, family, output, overwrite, seed, jobs)
            return
        if judgments is not None and queries is None:
            raise click.UsageError("--judgments needs --queries")
        from ranker.work import activate_if_harmless, train_on_clicks, train_on_judgments

        if judgments is not None and queries is not None:
            done = train_on_judgments(open_engine(home), home, queries, judgments, family, name or family, seed, jobs)
        else:
            done = train_on_clicks(open_engine(home), home, family, name or family, seed, jobs)
        _show({"name": done.name, "version": done.version, **done.card})
        if activate:
            chosen = activate_if_harmless(home, done)
            click.echo(f"active: {' '.join(chosen)}", err=True)

    return command


def _train_letor(letor: Path, family: str, output: Path, overwrite: bool, seed: int, jobs: int) -> None:
    from ranker.work import train_on_letor

    _show(train_on_letor(letor, family, output, overwrite, seed, jobs))


def _evaluate_command(open_engine: OpenEngine) -> click.Command:
    @click.command("evaluate")
    @home_option
    @click.option("--letor", type=existing, help="Judged rows to evaluate on.")
    @click.option("--model", "names", multiple=True, help="With --letor a model folder; else models of the home, all unless given.")
    @click.option("--seed", type=int, default=0, show_default=True)
    def command(home: Home, letor: Path | None, names: tuple[str, ...], seed: int) -> None:
        """Measure models on a LETOR file, or estimate from the click log what they would earn; one JSON record a line."""
        from ranker.evaluate import evaluate_letor
        from ranker.work import evaluate_clicks

        if letor is not None:
            if len(names) != 1:
                raise click.UsageError("--letor needs one --model FOLDER")
            records = evaluate_letor(Path(names[0]), letor)
        else:
            records = evaluate_clicks(open_engine(home), home, names, seed)
        for record in records:
            click.echo(json.dumps(record, ensure_ascii=False))

    return command


def _features_group(open_engine: OpenEngine) -> click.Group:
    @click.group("features")
    def group() -> None:
        """The features that models read."""

    @group.command("list")
    @home_option
    def list_(home: Home) -> None:
        """Names and meanings, in order; with the columns of the home's schema if it has an index."""
        from ranker.work import feature_list

        for name, meaning in feature_list(home):
            click.echo(f"{name}\t{meaning}")

    @group.command("export")
    @home_option
    @click.option("--judgments", type=existing, help="TREC qrels, or CSV query,docid,rating.")
    @click.option("--queries", type=existing, help="qid<TAB>text a line, for --judgments.")
    @click.option("--clicks", "from_clicks", is_flag=True, help="The training set of the click log instead, with soft grades.")
    @click.option("--output", type=file_path, required=True, help="LETOR file to write.")
    @click.option("--seed", type=int, default=0, show_default=True)
    def export(home: Home, judgments: Path | None, queries: Path | None, from_clicks: bool, output: Path, seed: int) -> None:
        """Write a training set as a LETOR file, as other programs read it."""
        from ranker.work import export_features

        if from_clicks == (judgments is not None) or (judgments is None) != (queries is None):
            raise click.UsageError("expected --judgments with --queries, or --clicks")
        _show(export_features(open_engine(home), home, queries, judgments, output, seed))

    return group


def _show(record: Any) -> None:
    click.echo(json.dumps(record, ensure_ascii=False, indent=1))
