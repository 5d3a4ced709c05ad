"""Where collections and indexes of a benchmark lie: made when they are first asked for, kept where ``--work`` names a folder.

What is there is used as it is: empty the folder after changing what builds it.
"""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmark_collections import SIZES, documents
from engines.base import Engine
from measure import Report, note

BUILD_ONE = Path(__file__).with_name("build_one.py")


class Collection(NamedTuple):
    """A JSONL file of ``{"id", "text"}``; ``bytes`` are those of the texts alone."""

    name: str
    path: Path
    documents: int
    bytes: int
    tokens: int

    @property
    def label(self) -> str:
        return f"{self.name}, {self.documents:,} documents"


class Workspace:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def collection(self, spec: str) -> Collection:
        """``NAME`` or ``NAME:DOCUMENTS``."""
        name, _, size = spec.strip().partition(":")
        count = int(size or SIZES[name])
        path = self.folder / f"{name}-{count}.jsonl"
        about = path.with_suffix(".json")
        if not about.exists():
            note(f"making {path.name}")
            about.write_text(json.dumps(write_jsonl(path, documents(name, count))))
        return Collection(name, path, **json.loads(about.read_text()))

    def index(self, engine: type[Engine], collection: Collection) -> Path:
        """The folder of an engine's index, built in a process of its own."""
        folder = self.place(engine.name, collection)
        if not folder.exists():
            note(f"building {folder.name}")
            part = folder.with_name(folder.name + ".part")
            shutil.rmtree(part, ignore_errors=True)
            subprocess.run(build_command(engine, collection, part), check=True, stdout=subprocess.DEVNULL)
            part.rename(folder)
        return folder

    def forget(self, spec: str) -> None:
        """Remove a collection: the large ones take gigabytes."""
        collection = self.collection(spec)
        collection.path.unlink()
        collection.path.with_suffix(".json").unlink()

    def place(self, name: str, collection: Collection) -> Path:
        return self.folder / f"{collection.path.stem}.{name.replace(' ', '-')}"


def build_command(engine: type[Engine], collection: Collection, folder: Path) -> list[str]:
    return [sys.executable, str(BUILD_ONE), engine.name, str(collection.path), str(folder)]


@contextlib.contextmanager
def workspace(folder: Path | None) -> Iterator[Workspace]:
    """The folder given, or one that goes away at the end."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield Workspace(folder)
    else:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
            yield Workspace(Path(name))


def each_collection(
    options: argparse.Namespace,
    report: Report,
    measure: Callable[[Workspace, str], dict[str, Any]],
    tell: Callable[[Report, dict[str, Any]], None],
) -> None:
    """Measure one collection of ``--collections`` after another, tell what came out, and save all of it."""
    report.results["collections"] = []
    with workspace(options.work) as place:
        for spec in options.collections.split(","):
            report.results["collections"].append(measure(place, spec))
            tell(report, report.results["collections"][-1])
    report.save()


def write_jsonl(path: Path, texts: Iterable[str]) -> dict[str, int]:
    """Returns how many documents, bytes of text and tokens were written."""
    count = size = tokens = 0
    with open(path, "w", encoding="utf-8") as out:
        for text in texts:
            # Pre-tokenised texts have nothing to escape.
            out.write(f'{{"id": "{count}", "text": "{text}"}}\n')
            count, size, tokens = count + 1, size + len(text.encode()), tokens + text.count(" ") + 1
    return {"documents": count, "bytes": size, "tokens": tokens}
