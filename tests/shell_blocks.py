"""The shell blocks of a document, run one after another as a newcomer would: in one folder, with one environment, servers in a second terminal."""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from web_server import free_port, ready_process

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
PORT = "8000"  # what the documents say; each run has a free one of its own
_KEPT = ".environment"  # what a block exported, for the next one


class Block(NamedTuple):
    """One block of shell or Python, and what the document shows as its output; ``...`` there stands for anything."""

    line: int
    language: str
    text: str
    shown: str


def blocks_of(document: Path) -> list[Block]:
    """The ``sh`` and ``python`` blocks in order; a ``text`` block right behind one is its output."""
    source = document.read_text(encoding="utf-8")
    fences = list(FENCE.finditer(source))
    found = []
    for place, fence in enumerate(fences):
        after = fences[place + 1] if place + 1 < len(fences) else None
        shows = after is not None and after[1] == "text" and not source[fence.end() : after.start()].strip()
        if fence[1] in ("sh", "python"):
            found.append(Block(source.count("\n", 0, fence.start()) + 2, fence[1], fence[2], after[2] if shows else ""))
    return found


def commands_of(text: str) -> list[str]:
    """The lines of a block without what is there for readers alone: comments and empty lines."""
    return [line for raw in text.splitlines() if (line := re.sub(r"(^|\s+)# .*", "", raw).rstrip())]


def missing_lines(shown: str, output: str) -> list[str]:
    """Lines that a document shows and a program did not print, in this order."""
    printed = iter(output.replace("\r", "\n").splitlines())
    wanted = [line.strip() for line in shown.splitlines() if line.strip() not in ("", "...")]
    return [line for line in wanted if not any(re.fullmatch(_pattern(line), one.strip()) for one in printed)]


def _pattern(line: str) -> str:
    return r"\s+".join(".*".join(map(re.escape, word.split("..."))) for word in line.split())


class Newcomer:
    """Somebody in a folder with what a clone has, who types what a document says."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.port = folder, str(free_port())
        self._servers = contextlib.ExitStack()
        (folder / ".venv").symlink_to(sys.prefix)
        for name in ("data", "docs"):
            (folder / name).symlink_to(root / name)
        self._environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH")))),
            "PATH": os.pathsep.join((str(Path(sys.prefix) / "bin"), os.environ["PATH"])),
            "SEARCHD_PORT": self.port,
        }

    def __enter__(self) -> "Newcomer":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop_servers()

    def run_python(self, program: str) -> str:
        """Run a program in the folder; returns what it printed."""
        return self._shell([f"python - <<'END'\n{program}END"])

    def run(self, lines: list[str]) -> str:
        """Type the lines; returns all that was printed. Raises CalledProcessError when one of them fails."""
        output, waiting = "", []
        for line in lines:
            if line.startswith("searchd serve"):
                output += self._shell(waiting)
                self._serve(line)
                waiting = []
            else:
                waiting.append(line)
        return output + self._shell(waiting)

    def _shell(self, lines: list[str]) -> str:
        if not lines:
            return ""
        script = "\n".join(["set -aeu -o pipefail", f"[ ! -f {_KEPT} ] || . ./{_KEPT}", *self._here(lines), f"export -p > {_KEPT}"])
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self._environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert done.returncode == 0, f"status {done.returncode} of\n{script}\n{done.stdout}"
        return done.stdout.replace(self.port, PORT)

    def _here(self, lines: list[str]) -> list[str]:
        return [line.replace(f"127.0.0.1:{PORT}", f"127.0.0.1:{self.port}") for line in lines]

    def _serve(self, line: str) -> None:
        """Start a server in place of the one before; returns when it is ready."""
        self.stop_servers()
        command, log = line.split(), self.folder / "server.log"
        self._servers.enter_context(ready_process(command, int(self.port), log, cwd=self.folder, env=self._environment))

    def stop_servers(self) -> None:
        """End what was started, with its workers."""
        self._servers.close()
