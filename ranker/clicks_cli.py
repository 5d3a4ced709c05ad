"""The commands about clicks: ``ranker clicks import|export|validate|stats|purge`` and ``ranker simulate``.

A command is parsing and one call. Data goes to stdout, remarks to stderr; a ``SearchdError`` is left to the program's own handler.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

import indexer.durable as durable
import ranker.hygiene as hygiene
import ranker.transfer as transfer
from indexer.home import Home
from indexer.program import home_option
from ranker.clicklog import ClickLog, ClickLogError
from ranker.judged import read_judgments, read_queries
from ranker.simulate import DEPTH, EXPLORED_SHARE, simulate
from ranker.transfer_records import iso
from ranker.users import USERS

MAX_REFUSALS_SHOWN = 20


@click.group()
def clicks() -> None:
    """The click log: bring in, take out, check, count, erase."""


def opened(home: Home, make: bool = False) -> ClickLog:
    """The click log of a home; only a command that writes makes it."""
    path = home.clicks
    if make:
        durable.make_folder(path.parent)
    elif not path.exists():
        raise ClickLogError(f"{path}: expected a click log, found none; search or import some clicks first, or check --home")
    return ClickLog(path)


def show(record: Any) -> None:
    """One JSON document on stdout."""
    click.echo(msgspec.json.format(msgspec.json.encode(record)).decode())


@clicks.command("import")
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@home_option
@click.option("--format", "form", type=click.Choice(sorted(transfer.IMPORTERS)), help="Told from the first lines unless given.")
@click.option("--server", default="", help="Put this name before all ids: two servers that count alike stay two.")
def import_(source: Path, home: Home, form: str | None, server: str) -> None:
    """Store the lines of SOURCE (JSON; .gz and .zst too; - for stdin): UBI 1.3, Metarank or our own."""
    from_stdin = str(source) == "-"
    with opened(home, make=True) as log:
        report = (
            transfer.import_lines(log, sys.stdin.buffer, form, server) if from_stdin else transfer.import_file(log, source, form, server)
        )
    for refusal in report.refused[:MAX_REFUSALS_SHOWN]:
        click.echo(f"{'' if from_stdin else f'{source}, '}line {refusal.line}: {refusal.reason}", err=True)
    if len(report.refused) > MAX_REFUSALS_SHOWN:
        click.echo(f"and {len(report.refused) - MAX_REFUSALS_SHOWN} more", err=True)
    if report.conflicts:
        click.echo(f"{source}: {report.conflicts}", err=True)
    left_out = report.conflicts.impressions + report.conflicts.events
    show({**report._asdict(), "refused": len(report.refused), "conflicts": left_out})


@clicks.command("export")
@home_option
@click.option(
    "--format", "form", type=click.Choice(sorted(transfer.EXPORTERS)), default="ubi", show_default=True, help="What the lines are."
)
@click.option("--output", type=click.File("wb"), default="-", help="A file, or - for stdout.")
def export(home: Home, form: str, output: BinaryIO) -> None:
    """Write the whole log as lines of JSON."""
    with opened(home) as log:
        for line in transfer.export_lines(log, form):
            output.write(line)


@clicks.command("validate")
@home_option
def validate(home: Home) -> None:
    """Say what learning would leave out of the log, and why."""
    with opened(home) as log:
        show(hygiene.validate(log)._asdict())


@clicks.command("stats")
@home_option
def stats(home: Home) -> None:
    """Count impressions, clicks, queries, clients, models."""
    with opened(home) as log:
        counts = log.stats()
    times = {name: None if (at := getattr(counts, name)) is None else iso(at) for name in ("first", "last")}
    show({**counts._asdict(), **times})


@clicks.command("purge")
@home_option
@click.option("--retention-days", type=click.FloatRange(min=0), help="Erase what arrived longer ago.")
@click.option("--client", "client_id", help="Erase all of one client_id.")
@click.option("--user", "user_id", help="Erase all of one user_id.")
@click.option("--simulated", is_flag=True, help="Erase what was simulated.")
def purge(home: Home, retention_days: float | None, client_id: str | None, user_id: str | None, simulated: bool) -> None:
    """Erase old rows, or those of one client or user, from the file for good."""
    if retention_days is None and not client_id and not user_id and not simulated:
        raise click.UsageError("expected --retention-days, --client, --user or --simulated, found none")
    with opened(home) as log:
        show({"erased": log.purge(retention_days, client_id, user_id, simulated)})


def simulate_command(open_engine: Callable[..., Any]) -> click.Command:
    """The ``simulate`` command over engines that ``open_engine(home)`` gives.

    ``.rank(query, depth, model)`` and ``.feature_fingerprint``.
    """

    file = click.Path(path_type=Path)

    @click.command("simulate")
    @home_option
    @click.option("--queries", "queries_path", type=file, required=True, help="qid<TAB>text a line.")
    @click.option("--judgments", "judgments_path", type=file, required=True, help="TREC qrels, or CSV query,docid,rating.")
    @click.option("--users", type=click.Choice(sorted(USERS)), required=True, help="The click model that users follow.")
    @click.option("--sessions", type=click.IntRange(min=1), required=True, help="Searches to simulate, each of one user.")
    @click.option("--seed", type=int, default=0, show_default=True, help="Where everything random is drawn from.")
    @click.option("--model", default="active", show_default=True, help="The model that ranks, or none.")
    @click.option("--depth", type=click.IntRange(2, 100), default=DEPTH, show_default=True, help="Documents a session shows.")
    @click.option("--explore", type=click.FloatRange(0, 1), default=EXPLORED_SHARE, show_default=True, help="Share with a swap.")
    def command(
        home: Home,
        queries_path: Path,
        judgments_path: Path,
        users: str,
        sessions: int,
        seed: int,
        model: str,
        depth: int,
        explore: float,
    ) -> None:
        """Write the clicks of simulated users on the engine's rankings, marked simulated."""
        queries = read_queries(queries_path)
        judgments = read_judgments(judgments_path, queries)
        engine = open_engine(home)
        with opened(home, make=True) as log:
            show(simulate(engine, log, queries, judgments, users, sessions, seed, model, depth, explore)._asdict())

    return command
