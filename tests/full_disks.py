"""Real disks that are too small, for a process of its own that may mount them: ``unshare -Urm python -c "import full_disks; full_disks.main()"``.

Takes a folder and how many sizes as JSON from standard input, and prints what it found as JSON.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner
from home_commands import documents, source, strays

from indexer.cli import main as indexer
from indexer.home import Home
from ranker.clicklog import ClickLog, ClickLogError, Event
from searchd.keys import KeyStore, KeysUnusable

DOCUMENTS = 300
PLENTY = 64 << 20


def _mount(folder: Path, size: int, *more: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join((f"size={size}", *more)), "none", str(folder)], check=True)


def _build(home: Home, path: str, *options: str):
    return CliRunner().invoke(indexer, ["build", path, "--home", str(home.root), *options])


def _used(folder: Path) -> int:
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def on_disks_of_many_sizes(folder: Path, sizes: int) -> dict:
    """Builds, every other one ordered by ``--reorder``, with less and less missing; and one with room again after each."""
    home = Home.at(folder / "disk" / "home")
    home.root.parent.mkdir()
    few, many = source(Home.at(folder / "few"), 3), source(Home.at(folder / "many"), DOCUMENTS)
    _mount(home.root.parent, PLENTY)
    assert _build(home, few).exit_code == 0
    start, before, last = _used(home.root), documents(home), _most_used(folder, many)
    subprocess.run(["umount", str(home.root.parent)], check=True)
    wrong, failed = [], 0
    for number in range(sizes):
        _mount(home.root.parent, PLENTY)
        assert _build(home, few).exit_code == 0
        size = start + 4096 + (last - start) * number // sizes
        subprocess.run(["mount", "-o", f"remount,size={size}", str(home.root.parent)], check=True)
        done = _build(home, many, *["--reorder"][: number % 2])
        failed += done.exit_code != 0
        if done.exit_code and (documents(home) != before or str(home.root) not in done.output):
            wrong.append(f"{size} bytes: {done.output}")
        subprocess.run(["mount", "-o", f"remount,size={PLENTY}", str(home.root.parent)], check=True)
        if _build(home, many).exit_code or len(documents(home)) != DOCUMENTS or strays(home):
            wrong.append(f"{size} bytes, then room: {strays(home)}")
        subprocess.run(["umount", str(home.root.parent)], check=True)
    return {"wrong": wrong, "failed": failed}


def _most_used(folder: Path, path: str) -> int:
    """What a build of ``path`` takes at its end, so that all sizes below are too small."""
    home = Home.at(folder / "measured" / "home")
    home.root.parent.mkdir()
    _mount(home.root.parent, PLENTY)
    assert _build(home, path).exit_code == 0
    return _used(home.root)


def _code_of(work) -> str:
    try:
        work()
    except (ClickLogError, KeysUnusable) as error:
        return error.code
    return ""


def _append(log: ClickLog, stored: list[str], count: int) -> None:
    for number in range(count):
        events = [Event(f"{len(stored)}-{number}-{n}", "q", "click", 1, message="x" * 1000) for n in range(20)]
        log.append(events)
        stored += [event.event_id for event in events]


def on_disks_for_clicks(folder: Path) -> dict:
    """A click log on a disk that fills up, then has room, then is read-only; and keys there."""
    disk, stored, found = folder / "clicks", [], {}
    disk.mkdir()
    _mount(disk, 2 << 20)
    log, keys = ClickLog(disk / "clicks.sqlite3"), KeyStore(disk / "keys.sqlite3")
    keys.create("search")
    found["full"] = _code_of(lambda: _append(log, stored, 1000))
    found["stored"] = sorted(stored) == sorted(event.event_id for event in log.events()) and len(stored) > 100
    subprocess.run(["mount", "-o", f"remount,size={PLENTY}", str(disk)], check=True)
    _append(log, stored, 5)
    log.close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    found["read-only"] = _code_of(lambda: _append(log, [], 1))
    found["keys"] = _code_of(lambda: keys.create("search"))
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    _append(log, stored, 5)
    found["again"] = sorted(stored) == sorted(event.event_id for event in log.events())
    return found


def main() -> None:
    task = json.load(sys.stdin)
    folder = Path(task["folder"])
    print(json.dumps(on_disks_of_many_sizes(folder, task["sizes"]) | on_disks_for_clicks(folder)))
