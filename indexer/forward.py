"""Sequences of term ids -> bytes: the forward index, which phrases, features and similar documents read.

Every document and text field is a row, row = doc * F + field; each position is a varint (7 bits a byte, low first, high bit = more follow)
of the term id + 1, and 0 is a gap that phrases do not cross. Frequent terms have small ids, so most positions take one or two bytes.
"""

from typing import NamedTuple

import numpy as np

from indexer.jit import kernel

MAX_VARINT = 5


class Forward(NamedTuple):
    """``data`` uint8 and ``offsets`` uint64[rows + 1]: the bytes of row r are ``data[offsets[r]:offsets[r + 1]]``."""

    data: np.ndarray
    offsets: np.ndarray

    def row(self, row: int) -> np.ndarray:
        """Term ids of a row, int32; -1 = gap."""
        start, stop = int(self.offsets[row]), int(self.offsets[row + 1])
        ids = np.empty(stop - start, np.int32)
        return ids[: decode_row(self.data, start, stop, ids)]


def encode_rows(ids: np.ndarray, ends: np.ndarray, kept_rows: np.ndarray, new_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows ``kept_rows`` of ``ids`` (int32, -1 = gap; rows end at ``ends``), each id replaced by ``new_ids[id]``: (bytes, bytes per row
    int64)."""
    sizes = np.empty(len(kept_rows), np.int64)
    positions = int((ends[kept_rows + 1] - ends[kept_rows]).sum())
    out = np.empty(positions * MAX_VARINT, np.uint8)
    return out[: _encode(ids, ends, kept_rows, new_ids, out, sizes)], sizes


@kernel
def _encode(ids, ends, kept_rows, new_ids, out, sizes):
    at = 0
    for i in range(len(kept_rows)):
        start = at
        for j in range(ends[kept_rows[i]], ends[kept_rows[i] + 1]):
            value = np.uint32(0) if ids[j] < 0 else np.uint32(new_ids[ids[j]] + 1)
            while value >= 128:
                out[at] = np.uint8((value & np.uint32(127)) | np.uint32(128))
                value >>= np.uint32(7)
                at += 1
            out[at] = np.uint8(value)
            at += 1
        sizes[i] = at - start
    return at


@kernel
def decode_row(data, start, stop, ids):
    """Decode ``data[start:stop]`` into ``ids`` (int32, -1 = gap); returns the number of positions."""
    n = 0
    value, shift = np.uint32(0), np.uint32(0)
    for i in range(start, stop):
        byte = np.uint32(data[i])
        value |= (byte & np.uint32(127)) << shift
        shift += np.uint32(7)
        if byte < 128:
            ids[n] = np.int32(value) - np.int32(1)
            n += 1
            value, shift = np.uint32(0), np.uint32(0)
    return n
