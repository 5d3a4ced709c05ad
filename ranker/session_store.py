"""Sessions on disk, read some at a time: click models learn from logs that do not fit in memory.

    lengths.u1   positions of each session       rows.i4, ranks.u1, clicked.u1   each position, sessions one after the other

Six bytes a position and one a session, little-endian; EM reads all of it once a pass, in order. Working files: made again, never kept.
"""

import contextlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.errors import SearchdError
from ranker.sessions import NUM_RANKS, Sessions

BLOCK = 1 << 17
"""Sessions that are read together: about 1.3 million positions, 20 MB."""
COLUMNS: dict[str, np.dtype[Any]] = {"rows": np.dtype("<i4"), "ranks": np.dtype("u1"), "clicked": np.dtype("?")}
MOST_POSITIONS = 255


class SessionStoreError(SearchdError):
    """Sessions that the files cannot hold, or files that do not belong together."""

    code = "session_store"


class StoredSessions:
    """A log for ``ClickModel.fit`` in the files of ``folder``. Memory: a block, and what the model keeps by row."""

    def __init__(self, folder: Path, num_rows: int, num_ranks: int = NUM_RANKS) -> None:
        self.folder, self.num_rows, self.num_ranks = folder, num_rows, num_ranks
        self.lengths = np.fromfile(folder / "lengths.u1", np.uint8)
        positions = int(self.lengths.sum(dtype=np.int64))
        for name, dtype in COLUMNS.items():
            found = (folder / _file(name)).stat().st_size // dtype.itemsize
            if found != positions:
                raise SessionStoreError(f"{folder / _file(name)}: expected {positions} positions, found {found}; write the sessions again")

    def __len__(self) -> int:
        return len(self.lengths)

    def blocks(self, size: int = BLOCK) -> Iterator[Sessions]:
        """All sessions, ``size`` at a time."""
        done = 0
        for first in range(0, len(self.lengths), size):
            offsets = np.concatenate([[0], np.cumsum(self.lengths[first : first + size], dtype=np.int64)])
            rows, ranks, clicked = (self._column(name, done, int(offsets[-1])) for name in COLUMNS)
            yield Sessions(offsets, rows, ranks.astype(np.int32), clicked)
            done += int(offsets[-1])

    def _column(self, name: str, first: int, count: int) -> NDArray[Any]:
        dtype = COLUMNS[name]
        return np.fromfile(self.folder / _file(name), dtype, count, offset=first * dtype.itemsize)

    @cached_property
    def _counts(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Impressions and clicks by row and rank."""
        totals = np.zeros((2, self.num_rows, self.num_ranks), np.int32)
        for block in self.blocks():
            np.add.at(totals[0], (block.rows, block.ranks), 1)
            np.add.at(totals[1], (block.rows[block.clicked], block.ranks[block.clicked]), 1)
        return totals[0], totals[1]

    @property
    def shown(self) -> NDArray[np.int32]:
        """Impressions, int32[R, K]."""
        return self._counts[0]

    @property
    def clicked(self) -> NDArray[np.int32]:
        """Clicks, int32[R, K]."""
        return self._counts[1]


def store_sessions(folder: Path, blocks: Iterable[Sessions], num_rows: int, num_ranks: int = NUM_RANKS) -> StoredSessions:
    """Write sessions, block by block, into ``folder``; raises SessionStoreError for one of more than 255 positions."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        lengths = stack.enter_context(open(folder / "lengths.u1", "wb"))
        files = {name: stack.enter_context(open(folder / _file(name), "wb")) for name in COLUMNS}
        for block in blocks:
            _append(block, lengths, files)
    return StoredSessions(folder, num_rows, num_ranks)


def _append(block: Sessions, lengths: Any, files: dict[str, Any]) -> None:
    counts = np.diff(block.offsets)
    if counts.max(initial=0) > MOST_POSITIONS:
        raise SessionStoreError(f"expected sessions of at most {MOST_POSITIONS} documents, found one of {counts.max()}; cut it")
    counts.astype(np.uint8).tofile(lengths)
    first, end = block.offsets[0], block.offsets[-1]
    for name, dtype in COLUMNS.items():
        getattr(block, name)[first:end].astype(dtype).tofile(files[name])


def _file(name: str) -> str:
    return f"{name}.{'i4' if COLUMNS[name].itemsize == 4 else 'u1'}"
