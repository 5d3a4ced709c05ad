"""The lengths of documents: how many of a field's terms count for BM25."""

import numpy as np

from indexer.container import ContainerWriter


def write_lengths(writer: ContainerWriter, lengths: np.ndarray) -> None:
    """The sections ``lengths*`` of ``lengths`` uint32[F, N]."""
    writer.add("lengths", lengths)
    writer.add("lengths.totals", lengths.sum(axis=1, dtype=np.uint64))
    writer.add("lengths.having", np.count_nonzero(lengths, axis=1).astype(np.uint64))
