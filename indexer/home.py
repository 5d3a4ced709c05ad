"""The home folder: one collection's settings, index, click log, models and lexicon, by name."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """Names of everything inside one home folder; creates nothing."""

    root: Path

    @classmethod
    def at(cls, path: str | os.PathLike[str] | None = None) -> "Home":
        """The home at ``path``, else at ``SEARCHD_HOME``, else ``var``."""
        return cls(Path(path or os.environ.get("SEARCHD_HOME") or "var"))

    @property
    def settings(self) -> Path:
        return self.root / "searchd.toml"

    @property
    def index(self) -> Path:
        return self.root / "index"

    @property
    def current(self) -> Path:
        return self.index / "CURRENT"

    @property
    def clicks(self) -> Path:
        return self.root / "clicks.sqlite3"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def experiments(self) -> Path:
        return self.root / "experiments"

    @property
    def lexicon(self) -> Path:
        return self.root / "lexicon"

    @property
    def keys(self) -> Path:
        """SQLite file of hashed API keys."""
        return self.root / "keys.sqlite3"

    @property
    def secret(self) -> Path:
        """32 random bytes that sign query ids, mode 0600, made on first use."""
        return self.root / "secret"
