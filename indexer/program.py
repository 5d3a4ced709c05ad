"""What the commands of all programs share: errors as one line, interrupts, sizes of memory."""

import os
import re
import signal
import sys
from typing import Any, NoReturn

import click

from indexer.errors import SearchdError
from indexer.home import Home
from indexer.startup import collect_rarely

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class Program(click.Group):
    """A group of commands that ends with status 1 and one clear line when something outside the program is wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; SearchdError, a full disk or an interrupt become one line on stderr."""
        signal.signal(signal.SIGTERM, _interrupt)
        collect_rarely()
        try:
            return super().invoke(ctx)
        except SearchdError as error:
            _fail(str(error))
        except BrokenPipeError:
            # The reader of our output went away, as `| head` does; what is still buffered has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(1)
        except OSError as error:
            _fail(f"{error.filename or 'the system'}: {error.strerror or error}")
        except KeyboardInterrupt:
            _fail("interrupted; what was published before is unchanged")


def _interrupt(*_signal: object) -> NoReturn:
    raise KeyboardInterrupt


def _fail(message: str) -> NoReturn:
    click.echo(f"error: {' '.join(message.split())}", err=True)
    raise click.exceptions.Exit(1)


class MemorySize(click.ParamType):
    """Bytes, as 512MiB, 1GiB, 2GB or a plain number."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes; KiB, MiB, ... are powers of 1024, and kB, MB, ... of 1000."""
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(value.strip())
        if found is None:
            self.fail(f"expected a size such as 512MiB or 1GiB, found {value!r}", param, ctx)
        return int(float(found[1]) * (1024 if found[3] or not found[2] else 1000) ** _POWERS[found[2].lower()])


def _home(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Home:
    return Home.at(value)


home_option = click.option(
    "--home", metavar="DIR", callback=_home, help="The home folder of the collection [default: $SEARCHD_HOME, or var]."
)
