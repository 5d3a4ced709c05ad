"""Experiments of a home: which models are drafted against what serves, as files; one runs at a time.

``experiments/NAME.json`` is the whole story of an experiment, ``experiments/RUNNING`` one line with the name of the one that runs, empty for none.
Both are replaced atomically, and the line alone says what runs, so whoever reads them sees one state or the next, wherever a process is killed: a
story that was written before its line is that of no experiment, and one whose line has gone that of an experiment that has ended. Model 0 is what
served when the experiment began.
"""

import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from indexer.durable import exclusive, make_folder, write_file
from indexer.errors import SearchdError
from indexer.home import Home
from ranker.choices import HORIZON
from ranker.clicklog_schema import now_ms
from ranker.interleaving import MAX_RANKERS
from ranker.registry import Registry
from ranker.sessions import normalised
from ranker.watch import serving

LOCK_SECONDS = 5.0
STARTING, RUNNING, STOPPED = "starting", "running", "stopped"
UNTOLD = "it was ended by a process that could not say why"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ExperimentError(SearchdError):
    """An experiment that cannot be started, or is not there."""

    code = "experiment"


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """``models[0]`` is what served at the start, the others its challengers: ``name/version``, or "none" for retrieval's own order.

    ``horizon`` in sessions; ``share`` of the sessions take part; ``alpha`` is shared by the challengers. Times in milliseconds since the epoch.
    ``dropped`` numbers challengers that were taken out for doing harm; ``standings`` are those of the end.
    """

    name: str
    models: list[str]
    started: int
    salt: str
    horizon: int = HORIZON
    alpha: float = 0.05
    share: float = 1.0
    dropped: list[int] = []
    status: str = RUNNING
    stopped: int | None = None
    reason: str = ""
    standings: list[dict[str, Any]] = []

    @property
    def against_itself(self) -> bool:
        """An A/A check: whatever it finds is a fault of the experiment, not of a model."""
        return len(set(self.models)) == 1

    @property
    def alive(self) -> list[int]:
        """Numbers of the models that are drafted."""
        return [number for number in range(len(self.models)) if number not in self.dropped]

    @property
    def alpha_of_one(self) -> float:
        """What each challenger may spend (Bonferroni)."""
        return self.alpha / max(1, len(self.models) - 1)

    def takes(self, unit: str) -> bool:
        """Whether the session ``unit`` takes part; always the same answer."""
        return self._hash("share", unit) < self.share * 2.0**64

    def seed(self, unit: str, query: str) -> int:
        """What the draft for this session and query is drawn with: one session sees one list for a query, on all its pages."""
        return self._hash("draft", unit, normalised(query))

    def _hash(self, *parts: str) -> int:
        text = "\0".join((self.salt, *parts)).encode("utf-8", "replace")
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


