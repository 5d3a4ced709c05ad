"""Texts through everything: built into a home, searched for, and marked."""

import json
from pathlib import Path
from typing import Any

from indexer.build import build
from indexer.home import Home
from indexer.schema import Schema
from searchd.engine import Engine

SCHEMA = Schema.from_dict({"fields": {"text": {"type": "text"}}})


class Texts:
    """An engine over documents that are called by their places: "0", "1", ..."""

    def __init__(self, folder: Path, texts: list[str]) -> None:
        source = folder / "documents.jsonl"
        source.write_text("".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(texts)), "utf-8")
        self.home = Home.at(folder / "home")
        build(self.home, [str(source)], schema=SCHEMA)
        self.engine = Engine(self.home)

    def found(self, q: str, **options: Any) -> list[str]:
        """Ids of the hits, best first."""
        return [hit.id for hit in self.engine.search(q, limit=100, **options).hits]

    def marked(self, q: str, **options: Any) -> list[str]:
        """The texts of the hits, whole, with their marks."""
        return [hit.highlights["text"] for hit in self.engine.search(q, limit=100, crop_length=None, **options).hits]
