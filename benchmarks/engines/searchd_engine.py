"""searchd itself: white space between terms, one field, positions and the original documents stored; ranks exactly."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from engines.base import K1, B, Engine
from searchd.engine import Engine as Searchd

SCHEMA = f"""id_field = "id"
[fields.text]
type = "text"
analyzer = "whitespace"
b = {B}
[retrieval]
k1 = {K1}
"""


class SearchdEngine(Engine):
    name = "searchd"
    modes = ("or", "and", "phrase")

    @classmethod
    def version(cls) -> str:
        from importlib.metadata import version

        return version("searchd")

    @classmethod
    def build(cls, source: Path, folder: Path) -> None:
        subprocess.run(build_command(source, folder), check=True, capture_output=True)

    def __init__(self, folder: Path) -> None:
        self._engine = Searchd(folder)

    def retrieve(self, text: str, k: int, mode: str) -> Any:
        return self._engine.retrieve(text, k, mode)

    def numbers(self, found: Any) -> list[int]:
        return [int(self._engine.key(doc)) for doc in found[0]]

    def known(self, words: list[str]) -> set[str]:
        """Those of the words that some document has."""
        return {word for word, df in zip(words, self._engine.index.df(words)) if df > 0}

    @classmethod
    def structures(cls, folder: Path) -> dict[str, int]:
        stats = stats_of(folder)
        kept = {name: size for name, size in stats["structures"].items() if name not in stats["retrieval_structures"]}
        return {f"retrieval: {name}": stats["structures"][name] for name in stats["retrieval_structures"]} | kept

    def close(self) -> None:
        self._engine.close()


def build_command(source: Path, home: Path, jobs: int = 1, default_analysis: bool = False) -> list[str]:
    """The command line that builds a home; by default of pre-tokenised text in one process."""
    command = [sys.executable, "-m", "indexer", "build", str(source), "--home", str(home), "--jobs", str(jobs)]
    if default_analysis:
        return command
    home.parent.mkdir(parents=True, exist_ok=True)
    schema = home.with_name(home.name + ".toml")
    schema.write_text(SCHEMA)
    return [*command, "--schema", str(schema)]


def stats_of(home: Path) -> dict[str, Any]:
    """What ``indexer stats --json`` says."""
    command = [sys.executable, "-m", "indexer", "stats", "--home", str(home), "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