class Experiments:
    """The folder ``experiments`` of a home. Holds no state: what it says is what the files say now."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.folder = home.experiments
        self.running_file = home.experiments / "RUNNING"

    def running(self) -> Experiment | None:
        """The experiment that runs, or None."""
        name = self._line()
        found = self._now(self._story(name)) if name else None
        return found if found is not None and found.status == RUNNING else None

    def read(self, name: str) -> Experiment:
        """An experiment by name, as it is by now; raises ExperimentError."""
        found = self._now(self._story(name))
        if found is None:
            raise self._unknown(name)
        return found

    def _now(self, story: Experiment) -> Experiment | None:
        """What a story says together with the line, which is read after it; None for what was never started."""
        named = self._line() == story.name
        if story.status == STARTING:
            return msgspec.structs.replace(story, status=RUNNING) if named else None
        if story.status == RUNNING and not named:
            return msgspec.structs.replace(story, status=STOPPED, reason=UNTOLD)
        return story

    def _line(self) -> str:
        """The name of the experiment that runs, "" for none."""
        try:
            return self.running_file.read_text("utf-8", "replace").strip()
        except FileNotFoundError:
            return ""

    def _story(self, name: str) -> Experiment:
        """What the file of an experiment says."""
        path = self._path(name)
        try:
            return msgspec.json.decode(path.read_bytes(), type=Experiment)
        except FileNotFoundError:
            raise self._unknown(name) from None
        except msgspec.DecodeError as error:
            raise ExperimentError(f"{path}: expected an experiment, found a damaged file ({error}); remove it") from error

    def _unknown(self, name: str) -> ExperimentError:
        known = ", ".join(one.name for one in self.entries()) or "none yet"
        return ExperimentError(f"expected one of the experiments of this home ({known}), found {name!r}")

    def entries(self) -> list[Experiment]:
        """All experiments that can be read, oldest first."""
        found = []
        for path in sorted(self.folder.glob("*.json")) if self.folder.is_dir() else []:
            try:
                found.append(self._now(self._story(path.stem)))
            except ExperimentError:
                continue
        return sorted((one for one in found if one is not None), key=lambda one: one.started)

    def start(self, name: str, challengers: list[str], horizon: int = HORIZON, alpha: float = 0.05, share: float = 1.0) -> Experiment:
        """Draft ``challengers`` against what serves, from the next search on; raises ExperimentError, UnknownModel."""
        models = [serving(self.home), *(self._resolved(one) for one in challengers)]
        if not 2 <= len(models) <= MAX_RANKERS:
            raise ExperimentError(f"expected one to {MAX_RANKERS - 1} challengers, found {len(challengers)}")
        if horizon < 1 or not 0 < alpha < 1 or not 0 < share <= 1:
            raise ExperimentError("expected sessions of 1 or more, alpha between 0 and 1, and a share above 0 and at most 1")
        if len(set(models)) not in (1, len(models)):
            raise ExperimentError(f"expected models that all differ, or one against itself, found {', '.join(models)}")
        experiment = Experiment(
            name=name, models=models, started=now_ms(), salt=secrets.token_hex(8), horizon=horizon, alpha=alpha, share=share
        )
        make_folder(self.folder)
        with self._locked():
            running = self.running()
            if running is not None:
                raise ExperimentError(f"experiment {running.name} runs; stop it first: `ranker experiments stop {running.name}`")
            if self._path(name).exists() and self._story(name).status != STARTING:
                raise ExperimentError(f"experiment {name} has been already, and its story is kept; choose another name")
            self._write(msgspec.structs.replace(experiment, status=STARTING))
            write_file(self.running_file, f"{name}\n".encode())
            self._write(experiment)
        return experiment

    def stop(self, name: str, reason: str, standings: list[dict[str, Any]]) -> Experiment:
        """Serve what serves, from the next search on, and write down how it ended; an experiment that has ended stays as it is."""
        with self._locked():
            experiment = self.read(name)
            if experiment.stopped is not None:
                return experiment
            ended = msgspec.structs.replace(experiment, status=STOPPED, stopped=now_ms(), reason=reason, standings=standings)
            if self._line() == name:
                self._write(msgspec.structs.replace(experiment, status=RUNNING))  # it may say "starting", which without the line is nothing
                # The line goes first: whatever happens next, the experiment does not go on.
                write_file(self.running_file, b"")
            self._write(ended)
            return ended

    def drop(self, name: str, numbers: list[int]) -> Experiment:
        """Take challengers out of the draft; an experiment that has ended stays as it is."""
        with self._locked():
            experiment = self.read(name)
            if experiment.status != RUNNING:
                return experiment
            changed = msgspec.structs.replace(experiment, dropped=sorted({*experiment.dropped, *numbers}))
            self._write(changed)
            write_file(self.running_file, f"{name}\n".encode())  # touched, so that servers read the experiment again
            return changed

    def _resolved(self, given: str) -> str:
        """``name/version`` of a model that can be loaded."""
        if given == "active":
            return serving(self.home)
        if given == "none":
            return given
        name, _, version = given.partition("/")
        model = Registry(self.home).load(name, version or None)
        return f"{model.name}/{model.version}"

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ExperimentError(f"expected a name of letters, digits, '.', '_' and '-', found {name!r}")
        return self.folder / f"{name}.json"

    def _write(self, experiment: Experiment) -> None:
        write_file(self._path(experiment.name), msgspec.json.format(msgspec.json.encode(experiment)) + b"\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with exclusive(self.folder / ".lock", LOCK_SECONDS) as held:
            if not held:
                raise ExperimentError("another process changes the experiments of this home; try again")
            yield
