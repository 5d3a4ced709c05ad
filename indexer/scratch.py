"""Named arrays in a file, or in a block of memory, that lives for minutes: no checksums, no syncs; written once, mapped when read.

The arrays stand one after another at multiples of 64 bytes, then a table of them as JSON, then the table's length in eight bytes.
"""

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import orjson

from indexer.durable import FileWriter

_ALIGNMENT = 64


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the arrays; the file appears when it is whole."""
    writer = FileWriter(path, sync=False)
    try:
        table = []
        for name, array in arrays.items():
            writer.write(bytes(-writer.size % _ALIGNMENT))
            table.append((name, array.dtype.str, array.shape, writer.size))
            writer.write(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
        encoded = orjson.dumps(table)
        writer.write(encoded + len(encoded).to_bytes(8, "little"))
        writer.close()
    finally:
        writer.abort()


def copy_arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays in one block of memory, which is returned to the system when the last of them goes."""
    starts = np.cumsum([0] + [array.nbytes + -array.nbytes % _ALIGNMENT for array in arrays.values()]).tolist()
    mapped = mmap.mmap(-1, max(starts[-1], 1), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    mapped.madvise(mmap.MADV_HUGEPAGE)  # a page of 2 MiB costs little more than one of 4 KiB
    block = np.frombuffer(mapped, np.uint8)
    copies = {name: _view(block, array.dtype, list(array.shape), start) for (name, array), start in zip(arrays.items(), starts)}
    for name, array in arrays.items():
        copies[name][...] = array
    return copies


def load_arrays(path: Path, mode: Literal["r", "c"] = "r") -> dict[str, np.ndarray]:
    """The arrays as views of the mapped file: read-only, or for kernels that are compiled for arrays of memory "c", whose changes stay here."""
    mapped = np.asarray(np.memmap(path, np.uint8, mode=mode))
    size = int.from_bytes(mapped[-8:].tobytes(), "little")
    table = orjson.loads(mapped[-8 - size : -8].tobytes())
    return {name: _view(mapped, np.dtype(dtype), shape, start) for name, dtype, shape, start in table}


def _view(mapped: np.ndarray, dtype: np.dtype, shape: list[int], start: int) -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    return mapped[start : start + size].view(dtype).reshape(shape)
