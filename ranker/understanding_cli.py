"""The commands that say what models and logs are like: ``ranker replay``. A command is parsing and one call."""

import json
from collections.abc import Callable
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
