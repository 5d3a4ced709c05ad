"""The reference of the three programs, from what `--help` prints: one section a command, its options in a table."""

import inspect
from collections.abc import Iterator

import click

import indexer.cli
import ranker.cli
import searchd.cli
from docs_tools.markdown import code, page, table

LEAD = """Written from the programs themselves; `--help` of each command says the same. Data go to standard output, progress and remarks to standard
error. The status is 0, or 1 with one clear line about what was wrong, or 2 for a command that cannot be read."""


def programs() -> dict[str, click.Group]:
    """The three programs by name."""
    return {
        "indexer": indexer.cli.main,
        "searchd": searchd.cli.main,
        "ranker": ranker.cli.program(lambda _home: None, lambda _home, _generation: None),
    }


def commands_page() -> str:
    """The page of all commands."""
    return page("Commands", LEAD, (_program(name, group) for name, group in programs().items()))


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its whole name, in the order of the page."""
    for name, group in programs().items():
        yield from _below(name, group)


def _below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield name, command
        return
    for part in command.commands:
        yield from _below(f"{name} {part}", command.commands[part])


def _program(name: str, group: click.Group) -> str:
    return "\n".join([f"## {name}\n", f"{meaning(group)}\n", *(_command(*found) for found in _below(name, group))])


def _command(name: str, command: click.Command) -> str:
    rows = [(_names(option), _default(option), option.help or "") for option in options(command)]
    return "\n".join(
        [f"### {name}\n", f"    {_usage(name, command)}\n", f"{meaning(command)}\n", table(("option", "default", "meaning"), rows)]
    )


def meaning(command: click.Command) -> str:
    """What the command says of itself."""
    return inspect.cleandoc(command.help or "")


def options(command: click.Command) -> list[click.Option]:
    """Its options, without --help."""
    return [found for found in command.params if isinstance(found, click.Option)]


def _usage(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    return " ".join([name, *command.collect_usage_pieces(context)])


def _names(option: click.Option) -> str:
    metavar = "" if option.is_flag else " " + option.make_metavar(click.Context(click.Command("of")))
    return code(", ".join(option.opts) + metavar) + ("".join(f", {code(name)}" for name in option.secondary_opts))


def _default(option: click.Option) -> str:
    if option.required:
        return "required"
    shown = option.show_default and not option.is_flag
    return code(option.default) if shown and isinstance(option.default, (str, int, float)) else ""
