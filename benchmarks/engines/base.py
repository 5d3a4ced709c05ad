"""What every engine of the benchmarks offers; each stands in a module of its own, which says what it does differently."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import orjson

K1, B = 1.2, 0.75


class Engine(ABC):
    """One engine over one built index. Documents are numbers from 0 in the order of the source."""

    name: ClassVar[str]
    modes: ClassVar[tuple[str, ...]]
    slow: ClassVar[bool] = False  # asked fewer queries

    @classmethod
    def missing(cls) -> str:
        """Why this engine cannot run here; "" when it can."""
        return ""

    @classmethod
    @abstractmethod
    def version(cls) -> str: ...

    @classmethod
    @abstractmethod
    def build(cls, source: Path, folder: Path) -> None:
        """Index a JSONL file of ``{"id", "text"}`` with pre-tokenised texts into a new folder, durable when this returns."""

    @abstractmethod
    def __init__(self, folder: Path) -> None: ...

    @abstractmethod
    def retrieve(self, text: str, k: int, mode: str) -> Any:
        """The best ``k`` documents for a text; this is what is timed. ``mode``: or, and, phrase."""

    @abstractmethod
    def numbers(self, found: Any) -> list[int]:
        """The documents of an answer of ``retrieve``, best first."""

    @classmethod
    @abstractmethod
    def structures(cls, folder: Path) -> dict[str, int]:
        """Bytes on disk by what they hold. Names that begin with "retrieval: " are what ranking needs, without positions and stored texts."""

    def tune(self, texts: Sequence[str], k: int, mode: str) -> str:
        """Choose what is fastest for a mode on sample queries, where there is a choice; returns its name."""
        return ""

    def close(self) -> None: ...  # noqa: B027 - most have nothing to let go of


class PackageEngine(Engine):
    """An engine that is an ordinary package, of the engine's name."""

    @classmethod
    def missing(cls) -> str:
        try:
            import_module(cls.name)
        except ImportError as error:
            return str(error)
        return ""

    @classmethod
    def version(cls) -> str:
        return version(cls.name)


def texts_of(source: Path) -> Iterator[str]:
    """The texts of a JSONL file."""
    with open(source, "rb") as lines:
        for line in lines:
            yield orjson.loads(line)["text"]


def by_suffix(folder: Path, names: dict[str, str], other: str = "rest") -> dict[str, int]:
    """Bytes of a folder's files, summed by what their suffix says."""
    found: dict[str, int] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = names.get(path.suffix, other)
        found[name] = found.get(name, 0) + path.stat().st_size
    return found
