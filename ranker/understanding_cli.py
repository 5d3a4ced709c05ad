"""The commands that say what models and logs are like: ``ranker replay|drift|report``. A command is parsing and one call."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from indexer.home import Home
from indexer.program import home_option

SHOWN = 20


def replay_command(open_generation: Callable[[Home, str], Any]) -> click.Command:
    """The ``replay`` command over generations that ``open_generation(home, name)`` opens."""

    @click.command("replay")
    @home_option
    @click.option("--newest", type=click.IntRange(1), default=1000, show_default=True, help="Searches to do again, from the last one back.")
    def command(home: Home, newest: int) -> None:
        """Do logged searches again as they were served, and demand identical vectors and scores. Status 1 when any differs."""
        from ranker.clicks_cli import opened
        from ranker.replay import replay

        with opened(home) as log:
            found = replay(log, lambda generation: open_generation(home, generation), newest)
        shown = [one._asdict() for one in found.different[:SHOWN]]
        click.echo(json.dumps({**found._asdict(), "different": shown}, ensure_ascii=False, indent=1))
        if found.different:
            click.echo(f"error: {len(found.different)} of {found.replayed} searches came out otherwise than they were served", err=True)
            raise click.exceptions.Exit(1)

    return command


days_option = click.option(
    "--days",
    type=click.FloatRange(0, min_open=True),
    default=7.0,
    show_default=True,
    help="Of the log's end, compared with what was before.",
)


@click.command("drift")
@home_option
@days_option
@click.option("--check", is_flag=True, help="Status 1 when something drifts.")
def drift_command(home: Home, days: float, check: bool) -> None:
    """Say whether what is searched for, what the model is given and what is clicked are still what they were."""
    from ranker.clicks_cli import opened
    from ranker.drift import drift
    from ranker.report import NothingToReport, active_model, feature_names

    with opened(home) as log:
        found = drift(log, days, feature_names(home, active_model(home)))
    if found is None:
        raise NothingToReport(f"{home.clicks}: expected searches, found none; serve some, import clicks, or simulate")
    click.echo(json.dumps(drift_record(found), ensure_ascii=False, indent=1))
    alarms = [one.name for one in (found.head, *found.features) if one.verdict == "alarm"]
    if check and alarms:
        click.echo(
            f"error: {len(alarms)} drift: {', '.join(alarms[:5])}; train a new model on recent clicks, or look at `ranker report`", err=True
        )
        raise click.exceptions.Exit(1)


def drift_record(found: Any) -> dict[str, Any]:
    """A Drift as JSON: searches, the mix of queries, features worst first, click rates by rank."""
    from ranker.drift import click_rates

    rates = {
        name: [{"rank": rank, "rate": rate, "low": low, "high": high} for rank, rate, low, high in click_rates(window)]
        for name, window in (("older", found.older), ("recent", found.recent))
    }
    return {
        "searches": {"older": found.older.impressions, "recent": found.recent.impressions},
        "without_results": {"older": found.older.empty, "recent": found.recent.empty},
        "query_mix": {"psi": found.head.psi, "noise": found.head.noise, "verdict": found.head.verdict, "new": found.new},
        "features": [one._asdict() for one in found.features],
        "click_rates": rates,
    }


@click.command("report")
@home_option
@click.option("--output", type=click.Path(path_type=Path), default="report.html", show_default=True, help="HTML file to write.")
@days_option
def report_command(home: Home, output: Path, days: float) -> None:
    """Write one HTML page about searches, clicks, drift and the models; it needs nothing else."""
    from indexer.durable import write_file
    from ranker.report import report

    write_file(output, report(home, days).encode())
    click.echo(f"written: {output}", err=True)
