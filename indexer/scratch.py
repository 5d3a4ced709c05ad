"""Named arrays in a file that lives for minutes: no checksums, no syncs; written once, mapped when read.

The arrays stand one after another at multiples of 64 bytes, then a table of them as JSON, then the table's length in eight bytes.
"""

from collections.abc import Mapping
from pathlib import Path

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


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays as views of the mapped file."""
    mapped = np.asarray(np.memmap(path, np.uint8, mode="r"))
    size = int.from_bytes(mapped[-8:].tobytes(), "little")
    table = orjson.loads(mapped[-8 - size : -8].tobytes())
    return {name: _view(mapped, np.dtype(dtype), shape, start) for name, dtype, shape, start in table}


def _view(mapped: np.ndarray, dtype: np.dtype, shape: list[int], start: int) -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    return mapped[start : start + size].view(dtype).reshape(shape)
