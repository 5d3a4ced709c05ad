"""The ``ranker`` command with an engine put in: ranker itself never imports searchd, so the two meet here."""

import os
from typing import Any

from indexer.home import Home


def open_engine(home: Home | str | os.PathLike[str] | None) -> Any:
    """The engine of a home, for training and simulation."""
    from searchd.engine import Engine

    return Engine(home)


def open_generation(home: Home, generation: str) -> Any:
    """A generation of a home, to do logged searches again."""
    from searchd.replaying import Replayer

    return Replayer(home, generation)


def ranker() -> None:
    """Run the ``ranker`` command."""
    from ranker.cli import program
    from searchd.logs import log_to_stderr

    log_to_stderr()
    program(open_engine, open_generation)()
