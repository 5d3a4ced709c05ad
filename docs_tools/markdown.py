"""Pieces of Markdown that the generated pages share."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; empty when there are no rows."""
    lines = [_row(row) for row in rows]
    return "\n".join([_row(head), _row(["---"] * len(head)), *lines]) + "\n" if lines else ""


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def code(text: object) -> str:
    """The text as code."""
    return f"`{text}`"


def page(title: str, lead: str, parts: Iterable[str]) -> str:
    """A page of a title, a lead and parts under it."""
    return "\n".join([f"# {title}\n", f"{lead}\n", *parts])
