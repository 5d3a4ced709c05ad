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
from ranker.experiments_cli import experiments
from ranker.gate_cli import models_group
from ranker.judgments_cli import judgments
from ranker.train_cli import train_command, tune_command
from ranker.understanding_cli import drift_command, replay_command, report_command

OpenEngine = Callable[[Home], Any]
OpenGeneration = Callable[[Home, str], Any]
file_path = click.Path(path_type=Path)
existing = click.Path(path_type=Path, exists=True, dir_okay=False)


def program(open_engine: OpenEngine, open_generation: OpenGeneration | None = None) -> click.Group:
    """The whole command; ``open_engine(home)`` gives an object with ``rank(q, depth, model)`` and ``index``.

    ``open_generation(home, name)`` gives one that does logged searches again, see ``ranker.replay``; without it there is no ``ranker replay``.
    """
    from ranker.clicks_cli import clicks, simulate_command

    group = Program(
        "ranker", context_settings={"help_option_names": ["-h", "--help"]}, help="Learn to rank from judgments and clicks; keep the models."
    )
    for command in (
        train_command(open_engine),
        tune_command(open_engine),
        _evaluate_command(open_engine),
        models_group(open_engine),
        _features_group(open_engine),
    ):
        group.add_command(command)
    group.add_command(clicks)
    group.add_command(experiments)
    group.add_command(judgments)
    group.add_command(simulate_command(open_engine))
    group.add_command(drift_command)
    group.add_command(report_command)
    if open_generation is not None:
        group.add_command(replay_command(open_generation))
    return group


def _evaluate_command(open_engine: OpenEngine) -> click.Command:
    @click.command("evaluate")
    @home_option
    @click.option("--letor", type=existing, help="Judged rows to evaluate on: LETOR, or LightGBM's CSV or TSV.")
    @click.option("--model", "names", multiple=True, help="With --letor a model folder; else models of the home, all unless given.")
    @click.option("--seed", type=int, default=0, show_default=True, help="Where everything random is drawn from.")
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
    @click.option("--output", type=file_path, required=True, help="File to write: .csv or .tsv as LightGBM reads them, else LETOR.")
    @click.option("--seed", type=int, default=0, show_default=True, help="Where everything random is drawn from.")
    def export(home: Home, judgments: Path | None, queries: Path | None, from_clicks: bool, output: Path, seed: int) -> None:
        """Write a training set as other programs read it."""
        from ranker.work import export_features

        if from_clicks == (judgments is not None) or (judgments is None) != (queries is None):
            raise click.UsageError("expected --judgments with --queries, or --clicks")
        _show(export_features(open_engine(home), home, queries, judgments, output, seed))

    return group


def _show(record: Any) -> None:
    click.echo(json.dumps(record, ensure_ascii=False, indent=1))
