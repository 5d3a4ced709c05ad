"""Parquet: batches of rows through pyarrow, in file order."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from indexer.quarantine import Entry
from indexer.readers.chunk import SourceError
from indexer.readers.rows import RowsChunk, check_columns, grouped
from indexer.readers.streams import plain_file

_BATCH_ROWS = 2048


def cut(path: Path, source: str, chunk_bytes: int, id_field: str) -> Iterator[RowsChunk | Entry]:
    """Chunks of the rows; raises SourceError for a damaged file or when there is no id column."""
    import pyarrow  # takes 0.2 s to import, and only this reader needs it
    import pyarrow.parquet

    with plain_file(path, source) as plain:
        try:
            with pyarrow.parquet.ParquetFile(plain) as file:
                columns = check_columns(file.schema_arrow.names, id_field, source)
                yield from grouped(source, columns, _rows(file), chunk_bytes)
        except (pyarrow.ArrowException, OSError) as error:
            raise SourceError(f"{source}: not a readable Parquet file ({' '.join(str(error).split())[:200]}); write it again") from error


def _rows(file: Any) -> Iterator[tuple[int, int, Sequence[Any], int]]:
    number = 0
    for batch in file.iter_batches(batch_size=_BATCH_ROWS):
        share = max(1, batch.nbytes // max(1, batch.num_rows))
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            number += 1
            yield number, 0, row, share
