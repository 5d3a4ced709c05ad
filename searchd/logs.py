"""Where log lines go: to stderr, since stdout is for data; text on a terminal, one JSON object a line elsewhere."""

import sys
from typing import Any

import structlog


def log_to_stderr() -> None:
    """Set up logging for a program; a library leaves it to its caller."""
    terminal = sys.stderr.isatty()
    renderer: Any = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        # Asked for at each line: whoever replaces sys.stderr gets the lines.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
