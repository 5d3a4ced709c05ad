"""``ranker models activate|watch``: what lets a model serve, and what looks after it then."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from indexer.home import Home
from indexer.program import home_option
from ranker.models_cli import models

existing = click.Path(path_type=Path, exists=True, dir_okay=False)


def models_group(open_engine: Callable[[Home], Any]) -> click.Group:
    """The commands of the registry, with those that need an engine."""
    return click.Group("models", {**models.commands, "activate": _activate_command(open_engine), "watch": watch}, help=models.help)


def _activate_command(open_engine: Callable[[Home], Any]) -> click.Command:
    @click.command("activate")
    @home_option
    @click.argument("name")
    @click.argument("version", required=False)
    @click.option("--queries", type=existing, help="qid<TAB>text a line, for --judgments.")
    @click.option("--judgments", type=existing, help="Held-out TREC qrels, or CSV query,docid,rating, to compare on.")
    @click.option("--force", is_flag=True, help="Let the model serve whatever is known of it.")
    def command(home: Home, name: str, version: str | None, queries: Path | None, judgments: Path | None, force: bool) -> None:
        """Serve a model from now on (the newest version unless given), if it is no worse than what serves.

        Known are the check of its card, judgments that are given, and the estimate from the click log; the figures go to stderr.
        """
        from ranker.gate import activate
        from ranker.judged import read_judgments, read_queries

        if (queries is None) != (judgments is None):
            raise click.UsageError("--judgments and --queries belong together")
        judged = None
        if queries is not None and judgments is not None:
            texts = read_queries(queries)
            judged = texts, read_judgments(judgments, texts)
        done = activate(lambda: open_engine(home), home, name, version, force, judged, "command line")
        for one in done.evidence:
            click.echo(str(one), err=True)
        click.echo(f"{done.name} {done.version}")

    return command


@click.command("watch")
@home_option
def watch(home: Home) -> None:
    """Compare clicks since the last activation with those before, and roll back if the model does harm; servers do so by themselves."""
    from ranker.clicklog import ClickLog
    from ranker.watch import comparison, watch, watched

    now = watched(home)
    if now is None or not home.clicks.exists():
        click.echo(json.dumps({"status": "nothing is watched"}))
        return
    with ClickLog(home.clicks) as log:
        watch(home, log)
        now = watched(home) or now
        figures = now.figures or comparison(log, now)
    click.echo(json.dumps({"model": now.model, "before": now.before, "since": now.since, "status": now.status, **figures}, indent=1))
