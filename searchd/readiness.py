"""Workers tell one another that they are warm, by empty files in the server's own folder.

``/ready`` is asked of one worker but means all of them: otherwise the first requests after a start would reach a cold one.
"""

import os
from pathlib import Path

WORKERS, RUN_FOLDER = "SEARCHD_EXPECTED_WORKERS", "SEARCHD_RUN_FOLDER"  # names of variables that a server sets for its workers


def mark_warm(folder: Path) -> None:
    """This process is warm."""
    (folder / f"warm-{os.getpid()}").touch()


def missing_workers(folder: Path) -> int:
    """How many of the expected workers are not warm yet; 0 outside of ``searchd serve``."""
    expected = int(os.environ.get(WORKERS) or 0)
    if expected <= 1:
        return 0
    return max(0, expected - sum(_alive(path) for path in folder.glob("warm-*")))


def _alive(path: Path) -> bool:
    if alive(int(path.name.removeprefix("warm-"))):
        return True
    path.unlink(missing_ok=True)
    return False


def alive(pid: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
