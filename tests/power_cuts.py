"""What a disk may hold after the power is cut: recorded operations, replayed with those that were not synced dropped or torn.

The least that POSIX promises: data is on the disk after fsync of the file, a name after fsync of its folder, and a rename is one step. Of all that
was not synced any part may be there, in any order (ALICE, Pillai et al., OSDI 2014; CrashMonkey, Mohan et al., OSDI 2018).
"""

import itertools
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import indexer.durable as durable

ROOT = 0
Tree = dict[int, dict[str, int]]


class Names(NamedTuple):
    """Changes of names that come together: (folder, name, node or None)."""

    changes: tuple[tuple[int, str, int | None], ...]


class Data(NamedTuple):
    """All bytes of a file from now on."""

    node: int
    content: bytes


class Synced(NamedTuple):
    """A file or a folder, as it is now, is on the disk."""

    node: int


class Done(NamedTuple):
    """Somebody was told that the work of this number is done."""

    number: int


class Recorder:
    """An observer of the door that writes down what is done below ``root``, an empty folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log: list[Names | Data | Synced | Done] = []
        self._tree: Tree = {ROOT: {}}
        self._content: dict[int, bytes] = {}
        self._nodes: dict[int, int] = {}  # by the numbers of the system, which are used again
        self._number = itertools.count(1)

    def __call__(self, step, do):
        before = self._node(step.arguments[0]) if step.name == "create" else None
        result = do()
        if hasattr(self, f"_{step.name}") and step.path.is_relative_to(self.root):
            if step.name == "create":
                self._create(step, result, before)
            elif step.name == "write":
                self._write(step, result)
            else:
                getattr(self, f"_{step.name}")(step)
        return result

    def done(self, number: int) -> None:
        self.log.append(Done(number))

    def _place(self, path: Path) -> tuple[int, str]:
        node = ROOT
        for part in path.relative_to(self.root).parts[:-1]:
            node = self._tree[node][part]
        return node, path.name

    def _node(self, path: Path) -> int | None:
        if Path(path) == self.root:
            return ROOT
        folder, name = self._place(Path(path))
        return self._tree[folder].get(name)

    def _change(self, *changes):
        for folder, name, node in changes:
            self._tree[folder].pop(name, None)
            if node is not None:
                self._tree[folder][name] = node
        self.log.append(Names(changes))

    def _create(self, step, descriptor, node):
        if node is None:
            node = next(self._number)
            self._change((*self._place(step.arguments[0]), node))
        self._nodes[os.fstat(descriptor).st_ino] = node
        self._content[node] = b""
        self.log.append(Data(node, b""))

    def _write(self, step, written):
        node = self._nodes[os.fstat(step.arguments[0]).st_ino]
        self._content[node] += bytes(step.arguments[1][:written])
        self.log.append(Data(node, self._content[node]))

    def _sync(self, step):
        self.log.append(Synced(self._nodes[os.fstat(step.arguments[0]).st_ino]))

    def _sync_folder(self, step):
        self.log.append(Synced(self._node(step.path)))

    def _make_folder(self, step):
        if self._node(step.path) is None:
            node = next(self._number)
            self._tree[node] = {}
            self._change((*self._place(step.path), node))

    def _remove_folder(self, step):
        self._change((*self._place(step.path), None))

    _unlink = _remove_folder

    def _link(self, step):
        source, target = step.arguments
        self._change((*self._place(target), self._node(source)))

    def _replace(self, step):
        source, target = step.arguments
        self._change((*self._place(source), None), (*self._place(target), self._node(source)))


State = dict[str, bytes | None]  # path -> content, None for a folder


def record(root: Path, works) -> list[Names | Data | Synced | Done]:
    """What ``works``, one after another, do below an empty folder."""
    recorder = Recorder(root)
    durable.watch(recorder)
    try:
        for number, work in enumerate(works):
            work()
            recorder.done(number)
    finally:
        durable.watch(None)
    return recorder.log


def crashes(log, chance: random.Random, more: int = 4) -> Iterator[tuple[int, State]]:
    """(works done, what the disk may hold) after a cut at every place of the log."""
    disk: Tree = {ROOT: {}}
    files: dict[int, list[bytes]] = {}  # what is on the disk for sure, what the system has
    pending: list[Names] = []
    done = 0
    for entry in log:
        if isinstance(entry, Names):
            pending.append(entry)
        elif isinstance(entry, Data):
            files.setdefault(entry.node, [b"", b""])[1] = entry.content
        elif isinstance(entry, Synced) and entry.node in files:
            files[entry.node][0] = files[entry.node][1]
        elif isinstance(entry, Synced):
            pending = _settle(disk, pending, entry.node)
        else:
            done = entry.number + 1
        for kept in _subsets(pending, chance, more):
            tree = {folder: dict(names) for folder, names in disk.items()}
            for names in kept:
                _apply(tree, names)
            for torn in _TORN if _unsynced(tree, files) else _TORN[:1]:
                yield done, dict(_visible(tree, files, ROOT, "", torn))


def _apply(tree, names):
    for folder, name, node in names.changes:
        found = tree.setdefault(folder, {})
        found.pop(name, None)
        if node is not None:
            found[name] = node


def _settle(disk, pending, folder):
    """The folder is synced: what happened in it is on the disk; of a rename between two folders, when either is."""
    here = [names for names in pending if any(place == folder for place, *_ in names.changes)]
    for names in here:
        _apply(disk, names)
    return [names for names in pending if names not in here]


def _subsets(pending, chance, more):
    """Nothing, all, all but one, one alone, and some by chance; each in the order of the log."""
    yield pending
    if pending:
        yield []
    if len(pending) > 1:
        for place in range(len(pending)):
            yield pending[:place] + pending[place + 1 :]
            yield [pending[place]]
        for _ in range(more if len(pending) > 2 else 0):
            yield [names for names in pending if chance.random() < 0.5]


def _zeros(old, new):
    return new[: len(new) // 2] + bytes(len(new) - len(new) // 2)


_TORN = (lambda old, new: new, lambda old, new: old, lambda old, new: new[: len(new) // 2], _zeros, lambda old, new: b"")


def _unsynced(tree, files):
    return any(node in files and files[node][0] != files[node][1] for names in tree.values() for node in names.values())


def _visible(tree, files, folder, path, torn):
    for name, node in tree.get(folder, {}).items():
        if node in files:
            old, new = files[node]
            yield f"{path}{name}", new if old == new else torn(old, new)
        else:
            yield f"{path}{name}", None
            yield from _visible(tree, files, node, f"{path}{name}/", torn)


def restore(state: State, folder: Path, blobs: Path) -> None:
    """Make ``folder`` hold a state; equal files share their bytes in ``blobs``, on the same disk."""
    folder.mkdir()
    for name, content in state.items():
        if content is None:
            (folder / name).mkdir()
            continue
        blob = blobs / f"{len(content)}-{hash(content)}"
        if not blob.exists():
            blob.write_bytes(content)
        os.link(blob, folder / name)


def fingerprint(state: State) -> int:
    """Equal for equal states."""
    return hash(frozenset(state.items()))
