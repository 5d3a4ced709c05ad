"""The models of one home: versions in folders, and one file that says which is served.

``models/ACTIVE`` holds one line ``NAME VERSION`` for every activation still remembered, the newest last; an empty last line's place means no
model. It is replaced atomically, so whoever reads it sees one activation or the next, and rollback is dropping the last line. Those who change it
take turns: of two activations at once both are remembered.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from indexer.durable import exclusive, rename_folder, staging_folder, write_file
from indexer.errors import SearchdError
from indexer.home import Home
from ranker.model import SUMS, Model, Trained, files_of, read_model, write_model
from ranker.model_card import NAME as CARD
from ranker.model_card import card_text

REMEMBERED = 20
LOCK_SECONDS = 5.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED = ("none", "active", "ACTIVE")
_VERSION = re.compile(r"v[0-9]{4,}")


class UnknownModel(SearchdError):
    """No model of that name or version, or none active."""

    code = "unknown_model"


class ModelEntry(NamedTuple):
    """One version in the registry; of a damaged one the card is empty, and ``damaged`` says what is wrong with it."""

    name: str
    version: str
    active: bool
    card: dict[str, Any]
    damaged: str | None = None


class Registry:
    """The folder ``models`` of a home. Holds no state: what it says is what the files say now."""

    def __init__(self, home: Home):
        self.folder = home.models
        self.active_file = home.models / "ACTIVE"

    def names(self) -> list[str]:
        """Models with at least one version, by name."""
        if not self.folder.is_dir():
            return []
        return sorted(p.name for p in self.folder.iterdir() if _NAME.fullmatch(p.name) and p.is_dir() and self.versions(p.name))

    def versions(self, name: str) -> list[str]:
        """Versions of a model, oldest first; empty for a name that is unknown."""
        folder = self.folder / _checked(name)
        if not folder.is_dir():
            return []
        return sorted((p.name for p in folder.iterdir() if _VERSION.fullmatch(p.name)), key=lambda v: int(v[1:]))

    def active(self) -> tuple[str, str] | None:
        """(name, version) of the model that is served, or None."""
        history = self._history()
        return history[-1] if history else None

    def before(self) -> tuple[str, str] | None:
        """(name, version) of what a rollback would serve, or None for retrieval's own order."""
        history = self._history()
        return history[-2] if len(history) > 1 else None

    def entries(self) -> list[ModelEntry]:
        """Every version of every model, damaged ones too."""
        active = self.active()
        return [self._entry(name, version, active) for name in self.names() for version in self.versions(name)]

    def _entry(self, name: str, version: str, active: tuple[str, str] | None) -> ModelEntry:
        is_active = (name, version) == active
        try:
            return ModelEntry(name, version, is_active, self.load(name, version).card)
        except SearchdError as error:
            return ModelEntry(name, version, is_active, {}, str(error).replace(f"{self.folder}/", ""))

    def publish(self, trained: Trained, card: dict[str, Any], name: str) -> str:
        """Store a model as the next version of ``name``, verified by loading it, and return the version. Activates nothing."""
        with staging_folder(self.folder / _checked(name)) as staging:
            write_model(staging, trained, card)
            self._describe(read_model(staging, name, own=True), staging)
            return self._place(staging, name)

    def import_folder(self, source: Path, name: str) -> str:
        """Copy a model folder of another home as the next version of ``name``; raises unless it is whole and our scorer can hold it."""
        read_model(source, name)
        with staging_folder(self.folder / _checked(name)) as staging:
            for file in files_of(source):
                write_file(staging / file, (source / file).read_bytes())
            self._describe(read_model(staging, name), staging)
            return self._place(staging, name)

    def load(self, name: str = "active", version: str | None = None) -> Model:
        """Load and verify a version (the newest by default) of a model, or the active one; raises UnknownModel."""
        if name == "active":
            active = self.active()
            if active is None:
                raise UnknownModel("expected an active model, found none; train one and run `ranker models activate NAME`")
            name, version = active
        version = self._resolve(name, version)
        return read_model(self.folder / name / version, name, version, own=True)

    def activate(self, name: str, version: str | None = None) -> tuple[str, str]:
        """Serve this model from now on; it is loaded and verified first. Returns (name, version)."""
        model = self.load(name, version)
        chosen = (model.name, model.version)
        with self._in_turn():
            history = self._history()
            if not history or history[-1] != chosen:
                self._write_history([*history, chosen])
        return chosen

    def rollback(self, only: tuple[str, str] | None = None) -> tuple[str, str] | None:
        """Go back to what was served before (None: retrieval's own order); raises UnknownModel if nothing is active, or another than ``only``."""
        with self._in_turn():
            history = self._history()
            if not history:
                raise UnknownModel("expected an active model to roll back from, found none; see `ranker models list`")
            if only is not None and history[-1] != only:
                raise UnknownModel(f"expected {'/'.join(only)} to be active, found {'/'.join(history[-1])}; nothing was rolled back")
            if len(history) > 1:
                self.load(*history[-2])
            self._write_history(history[:-1])
            return history[-2] if len(history) > 1 else None

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """One after another; who does not get the turn goes on without, since a forgotten activation is better than one that is refused."""
        if not self.folder.is_dir():
            yield
            return
        with exclusive(self.folder / ".active", LOCK_SECONDS):
            yield

    def card_of(self, name: str = "active", version: str | None = None) -> str:
        """The card of a version as a text, as it also stands beside the model; raises as ``load``."""
        model = self.load(name, version)
        return self._text(model, self.folder / model.name / model.version)

    def _describe(self, model: Model, folder: Path) -> None:
        write_file(folder / CARD, self._text(model, folder).encode())

    @staticmethod
    def _text(model: Model, folder: Path) -> str:
        return card_text(model.name, model.version, model.card, model.featureset, (folder / SUMS).read_text("ascii"))

    def _resolve(self, name: str, version: str | None) -> str:
        versions = self.versions(name)
        if not versions:
            known = ", ".join(self.names()) or "none yet"
            raise UnknownModel(f"expected one of the models of this home ({known}), found {name!r}; see `ranker models list`")
        if version is not None and version not in versions:
            raise UnknownModel(f"model {name}: expected a version of {versions[0]}..{versions[-1]}, found {version!r}")
        return version or versions[-1]

    def _history(self) -> list[tuple[str, str]]:
        try:
            lines = self.active_file.read_text("utf-8", "replace").split("\n")
        except FileNotFoundError:
            return []
        pairs = [tuple(line.split(" ")) for line in lines if line]
        if not all(len(p) == 2 and _NAME.fullmatch(p[0]) and _VERSION.fullmatch(p[1]) for p in pairs):
            raise UnknownModel(
                f"{self.active_file}: expected lines 'NAME VERSION', found something else; run `ranker models activate NAME`"
            )
        return [(p[0], p[1]) for p in pairs]

    def _write_history(self, history: list[tuple[str, str]]) -> None:
        lines = [f"{name} {version}\n" for name, version in history[-REMEMBERED:]]
        write_file(self.active_file, "".join(lines).encode())

    def _place(self, staging: Path, name: str) -> str:
        """Give a finished folder the next free version; two writers never share one, since a folder does not replace a full folder."""
        while True:
            versions = self.versions(name)
            version = f"v{int(versions[-1][1:]) + 1 if versions else 1:04d}"
            try:
                rename_folder(staging, self.folder / name / version)
                return version
            except OSError:
                if version not in self.versions(name):
                    raise


def difference(first: Model, second: Model) -> dict[str, Any]:
    """How two models differ: features lost and new, and the entries of their cards that are not the same."""
    names = first.featureset.names, second.featureset.names
    keys = sorted(set(first.card) | set(second.card))
    changed = {k: [first.card.get(k), second.card.get(k)] for k in keys if first.card.get(k) != second.card.get(k)}
    return {
        "features_removed": [n for n in names[0] if n not in names[1]],
        "features_added": [n for n in names[1] if n not in names[0]],
        "same_fingerprint": first.featureset.fingerprint == second.featureset.fingerprint,
        "card": changed,
    }


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise UnknownModel(f"expected a model name of letters, digits, '.', '_' and '-' (not {', '.join(_RESERVED)}), found {name!r}")
    return name
