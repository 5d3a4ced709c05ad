"""What a training has grown so far, on disk: a training that was killed goes on from there and ends with the same bytes.

    FOLDER/<job>/0000.txt, 0001.txt, ...     the trees of one stretch of rounds each, LightGBM's text

A job is named by a hash of everything that decides its outcome, so a folder never serves other data or settings than those it was made of.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from indexer.durable import make_folder, remove_tree, write_file
from ranker.lightgbm_text import InvalidModel, TextModel, parse_model


def job_name(settings: dict[str, Any], *arrays: np.ndarray | None) -> str:
    """32 hex digits of a hash of settings and arrays, their types and shapes included."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for array in arrays:
        digest.update(b"none" if array is None else f"{array.dtype.str}{array.shape}".encode())
        if array is not None:
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:32]


class Stretches:
    """The stretches of one job; without a folder nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def read(self, number: int) -> tuple[str, TextModel] | None:
        """The text of a stretch that was grown before, or None; one that is damaged is grown again."""
        if self.folder is None:
            return None
        path = self.folder / f"{number:04d}.txt"
        try:
            text = path.read_text("utf-8")
            return text, parse_model(text, str(path))
        except (OSError, UnicodeDecodeError, InvalidModel):
            return None

    def write(self, number: int, text: str) -> None:
        """Keep a stretch, durably."""
        if self.folder is not None:
            make_folder(self.folder)
            write_file(self.folder / f"{number:04d}.txt", text.encode())


class Checkpoints:
    """The jobs of one training, in ``folder``; None: nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def of(self, settings: dict[str, Any], *arrays: np.ndarray | None) -> Stretches:
        """What is kept of the job that settings and arrays describe."""
        return Stretches(self.folder / job_name(settings, *arrays) if self.folder else None)

    def remove(self) -> None:
        """Forget everything: the training is complete."""
        if self.folder is not None:
            remove_tree(self.folder)
