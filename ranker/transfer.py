"""Click logs of other programs to ours and back, as lines of JSON: UBI 1.3 (also in OpenSearch's bulk form), Metarank's events, our own.

Our own form keeps everything, the feature vectors too; the others what they have a place for. An import may be repeated: what is there
already is not counted again.
"""

import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import zstandard

import ranker.transfer_metarank as metarank
import ranker.transfer_own as own
import ranker.transfer_ubi as ubi
from indexer.errors import SearchdError, reason
from ranker.clicklog import ClickLog, Event, Impression
from ranker.transfer_conflicts import Conflicts, of_server, without_others
from ranker.transfer_records import Imported, Refusal

CHUNK = 5_000
LONG_IDS = (
    "SELECT value FROM impressions, json_each(impressions.keys) WHERE length(value) > ? LIMIT 1",
    "SELECT object_id FROM events WHERE length(object_id) > ? LIMIT 1",
)


class BadTransfer(SearchdError):
    """A file that is no click log in a form known here."""

    code = "bad_transfer"


class Report(NamedTuple):
    """What an import stored: new impressions and events, how many were there already, the lines that were refused, with reasons, and what was left
    out since the log has its ids for something else."""

    form: str
    impressions: int
    events: int
    duplicates: int
    refused: list[Refusal]
    conflicts: Conflicts = Conflicts()


IMPORTERS: dict[str, Callable[[Iterable[tuple[int, Any]]], Imported]] = {
    "ubi": ubi.read,
    "metarank": metarank.read,
    "own": own.read,
}
EXPORTERS: dict[str, Callable[[ClickLog], Iterator[dict[str, Any]]]] = {
    "ubi": ubi.write,
    "ubi-bulk": ubi.write_bulk,
    "metarank": metarank.write,
    "own": own.write,
}


def import_file(log: ClickLog, path: Path, form: str | None = None, server: str = "") -> Report:
    """Store a file of JSON lines (``.gz`` and ``.zst`` too); ``form`` is told from its first lines unless given, ids begin with ``server``.

    Raises ``BadTransfer`` for a file that cannot be read or that holds nothing of a known form. Single bad lines are refused and reported.
    """
    try:
        with opened(path) as file:
            return import_lines(log, file, form, server)
    except (OSError, EOFError, zstandard.ZstdError) as error:
        raise BadTransfer(f"{path}: expected a readable file of JSON lines, found {reason(error)}; check the path") from error


def import_lines(log: ClickLog, lines: Iterable[bytes], form: str | None = None, server: str = "") -> Report:
    """Store lines of JSON; see ``import_file``."""
    records, refused = _parsed(lines)
    form = form or next((found for _, record in records[:100] if (found := recognised(record))), None)
    if form not in IMPORTERS:
        raise BadTransfer(f"expected lines of UBI, Metarank or our own events, found {len(records)} of no known form; give the form")
    imported = IMPORTERS[form](records)
    imported, conflicts = without_others(log, of_server(imported, server) if server else imported)
    impressions, events = _store(log, imported.impressions, imported.events)
    duplicates = len(imported.impressions) + len(imported.events) - impressions - events
    return Report(form, impressions, events, duplicates, sorted(refused + imported.refused), conflicts)


def recognised(record: Any) -> str | None:
    """The form of one line, or None."""
    if not isinstance(record, dict):
        return None
    if isinstance(record.get("impression"), dict) or isinstance(record.get("event"), dict):
        return "own"
    if record.get("event") in metarank.KINDS:
        return "metarank"
    if "action_name" in record or "user_query" in record or ubi.is_bulk_action(record):
        return "ubi"
    return None


def _parsed(lines: Iterable[bytes]) -> tuple[list[tuple[int, Any]], list[Refusal]]:
    """Line numbers from 1 with what the lines say, and the lines that are no JSON."""
    records, refused = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            records.append((number, msgspec.json.decode(line)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            refused.append(Refusal(number, f"not JSON: {error}"))
    return records, refused


def _store(log: ClickLog, impressions: list[Impression], events: list[Event]) -> tuple[int, int]:
    """How many impressions and events were new."""
    new = [0, 0]
    for first in range(0, max(len(impressions), len(events)), CHUNK):
        stored = log.write(impressions[first : first + CHUNK], events[first : first + CHUNK])
        new[0] += stored.impressions
        new[1] += stored.events
    return new[0], new[1]


def export_lines(log: ClickLog, form: str) -> Iterator[bytes]:
    """The whole log as lines of JSON, with their line ends.

    ``form``: ubi, ubi-bulk, metarank or own; raises ``BadTransfer`` for another, and before the first line for a log that the form cannot hold.
    """
    if form not in EXPORTERS:
        raise BadTransfer(f"expected a form of {', '.join(EXPORTERS)}, found {form!r}")
    if form.startswith("ubi"):
        _require_short_ids(log)
    return (msgspec.json.encode(record) + b"\n" for record in EXPORTERS[form](log))


def _require_short_ids(log: ClickLog) -> None:
    """UBI 1.3's schema ends ids of objects at 256 characters; documents here may have 512."""
    for sql in LONG_IDS:
        for (key,) in log.rows(sql, (ubi.MAX_OBJECT_ID,)):
            raise BadTransfer(
                f"expected document ids of at most {ubi.MAX_OBJECT_ID} characters, which is what UBI's schema allows, "
                f"found one of {len(key)}: {key[:40]!r}...; export --format own or metarank"
            )


def opened(path: Path) -> IO[bytes]:
    """A file to read, decompressed by its name."""
    if path.suffix == ".gz":
        return gzip.open(path)  # type: ignore[return-value]
    if path.suffix == ".zst":
        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(path.open("rb"), closefd=True))
    return path.open("rb")
