"""Which model was let in or taken back, when, by whom and on what evidence: the story of the registry, in ``models/ACTIVATIONS.json``.

It is only told, never followed: what serves is what ``models/ACTIVE`` says.
"""

from typing import Any

import msgspec

from indexer.durable import exclusive, make_folder, write_file
from indexer.home import Home
from ranker.clicklog_schema import now_ms
from ranker.registry import Registry

KEPT = 200
LOCK_SECONDS = 5.0


class Activation(msgspec.Struct, frozen=True, kw_only=True):
    """``at`` in milliseconds since the epoch; ``model`` serves since then and ``before`` did until then (``name/version``, or "none").

    ``action``: "activate" or "rollback"; ``by``: who did it, as far as the program knows; ``evidence``: what the gate had to say.
    """

    at: int
    action: str
    model: str
    before: str
    by: str = ""
    forced: bool = False
    evidence: list[str] = []


def activations(home: Home) -> list[Activation]:
    """The latest changes of what serves, newest first; none where the file is absent or damaged."""
    try:
        return msgspec.json.decode((home.models / "ACTIVATIONS.json").read_bytes(), type=list[Activation])[::-1]
    except (FileNotFoundError, msgspec.DecodeError):
        return []


def note(home: Home, **values: Any) -> None:
    """Write down one change of what serves, now; ``values`` as the fields of ``Activation``."""
    make_folder(home.models)
    with exclusive(home.models / ".activations", LOCK_SECONDS):  # without the lock a line may be lost, which is better than the change
        story = [*activations(home)[::-1], Activation(at=now_ms(), **values)][-KEPT:]
        write_file(home.models / "ACTIVATIONS.json", msgspec.json.format(msgspec.json.encode(story)) + b"\n")


def rollback(home: Home, by: str = "", only: tuple[str, str] | None = None) -> tuple[str, str] | None:
    """Go back to what was served before, as ``Registry.rollback``, and write it down."""
    registry = Registry(home)
    before = label(registry.active())
    now = registry.rollback(only)
    note(home, action="rollback", model=label(now), before=before, by=by)
    return now


def label(model: tuple[str, str] | None) -> str:
    """``name/version``, "none" for retrieval's own order."""
    return "/".join(model) if model else "none"
